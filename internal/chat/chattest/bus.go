package chattest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Recorder is a sink that keeps what it gets. Safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex // guards what follows
	events   []chat.Event
	outcomes []chat.Outcome
	resyncs  int
	changed  chan struct{} // closed and renewed at each change
	// OnDeliver, if set, is called with what is delivered, without a lock held.
	OnDeliver func([]chat.Event)
}

var _ chat.Sink = (*Recorder)(nil)

// NewRecorder makes an empty one.
func NewRecorder() *Recorder { return &Recorder{changed: make(chan struct{})} }

func (r *Recorder) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

// Deliver implements chat.Sink.
func (r *Recorder) Deliver(events []chat.Event) {
	if r.OnDeliver != nil {
		r.OnDeliver(events)
	}
	r.change(func() { r.events = append(r.events, events...) })
}

// Outcomes implements chat.Sink.
func (r *Recorder) Outcomes(outcomes []chat.Outcome) {
	r.change(func() { r.outcomes = append(r.outcomes, outcomes...) })
}

// Resync implements chat.Sink.
func (r *Recorder) Resync() { r.change(func() { r.resyncs++ }) }

// Events gives a copy of what was delivered.
func (r *Recorder) Events() []chat.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]chat.Event(nil), r.events...)
}

// Answers gives a copy of the outcomes that came.
func (r *Recorder) Answers() []chat.Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]chat.Outcome(nil), r.outcomes...)
}

// Wait waits until the recorder has got at least so many of each.
func (r *Recorder) Wait(t testing.TB, events, outcomes, resyncs int) {
	t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		got := fmt.Sprintf("%d events, %d outcomes, %d resyncs", len(r.events), len(r.outcomes), r.resyncs)
		enough := len(r.events) >= events && len(r.outcomes) >= outcomes && r.resyncs >= resyncs
		changed := r.changed
		r.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("got %s, want at least %d, %d, %d", got, events, outcomes, resyncs)
		}
	}
}

// Bus is the conformance suite of chat.Bus. Open gives a bus that nothing is
// attached to, which ends with the test.
func Bus(t *testing.T, open func(t *testing.T) chat.Bus) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, b chat.Bus, r *Recorder){
		"what is subscribed to is delivered, nothing else": busSubscribed,
		"subscriptions are counted":                        busCounted,
		"every field of an event arrives":                  busFields,
		"the order of a topic is kept":                     busOrder,
		"publishers do not disturb one another":            busConcurrent,
		"outcomes come back as they were":                  busOutcomes,
		"a resync is heard":                                busResync,
		"the sink may use the bus":                         busReentrant,
	} {
		t.Run(name, func(t *testing.T) {
			b, r := open(t), NewRecorder()
			if name == "the sink may use the bus" {
				r.OnDeliver = republish(t, b)
			}
			b.Attach("node-1", r)
			test(t, b, r)
		})
	}
}

// RoomTopic is the topic of the nth room.
func RoomTopic(n int) chat.Topic { return chat.Topic{Kind: chat.TopicConversation, ID: Room(n)} }

// event makes an event of a topic whose data tells which it is.
func event(topic chat.Topic, seq int) chat.Event {
	return chat.Event{Topic: topic, Kind: chat.EventEntry, Seq: chat.Seq(seq), Data: fmt.Appendf(nil, `{"seq":%d}`, seq)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func busSubscribed(t *testing.T, b chat.Bus, r *Recorder) {
	ctx := t.Context()
	user := chat.Topic{Kind: chat.TopicUser, ID: Room(0)} // the id of a room, but another kind
	must(t, b.Subscribe(ctx, RoomTopic(0), RoomTopic(2)))
	must(t, b.Publish(ctx, []chat.Event{event(RoomTopic(0), 1), event(RoomTopic(1), 2), event(user, 3), event(RoomTopic(2), 4)}))
	r.Wait(t, 2, 0, 0)
	must(t, b.Unsubscribe(ctx, RoomTopic(0)))
	must(t, b.Publish(ctx, []chat.Event{event(RoomTopic(0), 5), event(RoomTopic(2), 6)}))
	r.Wait(t, 3, 0, 0)
	var seqs []chat.Seq
	for _, e := range r.Events() {
		seqs = append(seqs, e.Seq)
	}
	if len(seqs) != 3 || seqs[0]+seqs[1] != 5 || seqs[2] != 6 {
		t.Errorf("got seqs %v, want 1 and 4, then 6", seqs)
	}
	must(t, b.Publish(ctx, nil))
}

func busCounted(t *testing.T, b chat.Bus, r *Recorder) {
	ctx := t.Context()
	must(t, b.Subscribe(ctx, RoomTopic(0), RoomTopic(1)))
	must(t, b.Subscribe(ctx, RoomTopic(0)))
	must(t, b.Unsubscribe(ctx, RoomTopic(0)))
	must(t, b.Publish(ctx, []chat.Event{event(RoomTopic(0), 1)}))
	r.Wait(t, 1, 0, 0)
	must(t, b.Unsubscribe(ctx, RoomTopic(0)))
	must(t, b.Unsubscribe(ctx, RoomTopic(0))) // once too often: does no harm
	must(t, b.Publish(ctx, []chat.Event{event(RoomTopic(0), 2), event(RoomTopic(1), 3)}))
	r.Wait(t, 2, 0, 0)
	must(t, b.Subscribe(ctx, RoomTopic(0)))
	must(t, b.Publish(ctx, []chat.Event{event(RoomTopic(0), 4)}))
	r.Wait(t, 3, 0, 0)
	for i, want := range []chat.Seq{1, 3, 4} {
		if got := r.Events()[i].Seq; got != want {
			t.Errorf("event %d: got seq %d, want %d", i, got, want)
		}
	}
}

func busFields(t *testing.T, b chat.Bus, r *Recorder) {
	var want []chat.Event
	kinds := []chat.EventKind{
		chat.EventEntry, chat.EventReceipt, chat.EventTyping, chat.EventPresence, chat.EventMember, chat.EventProfile, chat.EventSession, chat.EventRead,
	}
	for i, kind := range kinds {
		e := chat.Event{Topic: chat.Topic{Kind: chat.TopicUser, ID: User(0)}, Kind: kind, Seq: chat.Seq(i), From: User(i), Data: []byte(`{"žluť":"\u2028"}`)}
		want = append(want, e)
	}
	want[2].From, want[3].Data = chat.UserID{}, nil
	must(t, b.Subscribe(t.Context(), want[0].Topic))
	must(t, b.Publish(t.Context(), want))
	r.Wait(t, len(want), 0, 0)
	for i, got := range r.Events() {
		data := got.Data
		got.Data = nil
		w := want[i]
		w.Data = nil
		if !reflect.DeepEqual(got, w) || !bytes.Equal(data, want[i].Data) {
			t.Errorf("got %+v %s\nwant %+v %s", got, data, w, want[i].Data)
		}
	}
}

func busOrder(t *testing.T, b chat.Bus, r *Recorder) {
	const topics, each = 20, 200
	ctx := t.Context()
	for i := range topics {
		must(t, b.Subscribe(ctx, RoomTopic(i)))
	}
	for n := range each {
		var events []chat.Event
		for i := range topics {
			events = append(events, event(RoomTopic(i), n+1))
		}
		must(t, b.Publish(ctx, events))
	}
	r.Wait(t, topics*each, 0, 0)
	last := make(map[chat.Topic]chat.Seq)
	for _, e := range r.Events() {
		if e.Seq != last[e.Topic]+1 {
			t.Fatalf("got seq %d after %d", e.Seq, last[e.Topic])
		}
		last[e.Topic] = e.Seq
	}
}

func busConcurrent(t *testing.T, b chat.Bus, r *Recorder) {
	const publishers, each = 8, 100
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range publishers {
		must(t, b.Subscribe(ctx, RoomTopic(i)))
		wg.Go(func() {
			for n := range each {
				if err := b.Publish(ctx, []chat.Event{event(RoomTopic(i), n+1)}); err != nil {
					t.Error(err)
				}
				other := RoomTopic(100 + i)
				if err := errors.Join(b.Subscribe(ctx, other), b.Unsubscribe(ctx, other)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	r.Wait(t, publishers*each, 0, 0)
	last := make(map[chat.Topic]chat.Seq)
	for _, e := range r.Events() {
		if e.Seq != last[e.Topic]+1 {
			t.Fatalf("got seq %d after %d", e.Seq, last[e.Topic])
		}
		last[e.Topic] = e.Seq
	}
}

func busOutcomes(t *testing.T, b chat.Bus, r *Recorder) {
	entry := &chat.Entry{ConversationID: Room(0), Seq: 3, At: Epoch, SenderID: User(0), Kind: chat.KindMessage, ClientID: "k", Ordinal: 2, Text: "žluť"}
	want := []chat.Outcome{
		{RecordID: RecordID(0), Node: "node-1", Entry: entry, JSON: entry.AppendJSON(nil)},
		{RecordID: RecordID(1), Node: "node-1", Entry: entry, JSON: entry.AppendJSON(nil), Repeated: true},
		{RecordID: RecordID(2), Node: "node-1", Repeated: true},
		{RecordID: RecordID(3), Node: "node-1", Err: chat.ErrNotFound},
		{RecordID: RecordID(4), Node: "node-1", Err: &chat.Error{
			Code: chat.CodeRateLimited, Reason: "why", Message: "A sentence.", RetryAfter: 1500 * time.Millisecond, Fields: map[string]string{"text": "is empty"},
		}},
	}
	must(t, b.Reply(t.Context(), want))
	must(t, b.Reply(t.Context(), nil))
	r.Wait(t, 0, len(want), 0)
	for i, got := range r.Answers() {
		w := want[i]
		if got.RecordID != w.RecordID || got.Repeated != w.Repeated || !reflect.DeepEqual(got.Err, w.Err) || !bytes.Equal(got.JSON, w.JSON) {
			t.Errorf("got %+v, want %+v", got, w)
		}
		if (got.Entry == nil) != (w.Entry == nil) || w.Entry != nil && !bytes.Equal(got.Entry.AppendJSON(nil), w.JSON) {
			t.Errorf("got entry %+v, want %+v", got.Entry, w.Entry)
		}
	}
}

func busResync(t *testing.T, b chat.Bus, r *Recorder) {
	must(t, b.Resync(t.Context()))
	r.Wait(t, 0, 0, 1)
}

// republish gives what the sink of busReentrant does with an event of Room(0).
func republish(t *testing.T, b chat.Bus) func([]chat.Event) {
	return func(events []chat.Event) {
		for _, e := range events {
			if e.Topic != RoomTopic(0) {
				continue
			}
			ctx := context.WithoutCancel(t.Context())
			// The event is last: whoever gets it knows that the rest is done.
			if err := errors.Join(b.Subscribe(ctx, RoomTopic(1)), b.Unsubscribe(ctx, RoomTopic(0)),
				b.Publish(ctx, []chat.Event{event(RoomTopic(1), 9)})); err != nil {
				t.Error(err)
			}
		}
	}
}

func busReentrant(t *testing.T, b chat.Bus, r *Recorder) {
	must(t, b.Subscribe(t.Context(), RoomTopic(0)))
	must(t, b.Publish(t.Context(), []chat.Event{event(RoomTopic(0), 1)}))
	r.Wait(t, 2, 0, 0)
	must(t, b.Publish(t.Context(), []chat.Event{event(RoomTopic(0), 2), event(RoomTopic(1), 3)}))
	r.Wait(t, 3, 0, 0)
	// The order is promised within a topic only.
	got := make(map[chat.Topic][]chat.Seq)
	for _, e := range r.Events() {
		got[e.Topic] = append(got[e.Topic], e.Seq)
	}
	if want := map[chat.Topic][]chat.Seq{RoomTopic(0): {1}, RoomTopic(1): {9, 3}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
