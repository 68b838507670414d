package chattest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// PeopleStore is what is kept of people beside their accounts, and what is found
// by what they did.
type PeopleStore interface {
	Store
	chat.BlockList
	chat.PreferenceStore
	chat.Invites
	chat.Contents
}

// People is the conformance suite of chat.BlockList, chat.PreferenceStore,
// chat.Invites and chat.Contents, and of what chat.Views shows of them. Open gives
// an empty store, which ends with the test.
func People(t *testing.T, open func(t *testing.T) PeopleStore) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s PeopleStore, w *World){
		"blocks":                             peopleBlocks,
		"blocks are paged and bounded":       peopleManyBlocks,
		"preferences":                        peoplePreferences,
		"mentions are counted until read":    peopleMentions,
		"what one left":                      peopleDeparted,
		"invitations":                        peopleInvites,
		"invitations end":                    peopleInvitesEnd,
		"invitations are paged and bounded":  peopleManyInvites,
		"files of a conversation":            peopleFiles,
		"pins":                               peoplePins,
		"blocks and pins stand in the store": peopleHead,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			test(t, s, NewWorld(t, s))
		})
	}
}

func gave[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantIDs[K any](t *testing.T, what string, got []chat.ID[K], want ...chat.ID[K]) {
	t.Helper()
	sorted := func(ids []chat.ID[K]) []chat.ID[K] {
		out := slices.Clone(ids)
		slices.SortFunc(out, func(a, b chat.ID[K]) int { return slices.Compare(a[:], b[:]) })
		return out
	}
	if !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func peopleBlocks(t *testing.T, s PeopleStore, _ *World) {
	ctx := t.Context()
	account(t, s, 1)
	changed := gave[bool](t)
	for i, c := range []struct {
		user, other int
		on, want    bool
	}{
		{0, 1, true, true},
		{0, 1, true, false},
		{0, 2, true, true},
		{3, 0, true, true},
		{0, 3, false, false},
	} {
		if got := changed(s.SetBlock(ctx, User(c.user), User(c.other), c.on, Epoch+chat.Time(i))); got != c.want {
			t.Errorf("step %d: got changed %v, want %v", i, got, c.want)
		}
	}
	page := gave[chat.Page[chat.BlockedUser]](t)(s.Blocked(ctx, User(0), "", 10))
	if len(page.Items) != 2 || page.Items[0].User.ID != User(2) || page.Items[1].User.Username == "" || page.Items[1].At != Epoch || page.Next != "" {
		t.Errorf("got %+v, want 2 and then 1", page)
	}
	ids := gave[[]chat.UserID](t)
	wantIDs(t, "hidden from 0", ids(s.Hidden(ctx, User(0))), User(1), User(2), User(3))
	wantIDs(t, "hidden from 1", ids(s.Hidden(ctx, User(1))), User(0))
	wantIDs(t, "hidden from 4", ids(s.Hidden(ctx, User(4))))
	wantIDs(t, "who blocks 0", ids(s.Blockers(ctx, User(0), Users(9))), User(3))
	wantIDs(t, "who of nobody blocks 0", ids(s.Blockers(ctx, User(0), nil)))
	if !changed(s.SetBlock(ctx, User(0), User(1), false, Epoch)) {
		t.Error("unblocking changed nothing")
	}
	wantIDs(t, "hidden from 0 then", ids(s.Hidden(ctx, User(0))), User(2), User(3))
}

func peopleManyBlocks(t *testing.T, s PeopleStore, _ *World) {
	for i := range chat.MaxBlocks {
		if _, err := s.SetBlock(t.Context(), User(0), User(i+1), true, Epoch+chat.Time(i/3)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.SetBlock(t.Context(), User(0), User(chat.MaxBlocks+1), true, Epoch); !errors.Is(err, chat.ErrTooLarge) {
		t.Errorf("one more: got %v, want ErrTooLarge", err)
	}
	if _, err := s.SetBlock(t.Context(), User(0), User(1), true, Epoch); err != nil {
		t.Errorf("one of them again: %v", err)
	}
	seen := make(map[chat.UserID]bool)
	for from := ""; ; {
		page := gave[chat.Page[chat.BlockedUser]](t)(s.Blocked(t.Context(), User(0), from, 200))
		for i := range page.Items {
			seen[page.Items[i].User.ID] = true
		}
		if from = page.Next; from == "" {
			break
		}
	}
	if len(seen) != chat.MaxBlocks {
		t.Errorf("got %d of them, want %d", len(seen), chat.MaxBlocks)
	}
	if _, err := s.Blocked(t.Context(), User(0), "x", 5); !errors.Is(err, chat.ErrInvalid) {
		t.Errorf("a strange cursor: got %v", err)
	}
}

func peoplePreferences(t *testing.T, s PeopleStore, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), User(1)))
	usual := chat.Preferences{Notify: chat.NotifyAll}
	if got := view(t, s, User(0), Room(0)).Preferences; got != usual {
		t.Errorf("got %+v, want %+v", got, usual)
	}
	want := chat.Preferences{MutedUntil: Epoch, Notify: chat.NotifyMentions, Pinned: true, Archived: true}
	got := gave[chat.Preferences](t)(s.UpdatePreferences(t.Context(), User(0), Room(0), func(p *chat.Preferences) {
		if *p != usual {
			t.Errorf("got %+v to change, want %+v", p, usual)
		}
		*p = want
	}))
	if got != want || view(t, s, User(0), Room(0)).Preferences != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := view(t, s, User(1), Room(0)).Preferences; got != usual {
		t.Errorf("of another: got %+v", got)
	}
	got = gave[chat.Preferences](t)(s.UpdatePreferences(t.Context(), User(0), Room(0), func(p *chat.Preferences) { p.Archived = false }))
	if want.Archived = false; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func peopleMentions(t *testing.T, s PeopleStore, w *World) {
	mention := func(clientID string) chat.Command {
		cmd := Send(Room(0), User(0), clientID, "hey")
		cmd.Mentions = []chat.UserID{User(1)}
		return cmd
	}
	want := func(n int64) {
		t.Helper()
		if got := view(t, s, User(1), Room(0)).Mentions; got != n {
			t.Errorf("got %d mentions, want %d", got, n)
		}
		heads := gave[[]chat.Head](t)(s.Moved(t.Context(), User(1), 0))
		if len(heads) != 1 || heads[0].Mentions != n {
			t.Errorf("got %+v, want %d mentions", heads, n)
		}
	}
	w.Do(Create(chat.Group, Room(0), User(0), User(1)), mention("a"), Send(Room(0), User(0), "b", "x"), mention("c"), mention("d"))
	want(3)
	if got := view(t, s, User(0), Room(0)).Mentions; got != 0 {
		t.Errorf("of the sender: got %d", got)
	}
	w.Do(Delete(Room(0), User(0), 4))
	want(2)
	gave[[]chat.Advanced](t)(s.Advance(t.Context(), Epoch, []chat.Receipt{{ConversationID: Room(0), UserID: User(1), DeliveredSeq: 3, ReadSeq: 3}}))
	want(1)
	page := wantMessages(t, s, Room(0), chat.MessageQuery{Limit: 9}, 2, 3, 4, 5)
	if len(page[0].Mentions) != 1 || len(page[1].Mentions) != 0 || len(page[2].Mentions) != 0 {
		t.Errorf("got mentions %v, %v, %v, want one, none, and none of the deleted", page[0].Mentions, page[1].Mentions, page[2].Mentions)
	}
}

func peopleDeparted(t *testing.T, s PeopleStore, w *World) {
	w.Do(
		Create(chat.Group, Room(0), User(0), User(1)), Create(chat.Group, Room(1), User(0), User(1)), Create(chat.Group, Room(2), User(0), User(1)),
	)
	begin := w.Now + 1
	w.Do(Remove(Room(0), User(0), User(1)), Remove(Room(1), User(1), User(1)))
	later := w.Now + 1
	w.Do(Remove(Room(2), User(0), User(1)), Add(Room(2), User(0), User(1)))
	ids := gave[[]chat.ConversationID](t)
	wantIDs(t, "since the beginning", ids(s.Departed(t.Context(), User(1), begin)), Room(0), Room(1))
	wantIDs(t, "since later", ids(s.Departed(t.Context(), User(1), later)))
	wantIDs(t, "of another", ids(s.Departed(t.Context(), User(0), 0)))
	w.Do(Remove(Room(2), User(0), User(1)))
	wantIDs(t, "since later, then", ids(s.Departed(t.Context(), User(1), later)), Room(2))
}

// inviteOf makes the nth invitation of a room.
func inviteOf(room, n int) *chat.Invite {
	i := &chat.Invite{
		ConversationID: Room(room), TokenHash: sha256.Sum256(fmt.Append(nil, "token", room, n)), CreatedBy: User(0), CreatedAt: Epoch + chat.Time(n),
	}
	ID(&i.ID, 'i', 1000*room+n)
	return i
}

func peopleInvites(t *testing.T, s PeopleStore, _ *World) {
	ctx := t.Context()
	a, b := inviteOf(0, 1), inviteOf(0, 2)
	b.ExpiresAt, b.MaxUses = Epoch+5000, 2
	for _, i := range []*chat.Invite{a, b, inviteOf(1, 1)} {
		if err := s.CreateInvite(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CreateInvite(ctx, inviteOf(0, 1)); !errors.Is(err, chat.ErrConflict) {
		t.Errorf("the same again: got %v, want ErrConflict", err)
	}
	if got, err := s.InviteByToken(ctx, b.TokenHash, Epoch); err != nil || *got != *b {
		t.Errorf("got %+v, %v, want %+v", got, err, b)
	}
	if _, err := s.InviteByToken(ctx, [32]byte{1}, Epoch); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("of no token: got %v", err)
	}
	if page := gave[chat.Page[chat.Invite]](t)(s.ListInvites(ctx, Room(0), Epoch, "", 10)); len(page.Items) != 2 || page.Items[0] != *b || page.Items[1] != *a {
		t.Errorf("got %+v", page)
	}
	if err := s.DeleteInvite(ctx, Room(1), a.ID); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("deleted in another conversation: got %v", err)
	}
	if err := s.DeleteInvite(ctx, Room(0), a.ID); err != nil {
		t.Error(err)
	}
	if err := s.UseInvite(ctx, a.ID, Epoch); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("a revoked one used: got %v", err)
	}
}

func peopleInvitesEnd(t *testing.T, s PeopleStore, _ *World) {
	ctx := t.Context()
	few, short := inviteOf(0, 1), inviteOf(0, 2)
	few.MaxUses, short.ExpiresAt = 2, Epoch+1000
	for _, i := range []*chat.Invite{few, short} {
		if err := s.CreateInvite(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	use := func(i *chat.Invite, now chat.Time, want error) {
		t.Helper()
		if err := s.UseInvite(ctx, i.ID, now); !errors.Is(err, want) || err != nil && want == nil {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	use(few, Epoch, nil)
	use(few, Epoch, nil)
	use(few, Epoch, chat.ErrNotFound)
	if err := s.ReturnInvite(ctx, few.ID); err != nil {
		t.Fatal(err)
	}
	use(few, Epoch, nil)
	use(short, Epoch+999, nil)
	use(short, Epoch+1000, chat.ErrNotFound)
	if _, err := s.InviteByToken(ctx, few.TokenHash, Epoch); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("used up: got %v", err)
	}
	if _, err := s.InviteByToken(ctx, short.TokenHash, Epoch+1000); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("expired: got %v", err)
	}
	if page := gave[chat.Page[chat.Invite]](t)(s.ListInvites(ctx, Room(0), Epoch+1000, "", 9)); len(page.Items) != 0 {
		t.Errorf("got %+v, want none that is live", page.Items)
	}
	if n := gave[int](t)(s.DeleteDeadInvites(ctx, Epoch+1000)); n != 2 {
		t.Errorf("got %d dead ones, want 2", n)
	}
	if err := s.ReturnInvite(ctx, few.ID); err != nil {
		t.Errorf("returned when it is gone: %v", err)
	}
}

func peopleManyInvites(t *testing.T, s PeopleStore, _ *World) {
	for i := range chat.MaxInvites {
		if err := s.CreateInvite(t.Context(), inviteOf(0, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CreateInvite(t.Context(), inviteOf(0, chat.MaxInvites)); !errors.Is(err, chat.ErrTooLarge) {
		t.Errorf("one more: got %v, want ErrTooLarge", err)
	}
	n := 0
	for from := ""; ; {
		page := gave[chat.Page[chat.Invite]](t)(s.ListInvites(t.Context(), Room(0), Epoch, from, 30))
		n += len(page.Items)
		if from = page.Next; from == "" {
			break
		}
	}
	if n != chat.MaxInvites {
		t.Errorf("got %d, want %d", n, chat.MaxInvites)
	}
	if _, err := s.ListInvites(t.Context(), Room(0), Epoch, "!", 5); !errors.Is(err, chat.ErrInvalid) {
		t.Errorf("a strange cursor: got %v", err)
	}
}

func peopleFiles(t *testing.T, s PeopleStore, w *World) {
	with := func(clientID string, files ...chat.Attachment) chat.Command {
		cmd := Send(Room(0), User(0), clientID, "")
		cmd.Attachments = files
		return cmd
	}
	other := func(n int, mime string) chat.Attachment {
		return chat.Attachment{ID: FileID(n), Name: "x", Size: 1, MIME: mime}
	}
	w.Do(
		Create(chat.Group, Room(0), User(0)), with("2", Attachment(1), other(2, "application/pdf")), with("3", other(3, "audio/ogg")),
		with("4", other(4, "video/mp4")), with("5", other(5, "image/png")), Delete(Room(0), User(0), 5), with("7", other(1, "text/plain")),
	)
	check := func(sort chat.FileSort, from chat.Seq, want ...int) {
		t.Helper()
		var got []int
		for next := ""; ; {
			page := gave[chat.Page[chat.SharedFile]](t)(s.SharedFiles(t.Context(), Room(0), chat.FileQuery{Sort: sort, VisibleFrom: from, Cursor: next, Limit: 2}))
			for i := range page.Items {
				f := &page.Items[i]
				if f.SenderID != User(0) || f.At == 0 || f.Seq == 0 || f.MIME == "" {
					t.Errorf("got %+v", f)
				}
				got = append(got, int(f.Seq)*10+int(f.ID[15]))
			}
			if next = page.Next; next == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(append([]int(nil), want...)) {
			t.Errorf("%q from %d: got %v, want %v (seq and file)", sort, from, got, want)
		}
	}
	check(chat.FilesAll, 1, 71, 44, 33, 22, 21)
	check(chat.FilesMedia, 1, 44, 21)
	check(chat.FilesAudio, 1, 33)
	check(chat.FilesOther, 1, 71, 22)
	check(chat.FilesAll, 4, 71, 44)
	if _, err := s.SharedFiles(t.Context(), Room(0), chat.FileQuery{Cursor: "!", Limit: 1}); !errors.Is(err, chat.ErrInvalid) {
		t.Errorf("a strange cursor: got %v", err)
	}
}

func peoplePins(t *testing.T, s PeopleStore, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)))
	w.Say(Room(0), User(0), "2", "3", "4", "5")
	w.Do(Pin(Room(0), User(0), 4, true), Pin(Room(0), User(0), 2, true), Pin(Room(0), User(0), 5, true), Pin(Room(0), User(0), 3, true))
	w.Do(Pin(Room(0), User(0), 5, false), Delete(Room(0), User(0), 3), React(Room(0), User(0), 2, "👍", true))
	check := func(from chat.Seq, want string) {
		t.Helper()
		got := ""
		for _, m := range gave[[]chat.Message](t)(s.Pins(t.Context(), Room(0), from)) {
			got += m.Text
			if m.PinnedAt == 0 {
				t.Errorf("got %+v, want to know since when", m)
			}
		}
		if got != want {
			t.Errorf("from %d: got %q, want %q", from, got, want)
		}
	}
	check(1, "24")
	check(3, "4")
	if v := view(t, s, User(0), Room(0)); v.Pins != 2 {
		t.Errorf("got %d pins in the head, want 2", v.Pins)
	}
}

func peopleHead(t *testing.T, s PeopleStore, w *World) {
	id := chat.DirectID(User(0), User(1))
	w.Do(CreateDirect(User(0), User(1)), Block(id, User(1), true))
	if v := view(t, s, User(0), id); !v.Blocked(User(0)) || v.Blocking(User(0)) {
		t.Errorf("got %+v, want 0 blocked", v.Conversation)
	}
	if r := w.Try(Send(id, User(0), "k", "x"))[0]; r.Err == nil || r.Err.Reason != "blocked" {
		t.Errorf("got %+v, want it refused", r)
	}
	if head, err := s.Head(t.Context(), id); err != nil || head.Members != 2 || head.Kind != chat.Direct {
		t.Errorf("got head %+v, %v", head, err)
	}
	if _, err := s.Head(t.Context(), Room(9)); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("of no conversation: got %v", err)
	}
	w.Do(Block(id, User(1), false), Send(id, User(0), "k", "x"))
}
