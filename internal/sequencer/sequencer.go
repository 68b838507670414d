// Package sequencer is the owner of a partition: it takes commands from the log
// in order, lets chat.Apply decide them, commits what they change together with
// the partition's position, and publishes the entries and answers the senders: after
// the commit or, where the log keeps records by itself, before it (Options.Ahead).
// No one else writes the journal.
//
// The package hides how batches are formed, what is kept between them, how far
// deciding is ahead of the store, and how a claim is resumed. Start, takeover and failure are one path: any error ends the
// claim, and the next one begins from the store's position.
package sequencer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
)

const (
	maxBatch     = 512
	maxStates    = 16_384
	publishLimit = 5 * time.Second
)

// ErrHole means that the log does not have records that the store has not
// applied. They are lost; skipping them would be a lie.
var ErrHole = errors.New("the log has a hole")

// Options are the sequencer's surroundings.
type Options struct {
	// Now is the clock; it stamps batches and decides nothing.
	Now     func() time.Time
	Logger  *slog.Logger
	Metrics Metrics
	// Ahead lets owners publish and answer before the commit, which follows in the
	// background: a store that is slow or down delays history, not delivery. It is
	// for logs only that keep a record once they give it to an owner, whatever dies
	// (Durable), and it has to be the same for all owners of a partition.
	Ahead bool
	// WindowBytes bounds what all partitions of this node hold in memory that is not
	// committed, about: 256 MiB. When it is used up owners stop fetching; each
	// partition may have one batch all the same.
	WindowBytes int64
	// Feed, if set, gets every entry at least once, before its commit, in order for
	// each conversation. It is for Ahead only.
	Feed Feed
}

// Feed carries what was decided to other services. PublishEntries returns when
// the feed has all of the entries, with their canonical JSON, for good.
type Feed interface {
	PublishEntries(ctx context.Context, entries []*chat.Entry, json [][]byte) error
}

const windowBytes = 256 << 20

// Metrics are called with what happens, from the owners' goroutines. Nil ones are not called.
type Metrics struct {
	// Batch is called after each commit, with the sizes of the batch and the
	// time that its loading and its commit took. With Options.Ahead loading is not
	// a part of it, see Loaded.
	Batch func(records, changes int, load, commit time.Duration)
	// Loaded is called with Options.Ahead when facts of some conversations were
	// loaded that commands waited for.
	Loaded func(conversations int, took time.Duration)
	// Told is called with Options.Ahead for each record when its entry was published and
	// its sender answered: how old the command was when its owner got the record, by the
	// clocks of two nodes, and how long deciding and telling took from then.
	Told func(age, took time.Duration)
	// Panicked is called for each record that was refused because deciding it panicked.
	Panicked func()
	// GaveUp is called when a claim ends with an error.
	GaveUp func()
}

// Sequencer owns partitions. Its methods may be called concurrently for different partitions.
type Sequencer struct {
	journal chat.Journal
	bus     chat.Bus
	o       Options
	apply   func(*chat.State, *chat.Command) (*chat.Change, *chat.Entry, *chat.Error)

	budget *budget
	limits limits

	mu      sync.Mutex // guards what follows
	pending map[chat.PartitionID]*turn
	windows map[*window]struct{}
	past    map[chat.PartitionID]*states // of a build that is broken on purpose
}

// New makes a sequencer on a journal and a bus.
func New(journal chat.Journal, bus chat.Bus, o Options) *Sequencer {
	if o.WindowBytes <= 0 {
		o.WindowBytes = windowBytes
	}
	return &Sequencer{
		journal: journal, bus: bus, o: o, apply: chat.Apply, budget: &budget{most: o.WindowBytes}, limits: defaultLimits(),
		pending: make(map[chat.PartitionID]*turn), windows: make(map[*window]struct{}),
	}
}

// Own owns one partition until ctx ends or something fails; it is what
// chat.Log.Own calls. Whatever it returns, calling it again resumes from the store's truth.
func (s *Sequencer) Own(ctx context.Context, p chat.Partition) error {
	c := &claim{s: s, p: p, id: p.ID(), states: newStates(maxStates), refused: make(map[chat.RecordID]bool)}
	run := c.run
	if s.o.Ahead {
		run = c.runAhead
	}
	err := run(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.o.Logger.WarnContext(ctx, "gave a partition up, will resume from the store", "log", c.id.Log, "partition", c.id.Partition, "error", err)
	if s.o.Metrics.GaveUp != nil {
		s.o.Metrics.GaveUp()
	}
	return err
}

// stale gives the states of the claim before, as a build does that is broken on purpose.
func (s *Sequencer) stale(id chat.PartitionID, fresh *states) *states {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.past == nil {
		s.past = make(map[chat.PartitionID]*states)
	}
	if s.past[id] == nil {
		s.past[id] = fresh
	}
	return s.past[id]
}

// claim is one ownership of a partition. One goroutine uses it.
type claim struct {
	s       *Sequencer
	p       chat.Partition
	id      chat.PartitionID
	states  *states
	refused map[chat.RecordID]bool // deciding them panicked
}

// turn is one batch on its way: what is committed, then told.
type turn struct {
	batch    chat.Batch
	events   []chat.Event
	outcomes []chat.Outcome
}

func (c *claim) run(ctx context.Context) error {
	from, err := c.resume(ctx)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	if sabotage.StaleStates {
		c.states = c.s.stale(c.id, c.states)
	}
	for {
		records, err := c.fetch(ctx, from, maxBatch)
		if err != nil {
			return err
		}
		if sabotage.ReorderSends {
			swapSends(records)
		}
		if from, err = c.turn(ctx, from, records); err != nil {
			return fmt.Errorf("apply from %d: %w", from, err)
		}
	}
}

// swapSends changes the places of two messages of one person in one conversation, as a
// build does that is broken on purpose.
func swapSends(records []*chat.Record) {
	for i := 1; i < len(records); i++ {
		a, b := &records[i-1].Command, &records[i].Command
		if a.Kind == chat.CmdSend && b.Kind == chat.CmdSend && a.ActorID == b.ActorID && a.ConversationID == b.ConversationID {
			records[i-1], records[i] = records[i], records[i-1]
			return
		}
	}
}

func (c *claim) fetch(ctx context.Context, from int64, limit int) ([]*chat.Record, error) {
	records, err := c.p.Fetch(ctx, from, limit)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	for i, r := range records {
		if r.Offset != from+int64(i) {
			return nil, fmt.Errorf("offset %d where %d was due: %w", r.Offset, from+int64(i), ErrHole)
		}
		if r.Rules > chat.RulesVersion {
			return nil, fmt.Errorf("record %s has rules %d, this program knows %d: %w", r.ID, r.Rules, chat.RulesVersion, chat.ErrNewerRules)
		}
	}
	return records, nil
}

// turn applies, commits, publishes and answers one batch. It gives the offset after it.
func (c *claim) turn(ctx context.Context, from int64, records []*chat.Record) (int64, error) {
	began := c.s.o.Now()
	t, err := c.decide(ctx, records)
	if err != nil {
		return from, err
	}
	decided := c.s.o.Now()
	t.batch.Partition, t.batch.From, t.batch.Next, t.batch.At = c.id, from, from+int64(len(records)), chat.TimeOf(decided)
	// From here on the outcome may be unknown: whoever resumes finds out.
	c.s.keep(c.id, t)
	if sabotage.AckBeforeCommit {
		_ = c.s.bus.Reply(ctx, slices.DeleteFunc(slices.Clone(t.outcomes), func(o chat.Outcome) bool {
			return o.Entry == nil || o.Entry.Kind != chat.KindMessage
		}))
	}
	if err := c.s.journal.Commit(ctx, &t.batch); err != nil {
		return from, fmt.Errorf("commit: %w", err)
	}
	if m := c.s.o.Metrics.Batch; m != nil {
		m(len(records), len(t.batch.Changes), decided.Sub(began), c.s.o.Now().Sub(decided))
	}
	if err := c.s.tell(ctx, t); err != nil {
		return from, err
	}
	c.s.keep(c.id, nil)
	c.states.trim()
	return t.batch.Next, nil
}

// tell publishes and answers what is committed. It does so even if the partition
// is being taken away, for nobody else knows the answers.
func (s *Sequencer) tell(ctx context.Context, t *turn) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishLimit)
	defer cancel()
	if len(t.events) > 0 {
		if err := s.bus.Publish(ctx, t.events); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	if err := s.bus.Reply(ctx, t.outcomes); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return nil
}

// keep remembers the batch whose fate is not known yet; nil forgets it.
func (s *Sequencer) keep(id chat.PartitionID, t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t == nil {
		delete(s.pending, id)
		return
	}
	s.pending[id] = t
}

func (s *Sequencer) kept(id chat.PartitionID) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pending[id]
}

// Lag is how far the owners of this node are ahead of the store.
type Lag struct {
	Records int   // taken from the log and not committed
	Parked  int   // of these, not decided: a fact has to be loaded for them or one before them
	Bytes   int64 // that the records hold in memory, about
	Oldest  time.Duration
}

// Lag tells how far the owners of this node are ahead of the store; zero without Options.Ahead.
func (s *Sequencer) Lag() Lag {
	s.mu.Lock()
	defer s.mu.Unlock()
	var l Lag
	now := s.o.Now()
	for w := range s.windows {
		w.measure(&l, now)
	}
	return l
}

func (s *Sequencer) enlist(w *window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows[w] = struct{}{}
}

func (s *Sequencer) delist(w *window) {
	w.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.windows, w)
}
