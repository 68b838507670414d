package chattest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-chat/parley/internal/chat"
)

// advance moves one receipt of a member, checks whether it moved, and gives it as it is now.
func advance(t *testing.T, s chat.Views, at chat.Time, r chat.Receipt, moves bool) chat.Receipt {
	t.Helper()
	now, err := s.Advance(t.Context(), at, []chat.Receipt{r})
	if err != nil || len(now) != 1 || now[0].Moved != moves {
		t.Fatalf("advance %+v: got %+v, %v, want one, moved %v", r, now, err, moves)
	}
	return now[0].Receipt
}

func viewsAdvance(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), User(1)))
	w.Say(Room(0), User(0), "2", "3", "4", "5")
	step := func(delivered, read, wantDelivered, wantRead chat.Seq, wantUnread int64) {
		t.Helper()
		before := view(t, s, User(1), Room(0))
		moves := before.DeliveredSeq != wantDelivered || before.ReadSeq != wantRead
		r := chat.Receipt{ConversationID: Room(0), UserID: User(1), DeliveredSeq: delivered, ReadSeq: read}
		now := advance(t, s, w.Now, r, moves)
		r.DeliveredSeq, r.ReadSeq = wantDelivered, wantRead
		if now != r {
			t.Errorf("got %+v, want %+v", now, r)
		}
		if v := view(t, s, User(1), Room(0)); v.DeliveredSeq != wantDelivered || v.ReadSeq != wantRead || v.Unread != wantUnread {
			t.Errorf("after %d/%d: got %d/%d, %d unread, want %d/%d, %d", delivered, read, v.DeliveredSeq, v.ReadSeq, v.Unread,
				wantDelivered, wantRead, wantUnread)
		}
	}
	step(3, 0, 3, 1, 4)
	step(2, 0, 3, 1, 4) // not back
	step(0, 3, 3, 3, 2)
	step(0, 4, 4, 4, 1) // what was read was delivered
	step(0, 2, 4, 4, 1)
	step(-5, -5, 4, 4, 1)
	step(1<<50, 0, 5, 4, 1) // not beyond the head
	step(0, 1<<50, 5, 5, 0)
	w.Say(Room(0), User(0), "6")
	step(0, 0, 5, 5, 1)
}

func viewsAdvanceMany(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), Users(80)...), Create(chat.Group, Room(1), User(0), User(1)))
	w.Say(Room(0), User(0), "2", "3")
	w.Say(Room(1), User(0), "2")
	var receipts []chat.Receipt
	for i := range 80 {
		receipts = append(receipts, chat.Receipt{ConversationID: Room(0), UserID: User(i), DeliveredSeq: 3, ReadSeq: chat.Seq(1 + i%3)})
	}
	receipts = append(receipts,
		chat.Receipt{ConversationID: Room(1), UserID: User(1), ReadSeq: 2},
		chat.Receipt{ConversationID: Room(1), UserID: User(1), ReadSeq: 1}, // said twice: the further one counts
		chat.Receipt{ConversationID: Room(1), UserID: User(2), ReadSeq: 2}, // not a member
		chat.Receipt{ConversationID: Room(2), UserID: User(1), ReadSeq: 2}, // no conversation
	)
	now, err := s.Advance(t.Context(), w.Now, receipts)
	if err != nil || len(now) != 81 {
		t.Fatalf("got %d, %v, want 81: each member once, and nobody else", len(now), err)
	}
	moved := 0
	for _, r := range now {
		v := view(t, s, r.UserID, r.ConversationID)
		if v.DeliveredSeq != r.DeliveredSeq || v.ReadSeq != r.ReadSeq || v.Members != r.Members {
			t.Errorf("got %+v, the store has %+v", r, v)
		}
		if r.Moved {
			moved++
		}
	}
	if moved != 80 { // all but the sender, who has read it all
		t.Errorf("%d moved, want 80", moved)
	}
	now, err = s.Advance(t.Context(), w.Now, receipts)
	if err != nil || len(now) != 81 || slices.ContainsFunc(now, func(r chat.Advanced) bool { return r.Moved }) {
		t.Errorf("again: got %+v, %v, want none moved", now, err)
	}
	if now, err := s.Advance(t.Context(), w.Now, nil); err != nil || len(now) != 0 {
		t.Errorf("of none: got %+v, %v", now, err)
	}
}

func viewsSendingReads(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), User(1)))
	w.Say(Room(0), User(0), "2", "3")
	w.Say(Room(0), User(1), "4")
	w.Do(Send(Room(0), User(0), "a", "5"), Send(Room(0), User(1), "b", "6"), Send(Room(0), User(0), "c", "7"), React(Room(0), User(1), 2, "👍", true))
	for user, want := range map[chat.UserID]chat.Head{
		User(0): {ConversationID: Room(0), LastSeq: 8, DeliveredSeq: 7, ReadSeq: 7, Unread: 0},
		User(1): {ConversationID: Room(0), LastSeq: 8, DeliveredSeq: 6, ReadSeq: 6, Unread: 1},
	} {
		if v := view(t, s, user, Room(0)); v.Head != want {
			t.Errorf("got %+v, want %+v", v.Head, want)
		}
	}
}

func viewsUnreadDeleted(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), User(1)))
	w.Say(Room(0), User(0), "2", "3", "4", "5")
	unread := func(want int64) {
		t.Helper()
		if v := view(t, s, User(1), Room(0)); v.Unread != want {
			t.Errorf("got %d unread, want %d", v.Unread, want)
		}
		heads, err := s.Moved(t.Context(), User(1), 0)
		if err != nil || len(heads) != 1 || heads[0].Unread != want {
			t.Errorf("got heads %+v, %v, want %d unread", heads, err, want)
		}
	}
	unread(4)
	w.Do(Delete(Room(0), User(0), 3), Delete(Room(0), User(0), 5))
	unread(2)
	advance(t, s, w.Now, chat.Receipt{ConversationID: Room(0), UserID: User(1), ReadSeq: 3}, true)
	unread(1)
	w.Do(Delete(Room(0), User(0), 2)) // was read before
	unread(1)
	w.Do(Delete(Room(0), User(0), 4))
	unread(0)
}

func viewsJoinLater(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0)), Create(chat.Channel, Room(1), User(0)))
	for _, room := range []chat.ConversationID{Room(0), Room(1)} {
		w.Say(room, User(0), "2", "3")
		w.Do(Add(room, User(0), User(1)))
		if v := view(t, s, User(1), room); v.Unread != 0 || v.ReadSeq != 4 || v.DeliveredSeq != 4 {
			t.Errorf("just joined: got %+v", v.Head)
		}
		w.Say(room, User(0), "5", "6")
		if v := view(t, s, User(1), room); v.Unread != 2 {
			t.Errorf("got %d unread, want 2", v.Unread)
		}
		// Leaving and coming back starts anew.
		w.Do(Remove(room, User(0), User(1)), Send(room, User(0), "while away", "8"), Add(room, User(0), User(1)))
		if v := view(t, s, User(1), room); v.Unread != 0 || v.ReadSeq != 9 {
			t.Errorf("back again: got %+v", v.Head)
		}
		// A new role changes no receipt.
		w.Do(Send(room, User(0), "k", "10"), Send(room, User(0), "l", "11"), Send(room, User(0), "m", "12"))
		advance(t, s, w.Now, chat.Receipt{ConversationID: room, UserID: User(1), DeliveredSeq: 11, ReadSeq: 10}, true)
		w.Do(SetRole(room, User(0), User(1), chat.RoleAdmin))
		if v := view(t, s, User(1), room); v.Unread != 2 || v.ReadSeq != 10 || v.DeliveredSeq != 11 || v.Role != chat.RoleAdmin {
			t.Errorf("with a new role: got %+v, %s", v.Head, v.Role)
		}
		// Joining, others' messages and a new role in one batch.
		w.Do(Add(room, User(0), User(2)), Send(room, User(0), "n", "15"), SetRole(room, User(0), User(2), chat.RoleAdmin))
		if v := view(t, s, User(2), room); v.Unread != 1 || v.ReadSeq != 14 || v.DeliveredSeq != 14 {
			t.Errorf("joined in a batch: got %+v", v.Head)
		}
		// Sending, leaving and coming back in one batch: what was sent before counts no more.
		w.Do(Send(room, User(2), "o", "17"), Remove(room, User(2), User(2)), Send(room, User(0), "p", "19"), Add(room, User(0), User(2)))
		if v := view(t, s, User(2), room); v.Unread != 0 || v.ReadSeq != 20 || v.DeliveredSeq != 20 {
			t.Errorf("left and back in a batch: got %+v", v.Head)
		}
		// Sending and leaving in one batch leaves nothing behind.
		w.Do(Send(room, User(2), "q", "21"), Remove(room, User(2), User(2)))
		if v, err := s.Conversation(t.Context(), User(2), room); !errors.Is(err, chat.ErrNotFound) {
			t.Errorf("sent and left: got %+v, %v, want ErrNotFound", v, err)
		}
	}
}

func viewsReceipts(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), Users(6)...))
	w.Say(Room(0), User(0), "2", "3", "4")
	for i, r := range []chat.Receipt{{DeliveredSeq: 4, ReadSeq: 4}, {DeliveredSeq: 4, ReadSeq: 2}, {DeliveredSeq: 3, ReadSeq: 3}, {DeliveredSeq: 2}} {
		r.ConversationID, r.UserID = Room(0), User(i+1)
		advance(t, s, w.Now, r, true)
	}
	check := func(atLeast chat.Seq, limit int, want ...int) {
		t.Helper()
		got, err := s.Receipts(t.Context(), Room(0), atLeast, limit)
		if err != nil {
			t.Fatal(err)
		}
		var users []chat.UserID
		for _, r := range got {
			users = append(users, r.UserID)
		}
		var wanted []chat.UserID
		for _, n := range want {
			wanted = append(wanted, User(n))
		}
		if !slices.Equal(users, wanted) {
			t.Errorf("at least %d: got %v, want %v", atLeast, users, wanted)
		}
	}
	check(0, 10, 0, 1, 3, 2, 4, 5)
	check(4, 10, 0, 1, 2)
	check(3, 3, 0, 1, 3)
	for seq, want := range map[chat.Seq][2]int{1: {5, 5}, 2: {4, 3}, 3: {3, 2}, 4: {2, 1}, 5: {0, 0}} {
		delivered, seen, err := s.ReceiptCounts(t.Context(), Room(0), seq, User(0))
		if err != nil || [2]int{delivered, seen} != want {
			t.Errorf("counts at %d: got %d, %d, %v, want %v", seq, delivered, seen, err, want)
		}
	}
}

func viewsManyReceipts(t *testing.T, s Store, w *World) {
	w.Do(Create(chat.Group, Room(0), User(0), Users(chat.MaxReceiptMembers)...))
	if v := view(t, s, User(0), Room(0)); len(v.Receipts) != chat.MaxReceiptMembers-1 {
		t.Errorf("got %d receipts, want %d", len(v.Receipts), chat.MaxReceiptMembers-1)
	}
	w.Do(Add(Room(0), User(0), User(500)))
	if v := view(t, s, User(0), Room(0)); len(v.Receipts) != 0 {
		t.Errorf("got %d receipts of a large conversation, want none", len(v.Receipts))
	}
}

// viewsRandom applies random commands and receipts and compares what the store
// shows with what the log says when it is read from the start.
func viewsRandom(t *testing.T, open func(t *testing.T) Store) {
	s := open(t)
	run := 1000 // other rooms than the journal's suite, should they share a store
	rapid.Check(t, func(rt *rapid.T) {
		run++
		w := NewWorld(t, s)
		w.Partition.Log = fmt.Sprint("run ", run)
		move := func(cmds []chat.Command) []chat.Command {
			for i := range cmds {
				moveRoom(&cmds[i], run)
			}
			return cmds
		}
		begin := move(Beginnings())
		w.Try(begin...)
		read := make(map[chat.ConversationID]map[chat.UserID]chat.Receipt)
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			w.Try(move(rapid.SliceOfN(RandomCommand(), 1, 10).Draw(rt, "commands"))...)
			r := chat.Receipt{
				DeliveredSeq: chat.Seq(rapid.IntRange(0, randomSeqs+5).Draw(rt, "delivered")),
				ReadSeq:      chat.Seq(rapid.IntRange(0, randomSeqs+5).Draw(rt, "read")),
			}
			room := &begin[rapid.IntRange(0, 2).Draw(rt, "room of receipt")]
			who := rapid.SampledFrom(append([]chat.UserID{room.ActorID}, room.UserIDs...)).Draw(rt, "whose")
			r.ConversationID, r.UserID = room.ConversationID, who
			if _, err := s.Advance(t.Context(), w.Now, []chat.Receipt{r}); err != nil {
				rt.Fatal(err)
			}
			for i := range begin {
				compareFold(rt, t, s, begin[i].ConversationID, read)
			}
		}
	})
}

// compareFold checks everything that is shown of one conversation, for each member.
func compareFold(rt *rapid.T, t *testing.T, s Store, id chat.ConversationID, before map[chat.ConversationID]map[chat.UserID]chat.Receipt) {
	f := Fold(ReadLog(t, s, id))
	now := make(map[chat.UserID]chat.Receipt)
	for user, m := range f.Members {
		v := view(t, s, user, id)
		if v.Title != f.Title || v.Members != len(f.Members) || v.Role != m.Role || v.VisibleFrom != m.VisibleFrom ||
			int(v.Seq) != len(f.Entries) || int(v.Messages) != len(f.Messages) {
			rt.Fatalf("got %+v, the log says %+v", v, f)
		}
		if want := f.Unread(user, v.ReadSeq); v.Unread != want {
			rt.Fatalf("got %d unread above %d, a recount gives %d", v.Unread, v.ReadSeq, want)
		}
		was, ok := before[id][user]
		if v.ReadSeq > v.DeliveredSeq || v.DeliveredSeq > v.LastSeq || ok && m.JoinedSeq <= was.DeliveredSeq &&
			(v.ReadSeq < was.ReadSeq || v.DeliveredSeq < was.DeliveredSeq) {
			rt.Fatalf("got receipts %d/%d of %d, they were %+v", v.DeliveredSeq, v.ReadSeq, v.LastSeq, was)
		}
		now[user] = chat.Receipt{DeliveredSeq: v.DeliveredSeq, ReadSeq: v.ReadSeq}
		var want []chat.Message
		for i := range f.Messages {
			if f.Messages[i].Seq >= m.VisibleFrom {
				want = append(want, f.Messages[i])
			}
		}
		got, err := s.Messages(t.Context(), id, chat.MessageQuery{Limit: 200, VisibleFrom: m.VisibleFrom})
		if err != nil || len(got) != len(want) {
			rt.Fatalf("got %d messages, %v, want %d", len(got), err, len(want))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				rt.Fatalf("got message  %+v\nthe log says %+v", got[i], want[i])
			}
		}
	}
	before[id] = now
}
