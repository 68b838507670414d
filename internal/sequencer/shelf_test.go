package sequencer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sequencer"
)

// shelf is a partition that keeps every record, as a durable log does, for any
// number of owners at the same time.
type shelf struct {
	mu      sync.Mutex
	records []*chat.Record
	grown   chan struct{} // closed and renewed when a record comes
	reads   int
}

func newShelf() *shelf { return &shelf{grown: make(chan struct{})} }

func (s *shelf) append(cmds ...chat.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, lay(int64(len(s.records)), cmds...)...)
	close(s.grown)
	s.grown = make(chan struct{})
}

func (s *shelf) all() []*chat.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[:len(s.records):len(s.records)]
}

func (s *shelf) fetched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *shelf) ID() chat.PartitionID { return chat.PartitionID{Log: "shelf"} }

func (s *shelf) Start(_ context.Context, _, prev int64) (int64, error) { return prev, nil }

func (s *shelf) Fetch(ctx context.Context, from int64, limit int) ([]*chat.Record, error) {
	for {
		s.mu.Lock()
		rest, grown := s.records[min(from, int64(len(s.records))):], s.grown
		n := min(limit, len(rest))
		s.reads += n
		s.mu.Unlock()
		if n > 0 {
			return rest[:n:n], nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-grown:
		}
	}
}

var errDead = errors.New("this process was killed")

// process is one node that owns the shelf, or believes so: it can be paused, and
// killed, at any operation.
type process struct {
	gate   *gate
	cancel context.CancelFunc
	done   chan struct{}
}

// gate is where all operations of a process pass, before and after.
type gate struct {
	mu     sync.Mutex
	dead   bool
	closed chan struct{} // while it is paused
}

func (g *gate) pass() error {
	for {
		g.mu.Lock()
		closed, dead := g.closed, g.dead
		g.mu.Unlock()
		switch {
		case dead:
			return errDead
		case closed == nil:
			return nil
		}
		<-closed
	}
}

func (g *gate) pause() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		g.closed = make(chan struct{})
	}
}

func (g *gate) resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

func (g *gate) kill() {
	g.mu.Lock()
	g.dead = true
	g.mu.Unlock()
	g.resume()
}

// through does an operation of a process.
func (g *gate) through(op func() error) error {
	if err := g.pass(); err != nil {
		return err
	}
	err := op()
	return errors.Join(g.pass(), err)
}

// cluster is a shelf with a store, and processes that own the one and write the other.
type cluster struct {
	t     *testing.T
	shelf *shelf
	store chattest.LogStore
	opts  sequencer.Options
	lazy  bool // keep little in memory
	// frugal makes the store give what is needed, and no more.
	frugal bool
	// onBoot, if set, is called with the sequencer of each process.
	onBoot func(*sequencer.Sequencer)

	mu      sync.Mutex // guards what follows
	rand    *rand.Rand
	down    bool // the store
	flaky   int  // one of so many operations of the store fails; 0: none
	loads   int
	told    []chat.Outcome
	events  []chat.Event
	fed     map[chat.ConversationID]map[chat.Seq]string
	inOrder map[chat.ConversationID]chat.Seq
	notFed  int // entries that were committed before they were in the feed
}

func newCluster(t *testing.T, store chattest.LogStore, seed uint64) *cluster {
	c := &cluster{
		t: t, shelf: newShelf(), store: store, rand: rand.New(rand.NewPCG(seed, 1)),
		fed: make(map[chat.ConversationID]map[chat.Seq]string), inOrder: make(map[chat.ConversationID]chat.Seq),
	}
	c.opts = sequencer.Options{Now: time.Now, Logger: quiet(), Ahead: true}
	return c
}

// boot starts a process. It owns the shelf until it is stopped or killed.
func (c *cluster) boot() *process {
	ctx, cancel := context.WithCancel(c.t.Context())
	p := &process{gate: &gate{}, cancel: cancel, done: make(chan struct{})}
	o := c.opts
	o.Feed = &heardFeed{c, p.gate}
	s := sequencer.New(&gatedJournal{c, p.gate}, &toldBus{c: c, gate: p.gate}, o)
	if c.lazy {
		s.KeepLittle()
	}
	if c.onBoot != nil {
		c.onBoot(s)
	}
	go func() {
		defer close(p.done)
		for ctx.Err() == nil {
			_ = s.Own(ctx, &gatedShelf{c.shelf, p.gate})
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return p
}

// stop ends a process as a rebalance or an orderly stop does.
func (p *process) stop() {
	p.cancel()
	p.gate.resume()
	<-p.done
}

// kill ends it at once: none of its operations happens any more.
func (p *process) kill() {
	p.gate.kill()
	p.cancel()
	<-p.done
}

func (c *cluster) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// await waits until the store has all records.
func (c *cluster) await() {
	c.t.Helper()
	c.awaitAt(int64(len(c.shelf.all())))
}

func (c *cluster) awaitAt(want int64) {
	c.t.Helper()
	for range 60_000 {
		next, _, err := c.store.Position(c.t.Context(), c.shelf.ID())
		if err != nil {
			c.t.Fatal(err)
		}
		if next == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	next, _, _ := c.store.Position(c.t.Context(), c.shelf.ID())
	c.t.Fatalf("the store stays at %d of %d", next, want)
}

// heard gives all that was answered so far.
func (c *cluster) heard() []chat.Outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told[:len(c.told):len(c.told)]
}

// answers waits until so many different records were answered, and gives all that was told.
func (c *cluster) answers(want int) []chat.Outcome {
	c.t.Helper()
	for range 60_000 {
		told := c.heard()
		seen := make(map[chat.RecordID]bool)
		for i := range told {
			seen[told[i].RecordID] = true
		}
		if len(seen) >= want {
			return told
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.t.Fatalf("%d records were not answered", want)
	return nil
}

type gatedShelf struct {
	*shelf
	gate *gate
}

func (s *gatedShelf) Fetch(ctx context.Context, from int64, limit int) (records []*chat.Record, err error) {
	err = s.gate.through(func() (err error) { records, err = s.shelf.Fetch(ctx, from, limit); return err })
	return records, err
}

type gatedJournal struct {
	c    *cluster
	gate *gate
}

// do is an operation of the store: while it is down it fails, and now and then
// it fails before it is done, or after.
func (j *gatedJournal) do(op func() error) error {
	return j.gate.through(func() error {
		j.c.mu.Lock()
		down, n := j.c.down, 0
		if j.c.flaky > 0 {
			n = j.c.rand.IntN(j.c.flaky) + 1
		}
		j.c.mu.Unlock()
		switch {
		case down || n == 1:
			return fmt.Errorf("the store is down: %w", chat.ErrUnavailable)
		case n == 2:
			return errors.Join(chattest.ErrFault, op())
		}
		return op()
	})
}

func (j *gatedJournal) Position(ctx context.Context, p chat.PartitionID) (next, prev int64, err error) {
	err = j.do(func() (err error) { next, prev, err = j.c.store.Position(ctx, p); return err })
	return next, prev, err
}

func (j *gatedJournal) Load(ctx context.Context, states []*chat.State, wants []chat.Needs) error {
	j.c.set(func() { j.c.loads++ })
	if j.c.frugal { // a journal may give less than is likely to be needed
		wants = slices.Clone(wants)
		for i := range wants {
			wants[i].Likely = false
		}
	}
	return j.do(func() error { return j.c.store.Load(ctx, states, wants) })
}

func (j *gatedJournal) Commit(ctx context.Context, b *chat.Batch) error {
	return j.do(func() error {
		j.c.mu.Lock()
		for _, ch := range b.Changes {
			if j.c.fed[ch.Entry.ConversationID][ch.Entry.Seq] == "" {
				j.c.notFed++
			}
		}
		j.c.mu.Unlock()
		return j.c.store.Commit(ctx, b)
	})
}

type toldBus struct {
	chat.Bus
	c    *cluster
	gate *gate
}

func (b *toldBus) Publish(_ context.Context, events []chat.Event) error {
	var wait int
	b.c.set(func() { wait = b.c.rand.IntN(30) })
	time.Sleep(time.Duration(wait) * time.Millisecond) // long enough for a commit
	return b.gate.through(func() error {
		b.c.set(func() { b.c.events = append(b.c.events, events...) })
		return nil
	})
}

func (b *toldBus) Reply(_ context.Context, outcomes []chat.Outcome) error {
	return b.gate.through(func() error {
		b.c.set(func() { b.c.told = append(b.c.told, outcomes...) })
		return nil
	})
}

func (b *toldBus) Resync(context.Context) error { return nil }

type heardFeed struct {
	c    *cluster
	gate *gate
}

func (f *heardFeed) PublishEntries(_ context.Context, entries []*chat.Entry, json [][]byte) error {
	return f.gate.through(func() error {
		f.c.mu.Lock()
		defer f.c.mu.Unlock()
		for i, e := range entries {
			id := e.ConversationID
			if f.c.fed[id] == nil {
				f.c.fed[id] = make(map[chat.Seq]string)
			}
			if before := f.c.fed[id][e.Seq]; before != "" && before != string(json[i]) {
				f.c.t.Errorf("the feed says %s and %s", before, json[i])
			}
			f.c.fed[id][e.Seq] = string(json[i])
			if e.Seq > f.c.inOrder[id]+1 {
				f.c.t.Errorf("the feed has seq %d after %d", e.Seq, f.c.inOrder[id])
			}
			f.c.inOrder[id] = max(f.c.inOrder[id], e.Seq)
		}
		return nil
	})
}

// reference decides the whole log in the plainest way: one record after the
// other, nothing forgotten.
func (c *cluster) reference() (outcomes map[chat.RecordID]string, entries map[chat.ConversationID][]string) {
	outcomes, entries = make(map[chat.RecordID]string), make(map[chat.ConversationID][]string)
	states := make(map[chat.ConversationID]*chat.State)
	for _, r := range c.shelf.all() {
		id := r.Command.ConversationID
		if states[id] == nil {
			states[id] = chat.NewState(id)
		}
		ch, first, err := chat.Apply(states[id], &r.Command)
		o := chat.Outcome{Entry: first, Repeated: ch == nil && err == nil, Err: err}
		if ch != nil {
			o.Entry = ch.Entry
			entries[id] = append(entries[id], string(ch.Entry.AppendJSON(nil)))
		}
		if o.Entry != nil {
			o.JSON = o.Entry.AppendJSON(nil)
		}
		outcomes[r.ID] = describe(o)
	}
	return outcomes, entries
}

func describe(o chat.Outcome) string {
	if o.Err != nil {
		return fmt.Sprintf("refused: %s %s %v", o.Err.Code, o.Err.Reason, o.Err.Fields)
	}
	return fmt.Sprintf("repeated %v: %s", o.Repeated, o.JSON)
}

// check compares all that anybody was told, ever, by any process, with the
// reference; and what the store has in the end.
func (c *cluster) check(rooms []chat.ConversationID) {
	c.t.Helper()
	outcomes, entries := c.reference()
	answered := make(map[chat.RecordID]bool)
	for _, o := range c.told {
		answered[o.RecordID] = true
		if got, want := describe(o), outcomes[o.RecordID]; got != want {
			c.t.Errorf("record %s was answered\n%s\nwant\n%s", o.RecordID, got, want)
		}
	}
	if len(answered) != len(outcomes) {
		c.t.Errorf("%d of %d records were answered", len(answered), len(outcomes))
	}
	heard := make(map[chat.ConversationID]chat.Seq)
	for _, e := range c.events {
		id := chat.ConversationID(e.Topic.ID)
		if e.Topic.Kind != chat.TopicConversation {
			continue
		}
		if int(e.Seq) > len(entries[id]) || entries[id][e.Seq-1] != string(e.Data) {
			c.t.Errorf("published %s, which is not the log's", e.Data)
		}
		if e.Seq > heard[id]+1 {
			c.t.Errorf("%s: published %d after %d", id, e.Seq, heard[id])
		}
		heard[id] = max(heard[id], e.Seq)
	}
	for _, id := range rooms {
		log := chattest.ReadLog(c.t, c.store, id)
		if len(log) != len(entries[id]) || int(heard[id]) != len(log) {
			c.t.Errorf("%s: the store has %d entries, %d were published; want %d", id, len(log), heard[id], len(entries[id]))
			continue
		}
		for i, e := range log {
			if got := string(e.AppendJSON(nil)); !e.Redacted && got != entries[id][i] {
				c.t.Errorf("the store has %s, want %s", got, entries[id][i])
			}
		}
	}
	if c.notFed > 0 {
		c.t.Errorf("%d entries were committed before they were in the feed", c.notFed)
	}
}
