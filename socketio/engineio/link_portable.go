package engineio

import (
	"errors"
	"io"
	"net"
	"time"
)

// goLink is the portable link: a goroutine reads, and one is started for each write,
// because a write to a net.Conn may wait.
type goLink struct {
	p  *pipe
	nc net.Conn

	// Guarded by the connection's mu.
	busy   bool // a write is under way
	shutAt bool // shut when it is done
	closed bool // close when it is done
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

func (l *goLink) write(b []byte) (int, error) {
	if l.busy {
		return 0, errBlocked
	}
	l.busy = true
	go l.writeOut(append([]byte(nil), b...))
	return len(b), nil
}

// writeOut is the goroutine of one write.
func (l *goLink) writeOut(b []byte) {
	c := l.p.c
	_ = l.nc.SetWriteDeadline(c.srv.opt.Now().Add(c.srv.opt.FlushTimeout)) // a broken stream shows at the write
	_, err := l.nc.Write(b)
	c.mu.Lock()
	l.busy = false
	shut, closed := l.shutAt, l.closed
	c.mu.Unlock()
	switch {
	case closed:
		_ = l.nc.Close() // nobody is left to tell
	case err != nil:
		_ = l.nc.Close() // the reader notices
	case shut:
		halfClose(l.nc)
	default:
		c.writable()
	}
}

func (l *goLink) shut() {
	if l.busy {
		l.shutAt = true
		return
	}
	halfClose(l.nc)
}

func halfClose(nc net.Conn) {
	if h, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite() // a broken stream ends anyway
	}
}

func (l *goLink) close(abort bool) {
	if l.busy && !abort {
		l.closed = true
		_ = l.nc.SetWriteDeadline(time.Now().Add(l.p.c.srv.opt.CloseTimeout)) // bounds the write under way
		return
	}
	if tcp, ok := l.nc.(*net.TCPConn); ok && abort {
		_ = tcp.SetLinger(0) // only frees the kernel's memory sooner
	}
	_ = l.nc.Close() // nobody is left to tell
}

// drainGrace is what drain gives the reading goroutine.
const drainGrace = 10 * time.Millisecond

// drain waits a moment: the reading goroutine cannot be asked whether anything has
// arrived. It is used only while an upgrade is under way, when a poll has no hurry.
func (l *goLink) drain() { time.Sleep(drainGrace) }
