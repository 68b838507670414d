package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/api"
	"github.com/parley-chat/parley/internal/kafka"
)

func (a *App) listen(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", a.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", a.cfg.Addr, err)
	}
	var ok bool
	if a.listener, ok = l.(*net.TCPListener); !ok { // of "tcp" there is no other
		return errors.Join(fmt.Errorf("listen on %s: not TCP", a.cfg.Addr), l.Close())
	}
	if a.cfg.MetricsAddr == "" {
		return nil
	}
	if a.operator, err = lc.Listen(ctx, "tcp", a.cfg.MetricsAddr); err != nil {
		return fmt.Errorf("listen on %s for metrics: %w", a.cfg.MetricsAddr, err)
	}
	return nil
}

// Addr is where the node listens.
func (a *App) Addr() string { return a.listener.Addr().String() }

// MetricsAddr is where the node's metrics are, "" for nowhere.
func (a *App) MetricsAddr() string {
	if a.operator == nil {
		return ""
	}
	return a.operator.Addr().String()
}

// Run serves until ctx ends, and then stops in order: nobody new comes in, every
// accepted command is finished and acknowledged, clients are told to come back,
// what is in the log is committed. It takes at most the configured time; what is
// left then is cut off, which loses nothing that was acknowledged. An error says
// which part failed; Run stops the others then.
func (a *App) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(a.life)
	owning, stopOwning := context.WithCancel(a.life)
	defer stopWork()
	defer stopOwning()
	failed := make(chan error, 8)
	var working, owners sync.WaitGroup
	start := func(wg *sync.WaitGroup, what string, run func() error) {
		wg.Go(func() {
			if err := run(); err != nil {
				if errors.Is(err, kafka.ErrNotAlone) {
					err = errAlone(a.cfg, "log")
				}
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	start(&owners, "own the log", func() error { return a.own(owning) })
	for _, run := range a.workers {
		start(&working, "work", func() error { return run(work) })
	}
	web := api.Server(a.handler, a.logger)
	start(&working, "serve", func() error { return served(web.Serve(api.Listen(a.listener))) })
	operator := api.Server(a.metrics.handler(), a.logger)
	if a.operator != nil {
		start(&working, "serve metrics", func() error { return served(operator.Serve(a.operator)) })
	}
	a.ready.Store(true)
	a.logger.Info("serving", "addr", a.Addr(), "node", a.node)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		a.logger.Error("a part failed; stopping", "err", err)
	}
	a.stop(web, operator, stopOwning, &owners)
	stopWork()
	working.Wait()
	return err
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// stop is the orderly end: the edge first, then the log, whose partitions go to
// other nodes. What they need is given back by Close.
func (a *App) stop(web, operator *http.Server, stopOwning func(), owners *sync.WaitGroup) {
	a.ready.Store(false)
	started := time.Now()
	a.logger.Info("stopping", "after", a.cfg.DrainDelay, "within", a.cfg.ShutdownTimeout)
	a.linger()
	ctx, cancel := context.WithTimeout(a.life, a.cfg.ShutdownTimeout)
	defer cancel()
	warn := func(what string, err error) {
		if err != nil {
			a.logger.Warn("stop in order", "step", what, "err", err)
		}
	}
	// A load balancer that has not noticed goes to the next node when this one refuses.
	warn("close the door", ignoreClosed(a.listener.Close()))
	if left := a.gateway.Drain(ctx); left > 0 {
		a.logger.Warn("some commands were not acknowledged", "commands", left)
	}
	warn("close sockets", a.sockets.Shutdown(ctx, "restart"))
	warn("finish requests", web.Shutdown(ctx))
	warn("drain the log", a.carriers.drain(ctx))
	stopOwning()
	owners.Wait()
	warn("stop metrics", operator.Shutdown(ctx))
	if ctx.Err() != nil { // out of time: cut off what is left
		warn("cut requests off", web.Close())
		warn("cut metrics off", operator.Close())
	}
	a.logger.Info("stopped", "took", time.Since(started).Round(time.Millisecond))
}

// linger goes on serving for as long as load balancers need to see that this node
// is not ready any more.
func (a *App) linger() {
	if a.cfg.DrainDelay <= 0 {
		return
	}
	select {
	case <-time.After(a.cfg.DrainDelay):
	case <-a.life.Done():
	}
}

// Close gives everything back that Open took. Call it when Run has returned, or
// instead of Run. Further calls give the first one's result.
func (a *App) Close() error {
	a.closing.Do(func() {
		a.end()
		var errs []error
		closers := []func() error{}
		if a.sockets != nil {
			closers = append(closers, a.sockets.Close)
		}
		if a.listener != nil {
			closers = append(closers, func() error { return ignoreClosed(a.listener.Close()) })
		}
		if a.operator != nil {
			closers = append(closers, func() error { return ignoreClosed(a.operator.Close()) })
		}
		if a.relay != nil {
			closers = append(closers, a.relay.Close)
		}
		if a.carriers != nil {
			closers = append(closers, a.carriers.close)
		}
		if a.blobs != nil {
			closers = append(closers, a.blobs.Close)
		}
		if a.store != nil {
			closers = append(closers, a.store.Close)
		}
		for _, closePart := range closers {
			errs = append(errs, closePart())
		}
		a.closeErr = errors.Join(errs...)
	})
	return a.closeErr
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
