package link

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Proxy passes TCP connections on to an address, through its Switch.
type Proxy struct {
	Switch

	listener net.Listener
	target   string
	ctx      context.Context
	cancel   context.CancelFunc
	pipes    sync.WaitGroup
}

// NewProxy listens at an address (of port 0: any) and passes on to target. Close it.
func NewProxy(listen, target string) (*Proxy, error) {
	p := &Proxy{target: target}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	var config net.ListenConfig
	var err error
	if p.listener, err = config.Listen(p.ctx, "tcp", listen); err != nil {
		p.cancel()
		return nil, fmt.Errorf("listen: %w", err)
	}
	p.pipes.Go(p.accept)
	return p, nil
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Close cuts everything and waits until it is gone.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.Heal()
	p.Reset()
	p.pipes.Wait()
	if err != nil {
		return fmt.Errorf("close proxy: %w", err)
	}
	return nil
}

func (p *Proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return // it was closed
		}
		p.pipes.Go(func() { p.pipe(from) })
	}
}

func (p *Proxy) pipe(from net.Conn) {
	to, err := p.Dial(p.ctx, "tcp", p.target)
	if err != nil {
		if tcp, ok := from.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // refused, as near as it can be had
		}
		_ = from.Close() // there is nobody to talk to
		return
	}
	stop := context.AfterFunc(p.ctx, func() {
		_ = from.Close() // ends the copying
		_ = to.Close()
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(to, from) // an end of either side ends both
		_ = to.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(from, to)
		_ = from.Close()
	})
	both.Wait()
}
