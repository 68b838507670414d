package chat_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

func TestRulesOfCalls(t *testing.T) {
	call := chattest.Call(room, ann, "c", ann, bob)
	missed := chattest.Call(room, ann, "c")
	testRules(t, chat.Group, []rule{
		{"a member called", nil, call, "entry"},
		{"a stranger called", nil, chattest.Call(room, dan, "c", dan, bob), "not_found"},
		{"who called has left", []chat.Command{chattest.Remove(room, bob, bob)}, chattest.Call(room, bob, "c", bob, ann), "not_found"},
		{"who took part has left", []chat.Command{chattest.Remove(room, bob, bob)}, call, "entry"},
		{"the same call again", []chat.Command{call}, call, "same"},
		{"the same call in other words", []chat.Command{call}, missed, "same"},
		{"the same id of another person", []chat.Command{call}, chattest.Call(room, bob, "c"), "entry"},
		{"the id of a message", []chat.Command{say("c")}, call, "entry"},
		{"a message with the id of a call", []chat.Command{call}, say("c"), "entry"},
		{"another call", []chat.Command{call}, chattest.Call(room, ann, "d"), "entry"},
		{"a reaction to a call", []chat.Command{call}, chattest.React(room, ann, 2, "👍", true), "not_found"},
		{"a call deleted", []chat.Command{call}, chattest.Delete(room, ann, 2), "not_found"},
	})
	testRules(t, chat.Channel, []rule{
		{"a call in a channel", nil, call, "forbidden"},
		{"a stranger's call in a channel", nil, chattest.Call(room, dan, "c"), "not_found"},
	})
}

func TestACallOfTwoPeople(t *testing.T) {
	id := chat.DirectID(ann, bob)
	s := newStage(t, id)
	s.do(chattest.CreateDirect(ann, bob), chattest.Send(id, bob, "k", "hi"))
	before := *s.state.Head
	cmd := chattest.Call(id, ann, "c", ann, bob)
	ch, _, err := s.apply(cmd)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Call.DurationMS, cmd.UserIDs[0] = 1, cid // what is in the log is not the command's
	if e := ch.Entry; e.SenderID != ann || e.ClientID != "c" || *e.Call != (chat.CallSummary{Outcome: chat.CallAnswered, DurationMS: 60_000}) ||
		len(e.UserIDs) != 2 || e.UserIDs[0] != ann || e.Ordinal != 0 {
		t.Errorf("got %+v of the call %+v", e, e.Call)
	}
	want := before
	want.Seq, want.ActiveAt = 3, s.now
	if ch.Head != want || *s.state.Head != want || ch.PutMessage != nil {
		t.Errorf("got head %+v, want %+v", ch.Head, want)
	}
	if m := s.state.Members[ann]; m.LastClientID != "" {
		t.Errorf("got greatest client id %q of a person without messages", m.LastClientID)
	}
	// What was agreed upon before the block is told all the same.
	s.do(chattest.Block(id, bob, true), chattest.Call(id, ann, "d", ann, bob))
}
