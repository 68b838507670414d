package chattest

import (
	"context"
	"errors"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// Op is an operation that can be made to fail.
type Op string

// The operations of the owner's way, in their order.
const (
	OpAppend   Op = "append"
	OpPosition Op = "position"
	OpStart    Op = "start"
	OpFetch    Op = "fetch"
	OpLoad     Op = "load"
	OpCommit   Op = "commit"
	OpPublish  Op = "publish"
	OpReply    Op = "reply"
	OpResync   Op = "resync"
)

// Ops lists the operations.
func Ops() []Op {
	return []Op{OpAppend, OpPosition, OpStart, OpFetch, OpLoad, OpCommit, OpPublish, OpReply, OpResync}
}

// Mode says how an operation fails.
type Mode string

// The modes.
const (
	NotApplied Mode = "not applied"
	AnswerLost Mode = "applied, but the answer was lost"
)

// ErrFault is what a failing operation returns.
var ErrFault = errors.New("a fault that the test made")

// Faults decides which calls fail. Safe for concurrent use.
type Faults struct {
	mu    sync.Mutex // guards what follows
	calls map[Op]int
	plan  map[Op][]fault
	hits  int
	// OnHit, if set, is called at each fault, before the operation returns.
	OnHit func()
}

type fault struct {
	mode        Mode
	first, last int
}

// NewFaults makes faults of which there are none yet.
func NewFaults() *Faults {
	return &Faults{calls: make(map[Op]int), plan: make(map[Op][]fault)}
}

// Fail makes the calls number first to last of an operation fail, counted from 1 and from the beginning.
func (f *Faults) Fail(op Op, mode Mode, first, last int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan[op] = append(f.plan[op], fault{mode, first, last})
}

// Hits gives how many calls failed.
func (f *Faults) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// do runs an operation, or fails it as planned.
func (f *Faults) do(op Op, call func() error) error {
	mode, hit := f.next(op)
	if !hit {
		return call()
	}
	if f.OnHit != nil {
		defer f.OnHit()
	}
	if mode == AnswerLost {
		return errors.Join(ErrFault, call())
	}
	return ErrFault
}

func (f *Faults) next(op Op) (Mode, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	for _, p := range f.plan[op] {
		if n := f.calls[op]; n >= p.first && n <= p.last {
			f.hits++
			return p.mode, true
		}
	}
	return "", false
}

// Journal wraps a journal.
func (f *Faults) Journal(j chat.Journal) chat.Journal { return &faultyJournal{j, f} }

// Log wraps a log.
func (f *Faults) Log(l chat.Log) chat.Log { return &faultyLog{l, f} }

// Bus wraps a bus.
func (f *Faults) Bus(b chat.Bus) chat.Bus { return &faultyBus{b, f} }

type faultyJournal struct {
	chat.Journal
	f *Faults
}

func (j *faultyJournal) Position(ctx context.Context, p chat.PartitionID) (next, prev int64, err error) {
	err = j.f.do(OpPosition, func() (err error) { next, prev, err = j.Journal.Position(ctx, p); return err })
	return next, prev, err
}

func (j *faultyJournal) Load(ctx context.Context, states []*chat.State, wants []chat.Needs) error {
	return j.f.do(OpLoad, func() error { return j.Journal.Load(ctx, states, wants) })
}

func (j *faultyJournal) Commit(ctx context.Context, b *chat.Batch) error {
	return j.f.do(OpCommit, func() error { return j.Journal.Commit(ctx, b) })
}

type faultyLog struct {
	chat.Log
	f *Faults
}

func (l *faultyLog) Append(ctx context.Context, r *chat.Record) error {
	return l.f.do(OpAppend, func() error { return l.Log.Append(ctx, r) })
}

func (l *faultyLog) Own(ctx context.Context, own func(ctx context.Context, p chat.Partition) error) error {
	return l.Log.Own(ctx, func(ctx context.Context, p chat.Partition) error { return own(ctx, &faultyPartition{p, l.f}) })
}

type faultyPartition struct {
	chat.Partition
	f *Faults
}

func (p *faultyPartition) Start(ctx context.Context, next, prev int64) (from int64, err error) {
	err = p.f.do(OpStart, func() (err error) { from, err = p.Partition.Start(ctx, next, prev); return err })
	return from, err
}

func (p *faultyPartition) Fetch(ctx context.Context, from int64, limit int) (records []*chat.Record, err error) {
	err = p.f.do(OpFetch, func() (err error) { records, err = p.Partition.Fetch(ctx, from, limit); return err })
	if err != nil {
		return nil, err
	}
	return records, nil
}

type faultyBus struct {
	chat.Bus
	f *Faults
}

func (b *faultyBus) Publish(ctx context.Context, events []chat.Event) error {
	return b.f.do(OpPublish, func() error { return b.Bus.Publish(ctx, events) })
}

func (b *faultyBus) Reply(ctx context.Context, outcomes []chat.Outcome) error {
	return b.f.do(OpReply, func() error { return b.Bus.Reply(ctx, outcomes) })
}

func (b *faultyBus) Resync(ctx context.Context) error {
	return b.f.do(OpResync, func() error { return b.Bus.Resync(ctx) })
}
