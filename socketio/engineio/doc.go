// Package engineio is a server for the Engine.IO protocol, revision 4: HTTP
// long-polling, WebSocket, the upgrade from one to the other, heartbeats and
// bounded sending. It hides transports and connections: above it there are only
// ordered messages.
//
// A silent WebSocket connection costs memory only. On Linux its file descriptor is
// taken from net/http and watched by a few epoll goroutines; it owns no goroutine,
// timer or buffer. Elsewhere, and for TLS, a goroutine per connection does the same
// work behind the same interface.
//
// Protocol: https://github.com/socketio/engine.io-protocol (v4), RFC 6455.
package engineio
