package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/wire"
)

func TestAddedMemberGetsEverythingFromThenOn(t *testing.T) {
	for _, kind := range []chat.ConversationKind{chat.Group, chat.Channel} {
		n := newNode(t)
		people := n.people(3)
		room := n.group(kind, 1, people[0], people[1])
		a, c := n.connect(people[0]), n.connect(people[2])
		a.send(room, "1", "before")
		added := n.do(chattest.Add(room, people[0].id, people[2].id))
		a.send(room, "2", "after")
		got := c.upTo(room, 4)
		wantDense(t, string(kind), got, added.Seq, 4)
		var shown wire.Conversation
		c.next(wire.EventConversation).into(t, &shown)
		want := added.Seq
		if kind == chat.Channel {
			want = 1
		}
		if shown.ID != room || shown.VisibleFrom != want || shown.Role != chat.RoleMember {
			t.Errorf("%s: got %+v", kind, shown)
		}
		n.stored(room, 4)
		var page struct{ Entries []chat.Entry }
		if err := json.Unmarshal(c.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room}).Data, &page); err != nil {
			t.Fatal(err)
		}
		wantDense(t, string(kind)+" history", page.Entries, want, 4)
	}
}

func TestRemovalIsTheLastThingTheRemovedGet(t *testing.T) {
	n := newNode(t)
	people := n.people(3)
	room := n.group(chat.Group, 1, people[0], people[1:]...)
	a, b := n.connect(people[0]), n.connect(people[1])
	stop := make(chan struct{})
	var busy sync.WaitGroup
	sent := atomic.Int64{}
	busy.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			a.send(room, fmt.Sprint(i), "x")
			a.must(wire.EventTypingSet, wire.TypingSet{ConversationID: room, On: i%2 == 0})
			a.must(wire.EventConversationRead, wire.ReceiptSet{ConversationID: room, Seq: chat.Seq(i + 1)})
			sent.Add(1)
		}
	})
	b.upTo(room, 10)
	removed := n.do(chattest.Remove(room, people[0].id, people[1].id))
	var gone wire.ConversationGone
	b.next(wire.EventConversation).into(t, &gone)
	before := sent.Load()
	for sent.Load() < before+20 {
		time.Sleep(time.Millisecond)
	}
	close(stop)
	busy.Wait()
	got := b.entries(room)
	wantDense(t, "b", got, 2, removed.Seq)
	if last := got[len(got)-1]; last.Kind != chat.KindMemberRemoved {
		t.Errorf("got %s last, want the removal", last.Kind)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := false
	for _, e := range b.events {
		if e.name == wire.EventEntry {
			seen = chattest.Room(1) == room && string(e.data) != "" && jsonKind(t, e.data) == chat.KindMemberRemoved
			continue
		}
		if seen && (e.name == wire.EventTyping || e.name == wire.EventReceipt) {
			t.Errorf("got %s %s after the removal", e.name, e.data)
		}
	}
}

func jsonKind(t *testing.T, data json.RawMessage) chat.Kind {
	t.Helper()
	e, err := chat.DecodeEntry(data)
	if err != nil {
		t.Fatal(err)
	}
	return e.Kind
}

// TestChangesWhileMembershipsAreRead puts a change between the reading of
// memberships and the joining: the moment in which a removal could be lost.
func TestChangesWhileMembershipsAreRead(t *testing.T) {
	for _, others := range []bool{false, true} { // is the room known to the node before?
		t.Run(fmt.Sprint("others=", others), func(t *testing.T) {
			n := newNode(t)
			people := n.people(3)
			kept := n.group(chat.Group, 1, people[0], people[1])
			lost := n.group(chat.Group, 2, people[0], people[1])
			gained := n.group(chat.Group, 3, people[0], people[2])
			var a *device
			if others {
				a = n.connect(people[0])
			}
			hook := func(user chat.UserID) {
				if user != people[1].id {
					return
				}
				n.do(chattest.Remove(lost, people[0].id, people[1].id))
				n.do(chattest.Add(gained, people[0].id, people[1].id))
				for i, room := range []chat.ConversationID{kept, lost, gained} {
					n.do(chattest.Send(room, people[0].id, fmt.Sprint("during", i), "during"))
				}
			}
			n.views.onMembers.Store(&hook)
			cursor := n.service.SyncCursor()
			b, err := n.tryConnect(map[string]string{"token": people[1].token, "cursor": cursor})
			if err != nil {
				t.Fatal(err)
			}
			var ready wire.Ready
			b.next(wire.EventReady).into(t, &ready)
			heads := map[chat.ConversationID]chat.Seq{}
			for _, h := range ready.HeadsChanged {
				heads[h.ConversationID] = h.LastSeq
			}
			n.views.onMembers.Store(nil)
			if a == nil {
				a = n.connect(people[0])
			}
			for i, room := range []chat.ConversationID{kept, lost, gained} {
				n.do(chattest.Send(room, people[0].id, fmt.Sprint("after", i), "after"))
			}
			// What is not pushed is named by ready.
			for room, last := range map[chat.ConversationID]chat.Seq{kept: 3, gained: 4} {
				got := b.upTo(room, last)
				wantDense(t, room.String(), got, got[0].Seq, last)
				if got[0].Seq > 2 && heads[room] < got[0].Seq-1 {
					t.Errorf("%s: got entries from %d and head %d: a hole", room, got[0].Seq, heads[room])
				}
			}
			a.upTo(lost, 4)
			for _, e := range b.entries(lost) {
				if e.Seq > 2 {
					t.Errorf("got entry %d (%s) of the conversation one was removed from", e.Seq, e.Kind)
				}
			}
		})
	}
}

func TestLostBusMessagesAreNoticed(t *testing.T) {
	n := newNode(t, func(o *gateway.Options) { o.HeadCheck = 50 * time.Millisecond })
	people := n.people(3)
	room := n.group(chat.Group, 1, people[0], people[1:]...)
	a, b := n.connect(people[0]), n.connect(people[1])
	n.loseEntry(room, 3)
	for i := range 3 {
		a.send(room, fmt.Sprint(i), "in the middle")
	}
	wantDense(t, "in the middle", b.upTo(room, 4), 2, 4)
	n.loseEntry(room, 5)
	a.send(room, "last", "and nothing after it")
	wantDense(t, "the last", b.upTo(room, 5), 2, 5)

	// Everything that is said of a removal is lost: the next comparison finds it.
	lose := func(e *chat.Event) bool { return e.Seq == 6 || e.Kind == chat.EventMember }
	n.bus.lose.Store(&lose)
	n.do(chattest.Remove(room, people[0].id, people[1].id))
	b.upTo(room, 6)
	var gone wire.ConversationGone
	b.next(wire.EventConversation).into(t, &gone)
	a.send(room, "secret", "without b")
	wantDense(t, "a", a.upTo(room, 7), 2, 7)
	wantDense(t, "b", b.entries(room), 2, 6)
}

func TestResyncReadsEverythingAgain(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	a, b := n.connect(people[0]), n.connect(people[1])
	// All that the bus says is lost for a while.
	lose := func(*chat.Event) bool { return true }
	n.bus.lose.Store(&lose)
	room := n.group(chat.Group, 1, people[0], people[1])
	n.do(chattest.Send(room, people[0].id, "1", "nobody hears"))
	n.bus.lose.Store(nil)
	n.gateway.Resync()
	for _, d := range []*device{a, b} {
		d.next(wire.EventConversation)
		d.next(wire.EventResync)
	}
	a.send(room, "2", "heard again")
	wantDense(t, "b", b.upTo(room, 3), 3, 3)
}

// TestNobodyGetsWhatIsNotTheirs has people join, leave, connect and drop at
// random while others write, and then compares what every device got with the log:
// what its person could see, nothing else, in order, and without a hole while the
// device was connected.
func TestNobodyGetsWhatIsNotTheirs(t *testing.T) {
	n := newNode(t)
	n.views.jitter.Store(int64(10 * time.Millisecond))
	members, rounds := 6, 150
	if strings.HasPrefix(t.Name(), "TestAhead") {
		rounds = 50
	}
	people := n.people(members + 1)
	owner := people[members]
	room := n.group(chat.Group, 1, owner, people[:2]...)
	var all struct {
		sync.Mutex
		devices map[*device]*person
	}
	all.devices = map[*device]*person{}
	connect := func(p *person) *device {
		d := n.connect(p)
		all.Lock()
		defer all.Unlock()
		all.devices[d] = p
		return d
	}
	writer := connect(owner)
	stop := make(chan struct{})
	var busy, writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				writer.send(room, fmt.Sprint(i), "x")
				time.Sleep(time.Millisecond)
			}
		}
	})
	for i := range members {
		busy.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			var d *device
			for range rounds {
				switch random.IntN(4) {
				case 0:
					n.try(chattest.Add(room, owner.id, people[i].id))
				case 1:
					n.try(chattest.Remove(room, owner.id, people[i].id))
				case 2:
					if d == nil {
						d = connect(people[i])
					}
				case 3:
					if d != nil {
						if err := d.client.Drop(); err != nil {
							t.Error(err)
						}
						d = nil
					}
				}
			}
		})
	}
	busy.Wait()
	close(stop)
	writing.Wait()
	end := n.do(chattest.Send(room, owner.id, "end", "the end"))
	n.stored(room, end.Seq)
	log := chattest.ReadLog(t, n.store, room)
	writer.upTo(room, log[len(log)-1].Seq)
	wantDense(t, "the owner", writer.entries(room), 2, log[len(log)-1].Seq)
	all.Lock()
	defer all.Unlock()
	for d, p := range all.devices {
		if p == owner {
			continue
		}
		// A device that got more than is held back for it before it was ready was told to ask.
		checkVisible(t, p, d.entries(room), log, d.count(wire.EventResync) > 0)
	}
	t.Logf("%d entries, %d devices", len(log), len(all.devices))
}

// checkVisible compares what a device got with the spans in which its person was
// a member.
func checkVisible(t *testing.T, p *person, got []chat.Entry, log []*chat.Entry, told bool) {
	t.Helper()
	member := false
	visible := map[chat.Seq]bool{}
	for _, e := range log {
		mine := slices.Contains(e.UserIDs, p.id)
		if mine && (e.Kind == chat.KindCreated || e.Kind == chat.KindMemberAdded) {
			member = true
		}
		visible[e.Seq] = member
		if mine && e.Kind == chat.KindMemberRemoved {
			member = false
		}
	}
	last := chat.Seq(0)
	for _, e := range got {
		if !visible[e.Seq] {
			t.Errorf("%s got entry %d (%s), not being a member at it", p.id, e.Seq, e.Kind)
		}
		if e.Seq <= last {
			t.Errorf("%s got entry %d after %d", p.id, e.Seq, last)
		}
		for seq := last + 1; last > 0 && seq < e.Seq && !told; seq++ {
			if visible[seq] {
				t.Errorf("%s got entry %d after %d, but not %d (%s of %v)", p.id, e.Seq, last, seq, log[seq-1].Kind, log[seq-1].UserIDs)
				for _, x := range log[max(0, seq-6) : seq+4] {
					t.Logf("  %d %s %v %v", x.Seq, x.Kind, x.UserIDs, x.At)
				}
			}
		}
		last = e.Seq
	}
}

func TestVisibleFromHolds(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	room := n.group(chat.Group, 1, people[0])
	for i := range 5 {
		n.do(chattest.Send(room, people[0].id, fmt.Sprint(i), "secret"))
	}
	added := n.do(chattest.Add(room, people[0].id, people[1].id))
	n.stored(room, added.Seq)
	b := n.connect(people[1])
	var page struct {
		Entries []chat.Entry
		Head    chat.Seq
	}
	for _, after := range []chat.Seq{0, 1, 5} {
		if err := json.Unmarshal(b.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room, Seq: after}).Data, &page); err != nil {
			t.Fatal(err)
		}
		wantDense(t, fmt.Sprint("after ", after), page.Entries, added.Seq, added.Seq)
	}
	b.refused(wire.EventReactionSet, wire.ReactionSet{ConversationID: room, Seq: 3, Emoji: "👍", On: true}, chat.CodeNotFound)
	got := b.refused(wire.EventMessageSend, wire.MessageSend{ConversationID: room, ClientID: "x", Text: "x", ReplyTo: 3}, chat.CodeInvalid)
	if got.Error.Fields["reply_to"] == "" {
		t.Errorf("got %+v, want the field named", got.Error)
	}
	if entries := b.entries(room); len(entries) != 0 {
		t.Errorf("got %v pushed", entries)
	}
}

func TestConnectsAndDisconnectsLeaveNothing(t *testing.T) {
	n := newNode(t)
	alice, bob := n.person(), n.person()
	room := n.direct(alice, bob)
	n.settle(0)
	base := n.inproc.Subscriptions()
	const total, at = manyConnects, 16
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(total)
	for i := range at {
		wg.Go(func() {
			p := []*person{alice, bob}[i%2]
			for left.Add(-1) >= 0 {
				d, err := n.tryConnect(map[string]string{"token": p.token})
				if err != nil {
					t.Errorf("connect: %v", err)
					return
				}
				d.next(wire.EventReady)
				if i%4 < 2 {
					d.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{alice.id, bob.id}})
				}
				if i%3 == 0 {
					_ = d.client.Drop()
				} else {
					_ = d.client.Close()
				}
			}
		})
	}
	wg.Wait()
	n.settle(0)
	s := n.gateway.Stats()
	if s.Users != 0 || s.Rooms != 0 || s.Sockets != 0 {
		t.Errorf("got %d users, %d rooms, %d sockets left", s.Users, s.Rooms, s.Sockets)
	}
	// The service remembers sessions for a while, and hears those two people.
	if got := n.inproc.Subscriptions(); got > base+2 {
		t.Errorf("got %d topics still heard, want at most %d", got, base+2)
	}
	a, b := n.connect(alice), n.connect(bob)
	a.send(room, "1", "works")
	b.upTo(room, 2)
}

// settle waits until nobody is in the registry.
func (n *node) settle(users int64) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	for {
		s := n.gateway.Stats()
		if s.Users == users && s.Sockets == users && s.PendingWork == 0 {
			return
		}
		select {
		case <-ctx.Done():
			n.t.Fatalf("got %+v, want %d users", s, users)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
