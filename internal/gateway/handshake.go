package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"

	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/socketio"
)

// handshake is what is kept of a socket's first request.
type handshake struct {
	token   string   // of the cookie, if there was one
	address string   // the client's, without a port
	hash    [32]byte // of token, to compare later requests with
}

// capture keeps of a handshake what the gateway needs; see socketio.Options.
func (g *Gateway) capture(r *http.Request) any {
	h := &handshake{token: g.opt.RequestToken(r), address: service.AddressKey(g.opt.RequestAddress(r))}
	h.hash = sha256.Sum256([]byte(h.token))
	return h
}

// checkSession refuses requests that name the connection of somebody else: the
// sid is not a secret good enough to speak for a person (RELIABILITY E6).
func (g *Gateway) checkSession(r *http.Request, captured any) error {
	h, ok := captured.(*handshake)
	if !ok {
		return nil
	}
	hash := sha256.Sum256([]byte(g.opt.RequestToken(r)))
	if subtle.ConstantTimeCompare(hash[:], h.hash[:]) != 1 {
		return &socketio.RequestError{Status: http.StatusForbidden, Code: 4, Message: "session_mismatch"}
	}
	return nil
}

func peerAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
