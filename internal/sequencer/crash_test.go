package sequencer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
)

// crashing is a pipeline that loses everything but the journal at each fault:
// its log, its bus and what the owner knew, as a process that is killed does.
type crashing struct {
	*pipeline
	mu      sync.Mutex // guards what follows
	log     *inproc.Log
	stop    func()
	crashes int
}

// boot starts another process on the journal.
func (c *crashing) boot() {
	p := c.pipeline
	log, bus := inproc.NewLog("memory", 4096), inproc.NewBus(1, 1<<17)
	bus.Attach("node-1", p)
	s := sequencer.New(p.faults.Journal(p.journal), p.faults.Bus(bus), p.opts)
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := log.Own(ctx, s.Own); err != nil {
			p.t.Errorf("own: %v", err)
		}
		if err := bus.Close(); err != nil {
			p.t.Errorf("close bus: %v", err)
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = log
	c.stop = func() { cancel(); <-done }
}

// Append and Own make it the log of its pipeline, whichever process runs.
func (c *crashing) Append(ctx context.Context, r *chat.Record) error {
	c.mu.Lock()
	log := c.log
	c.mu.Unlock()
	return log.Append(ctx, r)
}

func (c *crashing) Own(context.Context, func(context.Context, chat.Partition) error) error {
	return nil
}

// Killed at any write, before it or after it but before anybody heard: what was
// acked is in the journal, and clients that try again end with every message once.
func TestCrashes(t *testing.T) {
	for _, op := range []chattest.Op{chattest.OpLoad, chattest.OpCommit, chattest.OpPublish, chattest.OpReply} {
		for _, mode := range []chattest.Mode{chattest.NotApplied, chattest.AnswerLost} {
			t.Run(fmt.Sprintf("%s %s", op, mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testCrashes(t, op, mode) })
			})
		}
	}
}

func testCrashes(t *testing.T, op chattest.Op, mode chattest.Mode) {
	const people, each = 4, 12
	c := &crashing{pipeline: newPipeline(t, chattest.NewMemory())}
	c.pipeline.log = c
	for n := 3; n < 60; n += 4 {
		c.faults.Fail(op, mode, n, n)
	}
	// The owner stops at the fault; the machine has the next process up a little later.
	died := make(chan struct{}, 100)
	c.faults.OnHit = func() { died <- struct{}{} }
	over := make(chan struct{})
	machine := make(chan struct{})
	c.boot()
	go func() {
		defer close(machine)
		for {
			select {
			case <-died:
				c.mu.Lock()
				stop := c.stop
				c.mu.Unlock()
				stop()
				time.Sleep(10 * time.Millisecond)
				c.crashes++
				c.boot()
			case <-over:
				return
			}
		}
	}()
	told := c.workload(people, each)
	c.checkRetries(told)
	close(over)
	<-machine
	c.stop()
	c.check(told)
	if c.crashes < 5 {
		t.Errorf("only %d crashes", c.crashes)
	}
}
