package gateway_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/wire"
)

// TestAhead has what holds of live delivery hold where entries are told before
// they are stored: a node of a test of this name has an owner that runs ahead.
func TestAhead(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"TwoPeopleChat":                       TestTwoPeopleChat,
		"Typing":                              TestTyping,
		"Receipts":                            TestReceipts,
		"PipelinedSends":                      TestPipelinedSendsKeepTheirOrder,
		"ServerEventsAreDocumented":           TestServerEventsAreDocumented,
		"AddedMember":                         TestAddedMemberGetsEverythingFromThenOn,
		"RemovalIsTheLastThing":               TestRemovalIsTheLastThingTheRemovedGet,
		"LostBusMessages":                     TestLostBusMessagesAreNoticed,
		"ResyncReadsEverythingAgain":          TestResyncReadsEverythingAgain,
		"NobodyGetsWhatIsNotTheirs":           TestNobodyGetsWhatIsNotTheirs,
		"VisibleFrom":                         TestVisibleFromHolds,
		"ExactlyOneCopyPerSocket":             TestExactlyOneCopyPerSocketWhateverTheirNumber,
		"LeavingSilencesNobody":               TestLeavingSilencesNobody,
		"RetryMakesNoDuplicate":               TestRetryMakesNoDuplicate,
		"StoreBlip":                           TestStoreBlipLosesNothing,
		"TwoFirstMessagesMakeOneConversation": TestTwoFirstMessagesAtOnceMakeOneConversation,
	} {
		t.Run(name, test)
	}
}

// TestAheadOfAStoreThatStandsStill has the store take nothing for a while: who is
// here goes on, who comes is told what is missing, who is removed is gone, and nobody
// asks the store without end.
func TestAheadOfAStoreThatStandsStill(t *testing.T) {
	n := newNode(t)
	people := n.people(3)
	room := n.group(chat.Group, 1, people[0], people[1], people[2])
	n.stored(room, 1)
	a, b, c := n.connect(people[0]), n.connect(people[1]), n.connect(people[2])
	for _, d := range []*device{a, b, c} { // warm
		d.send(room, "warm", "x")
	}
	n.stored(room, 4)
	n.journal.Hold(true)
	a.send(room, "1", "while it stands still")
	b.send(room, "2", "and on")
	n.do(chattest.Remove(room, people[0].id, people[2].id))
	a.send(room, "3", "without them")
	wantDense(t, "a", a.upTo(room, 8), 2, 8)
	wantDense(t, "b", b.upTo(room, 8), 2, 8)
	wantDense(t, "c", c.upTo(room, 7), 2, 7)
	var gone wire.ConversationGone
	c.next(wire.EventConversation).into(t, &gone)
	if !gone.Gone {
		t.Errorf("got %+v", gone)
	}
	c.refused(wire.EventTypingSet, wire.TypingSet{ConversationID: room, On: true}, chat.CodeUnavailable)

	late, err := n.tryConnect(map[string]string{"token": people[1].token})
	if err != nil {
		t.Fatal(err)
	}
	var ready wire.Ready
	late.next(wire.EventReady).into(t, &ready)
	if len(ready.HeadsChanged) != 1 || ready.HeadsChanged[0].LastSeq != 8 {
		t.Errorf("ready says %+v, want what is not stored", ready.HeadsChanged)
	}
	if e := late.refused(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room, Seq: 4}, chat.CodeUnavailable); e.Error.RetryAfterMS <= 0 {
		t.Errorf("got %+v", e.Error)
	}
	before, start := n.views.reads.Load(), time.Now()
	time.Sleep(time.Second)
	reads := n.views.reads.Load() - before
	if took := time.Since(start); float64(reads) > 60*took.Seconds() { // a busy machine sleeps longer
		t.Errorf("a conversation was read %d times in %s", reads, took)
	}
	n.journal.Hold(false)
	n.stored(room, 8)
	var page struct{ Entries []chat.Entry }
	if err := json.Unmarshal(late.must(wire.EventEntriesAfter, wire.EntriesAfter{ConversationID: room, Seq: 4}).Data, &page); err != nil {
		t.Fatal(err)
	}
	wantDense(t, "late", page.Entries, 5, 8)
	a.send(room, "4", "as before")
	for name, d := range map[string]*device{"a": a, "b": b} {
		wantDense(t, name, d.upTo(room, 9), 2, 9)
	}
	wantDense(t, "the one who was removed", c.entries(room), 2, 7)
}

// TestAheadGapsWaitForTheStore loses entries on the bus while the store does not
// have them yet: nothing overtakes them, and they come when it does.
func TestAheadGapsWaitForTheStore(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	room := n.group(chat.Group, 1, people[0], people[1])
	n.stored(room, 1)
	a, b := n.connect(people[0]), n.connect(people[1])
	a.send(room, "warm", "x")
	b.upTo(room, 2)
	n.stored(room, 2)
	n.journal.Hold(true)
	lose := func(e *chat.Event) bool { return e.Seq == 3 }
	n.bus.lose.Store(&lose)
	n.do(chattest.Send(room, people[0].id, "1", "nobody hears"))
	n.bus.lose.Store(nil)
	for i := range 700 { // more than a room holds back
		n.do(chattest.Send(room, people[0].id, fmt.Sprint("k", i), "behind it"))
	}
	time.Sleep(100 * time.Millisecond)
	if got := len(b.entries(room)); got != 1 {
		t.Errorf("%d entries, want none behind the hole", got)
	}
	n.journal.Hold(false)
	wantDense(t, "b", b.upTo(room, 703), 2, 703)
	wantDense(t, "a", a.upTo(room, 703), 2, 703)
}

// TestAheadTheRemovedStayRemoved asks for somebody who was removed while the store
// still says that they are a member, and nobody else of the room is here who would
// remember: they get nothing that was written after that.
func TestAheadTheRemovedStayRemoved(t *testing.T) {
	n := newNode(t)
	people := n.people(2)
	room := n.group(chat.Group, 1, people[0], people[1])
	n.stored(room, 1)
	b := n.connect(people[1])
	n.do(chattest.Send(room, people[0].id, "warm", "x"))
	b.upTo(room, 2)
	n.stored(room, 2)
	n.journal.Hold(true)
	n.do(chattest.Remove(room, people[0].id, people[1].id))
	wantDense(t, "b", b.upTo(room, 3), 2, 3)
	for i := range 5 {
		b.refused(wire.EventTypingSet, wire.TypingSet{ConversationID: room, On: true}, chat.CodeUnavailable)
		n.do(chattest.Send(room, people[0].id, fmt.Sprint("secret", i), "not for them"))
	}
	time.Sleep(500 * time.Millisecond) // memberships are read again
	n.journal.Hold(false)
	n.stored(room, 8)
	b.refused(wire.EventTypingSet, wire.TypingSet{ConversationID: room, On: true}, chat.CodeNotFound)
	n.do(chattest.Send(room, people[0].id, "last", "not for them"))
	n.stored(room, 9)
	wantDense(t, "b", b.entries(room), 2, 3)
	if got := b.count(wire.EventConversation); got != 1 {
		t.Errorf("%d times told of the conversation, want once, that it is gone", got)
	}
}
