package chat_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

func mentioning(who chat.UserID, clientID string, people ...chat.UserID) chat.Command {
	cmd := chattest.Send(room, who, clientID, "hey")
	cmd.Mentions = people
	return cmd
}

func TestRulesOfJoiningAndPins(t *testing.T) {
	one := []chat.Command{say("one")} // seq 2
	admin := chattest.SetRole(room, ann, bob, chat.RoleAdmin)
	pinned := append(slices.Clone(one), chattest.Pin(room, ann, 2, true))
	testRules(t, chat.Group, []rule{
		{"who was invited joins", nil, chattest.Join(room, dan), "entry"},
		{"who is there already", nil, chattest.Join(room, bob), "same"},
		{"who was removed", []chat.Command{chattest.Remove(room, ann, bob)}, chattest.Join(room, bob), "entry"},
		{"what was said before is not for who joins", append(one, chattest.Join(room, dan)), chattest.React(room, dan, 2, "👍", true), "not_found"},
		{"nobody is left to join", []chat.Command{
			chattest.Remove(room, bob, bob), chattest.Remove(room, cid, cid), chattest.Remove(room, ann, ann),
		}, chattest.Join(room, dan), "not_found"},

		{"the owner pins", one, chattest.Pin(room, ann, 2, true), "entry"},
		{"an admin pins", append(one, admin), chattest.Pin(room, bob, 2, true), "entry"},
		{"a member pins", one, chattest.Pin(room, bob, 2, true), "forbidden"},
		{"a stranger pins", one, chattest.Pin(room, dan, 2, true), "not_found"},
		{"pinned twice", pinned, chattest.Pin(room, ann, 2, true), "same"},
		{"the pin taken out", pinned, chattest.Pin(room, ann, 2, false), "entry"},
		{"a pin that is not there", one, chattest.Pin(room, ann, 2, false), "same"},
		{"nothing pinned", one, chattest.Pin(room, ann, 1, true), "not_found"},
		{"a deleted message pinned", append(one, chattest.Delete(room, ann, 2)), chattest.Pin(room, ann, 2, true), "conflict deleted"},

		{"a block in a group", nil, chattest.Block(room, ann, true), "forbidden"},
		{"mentions of members and others", nil, mentioning(ann, "k", bob, dan), "entry"},
		{"the same with mentions again", []chat.Command{mentioning(ann, "k", bob)}, mentioning(ann, "k", bob), "same"},
		{"one mentioned twice", nil, mentioning(ann, "k", bob, bob), "invalid"},
		{"too many mentioned", nil, mentioning(ann, "k", chattest.Users(chat.MaxMentions+1)...), "too_large"},
	})
	testRules(t, chat.Channel, []rule{
		{"who joins a channel sees all", append(one, chattest.Join(room, dan)), chattest.React(room, dan, 2, "👍", true), "entry"},
	})
}

func TestMentionsAreOfMembers(t *testing.T) {
	s := group(t, chat.Group)
	s.do(mentioning(ann, "k", dan, bob))
	if e := s.entries[1]; !slices.Equal(e.Mentions, []chat.UserID{bob}) {
		t.Errorf("got mentions %v, want bob alone", e.Mentions)
	}
	s.do(chattest.Delete(room, ann, 2))
	for _, e := range s.state.Sent {
		if e != nil && (len(e.Mentions) > 0 || !e.Redacted) {
			t.Errorf("got %+v after its deletion, want nothing left", e)
		}
	}
}

func TestPinsAreCounted(t *testing.T) {
	s := group(t, chat.Group)
	for i := range chat.MaxPins + 1 {
		s.do(chattest.Send(room, ann, fmt.Sprint("c", i), "x"))
	}
	for i := range chat.MaxPins {
		s.do(chattest.Pin(room, ann, chat.Seq(i+2), true))
	}
	last := chat.Seq(chat.MaxPins + 2)
	if ch, _, err := s.apply(chattest.Pin(room, ann, last, true)); outcome(ch, err) != "too_large limit_exceeded" {
		t.Errorf("one more: got %s, want too_large", outcome(ch, err))
	}
	s.do(chattest.Delete(room, ann, 2)) // its pin goes with it
	s.do(chattest.Pin(room, ann, last, true))
	if s.state.Head.Pins != chat.MaxPins || s.state.Messages[2].PinnedAt != 0 || s.state.Messages[last].PinnedAt == 0 {
		t.Errorf("got %d pins, want %d", s.state.Head.Pins, chat.MaxPins)
	}
}

// A block stands in the conversation's own log: whoever decides the order decides
// alike, on any node.
func TestRulesOfBlocks(t *testing.T) {
	id := chat.DirectID(ann, bob)
	block := func(who chat.UserID) chat.Command { return chattest.Block(id, who, true) }
	unblock := func(who chat.UserID) chat.Command { return chattest.Block(id, who, false) }
	send := func(who chat.UserID) chat.Command { return chattest.Send(id, who, "k", "x") }
	begun := []chat.Command{chattest.CreateDirect(ann, bob), chattest.Send(id, bob, "first", "x"), chattest.Send(id, ann, "first", "y")}
	for _, c := range []rule{
		{"who began blocks", nil, block(ann), "entry"},
		{"the other blocks", nil, block(bob), "entry"},
		{"a stranger blocks", nil, block(cid), "not_found"},
		{"blocked twice", []chat.Command{block(ann)}, block(ann), "same"},
		{"a block that is not there ended", nil, unblock(ann), "same"},
		{"a block of the other ended", []chat.Command{block(ann)}, unblock(bob), "same"},
		{"the blocked sends", []chat.Command{block(ann)}, send(bob), "forbidden blocked"},
		{"the blocked sends again what came in time", []chat.Command{block(ann)}, chattest.Send(id, bob, "first", "x"), "same"},
		{"the blocker sends", []chat.Command{block(ann)}, send(ann), "forbidden blocking"},
		{"the other is blocked", []chat.Command{block(bob)}, send(ann), "forbidden blocked"},
		{"both block", []chat.Command{block(bob), block(ann)}, send(ann), "forbidden blocked"},
		{"one of two blocks ended", []chat.Command{block(bob), block(ann), unblock(bob)}, send(ann), "forbidden blocking"},
		{"unblocked, the other sends", []chat.Command{block(ann), unblock(ann)}, send(bob), "entry"},
		{"the blocked edits", []chat.Command{block(ann)}, chattest.Edit(id, bob, 2, "worse"), "forbidden blocked"},
		{"the blocked reacts", []chat.Command{block(ann)}, chattest.React(id, bob, 3, "👎", true), "forbidden blocked"},
		{"the blocked pins", []chat.Command{block(ann)}, chattest.Pin(id, bob, 2, true), "forbidden blocked"},
		{"the blocked deletes what they said", []chat.Command{block(ann)}, chattest.Delete(id, bob, 2), "entry"},
		{"the blocker edits", []chat.Command{block(ann)}, chattest.Edit(id, ann, 3, "z"), "entry"},
		{"both pin", nil, chattest.Pin(id, bob, 2, true), "entry"},
		{"nobody joins", nil, chattest.Join(id, cid), "not_found"},
	} {
		s := newStage(t, id)
		s.do(append(slices.Clone(begun), c.before...)...)
		ch, _, err := s.apply(c.cmd)
		if got := outcome(ch, err); got != c.want {
			t.Errorf("%s: got %s (%v), want %s", c.name, got, err, c.want)
		}
	}
	alone := newStage(t, chat.DirectID(ann, ann))
	alone.do(chattest.CreateDirect(ann, ann))
	if _, _, err := alone.apply(chattest.Block(chat.DirectID(ann, ann), ann, true)); err == nil {
		t.Error("somebody blocks themselves, want a refusal")
	}
}
