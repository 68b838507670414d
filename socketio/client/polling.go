package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/socketio/internal/ws"
)

// maxQueued bounds what waits for a POST, in bytes.
const maxQueued = 8 << 20

// separator stands between the packets of a polling payload (Engine.IO 4).
const separator = 0x1e

// poller carries packets over HTTP, until an upgrade takes over. Two goroutines belong
// to it: the reader, which runs the callbacks, and while there is something to send, a writer.
type poller struct {
	c      *Client
	target *url.URL
	http   *http.Client
	ctx    context.Context // of all requests
	cancel context.CancelFunc
	sid    string
	limit  int // bytes of one POST, as the server said

	upgraded atomic.Bool // the socket carries everything

	mu      sync.Mutex
	out     [][]byte // packets that wait, encoded for polling
	size    int
	writing bool
	held    bool           // an upgrade is being made: nothing is posted
	idle    chan struct{}  // closed when the writer rests while held
	early   []socketPacket // packets that came while held
}

// socketPacket is a packet that waits for the upgrade to end.
type socketPacket struct {
	text        []byte
	attachments [][]byte
}

func dialPolling(ctx context.Context, server string, opt Options) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("parse server address: %w", err)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	}
	u.Path = opt.Path
	c := &Client{opt: opt, done: make(chan struct{}), ready: make(chan error, 1)}
	transport := &http.Transport{DialContext: opt.Dial, MaxIdleConnsPerHost: 2}
	p := &poller{c: c, target: u, http: &http.Client{Transport: transport}}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.poll = p
	stop := context.AfterFunc(ctx, p.cancel)
	if err := p.open(); err != nil {
		p.close(false)
		return nil, connectError(ctx, err)
	}
	go p.read()
	err = c.join()
	if err == nil {
		select {
		case err = <-c.ready:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		p.close(false)
		<-c.done
		return nil, connectError(ctx, err)
	}
	return c, nil
}

func connectError(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); ctxErr != nil {
		err = ctxErr
	}
	return fmt.Errorf("connect: %w", err)
}

// close ends everything; goodbye is for the server.
func (p *poller) close(goodbye bool) {
	switch {
	case goodbye && p.upgraded.Load():
		_ = p.c.write(ws.AppendMasked(nil, ws.OpClose, []byte{0x03, 0xE8}, mask())) // it is over anyway
	case goodbye && p.sid != "":
		_ = p.post([]byte{'1'}) // likewise
	}
	p.cancel() // a socket is closed with it
	p.http.CloseIdleConnections()
}

func (p *poller) url() string {
	u := *p.target
	u.RawQuery = "EIO=4&transport=polling"
	if p.sid != "" {
		u.RawQuery += "&sid=" + url.QueryEscape(p.sid)
	}
	return u.String()
}

func (p *poller) do(method string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(p.ctx, method, p.url(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if method == http.MethodGet {
		// net/http repeats a GET by itself when the connection fails before the answer.
		// The server may have given away what waited by then: a poll must not be
		// repeated, and a request with a body that cannot be had again is not.
		req.Body, req.GetBody = io.NopCloser(bytes.NewReader(nil)), nil
	}
	for k, v := range p.c.opt.Header {
		req.Header[k] = v
	}
	res, err := p.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("poll: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, int64(p.c.opt.MaxPayload)+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("poll: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, &HandshakeError{Status: res.StatusCode, Body: string(text[:min(len(text), 4<<10)])}
	}
	if len(text) > p.c.opt.MaxPayload {
		return nil, errors.New("the answer is too large")
	}
	return text, nil
}

func (p *poller) post(payload []byte) error {
	_, err := p.do(http.MethodPost, payload)
	return err
}

// open makes the session.
func (p *poller) open() error {
	text, err := p.do(http.MethodGet, nil)
	if err != nil {
		return err
	}
	first, _, _ := bytes.Cut(text, []byte{separator})
	var hello struct {
		SID        string `json:"sid"`
		MaxPayload int    `json:"maxPayload"`
	}
	if len(first) == 0 || first[0] != '0' {
		return errors.New("no open packet")
	}
	if err := json.Unmarshal(first[1:], &hello); err != nil {
		return fmt.Errorf("read open packet: %w", err)
	}
	p.sid, p.limit = hello.SID, hello.MaxPayload
	return nil
}

// send queues a packet and its attachments, or writes them to the socket.
func (p *poller) send(text []byte, attachments [][]byte) error {
	if p.upgraded.Load() {
		return p.c.writeSocket(text, attachments)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.upgraded.Load() { // just now, with what was sent before
		return p.c.writeSocket(text, attachments)
	}
	if p.ctx.Err() != nil {
		return ErrClosed
	}
	if p.size > maxQueued {
		return errors.New("send packet: too much waits to be sent")
	}
	p.size += len(text)
	if p.held {
		p.early = append(p.early, socketPacket{text, attachments})
		return nil
	}
	p.out = append(p.out, text)
	for _, a := range attachments {
		b := append([]byte{'b'}, base64.StdEncoding.EncodeToString(a)...)
		p.size += len(b)
		p.out = append(p.out, b)
	}
	if !p.writing {
		p.writing = true
		go p.write()
	}
	return nil
}

// write posts what waits, one request after the other, as large as they may be.
func (p *poller) write() {
	for {
		p.mu.Lock()
		var payload []byte
		n := 0
		for n < len(p.out) && (n == 0 || len(payload)+1+len(p.out[n]) <= p.limit) {
			if n > 0 {
				payload = append(payload, separator)
			}
			payload = append(payload, p.out[n]...)
			n++
		}
		p.out = p.out[n:]
		p.size = max(0, p.size-len(payload))
		if n == 0 {
			p.writing = false
			if p.idle != nil {
				close(p.idle)
				p.idle = nil
			}
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		if p.post(payload) != nil {
			p.cancel() // the reader says what happened
		}
	}
}

// read polls until the connection ends or a socket takes over.
func (p *poller) read() {
	var upgrade chan *bufio.Reader // gives the socket's reader once the server has agreed
	err := func() error {
		for {
			text, err := p.do(http.MethodGet, nil)
			if err != nil {
				return err
			}
			for one := range bytes.SplitSeq(text, []byte{separator}) {
				if err := p.take(one); err != nil {
					return err
				}
			}
			if upgrade == nil && p.c.opt.Transport == Upgrade && p.c.ID() != "" {
				upgrade = make(chan *bufio.Reader, 1)
				go p.probe(upgrade)
			}
			select {
			case br := <-upgrade:
				if br != nil {
					return p.switchOver(br)
				}
				upgrade = make(chan *bufio.Reader) // it could not be had: go on polling
			default:
			}
		}
	}()
	if p.ctx.Err() != nil && !errors.Is(err, ErrClosed) {
		err = ErrClosed
	}
	p.close(false)
	p.c.end(err)
}

func (p *poller) take(one []byte) error {
	if len(one) == 0 {
		return errors.New("empty packet")
	}
	if one[0] != 'b' {
		return p.c.Message(ws.OpText, one)
	}
	raw, err := base64.StdEncoding.AppendDecode(nil, one[1:])
	if err != nil {
		return fmt.Errorf("read attachment: %w", err)
	}
	return p.c.Message(ws.OpBinary, raw)
}

// probe opens a socket beside the polling and asks whether it works. The server
// then answers the poll that waits, so that the reader looks here.
func (p *poller) probe(result chan<- *bufio.Reader) {
	fail := func(nc net.Conn) {
		if nc != nil {
			_ = nc.Close() // it was of no use
		}
		result <- nil
	}
	nc, err := dialNet(p.ctx, p.target, p.c.opt)
	if err != nil {
		fail(nil)
		return
	}
	context.AfterFunc(p.ctx, func() { _ = nc.Close() })
	p.c.nc = nc
	br := bufio.NewReaderSize(nc, 1024)
	if err := p.c.upgrade(p.ctx, br, p.target); err != nil {
		fail(nc)
		return
	}
	if p.c.write(ws.AppendMasked(nil, ws.OpText, []byte("2probe"), mask())) != nil {
		fail(nc)
		return
	}
	// The answer is one short unfragmented frame: two bytes of header and "3probe".
	answer := make([]byte, 8)
	if _, err := io.ReadFull(br, answer); err != nil || !strings.HasSuffix(string(answer), "3probe") {
		fail(nc)
		return
	}
	result <- br
}

// switchOver ends the polling and reads the socket until it ends.
func (p *poller) switchOver(br *bufio.Reader) error {
	p.mu.Lock()
	p.held = true
	if p.writing {
		rest := make(chan struct{})
		p.idle = rest
		p.mu.Unlock()
		<-rest
		p.mu.Lock()
	}
	if p.ctx.Err() != nil { // a POST failed: what it held must not be overtaken
		p.mu.Unlock()
		return ErrClosed
	}
	err := p.c.write(ws.AppendMasked(nil, ws.OpText, []byte{'5'}, mask()))
	for _, e := range p.early {
		if err == nil {
			err = p.c.writeSocket(e.text, e.attachments)
		}
	}
	p.early = nil
	p.upgraded.Store(true)
	p.mu.Unlock()
	if err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	if p.ctx.Err() != nil {
		return ErrClosed
	}
	return p.c.readAll(br)
}
