package gateway

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// TestEveryEventIsDocumented compares what the gateway takes with the registry
// from which AsyncAPI and TypeScript are made.
func TestEveryEventIsDocumented(t *testing.T) {
	g, err := New(t.Context(), Ports{}, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var taken, documented []string
	for _, e := range g.events() {
		taken = append(taken, e.name)
	}
	for _, e := range wire.ClientEvents() {
		documented = append(documented, e.Name)
	}
	slices.Sort(taken)
	slices.Sort(documented)
	if !slices.Equal(taken, documented) {
		t.Errorf("the gateway takes %v, the document has %v", taken, documented)
	}
}

func TestPeekReadsWhatChatEncodes(t *testing.T) {
	for _, kind := range []chat.Kind{
		chat.KindCreated, chat.KindMessage, chat.KindEdit, chat.KindDelete, chat.KindReaction,
		chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole, chat.KindUpdated, chat.KindPin, chat.KindBlock, chat.KindCall, "of_the_future",
	} {
		for _, seq := range []chat.Seq{1, 12345, chat.MaxSeq} {
			e := chat.Entry{ConversationID: chat.ConversationID{1}, Seq: seq, At: 1_767_225_600_123, SenderID: chat.UserID{2}, Kind: kind}
			got := peek(e.AppendJSON(nil))
			if got.kind != kind || !got.at.Equal(e.At.Std()) {
				t.Errorf("%s %d: got %+v", kind, seq, got)
			}
			if got.members() != (kind == chat.KindCreated || kind == chat.KindMemberAdded || kind == chat.KindMemberRemoved) {
				t.Errorf("%s: got members %v", kind, got.members())
			}
			if got.known != (kind != "of_the_future") {
				t.Errorf("%s: got known %v", kind, got.known)
			}
		}
	}
	odd := peek([]byte(`{"kind":"member_removed","seq":4,"at":"2026-01-01T00:00:00.000Z"}`))
	if odd.kind != chat.KindMemberRemoved || !odd.known || odd.at.IsZero() {
		t.Errorf("got %+v of JSON in another order", odd)
	}
	for _, bad := range []string{``, `{`, `{"conversation_id":"`, `[]`, `{"conversation_id":"00000000-0000-0000-0000-000000000000","seq":1`} {
		if got := peek([]byte(bad)); got.kind != "" {
			t.Errorf("%q: got %+v", bad, got)
		}
	}
}

func BenchmarkPeek(b *testing.B) {
	e := chat.Entry{ConversationID: chat.ConversationID{1}, Seq: 7, At: 1_767_225_600_123, SenderID: chat.UserID{2}, Kind: chat.KindMessage, Text: "hello"}
	data := e.AppendJSON(nil)
	b.ReportAllocs()
	for b.Loop() {
		if peek(data).kind != chat.KindMessage {
			b.Fatal("wrong kind")
		}
	}
}

func TestBucket(t *testing.T) {
	now := time.Unix(1000, 0)
	var b bucket
	taken := 0
	for b.take(now, 10, 5) == 0 {
		taken++
	}
	if taken != 5 {
		t.Errorf("took %d at once, want the burst of 5", taken)
	}
	if wait := b.take(now, 10, 5); wait != 100*time.Millisecond {
		t.Errorf("got a wait of %s, want 100ms", wait)
	}
	if b.take(now.Add(100*time.Millisecond), 10, 5) != 0 {
		t.Error("got a wait after the time it named")
	}
	if b.take(now.Add(-time.Hour), 10, 5) == 0 {
		t.Error("a clock that goes back must not fill the bucket")
	}
	b.refund()
	if b.take(now.Add(100*time.Millisecond), 10, 5) != 0 {
		t.Error("got a wait after a refund")
	}
}

func TestRoomQueueIsBounded(t *testing.T) {
	r := &room{}
	for range maxRoomQueue {
		r.enqueue([]chat.Event{{}})
	}
	if r.work.lost || len(r.work.queue) != maxRoomQueue {
		t.Fatalf("got lost=%v with %d events", r.work.lost, len(r.work.queue))
	}
	r.enqueue([]chat.Event{{}})
	if !r.work.lost || len(r.work.queue) != 0 {
		t.Errorf("got lost=%v with %d events, want all dropped and the store asked", r.work.lost, len(r.work.queue))
	}
}

func TestLateMembersSeeNothingTooEarly(t *testing.T) {
	early, late := &user{}, &user{}
	r := &room{last: 5}
	r.add(early, 6)
	if r.work != nil {
		t.Fatal("somebody who sees the next entry is not late")
	}
	r.add(late, 8)
	g := &Gateway{}
	for i := range g.rooms {
		g.rooms[i].rooms = map[chat.ConversationID]*room{}
	}
	for _, step := range []struct {
		seqs   []chat.Seq
		hidden int
	}{{[]chat.Seq{6}, 1}, {[]chat.Seq{7, 8, 9}, 1}, {[]chat.Seq{10}, 0}} {
		x := &scratch{seqs: step.seqs}
		g.advance(r, x, step.seqs[len(step.seqs)-1], 0, 0)
		if got := x.hidden(late); got != step.hidden || x.hidden(early) != 0 || len(x.members) != 2 {
			t.Errorf("%v: got %d hidden from the late one, %d from the other, want %d and 0", step.seqs, got, x.hidden(early), step.hidden)
		}
	}
	if r.work != nil {
		t.Errorf("got %+v, want nothing kept once the room has caught up", r.work)
	}
	r.last = 5
	r.add(late, 9)
	if !r.remove(late) || r.work != nil {
		t.Error("who leaves is not late any more")
	}
}
