package gateway_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// In a rolling deploy a node hears what a newer one says. Entries of kinds that it does
// not know go to the clients as they are, who skip them; other events are nothing that a
// client of this version could take for something. Both are counted.
func TestWhatANewerNodeSays(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	room := n.group(chat.Group, 1, people[0], people[1])
	n.stored(room, 1)
	a, b := n.connect(people[0]), n.connect(people[1])
	n.shown(people[0])
	a.must(wire.EventPresenceWatch, wire.PresenceWatch{UserIDs: []chat.UserID{people[1].id}})
	first := a.send(room, "one", "before")
	b.upTo(room, first.Seq)
	n.settleWork()
	names := []string{wire.EventReceipt, wire.EventTyping, wire.EventPresence, wire.EventCallRinging, wire.EventCallAnswered, wire.EventCallEnded, wire.EventConversation}
	before := map[*device]map[string]int{a: {}, b: {}}
	for d, counts := range before {
		for _, name := range names {
			counts[name] = d.count(name)
		}
	}
	const later = chat.EventCallSignal + 7
	other := chat.Topic{Kind: chat.TopicConversation, ID: room}
	own := chat.Topic{Kind: chat.TopicUser, ID: people[1].id}
	presence := chat.Topic{Kind: chat.TopicPresence, ID: people[1].id}
	entry := chat.Entry{ConversationID: room, Seq: first.Seq + 1, At: first.At, SenderID: people[0].id, Kind: "of_the_future"}
	if err := n.bus.Publish(t.Context(), []chat.Event{
		{Topic: other, Kind: later, Data: []byte(`{"user_id":"x","read_seq":9}`)},
		{Topic: other, Kind: chat.EventRead, Data: []byte(`{}`)}, // where such a thing is not said today
		{Topic: own, Kind: later, Data: []byte(`["anything"]`)},
		{Topic: presence, Kind: later, Data: []byte(`{"online":false}`)},
		{Topic: other, Kind: chat.EventEntry, Seq: entry.Seq, Data: entry.AppendJSON(nil)},
	}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*device{a, b} {
		got := d.upTo(room, entry.Seq)
		if last := got[len(got)-1]; last.Kind != "of_the_future" || last.Seq != entry.Seq {
			t.Errorf("got %+v, want the entry that nobody knows", last)
		}
	}
	n.settleWork()
	for d, counts := range before {
		for _, name := range names {
			if got := d.count(name); got != counts[name] {
				t.Errorf("got %d %s, want none", got-counts[name], name)
			}
		}
	}
	if got := n.gateway.Stats().Unknown; got != 5 {
		t.Errorf("got %d counted, want 5", got)
	}
	if d := n.connect(people[1]); d.over {
		t.Error("a socket was closed")
	}
}

// A newer kind of entry may change who is a member. The person hears of it on their own
// topic, and what the store says counts.
func TestANewerKindChangesMembers(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	room := n.group(chat.Group, 1, people[0], people[1])
	n.stored(room, 1)
	a, b := n.connect(people[0]), n.connect(people[1])
	b.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room, Limit: 10})
	lose := func(*chat.Event) bool { return true } // what this program would say of it
	n.bus.lose.Store(&lose)
	gone := n.do(chat.Command{Kind: chat.CmdRemoveMember, ConversationID: room, ActorID: people[0].id, UserIDs: []chat.UserID{people[1].id}})
	n.stored(room, gone.Seq)
	n.bus.lose.Store(nil)
	entry := *gone
	entry.Kind = "of_the_future"
	topic := chat.Topic{Kind: chat.TopicUser, ID: people[1].id}
	if err := n.bus.Publish(t.Context(), []chat.Event{{Topic: topic, Kind: chat.EventMember, Seq: entry.Seq, Data: entry.AppendJSON(nil)}}); err != nil {
		t.Fatal(err)
	}
	var told wire.ConversationGone
	b.next(wire.EventConversation).into(t, &told)
	if !told.Gone || told.ID != room {
		t.Errorf("got %+v, want the conversation gone", told)
	}
	last := a.send(room, "two", "without them")
	a.upTo(room, last.Seq)
	n.settleWork()
	for _, e := range b.entries(room) {
		if e.Seq >= last.Seq {
			t.Errorf("got %+v after the removal", e)
		}
	}
}
