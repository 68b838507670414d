package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
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

func TestTyping(t *testing.T) {
	n := newNode(t)
	people := n.people(3)
	room := n.group(chat.Group, 1, people[0], people[1])
	n.stored(room, 1) // so that nobody has to be looked for again, by a clock that stands
	a, a2, b, c := n.connect(people[0]), n.connect(people[0]), n.connect(people[1]), n.connect(people[2])
	n.now.stop()
	on := wire.TypingSet{ConversationID: room, On: true}
	a.must(wire.EventTypingSet, on)
	var got wire.Typing
	b.next(wire.EventTyping).into(t, &got)
	if got != (wire.Typing{ConversationID: room, UserID: people[0].id, On: true}) {
		t.Errorf("got %+v", got)
	}
	for range 5 {
		a.must(wire.EventTypingSet, on)
	}
	n.now.move(3 * time.Second)
	a.must(wire.EventTypingSet, on) // said again, and so told again
	b.next(wire.EventTyping).into(t, &got)
	if !got.On {
		t.Errorf("got %+v", got)
	}
	n.now.move(6 * time.Second)
	b.next(wire.EventTyping).into(t, &got)
	if got.On {
		t.Errorf("got %+v, want it ended by itself", got)
	}
	a.must(wire.EventTypingSet, wire.TypingSet{ConversationID: room}) // ended already: not told again
	a.must(wire.EventTypingSet, on)
	b.next(wire.EventTyping)
	_ = a2.client.Drop()
	if err := a.client.Drop(); err != nil {
		t.Fatal(err)
	}
	b.next(wire.EventTyping).into(t, &got)
	if got.On {
		t.Errorf("got %+v, want it ended with the last socket", got)
	}
	if n := b.count(wire.EventTyping); n != 5 {
		t.Errorf("got %d typing events, want 5: those in between say nothing new", n)
	}
	if n := a.count(wire.EventTyping) + a2.count(wire.EventTyping) + c.count(wire.EventTyping); n != 0 {
		t.Errorf("got %d typing events where none belongs", n)
	}
	log := chattest.ReadLog(t, n.store, room)
	if len(log) != 1 {
		t.Errorf("got %d entries, want typing not stored", len(log))
	}
}

func TestPresenceShowsWhoCanBeFound(t *testing.T) {
	n := newNode(t)
	alice, bob, gone := n.person(), n.person(), n.person()
	if err := n.service.Disable(t.Context(), gone.id, true); err != nil {
		t.Fatal(err)
	}
	a, b := n.connect(alice), n.connect(bob)
	n.shown(alice)
	n.shown(bob)
	nobody := chattest.User(999)
	got := a.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{alice.id, bob.id, gone.id, nobody}})
	var answer wire.WatchAnswer
	if err := json.Unmarshal(got.Data, &answer); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false, false} {
		if answer.Presence[i].Online != want {
			t.Errorf("%d: got %+v, want online=%v", i, answer.Presence[i], want)
		}
	}
	if answer.Presence[2].LastSeenAt != nil || answer.Presence[3].LastSeenAt != nil {
		t.Errorf("got %s, want nothing of those who cannot be found", got.Data)
	}
	if err := b.client.Close(); err != nil {
		t.Fatal(err)
	}
	var p wire.Presence
	a.next(wire.EventPresence).into(t, &p)
	if p.UserID != bob.id || p.Online || p.LastSeenAt == nil {
		t.Errorf("got %+v", p)
	}
	// A new call replaces the old one.
	a.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{}})
	b = n.connect(bob)
	n.settleWork()
	if got := a.count(wire.EventPresence); got != 1 {
		t.Errorf("got %d presence events of people who are not watched any more", got-1)
	}
	many := make([]chat.UserID, wire.MaxWatched+1)
	for i := range many {
		many[i] = chattest.User(i)
	}
	a.refused(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: many}, chat.CodeTooLarge)
	var again wire.WatchAnswer
	if err := json.Unmarshal(b.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{bob.id}}).Data, &again); err != nil {
		t.Fatal(err)
	}
	if at := again.Presence[0].LastSeenAt; at == nil || *at < *p.LastSeenAt-1000 {
		t.Errorf("got last seen %v, want it kept", at)
	}
}

func TestStalePresenceIsCorrected(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.PresenceCheck = 50 * time.Millisecond })
	alice, bob := n.person(), n.person()
	lose := func(e *chat.Event) bool { return e.Kind == chat.EventPresence }
	n.bus.lose.Store(&lose)
	a := n.connect(alice)
	a.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{bob.id}})
	b := n.connect(bob)
	var p wire.Presence
	a.next(wire.EventPresence).into(t, &p)
	if !p.Online || p.UserID != bob.id {
		t.Errorf("got %+v, want bob online although nobody said so", p)
	}
	if err := b.client.Close(); err != nil {
		t.Fatal(err)
	}
	a.next(wire.EventPresence).into(t, &p)
	if p.Online || p.LastSeenAt == nil {
		t.Errorf("got %+v, want bob offline although nobody said so", p)
	}
	time.Sleep(200 * time.Millisecond)
	if got := a.count(wire.EventPresence); got != 2 {
		t.Errorf("got %d presence events, want each change once", got)
	}
}

// settleWork waits until everything that was published has been delivered.
func (n *node) settleWork() {
	n.t.Helper()
	p := n.person()
	note := n.direct(p, p)
	d := n.connect(p)
	for i := range 3 {
		d.send(note, fmt.Sprint(i), "x")
	}
	d.upTo(note, 4)
}

func TestReceipts(t *testing.T) {
	n := newNode(t)
	people := n.people(3)
	room := n.group(chat.Group, 1, people[0], people[1])
	a, b, b2, c := n.connect(people[0]), n.connect(people[1]), n.connect(people[1]), n.connect(people[2])
	for i := range 5 {
		a.send(room, fmt.Sprint(i), "x")
	}
	receipt := func(d *device, event string, seq chat.Seq) chat.Receipt {
		var r chat.Receipt
		if err := json.Unmarshal(d.must(event, wire.ReceiptSet{ConversationID: room, Seq: seq}).Data, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	want := chat.Receipt{ConversationID: room, UserID: people[1].id, DeliveredSeq: 4, ReadSeq: 1}
	if got := receipt(b, wire.EventConversationDelivered, 4); got != want {
		t.Errorf("delivered: got %+v, want %+v", got, want)
	}
	said := []chat.Receipt{want} // what the others are to be told
	want.ReadSeq = 3
	if got := receipt(b, wire.EventConversationRead, 3); got != want {
		t.Errorf("read: got %+v, want %+v", got, want)
	}
	for _, backwards := range []chat.Seq{1, 2, 3} {
		if got := receipt(b, wire.EventConversationRead, backwards); got != want {
			t.Errorf("backwards: got %+v, want %+v", got, want)
		}
	}
	said = append(said, want)
	want.DeliveredSeq, want.ReadSeq = 6, 6
	if got := receipt(b, wire.EventConversationRead, 1_000_000); got != want {
		t.Errorf("beyond the head: got %+v, want %+v", got, want)
	}
	said = append(said, want)
	// One more, so that whatever was told of those before it has come when it has.
	a.send(room, "more", "x")
	want.DeliveredSeq, want.ReadSeq = 7, 7
	if got := receipt(b, wire.EventConversationRead, 7); got != want {
		t.Errorf("one more: got %+v, want %+v", got, want)
	}
	said = append(said, want)
	for name, d := range map[string]*device{"the other member": a, "the reader's other device": b2} {
		got := d.receiptsUpTo(want)
		if strings.HasPrefix(t.Name(), "TestAhead") {
			// A store that is behind may be met on its way: that moves, too.
			got = slices.DeleteFunc(got, func(r chat.Receipt) bool { return !slices.Contains(said, r) })
		}
		if !slices.Equal(got, said) {
			t.Errorf("%s: got %+v, want %+v: what did not move is not told", name, got, said)
		}
	}
	for _, seq := range []chat.Seq{0, -1, chat.MaxSeq + 1} {
		b.refused(wire.EventConversationRead, wire.ReceiptSet{ConversationID: room, Seq: seq}, chat.CodeInvalid)
	}
	if got := c.count(wire.EventReceipt); got != 0 {
		t.Errorf("a stranger got %d receipts", got)
	}
}

// receiptsUpTo gives the receipts that come, last among them, and fails the test if
// one of them is not further than the one before it.
func (d *device) receiptsUpTo(last chat.Receipt) []chat.Receipt {
	d.t.Helper()
	var got []chat.Receipt
	for {
		var r chat.Receipt
		d.next(wire.EventReceipt).into(d.t, &r)
		if n := len(got); n > 0 {
			before := got[n-1]
			if r == before || r.DeliveredSeq < before.DeliveredSeq || r.ReadSeq < before.ReadSeq {
				d.t.Errorf("got %+v after %+v, want only what moved", r, before)
			}
		}
		if got = append(got, r); r == last {
			return got
		}
	}
}

func TestReceiptsOfLargeConversationsAreNotTold(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	others := make([]*person, chat.MaxReceiptMembers)
	for i := range others {
		others[i] = &person{id: chattest.User(1000 + i)}
	}
	room := n.group(chat.Group, 1, people[0], slices.Concat(others, people[1:2])...)
	a, b, b2 := n.connect(people[0]), n.connect(people[1]), n.connect(people[1])
	a.send(room, "1", "x")
	b.must(wire.EventConversationRead, wire.ReceiptSet{ConversationID: room, Seq: 2})
	b2.next(wire.EventReceipt)
	n.settleWork()
	if got := a.count(wire.EventReceipt); got != 0 {
		t.Errorf("got %d receipts, want them to be counts above %d members", got, chat.MaxReceiptMembers)
	}
}

func TestPipelinedSendsKeepTheirOrder(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a, b := n.connect(alice), n.connect(bob)
	const total = 100
	var wg sync.WaitGroup
	for i := range total {
		wg.Add(1)
		p := map[string]any{"conversation_id": room, "client_id": fmt.Sprint(i), "text": fmt.Sprint(i)}
		if i%10 == 5 {
			p["attachments"] = []chat.FileID{chattest.FileID(1)} // has to be looked up, and is refused
		}
		err := a.client.EmitAck(wire.EventMessageSend, func(m client.Message, err error) {
			defer wg.Done()
			if refused := err == nil && strings.Contains(string(m.Args[0]), `"ok":false`); refused != (i%10 == 5) {
				t.Errorf("%d: got %s, %v", i, m.Args, err)
			}
		}, p)
		if err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	want := 0
	for _, e := range b.upTo(room, 1+total*9/10) {
		if want%10 == 5 {
			want++
		}
		if e.Text != fmt.Sprint(want) {
			t.Fatalf("got %q, want %d", e.Text, want)
		}
		want++
	}
}

func TestTooManySocketsOfOnePerson(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.MaxSocketsPerUser = 3 })
	alice := n.person()
	var devices []*device
	for range 3 {
		devices = append(devices, n.connect(alice))
	}
	_, err := n.tryConnect(map[string]string{"token": alice.token})
	var refused *client.ConnectError
	if !errors.As(err, &refused) || !strings.Contains(string(refused.Data), `"rate_limited"`) {
		t.Fatalf("got %v, want rate_limited", err)
	}
	if err := devices[0].client.Close(); err != nil {
		t.Fatal(err)
	}
	n.settleSockets(2)
	n.connect(alice)
}

func (n *node) settleSockets(want int64) {
	n.t.Helper()
	for end := time.Now().Add(patience); n.gateway.Stats().Sockets != want; {
		if time.Now().After(end) {
			n.t.Fatalf("got %d sockets, want %d", n.gateway.Stats().Sockets, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestRequestsAreLimited(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.RequestsPerSecond, o.RequestBurst = 1, 5 })
	alice := n.person()
	room := n.direct(alice, alice)
	a := n.connect(alice)
	n.now.stop() // the bucket does not fill again while the machine is busy
	for range 5 {
		a.must(wire.EventTypingSet, wire.TypingSet{ConversationID: room, On: true})
	}
	for _, event := range []string{wire.EventTypingSet, wire.EventConversationRead, wire.EventConversationDelivered, wire.EventEntriesAfter, wire.EventPresenceWatch, wire.EventAttention} {
		payload := map[string]any{"conversation_id": room, "seq": 1}
		if event == wire.EventTypingSet {
			payload = map[string]any{"conversation_id": room, "on": true}
		}
		if event == wire.EventAttention {
			payload = map[string]any{"on": true}
		}
		if event == wire.EventPresenceWatch {
			payload = map[string]any{"user_ids": []string{}}
		}
		got := a.refused(event, payload, chat.CodeRateLimited)
		if got.Error.RetryAfterMS <= 0 {
			t.Errorf("%s: got no retry_after_ms", event)
		}
	}
	n.connect(alice).must(wire.EventTypingSet, wire.TypingSet{ConversationID: room, On: true})
}

func TestPanicIsInternalAndHarmsNobody(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a, b := n.connect(alice), n.connect(bob)
	n.faults.panics.Store(true)
	a.refused(wire.EventMessageSend, wire.MessageSend{ConversationID: room, ClientID: "1", Text: "x"}, chat.CodeInternal)
	a.refused(wire.EventMessageSend, wire.MessageSend{ConversationID: room, ClientID: "1", Attachments: []wire.AttachmentRef{{ID: chattest.FileID(1)}}}, chat.CodeInternal)
	got := a.refused(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room}, chat.CodeInternal)
	if strings.Contains(got.Error.Message, "fault") {
		t.Errorf("got %q, want nothing of the inside", got.Error.Message)
	}
	n.faults.panics.Store(false)
	a.send(room, "1", "x")
	b.upTo(room, 2)
	waitFor(t, "the panics to be counted, which is done after the answer", func() bool { return n.gateway.Stats().Panics >= 3 })
	if got := n.gateway.Stats(); got.PendingCommands != 0 {
		t.Errorf("got %d pending commands, want 0", got.PendingCommands)
	}
}

func TestFrameOverTheLimitClosesItsSender(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	a, b := n.connect(alice), n.connect(bob)
	text := strings.Repeat("ä", chat.MaxTextBytes/2)
	a.send(room, "1", text)
	a.refused(wire.EventMessageSend, wire.MessageSend{ConversationID: room, ClientID: "2", Text: text + "ä"}, chat.CodeTooLarge)
	if err := a.client.Emit(wire.EventMessageSend, strings.Repeat("x", wire.MaxFrameBytes)); err != nil {
		t.Fatal(err)
	}
	a.wait("the close", func() bool { return a.over })
	var closed *client.CloseError
	if !errors.As(a.closed, &closed) || closed.Code != 1009 {
		t.Errorf("got %v, want 1009", a.closed)
	}
	b.upTo(room, 2)
	b.send(room, "3", "unharmed")
}

// stuckConn is a network connection whose owner stops reading.
type stuckConn struct {
	net.Conn
	stuck chan struct{} // closed: read no more
	end   chan struct{}
	once  sync.Once
}

func (c *stuckConn) Read(b []byte) (int, error) {
	select {
	case <-c.stuck:
		<-c.end
		return 0, net.ErrClosed
	default:
		return c.Conn.Read(b)
	}
}

func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.end) })
	return c.Conn.Close()
}

func TestSlowReaderFallsBehindAndOthersDoNot(t *testing.T) {
	n := newNode(t)
	people := n.people(3)
	room := n.group(chat.Group, 1, people[0], people[1:]...)
	a, b := n.connect(people[0]), n.connect(people[1])
	stuck := make(chan struct{})
	slow, err := n.dial(client.Options{
		Auth: map[string]string{"token": people[2].token},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(ctx, network, addr)
			if tcp, ok := c.(*net.TCPConn); ok {
				err = errors.Join(err, tcp.SetReadBuffer(4096))
			}
			return &stuckConn{Conn: c, stuck: stuck, end: make(chan struct{})}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	slow.next(wire.EventReady)
	close(stuck)
	text := strings.Repeat("x", 8<<10)
	last := chat.Seq(1)
	for i := 0; n.gateway.Stats().Behind == 0; i++ {
		last = a.send(room, fmt.Sprint(i), text).Seq
		if i > 5000 {
			t.Fatal("the socket never fell behind")
		}
	}
	for i := range 50 { // these are left out for it, so that it holds bounded memory
		last = a.send(room, fmt.Sprint("more", i), text).Seq
	}
	wantDense(t, "b", b.upTo(room, last), 2, last)
	if got := n.gateway.Stats(); got.SlowCuts != 0 || got.Sockets != 3 {
		t.Errorf("got %+v, want the slow one left out, not yet cut", got)
	}
}

func TestProfileChangesReachOnesOwnSockets(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	n.direct(alice, bob)
	a, b := n.connect(alice), n.connect(bob)
	if err := n.inproc.Publish(t.Context(), []chat.Event{{Topic: chat.Topic{Kind: chat.TopicUser, ID: alice.id}, Kind: chat.EventProfile}}); err != nil {
		t.Fatal(err)
	}
	var p wire.Profile
	a.next(wire.EventProfile).into(t, &p)
	if p.User.ID != alice.id || p.User.Email == "" {
		t.Errorf("got %+v", p)
	}
	if got := b.count(wire.EventProfile); got != 0 {
		t.Error("somebody else got the profile")
	}
}

// TestServerEventsAreDocumented compares what devices got in a busy scene with
// the registry; the scene must bring every event but those of a node's end.
func TestServerEventsAreDocumented(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.group(chat.Group, 1, alice)
	a := n.connect(alice)
	a.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{bob.id}})
	b := n.connect(bob)
	n.do(chattest.Add(room, alice.id, bob.id))
	b.upTo(room, 2)
	b.must(wire.EventTypingSet, wire.TypingSet{ConversationID: room, On: true})
	a.send(room, "1", "x")
	b.must(wire.EventConversationRead, wire.ReceiptSet{ConversationID: room, Seq: 3})
	if err := n.inproc.Publish(t.Context(), []chat.Event{{Topic: chat.Topic{Kind: chat.TopicUser, ID: alice.id}, Kind: chat.EventProfile}}); err != nil {
		t.Fatal(err)
	}
	n.do(chattest.Remove(room, alice.id, bob.id))
	n.block(alice, bob, true)
	a.next(wire.EventBlock)
	n.gateway.Resync()
	for _, name := range []string{wire.EventPresence, wire.EventTyping, wire.EventReceipt, wire.EventProfile, wire.EventResync} {
		a.next(name)
	}
	b.next(wire.EventConversation)
	if left := n.gateway.Drain(t.Context()); left != 0 {
		t.Errorf("got %d commands left", left)
	}
	a.next(wire.EventReconnect)
	if err := n.service.RevokeAll(t.Context(), alice.id, chat.SessionID{}); err != nil {
		t.Fatal(err)
	}
	a.next(wire.EventSessionRevoked)
	var documented []string
	for _, e := range wire.ServerEvents() {
		documented = append(documented, e.Name)
	}
	seen := map[string]bool{}
	for _, d := range []*device{a, b} {
		d.mu.Lock()
		for _, e := range d.events {
			seen[e.name] = true
			if !slices.Contains(documented, e.name) {
				t.Errorf("got %s, which is not documented", e.name)
			}
		}
		d.mu.Unlock()
	}
	for _, name := range documented {
		if !seen[name] && !strings.HasPrefix(name, "call.") { // those of calls: see TestACallAcrossNodes
			t.Errorf("%s is documented and was never sent", name)
		}
	}
}
