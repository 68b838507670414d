package chattest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// wantMessages checks the seqs of a page.
func wantMessages(t *testing.T, s chat.Views, id chat.ConversationID, q chat.MessageQuery, want ...chat.Seq) []chat.Message {
	t.Helper()
	page, err := s.Messages(t.Context(), id, q)
	if err != nil {
		t.Fatalf("messages %+v: %v", q, err)
	}
	got := []chat.Seq{}
	for i := range page {
		got = append(got, page[i].Seq)
	}
	if fmt.Sprint(got) != fmt.Sprint(append([]chat.Seq{}, want...)) {
		t.Errorf("messages %+v: got %v, want %v", q, got, want)
	}
	return page
}

func viewsMessages(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)), Create(chat.Group, Room(1), User(0)))
	w.Say(Room(0), User(0), "2", "3", "4")
	w.Do(React(Room(0), User(0), 2, "👍", true)) // 5
	w.Say(Room(1), User(0), "elsewhere")
	w.Say(Room(0), User(0), "6", "7", "8")
	for _, c := range []struct {
		q    chat.MessageQuery
		want []chat.Seq
	}{
		{chat.MessageQuery{Limit: 2}, []chat.Seq{7, 8}},
		{chat.MessageQuery{Limit: 200}, []chat.Seq{2, 3, 4, 6, 7, 8}},
		{chat.MessageQuery{Limit: 2, Before: 6}, []chat.Seq{3, 4}},
		{chat.MessageQuery{Limit: 2, Before: 2}, nil},
		{chat.MessageQuery{Limit: 2, Before: 100}, []chat.Seq{7, 8}},
		{chat.MessageQuery{Limit: 2, After: 4}, []chat.Seq{6, 7}},
		{chat.MessageQuery{Limit: 2, After: 8}, nil},
		{chat.MessageQuery{Limit: 3, Around: 6}, []chat.Seq{4, 6, 7}},
		{chat.MessageQuery{Limit: 4, Around: 6}, []chat.Seq{4, 6, 7, 8}},
		{chat.MessageQuery{Limit: 3, Around: 5}, []chat.Seq{3, 4, 6}},
		{chat.MessageQuery{Limit: 1, Around: 6}, []chat.Seq{6}},
		{chat.MessageQuery{Limit: 4, Around: 2}, []chat.Seq{2, 3, 4}},
	} {
		wantMessages(t, s, Room(0), c.q, c.want...)
	}
	wantMessages(t, s, Room(9), chat.MessageQuery{Limit: 5})
}

func viewsVisibleFrom(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)))
	w.Say(Room(0), User(0), "2", "3", "4", "5")
	for _, q := range []chat.MessageQuery{{Limit: 9}, {Limit: 9, Before: 100}, {Limit: 9, After: 1}, {Limit: 9, Around: 4}, {Limit: 9, Around: 1}} {
		q.VisibleFrom = 4
		wantMessages(t, s, Room(0), q, 4, 5)
	}
	// Who joined and has seen no message has no last message.
	w.Do(Add(Room(0), User(0), User(1)))
	if v := view(t, s, User(1), Room(0)); v.LastMessage != nil || v.Conversation.LastMessage != 5 {
		t.Errorf("got last message %+v, want none", v.LastMessage)
	}
	if v := view(t, s, User(0), Room(0)); v.LastMessage == nil {
		t.Error("who was there before has no last message")
	}
}

func viewsFolded(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), User(1)))
	first := Send(Room(0), User(0), "k1", "one")
	first.Attachments = []chat.Attachment{Attachment(1), Attachment(2)}
	reply := Send(Room(0), User(1), "k2", "two")
	reply.ReplyTo = 2
	w.Do(first, reply, Send(Room(0), User(1), "k3", "three"))
	w.Do(
		Edit(Room(0), User(0), 2, "one, better"), React(Room(0), User(1), 2, "👍", true), React(Room(0), User(0), 2, "👍", true),
		React(Room(0), User(0), 2, "🎉", true), React(Room(0), User(0), 2, "🎉", false), React(Room(0), User(0), 4, "👍", true),
		Delete(Room(0), User(1), 4),
	)
	page := wantMessages(t, s, Room(0), chat.MessageQuery{Limit: 9}, 2, 3, 4)
	fold := Fold(ReadLog(t, s, Room(0)))
	// Texts of deleted messages and their edits are gone from the log; the fold has what it saw.
	for i := range page {
		if !reflect.DeepEqual(page[i], fold.Messages[i]) {
			t.Errorf("got  %+v\nwant %+v", page[i], fold.Messages[i])
		}
	}
	one, two, three := page[0], page[1], page[2]
	if one.Text != "one, better" || one.EditedAt == 0 || len(one.Attachments) != 2 || one.Attachments[1] != Attachment(2) ||
		!reflect.DeepEqual(one.Reactions, map[string][]chat.UserID{"👍": {User(1), User(0)}}) || one.ClientID != "k1" || one.Ordinal != 1 {
		t.Errorf("got %+v", one)
	}
	if two.ReplyTo != 2 || two.Text != "two" || two.EditedAt != 0 || two.Attachments == nil || two.Reactions == nil {
		t.Errorf("got %+v", two)
	}
	if three.Text != "" || three.DeletedAt == 0 || len(three.Reactions) != 0 || three.SenderID != User(1) || three.Ordinal != 3 {
		t.Errorf("got %+v", three)
	}
	if v := view(t, s, User(0), Room(0)); v.LastMessage == nil || !reflect.DeepEqual(*v.LastMessage, three) {
		t.Errorf("got last message %+v, want %+v", v.LastMessage, three)
	}
}

func viewsSparse(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)))
	w.Say(Room(0), User(0), "2", "3")
	for i := range 20 {
		var cmds []chat.Command
		for n := range 50 {
			cmds = append(cmds, React(Room(0), User(0), 2, "👍", (i*50+n)%2 == 0))
		}
		w.Do(cmds...)
	}
	w.Say(Room(0), User(0), "1004")
	wantMessages(t, s, Room(0), chat.MessageQuery{Limit: 3}, 2, 3, 1004)
	wantMessages(t, s, Room(0), chat.MessageQuery{Limit: 1, After: 3}, 1004)
	wantMessages(t, s, Room(0), chat.MessageQuery{Limit: 1, Before: 900}, 3)
	wantMessages(t, s, Room(0), chat.MessageQuery{Limit: 4, Around: 500}, 2, 3, 1004)
	WantLog(t, s, Room(0), 1004)
}

func viewsEntries(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)))
	for i := range 9 {
		w.Do(Send(Room(0), User(0), fmt.Sprint(i), strings.Repeat("x", 1000)))
	}
	count := func(after chat.Seq, limit, maxBytes, want int) {
		t.Helper()
		got, err := s.Entries(t.Context(), Room(0), after, limit, maxBytes)
		if err != nil || len(got) != want {
			t.Errorf("after %d, limit %d, %d bytes: got %d entries, %v, want %d", after, limit, maxBytes, len(got), err, want)
		}
		for i := range got {
			if got[i].Seq != after+chat.Seq(i)+1 {
				t.Errorf("after %d: got seq %d at %d", after, got[i].Seq, i)
			}
		}
	}
	count(0, 1000, 1<<20, 10)
	count(0, 3, 1<<20, 3)
	count(4, 3, 1<<20, 3)
	count(8, 3, 1<<20, 2)
	count(10, 3, 1<<20, 0)
	count(99, 3, 1<<20, 0)
	count(1, 9, 1, 1) // one at least, however large
	count(1, 9, 3000, 2)
	if got, err := s.Entries(t.Context(), Room(1), 0, 10, 1<<20); err != nil || len(got) != 0 {
		t.Errorf("of no conversation: got %d, %v", len(got), err)
	}
}

func viewsFileHolder(t *testing.T, s Store, w *World) {
	with := func(n int) chat.Command {
		cmd := Send(Room(0), User(0), fmt.Sprint("f", n), "")
		cmd.Attachments = []chat.Attachment{Attachment(n)}
		return cmd
	}
	w.Do(Create(chat.Group, Room(0), User(0), User(1)), with(1), with(2), Add(Room(0), User(0), User(2)), with(3))
	w.Do(Create(chat.Group, Room(1), User(3)))
	check := func(user, file int, want bool) {
		t.Helper()
		if got, err := s.FileHolder(t.Context(), User(user), FileID(file)); err != nil || got != want {
			t.Errorf("user %d, file %d: got %v, %v, want %v", user, file, got, err, want)
		}
	}
	check(0, 1, true)
	check(1, 1, true)
	check(2, 1, false) // joined later
	check(2, 3, true)
	check(3, 1, false) // not a member
	check(0, 9, false) // no such file
	w.Do(Delete(Room(0), User(0), 2), Remove(Room(0), User(0), User(1)))
	check(0, 1, false) // its message was deleted
	check(1, 2, false) // removed
	check(0, 2, true)
}
