package client

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/parley-chat/parley/socketio/internal/packet"
	"github.com/parley-chat/parley/socketio/internal/ws"
)

// A HandshakeError is an HTTP answer other than 101 to the upgrade request.
type HandshakeError struct {
	Status int
	Body   string // at most 4 KiB of it
}

// Error implements error.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("socket.io client: upgrade answered with %d: %s", e.Status, e.Body)
}

// Dial connects to server ("http://127.0.0.1:3000", or https, ws, wss) and joins the
// namespace. It returns when the server has accepted the socket, or an error: a
// *HandshakeError, a *ConnectError, a *CloseError or what the network said. ctx bounds
// the connecting only.
func Dial(ctx context.Context, server string, opt Options) (*Client, error) {
	if opt.Transport != WebSocket {
		return dialPolling(ctx, server, opt.withDefaults())
	}
	c, br, err := open(ctx, server, opt)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.Close() }) // the reading ends with it
	go c.read(br)
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
		_ = c.nc.Close() // the error is what matters
		<-c.done
		if ctxErr := ctx.Err(); ctxErr != nil {
			return nil, fmt.Errorf("connect: %w", ctxErr)
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	return c, nil
}

// open makes the WebSocket.
func open(ctx context.Context, server string, opt Options) (*Client, *bufio.Reader, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, nil, fmt.Errorf("parse server address: %w", err)
	}
	opt = opt.withDefaults()
	nc, err := dialNet(ctx, u, opt)
	if err != nil {
		return nil, nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = nc.SetDeadline(deadline) // a broken connection shows at the next step
	}
	c := &Client{nc: nc, opt: opt, done: make(chan struct{}), ready: make(chan error, 1)}
	br := bufio.NewReaderSize(nc, 1024)
	if err := c.upgrade(ctx, br, u); err != nil {
		_ = nc.Close() // the error is what matters
		return nil, nil, err
	}
	_ = nc.SetDeadline(time.Time{}) // likewise
	return c, br, nil
}

func (o Options) withDefaults() Options {
	if o.Namespace == "" {
		o.Namespace = "/"
	}
	if o.Path == "" {
		o.Path = "/socket.io/"
	}
	if o.MaxPayload == 0 {
		o.MaxPayload = 16 << 20
	}
	return o
}

func dialNet(ctx context.Context, u *url.URL, opt Options) (net.Conn, error) {
	secure := u.Scheme == "https" || u.Scheme == "wss"
	addr := u.Host
	if u.Port() == "" {
		port := "80"
		if secure {
			port = "443"
		}
		addr = net.JoinHostPort(u.Hostname(), port)
	}
	var nc net.Conn
	var err error
	switch {
	case opt.Dial != nil:
		nc, err = opt.Dial(ctx, "tcp", addr)
	case secure:
		nc, err = (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}}).DialContext(ctx, "tcp", addr)
	default:
		nc, err = (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return nc, nil
}

// upgrade sends the opening handshake and takes the open packet.
func (c *Client) upgrade(ctx context.Context, br *bufio.Reader, u *url.URL) error {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	key := base64.StdEncoding.EncodeToString(raw)
	target := url.URL{Scheme: "http", Host: u.Host, Path: c.opt.Path, RawQuery: "EIO=4&transport=websocket"}
	if c.poll != nil {
		target.RawQuery += "&sid=" + url.QueryEscape(c.poll.sid)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	for k, v := range c.opt.Header {
		req.Header[k] = v
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	req.Header.Set("Sec-Websocket-Version", "13")
	req.Header.Set("Sec-Websocket-Key", key)
	if err := req.Write(c.nc); err != nil {
		return fmt.Errorf("send upgrade request: %w", err)
	}
	res, err := http.ReadResponse(br, req)
	if err != nil {
		return fmt.Errorf("read upgrade answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // the body of an upgrade is empty
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return errors.Join(&HandshakeError{Status: res.StatusCode, Body: string(body)}, err)
	}
	if got, want := res.Header.Get("Sec-Websocket-Accept"), ws.AcceptKey(key); got != want {
		return fmt.Errorf("upgrade answer: accept key %q, want %q", got, want)
	}
	return nil
}

// join asks for the namespace.
func (c *Client) join() error {
	text := packet.Header([]byte{'4'}, packet.Connect, 0, c.opt.Namespace)
	if c.opt.Auth != nil {
		auth, err := json.Marshal(c.opt.Auth)
		if err != nil {
			return fmt.Errorf("encode auth: %w", err)
		}
		text = append(text, auth...)
	}
	return c.sendPacket(text, nil)
}

// read is the client's goroutine.
func (c *Client) read(br *bufio.Reader) {
	err := c.readAll(br)
	_ = c.nc.Close() // the error is what matters
	c.end(err)
}

// end tells everybody who waits that the connection is gone.
func (c *Client) end(err error) {
	defer close(c.done)
	c.mu.Lock()
	if c.closing {
		err = nil
	}
	c.closed = true
	acks := c.acks
	c.acks = nil
	c.mu.Unlock()
	for _, f := range acks {
		f(Message{}, ErrClosed)
	}
	select {
	case c.ready <- readyError(err):
	default:
	}
	if c.opt.OnClose != nil {
		c.opt.OnClose(err)
	}
}

func readyError(err error) error {
	if err == nil {
		return ErrClosed
	}
	return err
}

func (c *Client) readAll(br *bufio.Reader) error {
	lim := ws.Limits{MaxMessage: c.opt.MaxPayload}
	buf := make([]byte, max(br.Buffered(), 2048))
	var src io.Reader = br
	for {
		if br != nil && br.Buffered() == 0 {
			src, br = c.nc, nil // the handshake's buffer is not needed any more
		}
		n, err := src.Read(buf)
		if n > 0 {
			var ferr error
			if c.reader, ferr = c.reader.Feed(buf[:n], lim, c); ferr != nil {
				return ferr
			}
		}
		if err != nil {
			return err // handed to OnClose as it is
		}
	}
}
