package engineio

import (
	"errors"
	"io"
	"net"
	"time"
)

// goLink is the portable link: a goroutine reads, and another one writes while something
// waits, because a write to a net.Conn may wait.
type goLink struct {
	p  *pipe
	nc net.Conn

	// Guarded by the connection's mu.
	writing bool   // the writing goroutine runs
	said    []byte // to be written before the queue
	leaving bool   // close when said has been written
	closed  bool
}

func newGoLink(p *pipe, nc net.Conn) *goLink { return &goLink{p: p, nc: nc} }

func (l *goLink) start() error {
	go l.read()
	return nil
}

// read hands everything over until the stream ends.
func (l *goLink) read() {
	c := l.p.c
	buf := make([]byte, 4096)
	for {
		n, err := l.nc.Read(buf)
		c.inMu.Lock()
		goOn := n == 0 || l.p.feed(buf[:n])
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
				err = nil
			}
			l.p.gone(err)
			goOn = false
		}
		c.inMu.Unlock()
		if !goOn {
			return
		}
	}
}

// write takes nothing: what waits in the connection's queue is taken by the goroutine.
func (l *goLink) write([]byte) (int, error) {
	if l.closed {
		return 0, net.ErrClosed
	}
	l.wakeWriter()
	return 0, errBlocked
}

// lagging: frames always pass through the queue here, so it takes many of them, or time.
func (l *goLink) lagging(q *outQueue, now int64) bool {
	return q.len() > 16 || now-q.oldest() > int64(100*time.Millisecond)
}

func (l *goLink) say(b []byte) error {
	l.said = append(l.said, b...)
	l.wakeWriter()
	return nil
}

func (l *goLink) leave(b []byte) {
	l.leaving = true
	_ = l.say(b) // never fails here
}

func (l *goLink) wakeWriter() {
	if !l.writing {
		l.writing = true
		go l.writeAll()
	}
}

// writeAll writes until nothing waits. A client that does not read is left to the
// deadlines of the connection, which close nc.
func (l *goLink) writeAll() {
	buf := mergePool.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
	defer mergePool.Put(buf)
	for {
		b, queued := l.next(*buf)
		if b == nil {
			return
		}
		n, err := l.nc.Write(b)
		if err != nil {
			_ = l.nc.Close() // the reader notices
		}
		if queued {
			l.written(n)
		}
	}
}

// next returns what to write, nil when nothing waits. What came from the queue stays in
// it until it has been written.
func (l *goLink) next(buf []byte) (b []byte, queued bool) {
	c := l.p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case l.closed:
	case len(l.said) > 0:
		b, l.said = l.said, nil
		return b, false
	case l.leaving:
		halfClose(l.nc)
		l.close(false)
	case c.pipe == l.p && c.out.len() > 0:
		return c.out.batch(buf), true
	}
	l.writing = false
	return nil, false
}

// written notes that n bytes of the queue have left.
func (l *goLink) written(n int) {
	c := l.p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.closed || c.out == nil {
		return
	}
	c.credit(n)
	if c.out.len() == 0 {
		c.emptied()
	}
}

func (l *goLink) shut() { halfClose(l.nc) }

func halfClose(nc net.Conn) {
	if h, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite() // a broken stream ends anyway
	}
}

func (l *goLink) close(abort bool) {
	if l.closed {
		return
	}
	l.closed = true
	if tcp, ok := l.nc.(*net.TCPConn); ok && abort {
		_ = tcp.SetLinger(0) // only frees the kernel's memory sooner
	}
	_ = l.nc.Close() // nobody is left to tell
}

// drainGrace is how long drain waits at most.
const drainGrace = 50 * time.Millisecond

// drain gives the reading goroutine time to finish the upgrade: it cannot be asked
// whether anything has arrived. Only a poll during an upgrade waits here, and it has no
// hurry.
func (l *goLink) drain() {
	c := l.p.c
	for waited := time.Duration(0); waited < drainGrace; waited += 2 * time.Millisecond {
		c.mu.Lock()
		under := c.probe() == l.p
		c.mu.Unlock()
		if !under {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}
