// Package socketio is a Socket.IO server (protocol 5, over Engine.IO 4) for clients of
// any language. It hides connections, transports, packets, acknowledgements and rooms;
// an application sees namespaces, sockets and typed events.
//
//	srv := socketio.NewServer(socketio.Options{})
//	ns := srv.Of("/")
//	socketio.On(ns, "say", func(s *socketio.Socket, p Said, ack socketio.Ack) { … })
//	http.Handle("/socket.io/", srv)
//
// A frame is encoded once and sent to any number of sockets (NewFrame, Namespace.To).
// Sending never waits; what a client does not read in time is bounded, and so is
// everything a client can send. On Linux an idle connection costs memory only.
//
// Event handlers run on I/O goroutines, in order for each socket: they must be quick or
// hand their work off. OnConnect handlers run in a bounded pool and may block.
//
// Protocol: https://github.com/socketio/socket.io-protocol (v5).
package socketio
