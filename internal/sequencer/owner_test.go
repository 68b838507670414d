package sequencer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
)

// script is a partition whose records a test lays down. It says where it
// starts, and blocks at its end.
type script struct {
	records []*chat.Record
	start   int64
}

func (s *script) ID() chat.PartitionID                               { return chat.PartitionID{Log: "script"} }
func (s *script) Start(context.Context, int64, int64) (int64, error) { return s.start, nil }

func (s *script) Fetch(ctx context.Context, from int64, limit int) ([]*chat.Record, error) {
	for i, r := range s.records {
		if r.Offset >= from {
			return s.records[i:min(i+limit, len(s.records))], nil
		}
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// lay gives records of commands, from an offset on.
func lay(from int64, cmds ...chat.Command) []*chat.Record {
	var out []*chat.Record
	for i := range cmds {
		offset := from + int64(i)
		out = append(out, &chat.Record{ID: chattest.RecordID(int(offset)), Rules: chat.RulesVersion, Node: "node-1", Command: cmds[i], Offset: offset})
	}
	return out
}

// bench is a sequencer with a bus that records.
type bench struct {
	*sequencer.Sequencer
	journal *chattest.Memory
	bus     *inproc.Bus
	sink    *chattest.Recorder
	opts    sequencer.Options
}

func newBench(t *testing.T, o sequencer.Options) *bench {
	t.Helper()
	o.Now, o.Logger = time.Now, quiet()
	b := &bench{journal: chattest.NewMemory(), bus: inproc.NewBus(1, 1<<17), sink: chattest.NewRecorder(), opts: o}
	b.bus.Attach("node-1", b.sink)
	t.Cleanup(func() {
		if err := b.bus.Close(); err != nil {
			t.Error(err)
		}
	})
	b.Sequencer = sequencer.New(b.journal, b.bus, o)
	return b
}

// run owns the partition until so many outcomes came, and gives them.
func (b *bench) run(t *testing.T, p chat.Partition, outcomes int) []chat.Outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Own(ctx, p) }()
	b.sink.Wait(t, 0, outcomes, 0)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("own: got %v, want the context's error", err)
	}
	return b.sink.Answers()
}

// A new owner answers what the one before it committed: a message with its
// first entry; of the rest only what is certain.
func TestTakeoverAnswersWhatIsCertain(t *testing.T) {
	b := newBench(t, sequencer.Options{})
	room, me := chattest.Room(0), chattest.User(0)
	cmds := []chat.Command{
		chattest.Create(chat.Group, room, me, chattest.User(1)), chattest.Send(room, me, "k", "text"), // 0, 1
		chattest.React(room, me, 2, "👍", true), chattest.React(room, me, 2, "👍", false), // 2, 3
		chattest.React(room, me, 2, "🎉", true), chattest.Edit(room, me, 2, "edited"), // 4, 5
		chattest.Remove(room, me, chattest.User(1)), chattest.Send(room, chattest.User(9), "x", "not a member"), // 6, 7
		chattest.Send(room, me, "l", "more"), // 8
	}
	b.run(t, &script{records: lay(0, cmds...)}, len(cmds))
	before := chattest.ReadLog(t, b.journal, room)

	next := newBench(t, sequencer.Options{})
	next.journal = b.journal
	next.Sequencer = sequencer.New(b.journal, next.bus, next.opts)
	again := append(slices.Clone(cmds), chattest.Send(room, me, "m", "the first new one"))
	got := next.run(t, &script{records: lay(0, again...)}, len(again))
	for i, o := range got[:len(cmds)] {
		unknown := o.Err != nil && o.Err.Code == chat.CodeUnavailable && o.Err.Reason == "outcome_unknown"
		switch i {
		case 1, 8:
			if !o.Repeated || o.Entry == nil || o.Entry.ClientID != cmds[i].ClientID || o.Entry.Seq != before[o.Entry.Seq-1].Seq {
				t.Errorf("message %d: got %+v, want its first entry", i, o)
			}
		default:
			if !unknown && (!o.Repeated || o.Entry != nil) {
				t.Errorf("%s at %d: got %+v (%v), want nothing made up", cmds[i].Kind, i, o, o.Err)
			}
		}
	}
	if o := got[0]; !o.Repeated || o.Err != nil {
		t.Errorf("create: got %+v, want repeated", o)
	}
	for i, o := range got {
		if o.RecordID != chattest.RecordID(i) || o.Node != "node-1" {
			t.Errorf("outcome %d is of %s for %s", i, o.RecordID, o.Node)
		}
	}
	last := got[len(cmds)]
	if last.Repeated || last.Entry == nil || int(last.Entry.Seq) != len(before)+1 {
		t.Errorf("the first new one: got %+v, want seq %d", last, len(before)+1)
	}
	after := chattest.ReadLog(t, b.journal, room)
	if len(after) != len(before)+1 {
		t.Errorf("got %d entries after %d, want one more", len(after), len(before))
	}
	next.sink.Wait(t, 0, 0, 1)
}

// A command whose deciding panics is refused; what it did to the state is not seen by the others.
func TestPanicRefusesOneRecord(t *testing.T) {
	panics, gaveUp := 0, 0
	b := newBench(t, sequencer.Options{Metrics: sequencer.Metrics{Panicked: func() { panics++ }, GaveUp: func() { gaveUp++ }}})
	b.SetApply(func(s *chat.State, cmd *chat.Command) (*chat.Change, *chat.Entry, *chat.Error) {
		if cmd.Text == "boom" {
			s.Head.Seq += 100
			panic("boom")
		}
		return chat.Apply(s, cmd)
	})
	room, me := chattest.Room(0), chattest.User(0)
	cmds := []chat.Command{
		chattest.Create(chat.Group, room, me), chattest.Send(room, me, "a", "one"), chattest.Send(room, me, "b", "boom"),
		chattest.Send(room, me, "c", "two"), chattest.Send(room, me, "d", "boom"), chattest.Send(room, me, "e", "three"),
	}
	got := b.run(t, &script{records: lay(0, cmds...)}, len(cmds))
	for i, o := range got {
		if boom := cmds[i].Text == "boom"; boom != (o.Err != nil) || boom && !errors.Is(o.Err, chat.ErrInternal) {
			t.Errorf("%q: got %+v, %v", cmds[i].Text, o.Entry, o.Err)
		}
	}
	chattest.WantLog(t, b.journal, room, 4)
	if panics != 2 || gaveUp != 0 {
		t.Errorf("counted %d panics and %d claims given up, want 2 and 0", panics, gaveUp)
	}
}

func TestHolesStopTheOwner(t *testing.T) {
	room, me := chattest.Room(0), chattest.User(0)
	cmds := []chat.Command{chattest.Create(chat.Group, room, me), chattest.Send(room, me, "a", "1"), chattest.Send(room, me, "b", "2")}
	hole := lay(0, cmds...)
	hole[2].Offset = 3
	for name, p := range map[string]*script{
		"between records":           {records: hole},
		"before the first record":   {records: lay(1, cmds...)},
		"the log begins too late":   {records: lay(5, cmds...), start: 5},
		"a record that comes twice": {records: append(lay(0, cmds...), lay(2, cmds[2])...)},
	} {
		t.Run(name, func(t *testing.T) {
			gaveUp := 0
			b := newBench(t, sequencer.Options{Metrics: sequencer.Metrics{GaveUp: func() { gaveUp++ }}})
			if err := b.Own(t.Context(), p); !errors.Is(err, sequencer.ErrHole) {
				t.Errorf("got %v, want ErrHole", err)
			}
			if next, _, err := b.journal.Position(t.Context(), p.ID()); next != 0 || err != nil || gaveUp != 1 {
				t.Errorf("got position %d, %v, given up %d times, want 0 and once", next, err, gaveUp)
			}
		})
	}
}

// A record that was accepted under rules this program does not know waits for a
// newer one; a record without rules is refused.
func TestRules(t *testing.T) {
	b := newBench(t, sequencer.Options{})
	records := lay(0, chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)), chattest.Send(chattest.Room(0), chattest.User(0), "k", "x"))
	records[1].Rules = chat.RulesVersion + 1
	if err := b.Own(t.Context(), &script{records: records}); !errors.Is(err, chat.ErrNewerRules) {
		t.Errorf("got %v, want ErrNewerRules", err)
	}
	if next, _, err := b.journal.Position(t.Context(), chat.PartitionID{Log: "script"}); next != 0 || err != nil {
		t.Errorf("got position %d, %v, want 0", next, err)
	}
	records[1].Rules = 0
	got := b.run(t, &script{records: records}, 2)
	if got[0].Err != nil || !errors.Is(got[1].Err, chat.ErrInvalid) {
		t.Errorf("got %v and %v, want nil and ErrInvalid", got[0].Err, got[1].Err)
	}
}

// Whoever gains or loses a conversation, or a role in it, hears of it on their own topic.
func TestEvents(t *testing.T) {
	b := newBench(t, sequencer.Options{})
	room, users := chattest.Room(0), chattest.Users(4)
	if err := b.bus.Subscribe(t.Context(), chattest.RoomTopic(0)); err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if err := b.bus.Subscribe(t.Context(), chat.Topic{Kind: chat.TopicUser, ID: u}); err != nil {
			t.Fatal(err)
		}
	}
	cmds := []chat.Command{
		chattest.Create(chat.Group, room, users[0], users[1]), chattest.Add(room, users[0], users[2], users[3]),
		chattest.SetRole(room, users[0], users[2], chat.RoleAdmin), chattest.Send(room, users[2], "k", "x"),
		chattest.Remove(room, users[0], users[2]), chattest.Remove(room, users[1], users[1]), chattest.Retitle(room, users[0], "t"),
		chattest.Edit(room, users[0], 4, "not mine: refused"),
	}
	outcomes := b.run(t, &script{records: lay(0, cmds...)}, len(cmds))
	members := [][]int{0: {0, 1}, 1: {2, 3}, 2: {2}, 4: {2}, 5: {1}, 6: {}}
	var want []string
	total := 0
	for i, list := range members {
		want = append(want, fmt.Sprintf("%s 1 %d", room, i+1))
		total++
		for _, n := range list {
			want = append(want, fmt.Sprintf("%s 5 %d", chattest.User(n), i+1))
			total++
		}
	}
	b.sink.Wait(t, total, 0, 0)
	var got []string
	for _, e := range b.sink.Events() {
		got = append(got, fmt.Sprintf("%s %d %d", chat.ConversationID(e.Topic.ID), e.Kind, e.Seq))
		if data := outcomes[e.Seq-1].JSON; &e.Data[0] != &data[0] {
			t.Errorf("entry %d was encoded more than once", e.Seq)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestBatchesAreMeasured(t *testing.T) {
	var records, changes []int
	b := newBench(t, sequencer.Options{Metrics: sequencer.Metrics{Batch: func(r, c int, load, commit time.Duration) {
		records, changes = append(records, r), append(changes, c)
		if load < 0 || commit < 0 {
			t.Errorf("got load %s, commit %s", load, commit)
		}
	}}})
	cmds := []chat.Command{chattest.Create(chat.Group, chattest.Room(0), chattest.User(0))}
	for i := range 599 {
		cmds = append(cmds, chattest.Send(chattest.Room(0), chattest.User(i%2), fmt.Sprint(i), "the second person is refused"))
	}
	b.run(t, &script{records: lay(0, cmds...)}, len(cmds))
	if !slices.Equal(records, []int{512, 88}) || !slices.Equal(changes, []int{257, 44}) {
		t.Errorf("got batches of %v with %v changes", records, changes)
	}
	if next, prev, err := b.journal.Position(t.Context(), chat.PartitionID{Log: "script"}); next != 600 || prev != 512 || err != nil {
		t.Errorf("got position %d, %d, %v, want 600, 512", next, prev, err)
	}
}

// stopping is a journal whose commit ends the owner's context: the partition is
// taken away at the worst moment.
type stopping struct {
	chat.Journal
	stop context.CancelFunc
}

func (s *stopping) Commit(ctx context.Context, b *chat.Batch) error {
	err := s.Journal.Commit(ctx, b)
	s.stop()
	return err
}

// strictBus refuses calls whose context has ended, as a bus on a network does.
type strictBus struct{ chat.Bus }

func (b strictBus) Publish(ctx context.Context, events []chat.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.Bus.Publish(ctx, events)
}

func (b strictBus) Reply(ctx context.Context, outcomes []chat.Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.Bus.Reply(ctx, outcomes)
}

func TestWhatIsCommittedIsToldWhenTheOwnerStops(t *testing.T) {
	b := newBench(t, sequencer.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := sequencer.New(&stopping{b.journal, cancel}, strictBus{b.bus}, b.opts)
	p := &script{records: lay(0, chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))}
	if err := s.Own(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	b.sink.Wait(t, 0, 1, 0)
	if o := b.sink.Answers()[0]; o.Err != nil || o.Entry == nil {
		t.Errorf("got %+v, want the entry", o)
	}
}

// Two owners of one partition, neither of which knows of the other: what one
// commits the other does not, and nothing is there twice.
func TestTwoOwners(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) chattest.LogStore{
		"memory":   func(*testing.T) chattest.LogStore { return chattest.NewMemory() },
		"sqlite":   func(t *testing.T) chattest.LogStore { return openSQL(t) },
		"postgres": func(t *testing.T) chattest.LogStore { return openPostgres(t) },
	} {
		t.Run(name, func(t *testing.T) { testTwoOwners(t, open(t)) })
	}
}

func testTwoOwners(t *testing.T, j chattest.LogStore) {
	const n = 3000
	ctx, cancel := context.WithCancel(t.Context())
	var owners sync.WaitGroup
	var logs []*inproc.Log
	var sinks []*chattest.Recorder
	for range 2 {
		log, bus, sink := inproc.NewLog("shared", n+1), inproc.NewBus(1, 1<<17), chattest.NewRecorder()
		bus.Attach("node-1", sink)
		s := sequencer.New(j, bus, sequencer.Options{Now: time.Now, Logger: quiet()})
		logs, sinks = append(logs, log), append(sinks, sink)
		owners.Go(func() {
			if err := log.Own(ctx, s.Own); err != nil {
				t.Error(err)
			}
			if err := bus.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	cmds := []chat.Command{chattest.Create(chat.Group, chattest.Room(0), chattest.User(0))}
	for i := range n {
		cmds = append(cmds, chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprint(i), fmt.Sprint("text ", i)))
	}
	for _, log := range logs {
		for _, r := range lay(0, cmds...) { // records of its own: a log writes the offset into them
			if err := log.Append(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	until := time.Now().Add(time.Minute)
	for {
		next, _, err := j.Position(ctx, chat.PartitionID{Log: "shared"})
		if err != nil || next == n+1 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("stuck at %d", next)
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	owners.Wait()
	raw := chattest.WantLog(t, j, chattest.Room(0), n+1)
	for _, sink := range sinks {
		for _, o := range sink.Answers() {
			if o.Err == nil && o.Entry != nil && string(raw[o.Entry.Seq-1].JSON) != string(o.JSON) {
				t.Fatalf("told %s, the log has %s", o.JSON, raw[o.Entry.Seq-1].JSON)
			}
		}
	}
}
