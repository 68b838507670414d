package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio/client"
)

// The tests of this file are bugs that were seen in systems like this one.

// wantDense fails unless entries are from..to, each once, in order.
func wantDense(t testing.TB, who string, entries []chat.Entry, from, to chat.Seq) {
	t.Helper()
	want := from
	for _, e := range entries {
		if e.Seq != want {
			t.Errorf("%s: got entry %d, want %d", who, e.Seq, want)
			return
		}
		want++
	}
	if want != to+1 {
		t.Errorf("%s: got entries up to %d, want %d", who, want-1, to)
	}
}

func TestExactlyOneCopyPerSocketWhateverTheirNumber(t *testing.T) {
	n := newNode(t)
	people := n.people(4)
	room := n.group(chat.Group, 1, people[0], people[1:]...)
	var devices []*device
	for i, p := range people {
		for range i + 1 {
			devices = append(devices, n.connect(p))
		}
	}
	const each = 25
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			d := devices[i]
			for k := range each {
				d.send(room, fmt.Sprintf("%d-%d", i, k), "x")
			}
		})
	}
	wg.Wait()
	for i, d := range devices {
		wantDense(t, fmt.Sprint("device ", i), d.upTo(room, 1+4*each), 2, 1+4*each)
	}
}

func TestLeavingSilencesNobody(t *testing.T) {
	n := newNode(t)
	people := n.people(3)
	room := n.group(chat.Group, 1, people[0], people[1:]...)
	a, b, c := n.connect(people[0]), n.connect(people[1]), n.connect(people[2])
	a.send(room, "1", "before")
	n.do(chattest.Remove(room, people[1].id, people[1].id))
	a.send(room, "2", "after")
	c.send(room, "3", "after too")
	wantDense(t, "a", a.upTo(room, 5), 2, 5)
	wantDense(t, "c", c.upTo(room, 5), 2, 5)
	var gone wire.ConversationGone
	b.next(wire.EventConversation).into(t, &gone)
	if !gone.Gone || gone.ID != room {
		t.Errorf("got %+v, want the conversation gone", gone)
	}
	wantDense(t, "who left", b.entries(room), 2, 3)
	b.refused(wire.EventMessageSend, map[string]any{"conversation_id": room, "client_id": "x", "text": "x"}, chat.CodeNotFound)
}

func TestReconnectLeavesNoGap(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a := n.connect(alice)
	last, cursor := chat.Seq(1), n.service.SyncCursor()
	stop := make(chan struct{})
	var sender sync.WaitGroup
	sent := 0
	sender.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				a.send(room, fmt.Sprint(sent), "x")
				sent++
			}
		}
	})
	// Bob's device keeps what it has, comes and goes, and asks for what it missed.
	apply := func(seq chat.Seq) {
		if seq > last+1 {
			t.Errorf("a hole: got %d after %d", seq, last)
		}
		last = max(last, seq)
	}
	for range 20 {
		d, err := n.tryConnect(map[string]string{"token": bob.token, "cursor": cursor})
		if err != nil {
			t.Fatal(err)
		}
		var ready wire.Ready
		d.next(wire.EventReady).into(t, &ready)
		cursor = ready.Cursor
		var page struct{ Entries []chat.Entry }
		head := chat.Seq(0)
		for _, h := range ready.HeadsChanged {
			head = h.LastSeq
		}
		for last < head {
			a := d.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room, Seq: last, Limit: 100})
			if err := json.Unmarshal(a.Data, &page); err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				apply(e.Seq)
			}
		}
		d.upTo(room, last+1)
		for _, e := range d.entries(room) {
			apply(e.Seq)
		}
		if err := d.client.Drop(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	sender.Wait()
	d := n.connect(bob)
	var page struct{ Entries []chat.Entry }
	for last < chat.Seq(sent+1) {
		if err := json.Unmarshal(d.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room, Seq: last}).Data, &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			apply(e.Seq)
		}
	}
	if last != chat.Seq(sent+1) {
		t.Errorf("got %d entries, want %d", last, sent+1)
	}
}

func TestClosingTabTwoKeepsTabOneAndThePersonOnline(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a := n.connect(alice)
	a.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{bob.id}})
	first := n.connect(bob)
	var p wire.Presence
	a.next(wire.EventPresence).into(t, &p)
	if !p.Online || p.UserID != bob.id {
		t.Fatalf("got %+v, want bob online", p)
	}
	reads := n.views.memberships.Load()
	second := n.connect(bob)
	if got := n.views.memberships.Load(); got != reads {
		t.Errorf("the second tab read memberships %d times, want none", got-reads)
	}
	if err := second.client.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // longer than the grace: an absence can only be waited for
	a.send(room, "1", "still there?")
	first.upTo(room, 2)
	if got := a.count(wire.EventPresence); got != 1 {
		t.Errorf("got %d presence events, want only bob's coming", got)
	}
	if err := first.client.Close(); err != nil {
		t.Fatal(err)
	}
	a.next(wire.EventPresence).into(t, &p)
	if p.Online || p.LastSeenAt == nil {
		t.Errorf("got %+v, want bob offline and last seen", p)
	}
}

func TestRetryMakesNoDuplicate(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a, b, a2 := n.connect(alice), n.connect(bob), n.connect(alice)
	first := a.send(room, "same", "once")
	var wg sync.WaitGroup
	for _, d := range []*device{a, a2, a, a2} {
		wg.Go(func() {
			got := d.must(wire.EventMessageSend, map[string]any{"conversation_id": room, "client_id": "same", "text": "once"})
			if e := entryOf(t, got); e.Seq != first.Seq {
				t.Errorf("got seq %d for the retry, want %d", e.Seq, first.Seq)
			}
			if !strings.Contains(string(got.Data), `"repeated":true`) {
				t.Errorf("got %s, want it marked as repeated", got.Data)
			}
		})
	}
	wg.Wait()
	a.send(room, "other", "twice")
	wantDense(t, "b", b.upTo(room, 3), 2, 3)
	got := a.refused(wire.EventMessageSend, map[string]any{"conversation_id": room, "client_id": "same", "text": "changed"}, chat.CodeConflict)
	if got.Error.Reason != "idempotency_conflict" {
		t.Errorf("got reason %q", got.Error.Reason)
	}
}

func TestStoreBlipLosesNothing(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a, b := n.connect(alice), n.connect(bob)
	a.send(room, "1", "x")
	b.upTo(room, 2)
	// The bus loses an entry while the store cannot be read.
	n.views.fail.Store(true)
	n.loseEntry(room, 3)
	a.send(room, "2", "lost on the bus")
	a.send(room, "3", "finds the gap")
	time.Sleep(200 * time.Millisecond)
	if got := len(b.entries(room)); got != 1 {
		t.Errorf("got %d entries while the store was away, want nothing shown behind the hole", got)
	}
	b.refused(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: chattest.Room(99)}, chat.CodeNotFound)
	n.views.fail.Store(false)
	wantDense(t, "b", b.upTo(room, 4), 2, 4)
	wantDense(t, "a", a.upTo(room, 4), 2, 4)
}

// loseEntry has the bus lose one entry on its way to the sockets.
func (n *node) loseEntry(room chat.ConversationID, seq chat.Seq) {
	lose := func(e *chat.Event) bool {
		return e.Kind == chat.EventEntry && e.Topic.ID == room && e.Seq == seq
	}
	n.bus.lose.Store(&lose)
}

func TestSocketWithoutTokenIsRefused(t *testing.T) {
	n := newNode(t)
	alice := n.person()
	for name, opt := range map[string]client.Options{
		"nothing":          {},
		"empty":            {Auth: map[string]string{"token": ""}},
		"made up":          {Auth: map[string]string{"token": "pls_" + strings.Repeat("A", 43)}},
		"another form":     {Auth: map[string]string{"token": alice.id.String()}},
		"in the query":     {Path: "/socket.io/?token=" + alice.token + "&user_id=" + alice.id.String()},
		"wrong cookie":     {Header: http.Header{"Cookie": {"parley=x"}}},
		"unknown in auth":  {Auth: map[string]string{"token": alice.token, "user_id": alice.id.String()}},
		"wrong type":       {Auth: map[string]int{"token": 7}},
		"token of another": {Auth: map[string]any{"token": []string{alice.token}}},
	} {
		_, err := n.dial(opt)
		var refused *client.ConnectError
		if !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want it refused", name, err)
			continue
		}
		var data wire.Error
		if err := json.Unmarshal(refused.Data, &data); err != nil {
			t.Errorf("%s: %s: %v", name, refused.Data, err)
		}
		if want := map[bool]chat.Code{true: chat.CodeInvalid, false: chat.CodeUnauthenticated}[strings.Contains(name, "type") || strings.Contains(name, "unknown") || name == "token of another"]; data.Code != want {
			t.Errorf("%s: got code %q, want %q", name, data.Code, want)
		}
		if strings.Contains(string(refused.Data)+refused.Message, alice.token) {
			t.Errorf("%s: the token is in the answer", name)
		}
	}
	d, err := n.dial(client.Options{Header: http.Header{"Cookie": {"parley=" + alice.token}}})
	if err != nil {
		t.Fatalf("the cookie: %v", err)
	}
	var ready wire.Ready
	d.next(wire.EventReady).into(t, &ready)
	if ready.User.ID != alice.id || ready.HeadsChanged == nil || ready.Cursor == "" {
		t.Errorf("got %+v", ready)
	}
}

func TestBadTokensAreLimitedPerAddress(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.FailuresPerMinute = 5 })
	alice := n.person()
	n.now.stop()
	codes := map[chat.Code]int{}
	for range 12 {
		_, err := n.tryConnect(map[string]string{"token": "nonsense"})
		var refused *client.ConnectError
		var data wire.Error
		if !errors.As(err, &refused) || json.Unmarshal(refused.Data, &data) != nil {
			t.Fatalf("got %v", err)
		}
		codes[data.Code]++
		if data.Code == chat.CodeRateLimited && data.RetryAfterMS <= 0 {
			t.Error("got no retry_after_ms")
		}
	}
	if codes[chat.CodeUnauthenticated] != 5 || codes[chat.CodeRateLimited] != 7 {
		t.Errorf("got %v, want 5 unauthenticated and then rate_limited", codes)
	}
	n.now.move(time.Minute)
	n.connect(alice)
}

func TestEventWithoutAckAndMalformedPacketsHarmOnlyTheirSender(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a, b := n.connect(alice), n.connect(bob)
	if err := a.client.Emit(wire.EventMessageSend, map[string]any{"conversation_id": room, "client_id": "1", "text": "no ack"}); err != nil {
		t.Fatal(err)
	}
	b.upTo(room, 2)
	for _, bad := range []string{
		`{}`, `null`, `[]`, `"x"`, `7`, `{"conversation_id":null}`, `{"conversation_id":"` + room.String() + `","client_id":{"$ne":null},"text":"x"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"x","sender_id":"` + bob.id.String() + `"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"x","Text":"y"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"x","text":"y"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"\ud800"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"\u0000"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"x","reply_to":9007199254740993}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"x","reply_to":1e999}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"x","reply_to":-1}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":"x","reply_to":"5"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"` + strings.Repeat("k", 1024) + `","text":"x"}`,
		`{"conversation_id":"` + room.String() + `","client_id":"k","text":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		got := a.refused(wire.EventMessageSend, json.RawMessage(bad), chat.CodeInvalid)
		if got.Error.Message == "" {
			t.Errorf("%.60s: got no message", bad)
		}
		// Without an ack the same harms nobody.
		if err := a.client.Emit(wire.EventMessageSend, json.RawMessage(bad)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, args := range [][]any{{}, {map[string]any{}, map[string]any{}}, {[]byte("binary")}} {
		m, err := a.client.Call(ctx, wire.EventMessageSend, args...)
		if err != nil || !strings.Contains(string(m.Args[0]), `"invalid"`) {
			t.Errorf("%d arguments: got %s, %v", len(args), m.Args, err)
		}
	}
	// What no parser should be asked to read ends the connection of who sent it.
	hostile := n.connect(alice)
	if err := hostile.client.Emit(wire.EventMessageSend, json.RawMessage(strings.Repeat("[", 5000)+strings.Repeat("]", 5000))); err != nil {
		t.Fatal(err)
	}
	hostile.wait("the close", func() bool { return hostile.over })
	a.send(room, "2", "still here")
	b.send(room, "3", "so am I")
	wantDense(t, "a", a.upTo(room, 4), 2, 4)
	wantDense(t, "b", b.upTo(room, 4), 2, 4)
}

func TestUnknownEventsAreNamedAndTheEleventhCloses(t *testing.T) {
	n := newNode(t)
	alice := n.person()
	a := n.connect(alice)
	for range 10 {
		got := a.refused("message.destroy", map[string]any{}, chat.CodeInvalid)
		if got.Error.Reason != "unknown_event" {
			t.Errorf("got reason %q, want unknown_event", got.Error.Reason)
		}
	}
	if err := a.client.Emit("message.destroy"); err != nil {
		t.Fatal(err)
	}
	a.wait("the close", func() bool { return a.over })
}

func TestNoteToOneselfStaysWithOneself(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	note := n.direct(alice, alice)
	room := n.direct(alice, bob)
	a, a2, b := n.connect(alice), n.connect(alice), n.connect(bob)
	a.send(note, "1", "mine")
	a.send(room, "2", "yours")
	b.upTo(room, 2)
	wantDense(t, "a", a.upTo(note, 2), 2, 2)
	wantDense(t, "a's other device", a2.upTo(note, 2), 2, 2)
	if got := b.entries(note); len(got) != 0 {
		t.Errorf("bob got %v of alice's note", got)
	}
}

func TestTwoFirstMessagesAtOnceMakeOneConversation(t *testing.T) {
	n := newNode(t)
	for range 20 {
		alice, bob := n.person(), n.person()
		a, b := n.connect(alice), n.connect(bob)
		var wg sync.WaitGroup
		for _, pair := range [][2]*person{{alice, bob}, {bob, alice}} {
			wg.Go(func() {
				cmd := chattest.CreateDirect(pair[0].id, pair[1].id)
				if o := n.try(cmd); o.Err != nil {
					t.Errorf("create: %v", o.Err)
				}
				d := map[*person]*device{alice: a, bob: b}[pair[0]]
				d.send(cmd.ConversationID, "first", "hello")
			})
		}
		wg.Wait()
		room := chat.DirectID(alice.id, bob.id)
		if got := a.upTo(room, 3); got[len(got)-1].Seq != 3 {
			t.Errorf("got seq %d, want one conversation of three entries", got[len(got)-1].Seq)
		}
		wantDense(t, "a", a.entries(room), 1, 3)
		b.upTo(room, 3)
		wantDense(t, "b", b.entries(room), 1, 3)
	}
}

func TestRemovingAMemberDeletesNoneOfTheirMessages(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	room := n.group(chat.Group, 1, people[0], people[1])
	a, b := n.connect(people[0]), n.connect(people[1])
	b.send(room, "1", "mine")
	n.do(chattest.Remove(room, people[0].id, people[1].id))
	var page struct{ Entries []chat.Entry }
	if err := json.Unmarshal(a.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room}).Data, &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Entries) != 3 || page.Entries[1].Text != "mine" {
		t.Errorf("got %+v", page.Entries)
	}
}
