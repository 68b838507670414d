package sequencer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

// pipeline is a log, an owner, a journal and a bus, with an edge in front that
// does what a patient client does: it tries again until it is answered.
type pipeline struct {
	t       testing.TB
	journal chattest.LogStore
	faults  *chattest.Faults
	log     chat.Log
	bus     *inproc.Bus
	sink    *chattest.Recorder
	opts    sequencer.Options
	// owner gives the sequencer for a claim: always the same one, unless a test says otherwise.
	owner func() *sequencer.Sequencer

	mu      sync.Mutex // guards what follows
	waiting map[chat.RecordID]chan chat.Outcome
	records int
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newPipeline(t testing.TB, j chattest.LogStore) *pipeline {
	p := &pipeline{
		t: t, journal: j, faults: chattest.NewFaults(), bus: inproc.NewBus(1, 1<<17), sink: chattest.NewRecorder(),
		waiting: make(map[chat.RecordID]chan chat.Outcome),
		opts:    sequencer.Options{Now: time.Now, Logger: quiet()},
	}
	p.log = p.faults.Log(inproc.NewLog("memory", 4096))
	one := sequencer.New(p.faults.Journal(j), p.faults.Bus(p.bus), p.opts)
	p.owner = func() *sequencer.Sequencer { return one }
	return p
}

// fresh makes every claim that of another process, which remembers nothing.
func (p *pipeline) fresh() {
	p.owner = func() *sequencer.Sequencer {
		return sequencer.New(p.faults.Journal(p.journal), p.faults.Bus(p.bus), p.opts)
	}
}

// start runs the owner until the returned function is called.
func (p *pipeline) start() (stop func()) {
	ctx, cancel := context.WithCancel(p.t.Context())
	p.bus.Attach("node-1", p)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.log.Own(ctx, func(ctx context.Context, part chat.Partition) error { return p.owner().Own(ctx, part) }); err != nil {
			p.t.Errorf("own: %v", err)
		}
	}()
	return func() {
		cancel()
		<-done
		if err := p.bus.Close(); err != nil {
			p.t.Errorf("close bus: %v", err)
		}
	}
}

// Deliver, Outcomes and Resync implement chat.Sink.
func (p *pipeline) Deliver(events []chat.Event) { p.sink.Deliver(events) }
func (p *pipeline) Resync()                     { p.sink.Resync() }
func (p *pipeline) Outcomes(outcomes []chat.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range outcomes {
		if c := p.waiting[o.RecordID]; c != nil {
			delete(p.waiting, o.RecordID)
			c <- o
		}
	}
}

// try appends a command once and waits a while for its outcome.
func (p *pipeline) try(cmd chat.Command) (chat.Outcome, bool) {
	p.mu.Lock()
	p.records++
	r := &chat.Record{ID: chattest.RecordID(p.records), Rules: chat.RulesVersion, Node: "node-1", Command: cmd}
	answer := make(chan chat.Outcome, 1)
	p.waiting[r.ID] = answer
	p.mu.Unlock()
	if err := p.log.Append(p.t.Context(), r); err != nil {
		return chat.Outcome{}, false
	}
	select {
	case o := <-answer:
		return o, true
	case <-time.After(2 * time.Second):
		return chat.Outcome{}, false
	}
}

// do tries until it is answered for certain.
func (p *pipeline) do(cmd chat.Command) chat.Outcome {
	for range 100 {
		if o, ok := p.try(cmd); ok && !errors.Is(o.Err, chat.ErrUnavailable) {
			return o
		}
	}
	p.t.Errorf("%s was not answered in 100 attempts", cmd.Kind)
	return chat.Outcome{Err: chat.ErrInternal}
}

// subscribe hears the rooms and people.
func (p *pipeline) subscribe(rooms []chat.ConversationID, users []chat.UserID) {
	var topics []chat.Topic
	for _, id := range rooms {
		topics = append(topics, chat.Topic{Kind: chat.TopicConversation, ID: id})
	}
	for _, id := range users {
		topics = append(topics, chat.Topic{Kind: chat.TopicUser, ID: id})
	}
	if err := p.bus.Subscribe(p.t.Context(), topics...); err != nil {
		p.t.Fatal(err)
	}
}

// acked is what a client was told about a message.
type acked struct {
	cmd   chat.Command
	entry string // canonical JSON
	seq   chat.Seq
}

// workload has so many people write to a room of all and to rooms of their own,
// each waiting for every ack, and gives what they were told.
func (p *pipeline) workload(people, each int) map[chat.UserID][]acked {
	all := chattest.Room(0)
	if o := p.do(chattest.Create(chat.Group, all, chattest.User(0), chattest.Users(people)...)); o.Err != nil {
		p.t.Fatalf("create: %v", o.Err)
	}
	told := make(map[chat.UserID][]acked)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			list := p.person(i, each, all)
			mu.Lock()
			defer mu.Unlock()
			told[chattest.User(i)] = list
		})
	}
	wg.Wait()
	return told
}

func (p *pipeline) person(i, each int, all chat.ConversationID) (told []acked) {
	me, mine := chattest.User(i), chattest.Room(i+1)
	if o := p.do(chattest.Create(chat.Group, mine, me)); o.Err != nil {
		p.t.Errorf("create: %v", o.Err)
	}
	for n := range each {
		cmd := chattest.Send(all, me, fmt.Sprintf("k%d", n), fmt.Sprintf("text %d of %d", n, i))
		if n%3 == 0 {
			cmd.ConversationID = mine
		}
		o := p.do(cmd)
		if o.Err != nil || o.Entry == nil {
			p.t.Errorf("send: got %+v, %v", o, o.Err)
			continue
		}
		told = append(told, acked{cmd, string(o.JSON), o.Entry.Seq})
		if n%4 == 1 {
			if o := p.do(chattest.React(o.Entry.ConversationID, me, o.Entry.Seq, "👍", true)); o.Err != nil {
				p.t.Errorf("react: %v", o.Err)
			}
		}
	}
	return told
}

// check compares what clients were told with what the store has.
func (p *pipeline) check(told map[chat.UserID][]acked) {
	p.t.Helper()
	logs := make(map[chat.ConversationID][]chat.RawEntry)
	once := make(map[string]chat.Seq)
	for i := range len(told) + 1 {
		room := chattest.Room(i)
		raw, err := p.journal.Entries(p.t.Context(), room, 0, 1000, 1<<30)
		if err != nil {
			p.t.Fatal(err)
		}
		logs[room] = chattest.WantLog(p.t, p.journal, room, len(raw)) // dense
		for _, e := range chattest.ReadLog(p.t, p.journal, room) {
			key := fmt.Sprint(room, e.SenderID, e.ClientID)
			if e.Kind == chat.KindMessage && once[key] != 0 {
				p.t.Errorf("%s is there twice: %d and %d", key, once[key], e.Seq)
			}
			once[key] = e.Seq
		}
	}
	for user, list := range told {
		last := make(map[chat.ConversationID]chat.Seq)
		for _, a := range list {
			log := logs[a.cmd.ConversationID]
			if int(a.seq) > len(log) || string(log[a.seq-1].JSON) != a.entry {
				p.t.Errorf("acked %s, which the log does not have at %d", a.entry, a.seq)
			}
			if a.seq <= last[a.cmd.ConversationID] {
				p.t.Errorf("%s: seq %d after %d", user, a.seq, last[a.cmd.ConversationID])
			}
			last[a.cmd.ConversationID] = a.seq
		}
	}
}

// checkRetries sends everything again and wants the first entries.
func (p *pipeline) checkRetries(told map[chat.UserID][]acked) {
	p.t.Helper()
	for _, list := range told {
		for _, a := range list {
			if o := p.do(a.cmd); o.Err != nil || !o.Repeated || string(o.JSON) != a.entry {
				p.t.Errorf("sent again: got %s, repeated %v, %v\nwant %s", o.JSON, o.Repeated, o.Err, a.entry)
			}
		}
	}
}

// checkPublished wants every entry of the rooms to have been delivered, in order, not counting repeats.
func (p *pipeline) checkPublished(rooms int) {
	p.t.Helper()
	heard := make(map[chat.ConversationID]chat.Seq)
	for _, e := range p.sink.Events() {
		if e.Topic.Kind != chat.TopicConversation {
			continue
		}
		if room := chat.ConversationID(e.Topic.ID); e.Seq > heard[room] {
			if e.Seq != heard[room]+1 {
				p.t.Errorf("%s: heard seq %d after %d", room, e.Seq, heard[room])
			}
			heard[room] = e.Seq
		}
	}
	for i := range rooms {
		room := chattest.Room(i)
		if n := len(chattest.ReadLog(p.t, p.journal, room)); int(heard[room]) != n {
			p.t.Errorf("%s: heard up to %d of %d", room, heard[room], n)
		}
	}
}

func openSQL(t testing.TB) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), t.TempDir(), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var engines chattest.Engines

func TestMain(m *testing.M) { os.Exit(engines.Around(m)) }

func openPostgres(t testing.TB) *sqlstore.Store {
	t.Helper()
	address := sqltest.Place(t, engines.Address(t, "PARLEY_TEST_POSTGRES", "postgres"))
	s, err := sqlstore.OpenPostgres(t.Context(), address, sqlstore.PostgresOptions{Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
