//go:build linux

package engineio

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

const (
	readSize  = 64 << 10 // a poller's buffer
	readTurns = 8        // reads of one connection before the others get their turn
	tableSize = 1024     // descriptors in one piece of the table
	maxEvents = 256
	// epollET is declared by syscall as a negative number.
	epollET = 1 << 31
)

// pollerSet is the event-driven half of a server.
type pollerSet struct {
	pollers []*poller
	next    atomic.Uint32
	table   [1024]atomic.Pointer[tablePart] // by descriptor
	tableMu sync.Mutex                      // growing
}

type tablePart [tableSize]atomic.Pointer[epollLink]

func (ps *pollerSet) active() bool { return len(ps.pollers) > 0 }

// slot is the place of a descriptor in the table; nil when the number is too large.
func (ps *pollerSet) slot(fd int) *atomic.Pointer[epollLink] {
	if fd < 0 || fd >= len(ps.table)*tableSize {
		return nil
	}
	part := ps.table[fd/tableSize].Load()
	if part == nil {
		ps.tableMu.Lock()
		if part = ps.table[fd/tableSize].Load(); part == nil {
			part = new(tablePart)
			ps.table[fd/tableSize].Store(part)
		}
		ps.tableMu.Unlock()
	}
	return &part[fd%tableSize]
}

// poller is one epoll instance and the goroutine that serves it. The instance itself is
// watched by the Go runtime, so that waiting costs no thread.
type poller struct {
	set  *pollerSet
	file *os.File
	fd   int
}

// startPollers starts n pollers; on failure the portable links serve alone.
func (s *Server) startPollers(n int) {
	if s.opt.Portable {
		return
	}
	for range n {
		p, err := newPoller(&s.pollers)
		if err != nil {
			s.opt.Logger.Warn("engine.io: no epoll, using a goroutine per connection", "error", err)
			return
		}
		s.pollers.pollers = append(s.pollers.pollers, p)
		s.workers.Go(func() { p.run(s) })
	}
}

func newPoller(set *pollerSet) (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd) // unused
		return nil, fmt.Errorf("set epoll non-blocking: %w", err)
	}
	return &poller{set: set, file: os.NewFile(uintptr(fd), "epoll"), fd: fd}, nil
}

// close ends the pollers' waiting; their descriptors go with it.
func (ps *pollerSet) close() error {
	var errs []error
	for _, p := range ps.pollers {
		if err := p.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// run serves the poller's connections until the server stops.
func (p *poller) run(s *Server) {
	raw, err := p.file.SyscallConn()
	if err != nil {
		s.opt.Logger.Error("engine.io: poller cannot wait", "error", err)
		return
	}
	stopped := make(chan struct{})
	s.workers.Go(func() {
		select {
		case <-s.stop:
			_ = p.file.Close() // wakes the poller; closing twice is harmless
		case <-stopped:
		}
	})
	defer close(stopped)
	events := make([]syscall.EpollEvent, maxEvents)
	buf := make([]byte, readSize)
	var again []*epollLink
	for {
		n := 0
		poll := func(fd uintptr) bool {
			n, err = syscall.EpollWait(int(fd), events, 0)
			return n > 0 || len(again) > 0 || err != nil && !errors.Is(err, syscall.EINTR)
		}
		if rerr := raw.Read(poll); rerr != nil {
			return // closed
		}
		if err != nil && !errors.Is(err, syscall.EINTR) {
			s.opt.Logger.Error("engine.io: epoll failed", "error", err)
			return
		}
		turn := again
		again = nil
		for _, l := range turn {
			if l.readable(buf, true) {
				again = append(again, l)
			}
		}
		for _, ev := range events[:max(n, 0)] {
			l := p.set.slot(int(ev.Fd)).Load()
			if l == nil {
				continue
			}
			const over = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
			if ev.Events&(syscall.EPOLLIN|over) != 0 && l.readable(buf, ev.Events&over != 0) {
				again = append(again, l)
			}
			if ev.Events&syscall.EPOLLOUT != 0 {
				l.p.c.writable()
			}
		}
	}
}

// epollLink is the event-driven link: a descriptor and nothing else. The descriptor is
// used only with the connection's mu held and only while open, so a number that the
// kernel gives out again is never touched by its former owner.
type epollLink struct {
	p      *pipe
	poller *poller
	fd     int32
	closed bool // guarded by the connection's mu
	wantsW bool // likewise: EPOLLOUT is asked for
}

// newEpollLink takes the descriptor of a plain TCP or Unix connection; nil when there is
// none to take.
func (s *Server) newEpollLink(p *pipe, nc net.Conn) link {
	var sc syscall.Conn
	switch t := nc.(type) {
	case *net.TCPConn:
		sc = t
	case *net.UnixConn:
		sc = t
	default:
		return nil
	}
	set := &s.pollers
	if len(set.pollers) == 0 {
		return nil
	}
	fd, err := dup(sc)
	if err != nil {
		return nil
	}
	if set.slot(fd) == nil {
		_ = syscall.Close(fd) // the portable link has its own
		return nil
	}
	_ = nc.Close() // the duplicate lives on
	n := set.next.Add(1)
	return &epollLink{p: p, poller: set.pollers[int(n)%len(set.pollers)], fd: int32(fd)} //nolint:gosec // slot bounds it
}

// dup makes a descriptor of our own, out of the Go runtime's poller.
func dup(sc syscall.Conn) (int, error) {
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("reach descriptor: %w", err)
	}
	fd := -1
	var derr error
	err = raw.Control(func(old uintptr) {
		n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
		if errno != 0 {
			derr = errno
			return
		}
		fd = int(n)
	})
	if err = errors.Join(err, derr); err != nil {
		return -1, fmt.Errorf("duplicate descriptor: %w", err)
	}
	return fd, nil
}

func (l *epollLink) start() error {
	c := l.p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.closed {
		return nil
	}
	l.poller.set.slot(int(l.fd)).Store(l)
	if err := l.control(syscall.EPOLL_CTL_ADD); err != nil {
		return fmt.Errorf("watch descriptor: %w", err)
	}
	return nil
}

func (l *epollLink) control(op int) error {
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | epollET, Fd: l.fd}
	if l.wantsW {
		ev.Events |= syscall.EPOLLOUT
	}
	return syscall.EpollCtl(l.poller.fd, op, int(l.fd), &ev)
}

// readable reads and hands over what has arrived; true when it stopped before the end,
// for the others' sake. A read that did not fill the buffer has emptied the socket, and
// what comes later raises a new event, unless the end of the stream was announced
// already: then toEnd must be set.
func (l *epollLink) readable(buf []byte, toEnd bool) bool {
	c := l.p.c
	c.inMu.Lock()
	defer c.inMu.Unlock()
	for range readTurns {
		n, err := l.read(buf)
		if errors.Is(err, errBlocked) {
			return false
		}
		if err != nil || n == 0 {
			l.p.gone(err)
			return false
		}
		if !l.p.feed(buf[:n]) || n < len(buf) && !toEnd {
			return false
		}
	}
	return true
}

// read is one non-blocking read.
func (l *epollLink) read(buf []byte) (int, error) {
	c := l.p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if l.closed {
			return 0, errBlocked
		}
		n, err := syscall.Read(int(l.fd), buf)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, errBlocked
		case !errors.Is(err, syscall.EINTR):
			return 0, fmt.Errorf("read: %w", err)
		}
	}
}

func (l *epollLink) write(b []byte) (int, error) {
	if l.closed {
		return 0, net.ErrClosed
	}
	done := 0
	for done < len(b) {
		n, err := syscall.Write(int(l.fd), b[done:])
		if n > 0 {
			done += n
		}
		switch {
		case err == nil || errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			if !l.wantsW {
				l.wantsW = true
				if err := l.control(syscall.EPOLL_CTL_MOD); err != nil {
					return done, fmt.Errorf("watch for writing: %w", err)
				}
			}
			return done, errBlocked
		default:
			return done, fmt.Errorf("write: %w", err)
		}
	}
	return done, nil
}

// lagging: the kernel takes no more. Frames that wait for the merger do not count.
func (l *epollLink) lagging(q *outQueue, _ int64) bool { return q.blocked }

func (l *epollLink) say(b []byte) error {
	_, err := l.write(b)
	return err // a fresh socket has room for a few bytes; if not, it is broken
}

func (l *epollLink) leave(b []byte) {
	_ = l.say(b) // a broken stream ends anyway
	l.shut()
	l.close(false)
}

func (l *epollLink) shut() {
	if !l.closed {
		_ = syscall.Shutdown(int(l.fd), syscall.SHUT_WR) // a broken stream ends anyway
	}
}

func (l *epollLink) close(abort bool) {
	if l.closed {
		return
	}
	l.closed = true
	if abort {
		// Frees what the kernel would go on trying to send.
		_ = syscall.SetsockoptLinger(int(l.fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	}
	l.poller.set.slot(int(l.fd)).CompareAndSwap(l, nil)
	_ = syscall.Close(int(l.fd)) // leaves epoll by itself; nobody is left to tell
}

// drain reads on the caller's goroutine.
func (l *epollLink) drain() {
	for l.readable(make([]byte, 4096), true) {
	}
}
