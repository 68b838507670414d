// Package rawtest is a client for tests that says exactly what it is told, right or
// wrong: HTTP requests and WebSocket frames byte by byte. It hides deadlines and the
// failing of the test.
package rawtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio/internal/ws"
)

// Patience is how long anything expected may take.
const Patience = time.Minute

// Serve starts an HTTP server and returns its host and port.
func Serve(t testing.TB, h http.Handler) string {
	t.Helper()
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	return strings.TrimPrefix(ts.URL, "http://")
}

// Conn is a WebSocket under the test's control.
type Conn struct {
	t      testing.TB
	nc     net.Conn
	br     *bufio.Reader
	reader *ws.Reader
	queue  []frame
	err    error
}

type frame struct {
	op      ws.Opcode
	payload []byte
}

// Response is an answer, its body read.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Request sends an HTTP/1.1 request with exactly these header lines and returns the
// answer and the connection.
func Request(t testing.TB, addr, line string, header []string, body string) (Response, *Conn) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = nc.Close() }) // whatever its state
	deadline(t, nc)
	head := line + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	for _, h := range header {
		head += h + "\r\n"
	}
	_, _ = io.WriteString(nc, head+"\r\n"+body) // the server may refuse before it has read all
	br := bufio.NewReader(nc)
	res, err := http.ReadResponse(br, &http.Request{Method: strings.Fields(line)[0]})
	if err != nil {
		t.Fatalf("read response to %s: %v", line, err)
	}
	defer func() { _ = res.Body.Close() }() // read below
	got := Response{Status: res.StatusCode, Header: res.Header}
	if res.StatusCode != http.StatusSwitchingProtocols {
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("read body: %v", err)
		}
		got.Body = string(raw)
	}
	return got, &Conn{t: t, nc: nc, br: br}
}

// UpgradeHeader are the lines of a correct opening handshake.
func UpgradeHeader() []string {
	return []string{
		"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}
}

// Dial opens a WebSocket on the given path and query.
func Dial(t testing.TB, addr, target string, header ...string) *Conn {
	t.Helper()
	res, c := Request(t, addr, "GET "+target, append(UpgradeHeader(), header...), "")
	if res.Status != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade of %s answered with %d %s, want 101", target, res.Status, res.Body)
	}
	if got, want := res.Header.Get("Sec-Websocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Fatalf("accept key %q, want %q", got, want)
	}
	return c
}

func deadline(t testing.TB, nc net.Conn) {
	t.Helper()
	if err := nc.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatalf("set deadline: %v", err)
	}
}

var key = [4]byte{9, 8, 7, 6}

// Text builds a client's text frame, Binary a binary one.
func Text(s string) []byte { return ws.AppendMasked(nil, ws.OpText, []byte(s), key) }

// Binary builds a client's binary frame.
func Binary(p []byte) []byte { return ws.AppendMasked(nil, ws.OpBinary, p, key) }

// Control builds a client's control frame.
func Control(op ws.Opcode, p []byte) []byte { return ws.AppendMasked(nil, op, p, key) }

// Write sends raw bytes. That the server has closed meanwhile is no error here.
func (c *Conn) Write(b []byte) {
	c.t.Helper()
	deadline(c.t, c.nc)
	_, _ = c.nc.Write(b) // what matters is what the server answers
}

// Send sends text frames.
func (c *Conn) Send(texts ...string) {
	c.t.Helper()
	for _, s := range texts {
		c.Write(Text(s))
	}
}

// Net is the network connection.
func (c *Conn) Net() net.Conn { return c.nc }

// Message implements ws.Sink.
func (c *Conn) Message(op ws.Opcode, p []byte) error {
	c.queue = append(c.queue, frame{op, bytes.Clone(p)})
	return nil
}

// Control implements ws.Sink.
func (c *Conn) Control(op ws.Opcode, p []byte) error { return c.Message(op, p) }

// next returns the next frame, or the error the stream ended with.
func (c *Conn) next() (frame, error) {
	buf := make([]byte, 32<<10)
	for len(c.queue) == 0 {
		if c.err != nil {
			return frame{}, c.err
		}
		n, err := c.br.Read(buf)
		if n > 0 {
			var ferr error
			if c.reader, ferr = c.reader.Feed(buf[:n], ws.Limits{MaxMessage: 64 << 20}, c); ferr != nil {
				c.t.Fatalf("server sent a bad frame: %v", ferr)
			}
		}
		c.err = err
	}
	f := c.queue[0]
	c.queue = c.queue[1:]
	return f, nil
}

// Next returns the next text message; pings of Engine.IO are skipped unless asked for.
func (c *Conn) Next(pings bool) string {
	c.t.Helper()
	deadline(c.t, c.nc)
	for {
		f, err := c.next()
		if err != nil {
			c.t.Fatalf("read: %v", err)
		}
		if f.op == ws.OpClose {
			code, reason := ws.CloseCode(f.payload)
			c.t.Fatalf("server closed with %d %q, want a message", code, reason)
		}
		if f.op == ws.OpText && (pings || string(f.payload) != "2") {
			return string(f.payload)
		}
	}
}

// Want fails the test unless the next text message is the given one.
func (c *Conn) Want(text string) {
	c.t.Helper()
	if got := c.Next(text == "2"); got != text {
		c.t.Fatalf("got %.200q, want %.200q", got, text)
	}
}

// WantPrefix is Want for the beginning of a message, and returns the message.
func (c *Conn) WantPrefix(prefix string) string {
	c.t.Helper()
	got := c.Next(false)
	if !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("got %.200q, want %.200q…", got, prefix)
	}
	return got
}

// WantFrame fails the test unless the next frame is the given one.
func (c *Conn) WantFrame(op ws.Opcode, payload []byte) {
	c.t.Helper()
	deadline(c.t, c.nc)
	f, err := c.next()
	if err != nil || f.op != op || !bytes.Equal(f.payload, payload) {
		c.t.Fatalf("got frame %d %.100q, %v; want %d %.100q", f.op, f.payload, err, op, payload)
	}
}

// WantClose skips messages until the server closes and fails the test unless it does so
// with the given code and a reason that contains the text; then the stream must end.
func (c *Conn) WantClose(code int, text string) {
	c.t.Helper()
	deadline(c.t, c.nc)
	for {
		f, err := c.next()
		if err != nil {
			c.t.Fatalf("stream ended without a close frame: %v", err)
		}
		if f.op != ws.OpClose {
			continue
		}
		got, reason := ws.CloseCode(f.payload)
		if got != code || !strings.Contains(reason, text) {
			c.t.Fatalf("closed with %d %q, want %d …%q…", got, reason, code, text)
		}
		break
	}
	c.WantEnd()
}

// WantEnd fails the test unless the server ends the stream. It says something now and
// then, as a client would: a reset can get lost when the receiver's window is full.
func (c *Conn) WantEnd() {
	c.t.Helper()
	for end := time.Now().Add(Patience); ; {
		if err := c.nc.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			return // closed
		}
		_, err := c.next()
		var ne net.Error
		switch {
		case err == nil:
		case !errors.As(err, &ne) || !ne.Timeout():
			_ = c.nc.Close() // it is over
			return
		case time.Now().After(end):
			c.t.Fatalf("stream still open after %v", Patience)
		default:
			c.err = nil
			_, _ = c.nc.Write(Control(ws.OpPong, nil)) // see above
		}
	}
}

// Get polls or opens a session; the status must be the given one.
func Get(t testing.TB, addr, target string, status int, header ...string) string {
	t.Helper()
	res, c := Request(t, addr, "GET "+target, append(header, "Connection: close"), "")
	_ = c.nc.Close() // one request a connection
	if res.Status != status {
		t.Fatalf("GET %s: got %d %s, want %d", target, res.Status, res.Body, status)
	}
	return res.Body
}

// Post sends a payload; the status must be the given one.
func Post(t testing.TB, addr, target, body string, status int) string {
	t.Helper()
	res := PostWith(t, addr, target, body)
	if res.Status != status {
		t.Fatalf("POST %s: got %d %s, want %d", target, res.Status, res.Body, status)
	}
	return res.Body
}

// PostWith sends a payload with more header lines.
func PostWith(t testing.TB, addr, target, body string, header ...string) Response {
	t.Helper()
	header = append(header, "Connection: close", fmt.Sprintf("Content-Length: %d", len(body)))
	res, c := Request(t, addr, "POST "+target, header, body)
	_ = c.nc.Close() // one request a connection
	return res
}

// Eventually waits for a condition.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not so within %v", what, Patience)
		}
	}
}
