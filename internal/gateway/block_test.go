package gateway_test

import (
	"encoding/json"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

// presenceOf gives what a watching device is answered of somebody.
func (d *device) presenceOf(p *person) wire.Presence {
	d.t.Helper()
	a := d.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{p.id}})
	var answer wire.WatchAnswer
	if err := json.Unmarshal(a.Data, &answer); err != nil || len(answer.Presence) != 1 {
		d.t.Fatalf("%s: %v", a.Data, err)
	}
	return answer.Presence[0]
}

func (n *node) block(user, other *person, on bool) {
	n.t.Helper()
	if err := n.service.Block(n.t.Context(), user.id, other.id, on); err != nil {
		n.t.Fatal(err)
	}
}

// Z9: neither of two people of whom one blocks the other sees the other's
// presence, not even what they watch already; nor does either see the other type.
func TestBlockHidesPresenceAndTyping(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	people := n.people(3)
	ann, bob, eve := people[0], people[1], people[2]
	n.do(chattest.CreateDirect(ann.id, bob.id))
	direct := chat.DirectID(ann.id, bob.id)
	group := chattest.Room(1)
	n.do(chattest.Create(chat.Group, group, ann.id, bob.id, eve.id))
	a, b, e := n.connect(ann), n.connect(bob), n.connect(eve)
	second := n.connect(ann)
	n.shown(ann)
	n.shown(bob)
	if !a.presenceOf(bob).Online || !b.presenceOf(ann).Online || !e.presenceOf(bob).Online {
		t.Fatal("got somebody offline, want all online before")
	}

	n.block(ann, bob, true)
	for name, d := range map[string]*device{"who blocks": a, "who is blocked": b} {
		var p wire.Presence
		d.next(wire.EventPresence).into(t, &p)
		if p.Online || p.LastSeenAt != nil {
			t.Errorf("%s: got %+v, want them to look as if never seen", name, p)
		}
	}
	for _, d := range []*device{a, second} {
		var told wire.Block
		d.next(wire.EventBlock).into(t, &told)
		if told.UserID != bob.id || !told.On {
			t.Errorf("got %+v on a device of who blocks", told)
		}
	}
	for _, d := range []*device{a, b} {
		d.wait("the conversation as it is now", func() bool {
			for _, ev := range d.events {
				var c wire.Conversation
				if ev.name == wire.EventConversation && json.Unmarshal(ev.data, &c) == nil && c.ID == direct && (c.Blocking || c.Blocked) {
					return true
				}
			}
			return false
		})
	}
	if p := a.presenceOf(bob); p.Online || p.LastSeenAt != nil {
		t.Errorf("asked again: got %+v", p)
	}
	if p := b.presenceOf(ann); p.Online || p.LastSeenAt != nil {
		t.Errorf("the other asked again: got %+v", p)
	}
	if !e.presenceOf(bob).Online {
		t.Error("got bob offline for eve, want the others untouched")
	}

	// What is typed in the group behind it shows that the other typing did not come.
	for _, c := range []struct {
		from, to *device
		who      *person
	}{{a, b, ann}, {b, a, bob}} {
		c.from.must(wire.EventTypingSet, wire.TypingSet{ConversationID: direct, On: true})
		c.from.must(wire.EventTypingSet, wire.TypingSet{ConversationID: group, On: true})
		var typing wire.Typing
		c.to.next(wire.EventTyping).into(t, &typing)
		if typing.ConversationID != group || typing.UserID != c.who.id {
			t.Errorf("got %+v, want typing in the group alone", typing)
		}
	}
	b.refused(wire.EventMessageSend, map[string]any{"conversation_id": direct, "client_id": "1", "text": "x"}, chat.CodeForbidden)
	if n := b.count(wire.EventBlock); n != 0 {
		t.Errorf("got %d block events for who is blocked, want none", n)
	}

	n.block(ann, bob, false)
	var told wire.Block
	if a.next(wire.EventBlock).into(t, &told); told.On {
		t.Errorf("got %+v, want the end of the block", told)
	}
	if !b.presenceOf(ann).Online || !a.presenceOf(bob).Online {
		t.Error("got somebody offline after the block has ended")
	}
	b.send(direct, "1", "x")
}

// A block of which the bus lost the news holds once heads and blocks are compared.
func TestBlockIsFoundAfterALoss(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	people := n.people(2)
	ann, bob := people[0], people[1]
	b := n.connect(bob)
	n.connect(ann)
	if !b.presenceOf(ann).Online {
		t.Fatal("got ann offline before")
	}
	if _, err := n.store.SetBlock(t.Context(), ann.id, bob.id, true, chattest.Epoch); err != nil { // and nobody is told
		t.Fatal(err)
	}
	n.gateway.Resync()
	var p wire.Presence
	if b.next(wire.EventPresence).into(t, &p); p.UserID != ann.id || p.Online {
		t.Errorf("got %+v, want ann hidden", p)
	}
}

func TestPreferencesReachOwnDevices(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	people := n.people(2)
	ann, bob := people[0], people[1]
	room := chattest.Room(1)
	n.do(chattest.Create(chat.Group, room, ann.id, bob.id))
	phone, other := n.connect(ann), n.connect(bob)
	pinned := true
	if _, err := n.service.SetPreferences(t.Context(), service.PreferencesRequest{UserID: ann.id, ConversationID: room, Pinned: &pinned}); err != nil {
		t.Fatal(err)
	}
	var c wire.Conversation
	if phone.next(wire.EventConversation).into(t, &c); c.ID != room || !c.Pinned {
		t.Errorf("got %+v, want it pinned", c)
	}
	phone.send(room, "1", "x")
	other.upTo(room, 2)
	if n := other.count(wire.EventConversation); n != 0 {
		t.Errorf("got %d conversation events for another member, want none", n)
	}
}

// ready tells what is gone since the cursor.
func TestReadyTellsWhatIsGone(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	people := n.people(2)
	ann, bob := people[0], people[1]
	room := chattest.Room(1)
	n.do(chattest.Create(chat.Group, room, ann.id, bob.id))
	cursor := n.service.SyncCursor()
	n.do(chattest.Remove(room, ann.id, bob.id))
	d, err := n.tryConnect(map[string]string{"token": bob.token, "cursor": cursor})
	if err != nil {
		t.Fatal(err)
	}
	var ready wire.Ready
	if d.next(wire.EventReady).into(t, &ready); len(ready.Gone) != 1 || ready.Gone[0] != room {
		t.Errorf("got %+v, want the room gone", ready)
	}
}
