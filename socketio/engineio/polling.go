package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// polling is the state of a connection that has not (yet) become a WebSocket. It is
// guarded by the connection's mu.
type polling struct {
	waiter  chan []byte // the pending GET; takes one payload
	posting bool        // a POST is being handled
	probe   *pipe       // the candidate of an upgrade
	probeBy int64       // ns: when the upgrade must be complete
	leaving bool        // the client said goodbye
}

// probe is the candidate of an upgrade, or nil. mu is held.
func (c *Conn) probe() *pipe {
	if c.poll == nil {
		return nil
	}
	return c.poll.probe
}

// dropProbe closes the candidate without a word. mu is held.
func (c *Conn) dropProbe() {
	if p := c.probe(); p != nil {
		c.poll.probe = nil
		p.link.close(false)
	}
}

// rejectProbe closes the candidate with a reason; the polling transport goes on. mu is held.
func (c *Conn) rejectProbe(e *CloseError) {
	p := c.probe()
	c.poll.probe = nil
	sayGoodbye(p, e)
}

// upgrade makes the candidate the transport. inMu is held.
func (c *Conn) upgrade(p *pipe) {
	now := c.srv.now()
	c.mu.Lock()
	if c.state != stateOpen || c.probe() != p {
		c.mu.Unlock()
		return
	}
	c.answerPoll(noopPayload)
	c.poll, c.pipe, c.upgraded, p.state = nil, p, true, pipeActive
	err := c.flush(now)
	c.mu.Unlock()
	if err != nil {
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
	}
}

// answerPoll completes the pending GET, if any. mu is held.
func (c *Conn) answerPoll(payload []byte) {
	if c.poll != nil && c.poll.waiter != nil {
		c.poll.waiter <- payload
		c.poll.waiter = nil
	}
}

// flushPoll gives what waits to the pending GET, if any. mu is held.
func (c *Conn) flushPoll() {
	if c.poll.waiter != nil && c.out.len() > 0 {
		c.answerPoll(c.takePayload(nil))
	}
}

// takePayload empties the queue into a long-polling payload. mu is held.
func (c *Conn) takePayload(dst []byte) []byte {
	if c.out == nil {
		return dst
	}
	for _, e := range c.out.entries[c.out.head:] {
		dst = e.frame.appendPayload(dst)
	}
	c.credit(c.out.bytes)
	c.emptied()
	return dst
}

// goodbye is what the last poll gets: the close packet, or a noop for a client that said
// goodbye itself. mu is held.
func (c *Conn) goodbye() []byte {
	if c.poll.leaving {
		return noopPayload
	}
	return closePayload
}

// serveGet answers a poll.
func (s *Server) serveGet(w http.ResponseWriter, r *http.Request, c *Conn) error {
	c.mu.Lock()
	probe := c.probe()
	c.mu.Unlock()
	if probe != nil {
		// What the client sent on the candidate before this request counts before it.
		probe.link.drain()
	}
	payload, waiter, err := c.beginPoll()
	if err != nil {
		return err
	}
	rc := http.NewResponseController(w)
	if waiter != nil {
		// A long poll outlives the deadlines of ordinary requests.
		_ = rc.SetReadDeadline(time.Time{})  // not every ResponseWriter has deadlines
		_ = rc.SetWriteDeadline(time.Time{}) // likewise
		select {
		case payload = <-waiter:
		case <-r.Context().Done():
			c.abandonPoll(waiter)
			return nil
		}
	}
	_ = rc.SetWriteDeadline(s.opt.Now().Add(s.opt.FlushTimeout)) // likewise
	if err := writePlain(w, payload); err != nil {
		// The packets of this answer are lost, so the stream has a hole.
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
	}
	return nil
}

// beginPoll returns the payload for a poll, or the channel it will come by.
func (c *Conn) beginPoll() ([]byte, chan []byte, error) {
	payload, waiter, breach, err := c.tryPoll(c.srv.now())
	if breach != nil {
		c.end(breach, endGraceful)
	}
	return payload, waiter, err
}

// tryPoll is beginPoll under mu; a breach is for the caller to act on.
func (c *Conn) tryPoll(now int64) (payload []byte, waiter chan []byte, breach *CloseError, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.poll == nil || c.state == stateClosed:
		return nil, nil, nil, errRequest
	case c.state == stateClosing && c.out.len() > 0 && !c.poll.leaving:
		// Without the close packet: clients act on that at once, and on what came
		// with it only later.
		c.linger(now)
		return c.takePayload(nil), nil, nil, nil
	case c.state == stateClosing:
		payload = c.goodbye()
		c.destroy(false)
		return payload, nil, nil, nil
	case c.expired(now):
		return nil, nil, &CloseError{Reason: ReasonPingTimeout}, errSession
	case c.poll.waiter != nil:
		return nil, nil, badPacket("two polls at a time"), errRequest
	case c.out.len() > 0:
		return c.takePayload(nil), nil, nil, nil
	case c.poll.probe != nil && c.poll.probe.state == pipeProbed:
		return noopPayload, nil, nil, nil
	}
	c.poll.waiter = make(chan []byte, 1)
	return nil, c.poll.waiter, nil, nil
}

// abandonPoll handles a client that gave its poll up.
func (c *Conn) abandonPoll(waiter chan []byte) {
	c.mu.Lock()
	if c.poll != nil && c.poll.waiter == waiter {
		c.poll.waiter = nil
	}
	upgraded := c.poll == nil && len(waiter) == 1 && string(<-waiter) == string(noopPayload)
	c.mu.Unlock()
	if !upgraded {
		c.end(&CloseError{Reason: ReasonTransportClose}, endGone)
	}
}

// servePost takes a payload of the client.
func (s *Server) servePost(w http.ResponseWriter, r *http.Request, c *Conn) error {
	if err := checkBody(r, s.opt.MaxPayload); err != nil {
		if err.Status == http.StatusRequestEntityTooLarge {
			c.end(&CloseError{Reason: ReasonTooBig}, endGraceful)
		}
		return err
	}
	if err := s.takePost(w, r, c); err != nil {
		return err
	}
	if err := writePlain(w, []byte("ok")); err != nil {
		c.end(&CloseError{Reason: ReasonTransportError}, endGone)
	}
	return nil
}

// takePost reads and handles the body. It must be over before the answer is written: a
// client may send its next payload as soon as it has that.
func (s *Server) takePost(w http.ResponseWriter, r *http.Request, c *Conn) error {
	if err := c.beginPost(); err != nil {
		return err
	}
	defer c.endPost()
	body, err := s.readBody(w, r)
	if err != nil {
		if err.Status == http.StatusRequestEntityTooLarge {
			c.end(&CloseError{Reason: ReasonTooBig}, endGraceful)
		}
		return err
	}
	if err := c.takeBody(body); err != nil {
		c.end(asCloseError(err), endGraceful)
		return &RequestError{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: asCloseError(err).Error()}
	}
	return nil
}

// takeBody handles the packets of a body, in order with everything else that comes in.
func (c *Conn) takeBody(body []byte) error {
	c.inMu.Lock()
	defer c.inMu.Unlock()
	return decodePayload(body, func(p packet) error {
		c.mu.Lock()
		open := c.state == stateOpen
		c.mu.Unlock()
		if !open {
			return nil
		}
		return c.receive(p)
	})
}

// beginPost claims the connection for one POST.
func (c *Conn) beginPost() error {
	breach, err := c.tryPost(c.srv.now())
	if breach != nil {
		c.end(breach, endGraceful)
	}
	return err
}

func (c *Conn) tryPost(now int64) (breach *CloseError, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.poll == nil || c.state != stateOpen:
		return nil, errRequest
	case c.expired(now):
		return &CloseError{Reason: ReasonPingTimeout}, errSession
	case c.poll.posting:
		return badPacket("two posts at a time"), errRequest
	}
	c.poll.posting = true
	return nil, nil
}

func (c *Conn) endPost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poll != nil {
		c.poll.posting = false
	}
}

// checkBody refuses a body by its headers.
func checkBody(r *http.Request, limit int) *RequestError {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return &RequestError{Status: http.StatusUnsupportedMediaType, Code: CodeBadRequest, Message: "Content-Encoding not supported"}
	}
	if ct := r.Header.Get("Content-Type"); ct != "" {
		kind, _, err := mime.ParseMediaType(ct)
		if err != nil || kind == "application/octet-stream" || strings.HasPrefix(kind, "multipart/") {
			return &RequestError{Status: http.StatusUnsupportedMediaType, Code: CodeBadRequest, Message: "Content-Type not supported"}
		}
	}
	if r.ContentLength > int64(limit) {
		return tooLarge()
	}
	return nil
}

func tooLarge() *RequestError {
	return &RequestError{Status: http.StatusRequestEntityTooLarge, Code: CodeBadRequest, Message: "Payload too large"}
}

// readBody reads the body within BodyTimeout and MaxPayload.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *RequestError) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(s.opt.Now().Add(s.opt.BodyTimeout)) // not every ResponseWriter has deadlines
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.opt.MaxPayload)))
	if err == nil {
		_ = rc.SetReadDeadline(time.Time{}) // likewise
		return body, nil
	}
	w.Header().Set("Connection", "close")
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return nil, tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &RequestError{Status: http.StatusRequestTimeout, Code: CodeBadRequest, Message: "Request timeout"}
	}
	return nil, errRequest
}

// writePlain answers with a payload and reports whether it left.
func writePlain(w http.ResponseWriter, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if _, err := bytes.NewReader(body).WriteTo(w); err != nil {
		return fmt.Errorf("write payload: %w", err)
	}
	err := http.NewResponseController(w).Flush()
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("flush payload: %w", err)
	}
	return nil
}
