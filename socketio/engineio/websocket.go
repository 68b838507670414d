package engineio

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/parley-chat/parley/socketio/internal/ws"
)

// serveUpgrade takes a WebSocket: a new connection, or the candidate of an upgrade of c.
func (s *Server) serveUpgrade(w http.ResponseWriter, r *http.Request, c *Conn) error {
	key, err := checkUpgrade(w, r)
	if err != nil {
		return err
	}
	if s.draining.Load() {
		return errDown
	}
	fresh := c == nil
	if fresh {
		if c, err = s.newConn(r); err != nil {
			return err
		}
	} else {
		settleProbe(c)
	}
	nc, early, err := hijack(w)
	if err != nil {
		return err
	}
	answer := switchingProtocols(key)
	if fresh {
		s.adopt(c, nc, append(answer, newText(packetOpen, s.openData(c)).wire...), early)
		return nil
	}
	s.adoptProbe(c, nc, answer, early)
	return nil
}

// settleProbe handles what has arrived on an earlier candidate before a new one is judged.
func settleProbe(c *Conn) {
	c.mu.Lock()
	p := c.probe()
	c.mu.Unlock()
	if p != nil {
		p.link.drain()
	}
}

// checkUpgrade checks the opening handshake (RFC 6455 section 4.2.1) and returns the key.
func checkUpgrade(w http.ResponseWriter, r *http.Request) (string, error) {
	switch {
	case r.Method != http.MethodGet:
		return "", errMethod
	case !hasToken(r.Header["Connection"], "upgrade") || !hasToken(r.Header["Upgrade"], "websocket"):
		return "", errRequest
	case r.Header.Get("Sec-Websocket-Version") != "13":
		w.Header().Set("Sec-WebSocket-Version", "13")
		w.Header().Set("Upgrade", "websocket")
		return "", &RequestError{Status: http.StatusUpgradeRequired, Code: CodeBadRequest, Message: "Unsupported WebSocket version"}
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 || !ws.ValidKey(keys[0]) {
		return "", errRequest
	}
	return keys[0], nil
}

// hasToken looks for a token in a comma-separated header.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// hijack takes the network connection and the bytes that came early.
func hijack(w http.ResponseWriter) (net.Conn, []byte, error) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// HTTP/2 offers no way to a raw stream here; clients stay on long-polling.
		return nil, nil, errRequest
	}
	early := make([]byte, rw.Reader.Buffered())
	if _, err := rw.Read(early); err != nil && len(early) > 0 {
		_ = nc.Close() // it is broken already
		return nil, nil, fmt.Errorf("read early bytes: %w", err)
	}
	return nc, early, nil
}

func switchingProtocols(key string) []byte {
	b := make([]byte, 0, 512)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = append(b, ws.AcceptKey(key)...)
	return append(b, "\r\n\r\n"...)
}

// adopt starts a new connection over a WebSocket. What the client sends as soon as it
// has the answer finds the connection known.
func (s *Server) adopt(c *Conn, nc net.Conn, answer, early []byte) {
	p := &pipe{c: c}
	p.link = s.newLink(p, nc)
	c.pipe = p
	s.open(c)
	c.begin(p, answer, early)
}

// adoptProbe makes a WebSocket the candidate of an upgrade, unless there is no place for it.
func (s *Server) adoptProbe(c *Conn, nc net.Conn, answer, early []byte) {
	p := &pipe{c: c, state: pipeProbe}
	p.link = s.newLink(p, nc)
	c.mu.Lock()
	if c.poll == nil || c.poll.probe != nil || c.state != stateOpen {
		_ = p.link.say(answer) // a broken stream ends anyway
		sayGoodbye(p, &CloseError{Reason: ReasonBadPacket, Code: ws.CodePolicy, Text: "no upgrade possible"})
		c.mu.Unlock()
		return
	}
	c.poll.probe = p
	c.poll.probeBy = s.now() + int64(s.opt.UpgradeTimeout)
	s.wheel.Advance(&c.node, c, c.poll.probeBy)
	c.mu.Unlock()
	c.begin(p, answer, early)
}

// begin answers the opening handshake, hands the early bytes over and starts reading.
func (c *Conn) begin(p *pipe, answer, early []byte) {
	c.inMu.Lock()
	defer c.inMu.Unlock()
	c.mu.Lock()
	err := p.link.say(answer)
	c.mu.Unlock()
	if err == nil && len(early) > 0 {
		p.feed(early)
	}
	if err == nil {
		err = p.link.start()
	}
	if err != nil {
		p.gone(err)
	}
}

// sayGoodbye closes a WebSocket that is no transport. The connection's mu is held.
func sayGoodbye(p *pipe, e *CloseError) {
	code := e.Code
	if code == 0 {
		code = closeCode(e.Reason)
	}
	p.link.leave(ws.AppendClose(nil, code, e.Error()))
}
