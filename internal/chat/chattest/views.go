package chattest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// Store is all of what is durable.
type Store interface {
	chat.Journal
	chat.Views
	chat.Accounts
	chat.Sessions
	chat.Files
}

// Views is the conformance suite of chat.Views. Open gives an empty store,
// which ends with the test.
func Views(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s Store, w *World){
		"a conversation as its members see it":            viewsConversation,
		"a conversation does not exist for others":        viewsNotFound,
		"a conversation of two people":                    viewsDirect,
		"what is seen of a conversation is of one moment": viewsOneMoment,
		"a list is ordered by activity and paged":         viewsList,
		"a list does not lose or repeat what stays":       viewsListMoves,
		"what moved since":                                viewsMoved,
		"memberships":                                     viewsMemberships,
		"one member":                                      viewsMember,
		"members are ordered and paged":                   viewsMembers,
		"members are found by their names":                viewsFindMembers,
		"pages of messages":                               viewsMessages,
		"messages below the point of joining":             viewsVisibleFrom,
		"messages are folded":                             viewsFolded,
		"messages that are few among other entries":       viewsSparse,
		"entries are limited in number and size":          viewsEntries,
		"a call is no message and moves the list":         viewsCall,
		"heads":                                          viewsHeads,
		"a cursor that was not given out":                viewsBadCursor,
		"receipts only grow":                             viewsAdvance,
		"receipts of many at once":                       viewsAdvanceMany,
		"sending reads":                                  viewsSendingReads,
		"unread does not count what was deleted":         viewsUnreadDeleted,
		"who joins later has nothing unread":             viewsJoinLater,
		"receipts of a message":                          viewsReceipts,
		"receipts are not listed in large conversations": viewsManyReceipts,
		"a file is for those who see its message":        viewsFileHolder,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			test(t, s, NewWorld(t, s))
		})
	}
	t.Run("views equal a plain fold of the log", func(t *testing.T) { viewsRandom(t, open) })
}

// view gives a conversation as a member sees it.
func view(t *testing.T, s chat.Views, user chat.UserID, id chat.ConversationID) *chat.ConversationView {
	t.Helper()
	v, err := s.Conversation(t.Context(), user, id)
	if err != nil {
		t.Fatalf("conversation: %v", err)
	}
	return v
}

func viewsConversation(t *testing.T, s Store, w *World) {
	account(t, s, 0)
	w.Do(Create(chat.Group, Room(0), User(0), User(1)), Retitle(Room(0), User(0), "Better"), SetRole(Room(0), User(0), User(1), chat.RoleAdmin))
	w.Say(Room(0), User(0), "one", "two")
	w.Do(React(Room(0), User(1), 4, "👍", true))
	v := view(t, s, User(1), Room(0))
	if v.Kind != chat.Group || v.Title != "Better" || v.CreatedBy != User(0) || v.Members != 2 || v.Owners != 1 || v.Role != chat.RoleAdmin {
		t.Errorf("got %+v", v)
	}
	if v.Seq != 6 || v.LastSeq != 6 || v.Messages != 2 || v.Conversation.LastMessage != 5 || v.VisibleFrom != 1 || v.Unread != 2 {
		t.Errorf("got %+v, want head 6 with 2 messages, both unread", v)
	}
	if v.ActiveAt <= v.CreatedAt || v.CreatedAt <= Epoch {
		t.Errorf("got created at %s, active at %s", v.CreatedAt, v.ActiveAt)
	}
	if e, err := chat.DecodeEntry(v.LastEntry); err != nil || e.Kind != chat.KindReaction || e.Seq != 6 {
		t.Errorf("got last entry %s, %v, want the reaction", v.LastEntry, err)
	}
	if m := v.LastMessage; m == nil || m.Text != "two" || m.Seq != 5 {
		t.Errorf("got last message %+v, want two", m)
	}
	if v.Peer != nil {
		t.Errorf("a group has the peer %+v", v.Peer)
	}
	want := chat.Receipt{ConversationID: Room(0), UserID: User(0), DeliveredSeq: 5, ReadSeq: 5}
	if len(v.Receipts) != 1 || v.Receipts[0] != want {
		t.Errorf("got receipts %+v, want %+v", v.Receipts, want)
	}
}

func viewsCall(t *testing.T, s Store, w *World) {
	account(t, s, 0)
	account(t, s, 1)
	room := chat.DirectID(User(0), User(1))
	w.Do(CreateDirect(User(0), User(1)), Send(room, User(0), "k", "hi"), Create(chat.Group, Room(0), User(0), User(1)))
	w.Do(Call(room, User(0), "c", User(0), User(1)))
	v := view(t, s, User(1), room)
	e, err := chat.DecodeEntry(v.LastEntry)
	if err != nil || e.Kind != chat.KindCall || e.Seq != 3 || v.LastSeq != 3 || v.ActiveAt != e.At {
		t.Errorf("got last entry %s, %v, active at %s, want the call", v.LastEntry, err, v.ActiveAt)
	}
	if v.Messages != 1 || v.Unread != 1 || v.LastMessage == nil || v.LastMessage.Seq != 2 {
		t.Errorf("got %d messages, %d unread, last %+v, want one", v.Messages, v.Unread, v.LastMessage)
	}
	list, err := s.Conversations(t.Context(), User(1), "", 10)
	if err != nil || len(list.Items) != 2 || list.Items[0].ID != room {
		t.Errorf("got %+v, %v, want the call's conversation first", list, err)
	}
	page, err := s.Messages(t.Context(), room, chat.MessageQuery{Limit: 10})
	if err != nil || len(page) != 1 || page[0].Seq != 2 {
		t.Errorf("got %+v, %v, want the message alone", page, err)
	}
	raw, err := s.Entries(t.Context(), room, 2, 10, 1<<20)
	if err != nil || len(raw) != 1 || string(raw[0].JSON) != string(e.AppendJSON(nil)) || string(v.LastEntry) != string(raw[0].JSON) {
		t.Errorf("got %d entries, %v, want the call", len(raw), err)
	}
}

func viewsNotFound(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), User(1)), Remove(Room(0), User(1), User(1)))
	for _, c := range []struct {
		user chat.UserID
		room chat.ConversationID
	}{{User(1), Room(0)}, {User(2), Room(0)}, {User(0), Room(1)}} {
		if v, err := s.Conversation(t.Context(), c.user, c.room); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("got %+v, %v, want ErrNotFound", v, err)
		}
		if m, _, err := s.Member(t.Context(), c.room, c.user); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("got %+v, %v, want ErrNotFound", m, err)
		}
	}
}

func viewsDirect(t *testing.T, s Store, w *World) {
	a, b := account(t, s, 0), account(t, s, 1)
	w.Do(CreateDirect(a.ID, b.ID), CreateDirect(a.ID, a.ID))
	if v := view(t, s, a.ID, chat.DirectID(b.ID, a.ID)); v.Peer == nil || *v.Peer != b.User {
		t.Errorf("got peer %+v, want %+v", v.Peer, b.User)
	}
	if v := view(t, s, b.ID, chat.DirectID(b.ID, a.ID)); v.Peer == nil || *v.Peer != a.User {
		t.Errorf("got peer %+v, want %+v", v.Peer, a.User)
	}
	v := view(t, s, a.ID, chat.DirectID(a.ID, a.ID))
	if v.Peer == nil || v.Peer.ID != a.ID || v.Members != 1 || v.LastMessage != nil {
		t.Errorf("a note to oneself: got %+v with peer %+v", v, v.Peer)
	}
}

// viewsOneMoment looks while somebody writes and others read.
func viewsOneMoment(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), User(1), User(2)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 100 {
			batch, _, err := w.Decide(Send(Room(0), User(0), fmt.Sprint("k", n), "x"), Send(Room(0), User(0), fmt.Sprint("l", n), "y"))
			if err == nil {
				err = s.Commit(t.Context(), batch)
			}
			if err == nil {
				w.Next = batch.Next
				_, err = s.Advance(t.Context(), w.Now, []chat.Receipt{{ConversationID: Room(0), UserID: User(1), ReadSeq: chat.MaxSeq}})
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		page, err := s.Conversations(t.Context(), User(2), "", 10)
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("got %d, %v", len(page.Items), err)
		}
		for _, v := range []*chat.ConversationView{view(t, s, User(2), Room(0)), &page.Items[0]} {
			e, err := chat.DecodeEntry(v.LastEntry)
			if err != nil || e.Seq != v.LastSeq || v.LastMessage != nil && v.LastMessage.Seq != v.Conversation.LastMessage || v.Unread != v.Messages {
				t.Errorf("got head %+v, %d messages, last entry %s, last message %+v, %v", v.Head, v.Messages, v.LastEntry, v.LastMessage, err)
			}
			for _, r := range v.Receipts {
				if r.ReadSeq > v.LastSeq || r.DeliveredSeq > v.LastSeq {
					t.Errorf("got receipt %+v beyond the head %d", r, v.LastSeq)
				}
			}
		}
		wantNoHole(t, s, Room(0), page.Items[0].LastSeq+1)
	}
	<-done
}

// wantNoHole reads a page around a seq of a conversation of messages only, while it grows.
func wantNoHole(t *testing.T, s chat.Views, id chat.ConversationID, around chat.Seq) {
	t.Helper()
	messages, err := s.Messages(t.Context(), id, chat.MessageQuery{Around: around, Limit: 40})
	if err != nil {
		t.Fatalf("messages: %v", err)
	}
	for i := 1; i < len(messages); i++ {
		if messages[i].Seq != messages[i-1].Seq+1 {
			t.Errorf("around %d: got %d after %d", around, messages[i].Seq, messages[i-1].Seq)
		}
	}
}

// listAll reads a list page by page.
func listAll(t *testing.T, s chat.Views, user chat.UserID, limit int) []chat.ConversationID {
	t.Helper()
	var ids []chat.ConversationID
	from := ""
	for {
		page, err := s.Conversations(t.Context(), user, from, limit)
		if err != nil {
			t.Fatalf("conversations: %v", err)
		}
		if len(page.Items) > limit {
			t.Fatalf("got %d, want at most %d", len(page.Items), limit)
		}
		for i := range page.Items {
			ids = append(ids, page.Items[i].ID)
		}
		if from = page.Next; from == "" {
			return ids
		}
	}
}

func viewsList(t *testing.T, s Store, w *World) {
	const n = 7
	var want []chat.ConversationID
	for i := range n {
		w.Do(Create(chat.Group, Room(i), User(0)))
	}
	w.Do(Create(chat.Group, Room(n), User(1)))
	for _, i := range []int{3, 0, 5} {
		w.Say(Room(i), User(0), "active")
	}
	for _, i := range []int{5, 0, 3, 6, 4, 2, 1} {
		want = append(want, Room(i))
	}
	for _, limit := range []int{1, 2, 3, n, n + 1, 200} {
		if got := listAll(t, s, User(0), limit); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("by %d: got %v\nwant %v", limit, got, want)
		}
	}
	if got := listAll(t, s, User(9), 5); len(got) != 0 {
		t.Errorf("got %v of somebody without conversations", got)
	}
	// Conversations of the same instant all come, too.
	for i := range n {
		w.Now = Epoch + 1_000_000
		w.Do(Create(chat.Group, Room(20+i), User(2)))
	}
	if got := listAll(t, s, User(2), 2); len(got) != n {
		t.Errorf("got %d of %d conversations of one instant", len(got), n)
	}
}

func viewsListMoves(t *testing.T, s Store, w *World) {
	for i := range 4 {
		w.Do(Create(chat.Group, Room(i), User(0)))
	}
	page, err := s.Conversations(t.Context(), User(0), "", 2)
	if err != nil {
		t.Fatal(err)
	}
	w.Say(Room(0), User(0), "moves to the front between two pages")
	rest, err := s.Conversations(t.Context(), User(0), page.Next, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(rest.Items) != 1 || rest.Items[0].ID != Room(1) || rest.Next != "" {
		t.Errorf("got %d items, want only %s", len(rest.Items), Room(1))
	}
}

func viewsMoved(t *testing.T, s Store, w *World) {
	for i := range 3 {
		w.Do(Create(chat.Group, Room(i), User(0), User(1)))
	}
	since := w.Now + 1
	w.Say(Room(1), User(1), "news")
	heads, err := s.Moved(t.Context(), User(0), since)
	want := chat.Head{ConversationID: Room(1), LastSeq: 2, DeliveredSeq: 1, ReadSeq: 1, Unread: 1}
	if err != nil || len(heads) != 1 || heads[0] != want {
		t.Errorf("got %+v, %v, want %+v", heads, err, want)
	}
	if heads, err := s.Moved(t.Context(), User(0), 0); err != nil || len(heads) != 3 {
		t.Errorf("since ever: got %d, %v, want 3", len(heads), err)
	}
	if heads, err := s.Moved(t.Context(), User(5), 0); err != nil || len(heads) != 0 {
		t.Errorf("of somebody without conversations: got %+v, %v", heads, err)
	}
	// A receipt moves it for oneself and for those who show it.
	since = w.Now + 1000
	advance(t, s, since, chat.Receipt{ConversationID: Room(2), UserID: User(0), ReadSeq: 1, DeliveredSeq: 1}, false)
	advance(t, s, since, chat.Receipt{ConversationID: Room(1), UserID: User(0), ReadSeq: 2}, true)
	for _, u := range []chat.UserID{User(0), User(1)} {
		heads, err := s.Moved(t.Context(), u, since)
		if err != nil || len(heads) != 1 || heads[0].ConversationID != Room(1) || heads[0].Unread != 0 {
			t.Errorf("after a receipt: got %+v, %v, want %s", heads, err, Room(1))
		}
	}
}

func viewsMemberships(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)), Create(chat.Channel, Room(1), User(0)), CreateDirect(User(1), User(2)))
	w.Say(Room(0), User(0), "x")
	w.Say(Room(1), User(0), "x")
	w.Do(Add(Room(0), User(0), User(1)), Add(Room(1), User(0), User(1), User(2)))
	list, err := s.Memberships(t.Context(), User(1))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[chat.ConversationID]chat.Membership)
	for _, m := range list {
		got[m.ConversationID] = m
	}
	for _, want := range []chat.Membership{
		{ConversationID: Room(0), Kind: chat.Group, VisibleFrom: 3, Head: 3, Members: 2},
		{ConversationID: Room(1), Kind: chat.Channel, VisibleFrom: 1, Head: 3, Members: 3},
		{ConversationID: chat.DirectID(User(1), User(2)), Kind: chat.Direct, VisibleFrom: 1, Head: 1, Members: 2},
	} {
		if got[want.ConversationID] != want {
			t.Errorf("got %+v, want %+v", got[want.ConversationID], want)
		}
	}
	if len(list) != 3 {
		t.Errorf("got %d memberships, want 3", len(list))
	}
}

func viewsMember(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)))
	at := w.Now + 1000
	w.Do(Add(Room(0), User(0), User(1)))
	m, kind, err := s.Member(t.Context(), Room(0), User(1))
	want := chat.Member{UserID: User(1), Role: chat.RoleMember, VisibleFrom: 2, JoinedSeq: 2, JoinedAt: at}
	if err != nil || *m != want || kind != chat.Group {
		t.Errorf("got %+v, %s, %v, want %+v of a group", m, kind, err, want)
	}
}

func viewsMembers(t *testing.T, s Store, w *World) {
	named := account(t, s, 2)
	w.Do(Create(chat.Group, Room(0), User(0), User(1), User(2)), Add(Room(0), User(0), User(5)), Add(Room(0), User(0), User(4), User(3)))
	w.Do(SetRole(Room(0), User(0), User(3), chat.RoleAdmin), SetRole(Room(0), User(0), User(4), chat.RoleOwner))
	w.Do(Create(chat.Group, Room(1), User(7)))
	want := []chat.UserID{User(0), User(4), User(3), User(1), User(2), User(5)}
	for _, limit := range []int{1, 2, 6, 7} {
		var got []chat.UserID
		for from := ""; ; {
			page, err := s.Members(t.Context(), Room(0), from, limit)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page.Items {
				m := &page.Items[i]
				got = append(got, m.UserID)
				if m.User.ID != m.UserID || m.UserID == named.ID && m.User != named.User {
					t.Errorf("got profile %+v of %s", m.User, m.UserID)
				}
			}
			if from = page.Next; from == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("by %d: got %v\nwant %v", limit, got, want)
		}
	}
}

func viewsFindMembers(t *testing.T, s Store, w *World) {
	for n, names := range [][2]string{
		{"grace", "Grace Hopper"}, {"agatha", "Agatha 100%"}, {"hopeful", "Zoe"}, {"x_y", "上海 Hope"}, {"xay", "Nobody"}, {"outside", "Grace Outside"},
	} {
		a := NewAccount(n)
		a.Username, a.DisplayName = names[0], names[1]
		if err := s.CreateAccount(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	w.Do(Create(chat.Group, Room(0), User(0), User(1), User(2), User(3), User(4), User(9)), Create(chat.Group, Room(1), User(5)))
	for text, want := range map[string][]chat.UserID{
		"gra": {User(0)}, "HOP": {User(2), User(0), User(3)}, "海": {User(3)}, "x_": {User(3)}, "0%": {User(1)}, "!": nil, "'": nil, "out": nil, "\x00": nil, "\xff": nil,
	} {
		found, err := s.FindMembers(t.Context(), Room(0), text, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []chat.UserID
		for i := range found {
			got = append(got, found[i].UserID)
			if found[i].User.ID != found[i].UserID || found[i].User.Username == "" || found[i].Role == "" || found[i].JoinedAt == 0 {
				t.Errorf("%q: got %+v", text, found[i])
			}
		}
		if text == "\xff" {
			continue // no text at all: everybody, or nobody
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	if found, err := s.FindMembers(t.Context(), Room(0), "h", 1); err != nil || len(found) != 1 {
		t.Errorf("got %d, %v, want one", len(found), err)
	}
}

func viewsBadCursor(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)))
	for _, cursor := range []string{"x", "!!!", "'; DROP TABLE members; --", strings.Repeat("A", 100_000), "AAAA"} {
		if _, err := s.Conversations(t.Context(), User(0), cursor, 5); !errors.Is(err, chat.ErrInvalid) {
			t.Errorf("conversations from %.20q: got %v, want ErrInvalid", cursor, err)
		}
		if _, err := s.Members(t.Context(), Room(0), cursor, 5); !errors.Is(err, chat.ErrInvalid) {
			t.Errorf("members from %.20q: got %v, want ErrInvalid", cursor, err)
		}
		if _, err := s.SearchUsers(t.Context(), "x", cursor, 5); !errors.Is(err, chat.ErrInvalid) {
			t.Errorf("users from %.20q: got %v, want ErrInvalid", cursor, err)
		}
	}
}

func viewsHeads(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)), Create(chat.Group, Room(1), User(0)), Send(Room(1), User(0), "k", "x"))
	heads, err := s.Heads(t.Context(), []chat.ConversationID{Room(0), Room(1), Room(2), Room(1)})
	if err != nil || len(heads) != 2 || heads[Room(0)] != 1 || heads[Room(1)] != 2 {
		t.Errorf("got %v, %v", heads, err)
	}
	if heads, err := s.Heads(t.Context(), nil); err != nil || len(heads) != 0 {
		t.Errorf("of none: got %v, %v", heads, err)
	}
}
