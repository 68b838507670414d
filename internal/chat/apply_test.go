package chat_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// Every rule, as a case: what was before, a command, and what becomes of it:
// "entry", "same" (nothing to change, or the first entry again), or the code and
// reason of the refusal.
type rule struct {
	name   string
	before []chat.Command
	cmd    chat.Command
	want   string
}

func outcome(ch *chat.Change, err *chat.Error) string {
	switch {
	case err != nil && err.Reason != "":
		return string(err.Code) + " " + err.Reason
	case err != nil:
		return string(err.Code)
	case ch != nil:
		return "entry"
	default:
		return "same"
	}
}

func testRules(t *testing.T, kind chat.ConversationKind, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			s := group(t, kind)
			s.do(r.before...)
			ch, _, err := s.apply(r.cmd)
			if got := outcome(ch, err); got != r.want {
				t.Errorf("got %s (%v), want %s", got, err, r.want)
			}
		})
	}
}

func say(text string) chat.Command { return chattest.Send(room, ann, text, text) }

func replyTo(who chat.UserID, seq chat.Seq) chat.Command {
	cmd := chattest.Send(room, who, "reply", "reply")
	cmd.ReplyTo = seq
	return cmd
}

func withFiles(clientID string, files ...int) chat.Command {
	cmd := chattest.Send(room, ann, clientID, "text")
	for _, n := range files {
		cmd.Attachments = append(cmd.Attachments, chattest.Attachment(n))
	}
	return cmd
}

func TestRulesOfMessages(t *testing.T) {
	one := []chat.Command{say("one")} // seq 2
	testRules(t, chat.Group, []rule{
		{"a member sends", nil, chattest.Send(room, bob, "k", "x"), "entry"},
		{"a stranger sends", nil, chattest.Send(room, dan, "k", "x"), "not_found"},
		{"a removed member sends", []chat.Command{chattest.Remove(room, ann, bob)}, chattest.Send(room, bob, "k", "x"), "not_found"},
		{"the same again", one, say("one"), "same"},
		{"the same id, another text", one, chattest.Send(room, ann, "one", "two"), "conflict idempotency_conflict"},
		{"the same id, another reply", one, func() chat.Command { c := say("one"); c.ReplyTo = 2; return c }(), "conflict idempotency_conflict"},
		{"the same id, the same files", []chat.Command{withFiles("k", 1, 2)}, withFiles("k", 1, 2), "same"},
		{"the same id, other files", []chat.Command{withFiles("k", 1, 2)}, withFiles("k", 1, 3), "conflict idempotency_conflict"},
		{"the same id, fewer files", []chat.Command{withFiles("k", 1, 2)}, withFiles("k", 1), "conflict idempotency_conflict"},
		{"the same id of another person", one, chattest.Send(room, bob, "one", "other"), "entry"},
		{"the same again after an edit", append(one, chattest.Edit(room, ann, 2, "two")), say("one"), "same"},
		{"the same id after its deletion", append(one, chattest.Delete(room, ann, 2)), chattest.Send(room, ann, "one", "other"), "same"},
		{"a reply", one, replyTo(bob, 2), "entry"},
		{"a reply to what is not a message", one, replyTo(bob, 1), "invalid"},
		{"a reply to nothing", one, replyTo(bob, 3), "invalid"},
		{"a reply to what one does not see", append(one, chattest.Add(room, ann, dan)), replyTo(dan, 2), "invalid"},
		{"a reply to a deleted message", append(one, chattest.Delete(room, ann, 2)), replyTo(bob, 2), "entry"},

		{"an edit", one, chattest.Edit(room, ann, 2, "two"), "entry"},
		{"an edit by another", one, chattest.Edit(room, bob, 2, "two"), "forbidden"},
		{"an edit by the owner", []chat.Command{chattest.Send(room, bob, "k", "x")}, chattest.Edit(room, ann, 2, "two"), "forbidden"},
		{"an edit by a stranger", one, chattest.Edit(room, dan, 2, "two"), "not_found"},
		{"an edit that changes nothing", append(one, chattest.Edit(room, ann, 2, "two")), chattest.Edit(room, ann, 2, "two"), "same"},
		{"an edit back", append(one, chattest.Edit(room, ann, 2, "two")), chattest.Edit(room, ann, 2, "one"), "entry"},
		{"an edit of nothing", one, chattest.Edit(room, ann, 3, "two"), "not_found"},
		{"an edit of what is not a message", one, chattest.Edit(room, ann, 1, "two"), "not_found"},
		{"an edit of a deleted message", append(one, chattest.Delete(room, ann, 2)), chattest.Edit(room, ann, 2, "two"), "conflict deleted"},
		{"an edit before one joined", append(one, chattest.Add(room, ann, dan)), chattest.Edit(room, dan, 2, "two"), "not_found"},

		{"a deletion", one, chattest.Delete(room, ann, 2), "entry"},
		{"a deletion by another member", one, chattest.Delete(room, bob, 2), "forbidden"},
		{"a deletion by the owner", []chat.Command{chattest.Send(room, bob, "k", "x")}, chattest.Delete(room, ann, 2), "entry"},
		{"a deletion by an admin", append(one, chattest.SetRole(room, ann, bob, chat.RoleAdmin)), chattest.Delete(room, bob, 2), "entry"},
		{"a deletion twice", append(one, chattest.Delete(room, ann, 2)), chattest.Delete(room, ann, 2), "same"},
		{"a deletion of nothing", one, chattest.Delete(room, ann, 9), "not_found"},
		{"a deletion before one joined, by an admin", append(one, chattest.Add(room, ann, dan), chattest.SetRole(room, ann, dan, chat.RoleAdmin)), chattest.Delete(room, dan, 2), "not_found"},

		{"a reaction", one, chattest.React(room, bob, 2, "👍", true), "entry"},
		{"a reaction twice", append(one, chattest.React(room, bob, 2, "👍", true)), chattest.React(room, bob, 2, "👍", true), "same"},
		{"a reaction by two", append(one, chattest.React(room, bob, 2, "👍", true)), chattest.React(room, ann, 2, "👍", true), "entry"},
		{"a second reaction", append(one, chattest.React(room, bob, 2, "👍", true)), chattest.React(room, bob, 2, "🎉", true), "entry"},
		{"a reaction taken back", append(one, chattest.React(room, bob, 2, "👍", true)), chattest.React(room, bob, 2, "👍", false), "entry"},
		{"a reaction of another taken back", append(one, chattest.React(room, bob, 2, "👍", true)), chattest.React(room, ann, 2, "👍", false), "same"},
		{"a reaction that was not there taken back", one, chattest.React(room, bob, 2, "👍", false), "same"},
		{"a reaction to a deleted message", append(one, chattest.Delete(room, ann, 2)), chattest.React(room, bob, 2, "👍", true), "conflict deleted"},
		{"a reaction to nothing", one, chattest.React(room, bob, 1, "👍", true), "not_found"},
		{"a reaction before one joined", append(one, chattest.Add(room, ann, dan)), chattest.React(room, dan, 2, "👍", true), "not_found"},
	})
	testRules(t, chat.Channel, []rule{
		{"who joined a channel later sees all", append(one, chattest.Add(room, ann, dan)), chattest.React(room, dan, 2, "👍", true), "entry"},
		{"and replies to it", append(one, chattest.Add(room, ann, dan)), replyTo(dan, 2), "entry"},
	})
}

func TestRulesOfMembers(t *testing.T) {
	admin := func(u chat.UserID) chat.Command { return chattest.SetRole(room, ann, u, chat.RoleAdmin) }
	owner := func(u chat.UserID) chat.Command { return chattest.SetRole(room, ann, u, chat.RoleOwner) }
	admins, owners := []chat.Command{admin(bob), admin(cid)}, []chat.Command{owner(bob)}
	testRules(t, chat.Group, []rule{
		{"the owner adds", nil, chattest.Add(room, ann, dan), "entry"},
		{"an admin adds", admins, chattest.Add(room, bob, dan), "entry"},
		{"a member adds", nil, chattest.Add(room, bob, dan), "forbidden"},
		{"a stranger adds", nil, chattest.Add(room, dan, dan), "not_found"},
		{"who is there already", nil, chattest.Add(room, ann, bob, cid), "same"},
		{"some of them are there", nil, chattest.Add(room, ann, bob, dan), "entry"},

		{"a member leaves", nil, chattest.Remove(room, bob, bob), "entry"},
		{"the last owner leaves", nil, chattest.Remove(room, ann, ann), "conflict last_owner"},
		{"one of two owners leaves", owners, chattest.Remove(room, ann, ann), "entry"},
		{"the last owner leaves as the last member", []chat.Command{chattest.Remove(room, bob, bob), chattest.Remove(room, cid, cid)}, chattest.Remove(room, ann, ann), "entry"},
		{"a stranger leaves", nil, chattest.Remove(room, dan, dan), "not_found"},
		{"the owner removes a member", nil, chattest.Remove(room, ann, bob), "entry"},
		{"the owner removes an admin", admins, chattest.Remove(room, ann, bob), "entry"},
		{"the owner removes an owner", owners, chattest.Remove(room, ann, bob), "entry"},
		{"an admin removes a member", admins[:1], chattest.Remove(room, bob, cid), "entry"},
		{"an admin removes an admin", admins, chattest.Remove(room, bob, cid), "forbidden"},
		{"an admin removes the owner", admins, chattest.Remove(room, bob, ann), "forbidden"},
		{"a member removes a member", nil, chattest.Remove(room, bob, cid), "forbidden"},
		{"somebody removed again", []chat.Command{chattest.Remove(room, ann, bob)}, chattest.Remove(room, ann, bob), "not_found"},
		{"a removed member removes", []chat.Command{admin(bob), chattest.Remove(room, ann, bob)}, chattest.Remove(room, bob, cid), "not_found"},

		{"the owner makes an admin", nil, admin(bob), "entry"},
		{"the owner makes an owner", nil, owner(bob), "entry"},
		{"the same role again", admins, admin(bob), "same"},
		{"the owner demotes an owner", owners, chattest.SetRole(room, ann, bob, chat.RoleMember), "entry"},
		{"the last owner demotes themselves", nil, chattest.SetRole(room, ann, ann, chat.RoleMember), "conflict last_owner"},
		{"one of two owners demotes themselves", owners, chattest.SetRole(room, ann, ann, chat.RoleMember), "entry"},
		{"an admin makes an admin", admins[:1], chattest.SetRole(room, bob, cid, chat.RoleAdmin), "entry"},
		{"an admin makes an owner", admins, chattest.SetRole(room, bob, cid, chat.RoleOwner), "forbidden"},
		{"an admin makes themselves the owner", admins, chattest.SetRole(room, bob, bob, chat.RoleOwner), "forbidden"},
		{"an admin demotes themselves", admins, chattest.SetRole(room, bob, bob, chat.RoleMember), "entry"},
		{"an admin demotes an admin", admins, chattest.SetRole(room, bob, cid, chat.RoleMember), "forbidden"},
		{"an admin demotes the owner", admins, chattest.SetRole(room, bob, ann, chat.RoleMember), "forbidden"},
		{"a member promotes themselves", nil, chattest.SetRole(room, bob, bob, chat.RoleAdmin), "forbidden"},
		{"a role for a stranger", nil, admin(dan), "not_found"},
		{"a role by a stranger", nil, chattest.SetRole(room, dan, bob, chat.RoleAdmin), "not_found"},

		{"the owner changes the title", nil, chattest.Retitle(room, ann, "new"), "entry"},
		{"an admin changes the title", admins, chattest.Retitle(room, bob, "new"), "entry"},
		{"a member changes the title", nil, chattest.Retitle(room, bob, "new"), "forbidden"},
		{"the same title", nil, chattest.Retitle(room, ann, "A group"), "same"},

		{"the same conversation by a member", nil, chattest.Create(chat.Group, room, bob), "same"},
		{"the same conversation by a stranger", nil, chattest.Create(chat.Group, room, dan), "conflict"},
	})
}

// Nothing but talking is possible in a conversation of two.
func TestRulesOfDirectConversations(t *testing.T) {
	id := chat.DirectID(ann, bob)
	for _, c := range []struct {
		cmd  chat.Command
		want string
	}{
		{chattest.Send(id, bob, "k", "x"), "entry"},
		{chattest.Send(id, cid, "k", "x"), "not_found"},
		{chattest.Edit(id, ann, 2, "y"), "entry"},
		{chattest.Delete(id, bob, 2), "forbidden"},
		{chattest.Delete(id, ann, 2), "entry"},
		{chattest.React(id, bob, 2, "👍", true), "entry"},
		{chattest.Add(id, ann, cid), "forbidden"},
		{chattest.Remove(id, ann, bob), "forbidden"},
		{chattest.Remove(id, ann, ann), "forbidden"},
		{chattest.SetRole(id, ann, ann, chat.RoleOwner), "forbidden"},
		{chattest.Retitle(id, ann, "x"), "forbidden"},
		{chattest.CreateDirect(ann, bob), "same"},
		{chattest.CreateDirect(bob, ann), "same"},
	} {
		s := newStage(t, id)
		s.do(chattest.CreateDirect(ann, bob), chattest.Send(id, ann, "k", "x"))
		ch, _, err := s.apply(c.cmd)
		if got := outcome(ch, err); got != c.want {
			t.Errorf("%s by %s: got %s (%v), want %s", c.cmd.Kind, c.cmd.ActorID, got, err, c.want)
		}
	}
}

// Before a conversation begins it does not exist, for anything.
func TestNothingBeforeTheBeginning(t *testing.T) {
	for _, cmd := range []chat.Command{
		say("x"), chattest.Edit(room, ann, 1, "x"), chattest.Delete(room, ann, 1), chattest.React(room, ann, 1, "👍", true),
		chattest.Add(room, ann, bob), chattest.Remove(room, ann, ann), chattest.SetRole(room, ann, ann, chat.RoleOwner), chattest.Retitle(room, ann, "x"),
	} {
		s := newStage(t, room)
		if ch, _, err := s.apply(cmd); outcome(ch, err) != "not_found" || s.state.Head != nil {
			t.Errorf("%s: got %s, head %+v, want not_found", cmd.Kind, outcome(ch, err), s.state.Head)
		}
	}
}

func TestCreate(t *testing.T) {
	picture := chattest.FileID(1)
	cmd := chattest.Create(chat.Group, room, ann, bob, ann, cid, bob)
	cmd.AvatarID = &picture
	s := newStage(t, room)
	s.do(cmd)
	h := s.state.Head
	if h.Kind != chat.Group || h.Title != "A group" || h.AvatarID != picture || h.CreatedBy != ann || h.Members != 3 || h.Owners != 1 || h.Seq != 1 {
		t.Errorf("got head %+v", h)
	}
	if e := s.entries[0]; !slices.Equal(e.UserIDs, []chat.UserID{ann, bob, cid}) || e.AvatarID != picture || e.Title != h.Title {
		t.Errorf("got entry %+v", e)
	}
	for u, role := range map[chat.UserID]chat.Role{ann: chat.RoleOwner, bob: chat.RoleMember, cid: chat.RoleMember} {
		if m := s.state.Members[u]; m == nil || m.Role != role || m.VisibleFrom != 1 || m.JoinedSeq != 1 {
			t.Errorf("got member %+v, want %s", m, role)
		}
	}
	note := newStage(t, chat.DirectID(ann, ann))
	note.do(chattest.CreateDirect(ann, ann))
	if h := note.state.Head; h.Members != 1 || h.Owners != 0 || note.state.Members[ann].Role != chat.RoleMember {
		t.Errorf("a note to oneself: got %+v", h)
	}
}

// A channel shows its members all of it, a group what came since they joined.
func TestVisibleFrom(t *testing.T) {
	for kind, want := range map[chat.ConversationKind]chat.Seq{chat.Group: 4, chat.Channel: 1} {
		s := group(t, kind)
		s.do(say("2"), say("3"), chattest.Add(room, ann, dan))
		if m := s.state.Members[dan]; m.VisibleFrom != want || m.JoinedSeq != 4 {
			t.Errorf("%s: got %+v, want visible from %d", kind, m, want)
		}
		if m := s.state.Members[bob]; m.VisibleFrom != 1 {
			t.Errorf("%s: the first member sees from %d", kind, m.VisibleFrom)
		}
	}
}

func TestDeletionTakesTheTextOut(t *testing.T) {
	s := group(t, chat.Group)
	s.do(withFiles("k", 1), say("3"), chattest.Edit(room, ann, 2, "b"), chattest.React(room, bob, 2, "👍", true), chattest.Edit(room, ann, 2, "c"))
	s.do(chattest.Delete(room, ann, 2))
	ch := s.changes[len(s.changes)-1]
	if !slices.Equal(ch.Redact, []chat.Seq{2, 4, 6}) {
		t.Errorf("got %v to redact, want 2, 4, 6", ch.Redact)
	}
	m := ch.PutMessage
	if m.DeletedAt != s.now || m.Text != "" || m.EditedAt != 0 || m.Reactions != nil || m.Edits != nil || m.Ordinal != 1 || m.SenderID != ann {
		t.Errorf("got %+v", m)
	}
	sent := s.state.Sent[chat.SentKey{SenderID: ann, ClientID: "k"}]
	if !sent.Redacted || sent.Text != "" || sent.Attachments != nil || sent.Seq != 2 {
		t.Errorf("what a retry gets: %+v", sent)
	}
	if first := s.entries[1]; first.Redacted || first.Text == "" {
		t.Error("the entry that was handed out before was changed")
	}
}

func TestLimits(t *testing.T) {
	s := group(t, chat.Group)
	s.do(say("2"))
	for i := range chat.MaxReactionKinds {
		s.do(chattest.React(room, ann, 2, fmt.Sprint("e", i), true))
	}
	wantRefused := func(cmd chat.Command) {
		t.Helper()
		if ch, _, err := s.apply(cmd); outcome(ch, err) != "too_large limit_exceeded" {
			t.Errorf("%s: got %s, want too_large limit_exceeded", cmd.Kind, outcome(ch, err))
		}
	}
	wantRefused(chattest.React(room, bob, 2, "more", true))
	s.do(chattest.React(room, bob, 2, "e0", true), chattest.React(room, ann, 2, "e1", false), chattest.React(room, bob, 2, "one", true))
	for i := range chat.MaxEdits {
		s.do(chattest.Edit(room, ann, 2, fmt.Sprint("text ", i)))
	}
	wantRefused(chattest.Edit(room, ann, 2, "one more"))
	s.state.Head.Members = chat.MaxMembers
	wantRefused(chattest.Add(room, ann, dan))
}

// A change that was handed out does not move when later commands do.
func TestChangesAreCopies(t *testing.T) {
	s := group(t, chat.Group)
	s.do(say("2"), chattest.React(room, ann, 2, "👍", true), chattest.React(room, bob, 2, "👍", true), chattest.Edit(room, ann, 2, "b"))
	var was []string
	for _, ch := range s.changes {
		was = append(was, fmt.Sprintf("%+v %+v %+v", ch.Head, ch.PutMessage, ch.PutMembers))
	}
	s.do(chattest.React(room, ann, 2, "👍", false), chattest.Edit(room, ann, 2, "c"), chattest.SetRole(room, ann, bob, chat.RoleAdmin), say("x"), chattest.Delete(room, ann, 2))
	for i, want := range was {
		if ch := s.changes[i]; fmt.Sprintf("%+v %+v %+v", ch.Head, ch.PutMessage, ch.PutMembers) != want {
			t.Errorf("change %d is now %+v, it was %s", i, ch, want)
		}
	}
}
