package chattest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-chat/parley/internal/chat"
)

// LogStore is a journal whose log can be read.
type LogStore interface {
	chat.Journal
	Entries(ctx context.Context, id chat.ConversationID, after chat.Seq, limit, maxBytes int) ([]chat.RawEntry, error)
}

// Journal is the conformance suite of chat.Journal. Open gives an empty one,
// which ends with the test.
func Journal(t *testing.T, open func(t *testing.T) LogStore) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, j LogStore){
		"an unknown partition is at zero":                    journalUnknown,
		"a commit moves the position":                        journalPosition,
		"a commit from elsewhere is fenced, writing nothing": journalFenced,
		"partitions and logs have positions of their own":    journalPartitions,
		"of many owners one commits":                         journalOneWins,
		"different partitions commit at once":                journalParallel,
		"what does not exist loads as nil":                   journalLoadNothing,
		"loading leaves the facts that are there":            journalLoadKeeps,
		"entries are kept byte for byte":                     journalBytes,
		"a batch that does not follow is refused whole":      journalFollows,
		"a client id is used once":                           journalClientIDOnce,
		"a deleted message is taken out of the log":          journalRedacts,
		"large batches":                                      journalLarge,
		"many members":                                       journalManyMembers,
		"a member who comes back starts anew":                journalComesBack,
		"the greatest client id of a member is known":        journalLastClientID,
		"a call is found by its id":                          journalCalls,
		"likely facts are those of the moment":               journalLikely,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
	t.Run("loaded facts equal the state that was committed", func(t *testing.T) { journalRandom(t, open) })
}

func journalUnknown(t *testing.T, j LogStore) {
	next, prev, err := j.Position(t.Context(), chat.PartitionID{Log: "nobody", Partition: 3})
	if next != 0 || prev != 0 || err != nil {
		t.Errorf("got %d, %d, %v, want 0, 0, nil", next, prev, err)
	}
}

// wantPosition checks where a partition stands.
func wantPosition(t *testing.T, j chat.Journal, p chat.PartitionID, next, prev int64) {
	t.Helper()
	n, pr, err := j.Position(t.Context(), p)
	if n != next || pr != prev || err != nil {
		t.Errorf("got position %d, %d, %v, want %d, %d", n, pr, err, next, prev)
	}
}

func journalPosition(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0)), Send(Room(0), User(0), "a", "one"))
	wantPosition(t, j, w.Partition, 2, 0)
	w.Do(Send(Room(0), User(0), "b", "two"))
	wantPosition(t, j, w.Partition, 3, 2)
	w.Try(Send(Room(0), User(9), "c", "refused: not a member"))
	wantPosition(t, j, w.Partition, 4, 3)
}

func journalFenced(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0)), Send(Room(0), User(0), "a", "one"))
	batch, _, err := w.Decide(Send(Room(0), User(0), "b", "two"))
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []int64{0, 1, 3, 1 << 40} {
		b := *batch
		b.From, b.Next = from, from+1
		if err := j.Commit(t.Context(), &b); !errors.Is(err, chat.ErrFenced) {
			t.Errorf("from %d: got %v, want ErrFenced", from, err)
		}
	}
	wantPosition(t, j, w.Partition, 2, 0)
	WantLog(t, j, Room(0), 2)
	if err := j.Commit(t.Context(), batch); err != nil {
		t.Errorf("from the right place: %v", err)
	}
	if err := j.Commit(t.Context(), batch); !errors.Is(err, chat.ErrFenced) {
		t.Errorf("the same batch again: got %v, want ErrFenced", err)
	}
	WantLog(t, j, Room(0), 3)
}

func journalPartitions(t *testing.T, j LogStore) {
	a, b, c := NewWorld(t, j), NewWorld(t, j), NewWorld(t, j)
	b.Partition.Partition = 1
	c.Partition.Log = "another"
	a.Do(Create(chat.Group, Room(0), User(0)))
	b.Do(Create(chat.Group, Room(1), User(0)), Send(Room(1), User(0), "k", "x"))
	wantPosition(t, j, c.Partition, 0, 0)
	c.Do(Create(chat.Group, Room(2), User(0)))
	wantPosition(t, j, a.Partition, 1, 0)
	wantPosition(t, j, b.Partition, 2, 0)
	wantPosition(t, j, c.Partition, 1, 0)
}

func journalOneWins(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0)))
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		other := *w
		batch, _, err := other.Decide(Send(Room(0), User(0), "same", fmt.Sprint("from owner ", i)))
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			switch err := j.Commit(t.Context(), batch); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, chat.ErrFenced):
				t.Errorf("got %v, want ErrFenced or nil", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d owners committed, want 1", won.Load())
	}
	WantLog(t, j, Room(0), 2)
}

func journalParallel(t *testing.T, j LogStore) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			w := NewWorld(t, j)
			w.Partition.Partition = int32(i)
			cmds := []chat.Command{Create(chat.Group, Room(i), User(i))}
			for n := range 40 {
				b, _, err := w.Decide(append(cmds, Send(Room(i), User(i), fmt.Sprint(n), "x"))...)
				if err == nil {
					err = j.Commit(t.Context(), b)
				}
				if err != nil {
					t.Errorf("partition %d: %v", i, err)
					return
				}
				w.Next, cmds = b.Next, nil
			}
		})
	}
	wg.Wait()
	for i := range 4 {
		WantLog(t, j, Room(i), 41)
	}
}

func journalLoadNothing(t *testing.T, j LogStore) {
	NewWorld(t, j).Do(Create(chat.Group, Room(0), User(0)))
	for _, room := range []chat.ConversationID{Room(0), Room(1)} {
		st := chat.NewState(room)
		key := chat.SentKey{SenderID: User(0), ClientID: "k"}
		want := chat.Needs{Members: []chat.UserID{User(5), User(5)}, Messages: []chat.Seq{1, 7}, Sent: []chat.SentKey{key}}
		if err := j.Load(t.Context(), []*chat.State{st}, []chat.Needs{want}); err != nil {
			t.Fatal(err)
		}
		if (st.Head != nil) != (room == Room(0)) {
			t.Errorf("got head %v of %s", st.Head, room)
		}
		if missing := st.Missing(want); !missing.Empty() {
			t.Errorf("%+v is still missing", missing)
		}
		if st.Members[User(5)] != nil || st.Messages[1] != nil || st.Messages[7] != nil || st.Sent[key] != nil {
			t.Errorf("got facts that do not exist: %+v", st)
		}
	}
	if err := j.Load(t.Context(), nil, nil); err != nil {
		t.Errorf("loading nothing: %v", err)
	}
}

func journalLoadKeeps(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0), User(1)), Send(Room(0), User(0), "k", "x"))
	st := chat.NewState(Room(0))
	head := chat.Conversation{ID: Room(0), Title: "ahead of the store", Seq: 99}
	st.Head = &head
	mine := &chat.Member{UserID: User(0), Role: chat.RoleMember}
	st.Members[User(0)], st.Messages[2] = mine, nil
	want := chat.Needs{Members: []chat.UserID{User(0), User(1)}, Messages: []chat.Seq{2}}
	if err := j.Load(t.Context(), []*chat.State{st}, []chat.Needs{want}); err != nil {
		t.Fatal(err)
	}
	if st.Head != &head || st.Head.Seq != 99 || st.Members[User(0)] != mine || st.Messages[2] != nil {
		t.Errorf("a fact that was there changed: %+v", st)
	}
	if st.Members[User(1)] == nil {
		t.Error("the missing member was not loaded")
	}
}

func journalBytes(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0), User(1)))
	texts := []string{"plain", "\"\\/\t\n\u2028<>&'", "žluťoučký 👩‍👩‍👧‍👦", strings.Repeat("🦄", chat.MaxTextBytes/4), strings.Repeat("x", chat.MaxTextBytes)}
	for i, text := range texts {
		cmd := Send(Room(0), User(0), fmt.Sprint("k'\"", i), text)
		for n := range i {
			cmd.Attachments = append(cmd.Attachments, Attachment(n))
		}
		w.Do(cmd)
	}
	raw := WantLog(t, j, Room(0), len(texts)+1)
	for i, text := range texts {
		e, err := chat.DecodeEntry(raw[i+1].JSON)
		if err != nil {
			t.Fatal(err)
		}
		if e.Text != text || len(e.Attachments) != i {
			t.Errorf("entry %d: got %.40q with %d files", e.Seq, e.Text, len(e.Attachments))
		}
		if got := string(e.AppendJSON(nil)); got != string(raw[i+1].JSON) {
			t.Errorf("entry %d: got %s\nwant %s", e.Seq, raw[i+1].JSON, got)
		}
	}
}

func journalFollows(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0)), Create(chat.Group, Room(1), User(0)))
	stale, _, err := w.Decide(Send(Room(1), User(0), "a", "fine"), Send(Room(0), User(0), "b", "stale"))
	if err != nil {
		t.Fatal(err)
	}
	w.Do(Retitle(Room(0), User(0), "moved on"))
	stale.From, stale.Next = w.Next, w.Next+2
	if err := j.Commit(t.Context(), stale); err == nil || errors.Is(err, chat.ErrFenced) {
		t.Errorf("a batch on an old head: got %v, want an error that is not ErrFenced", err)
	}
	wantPosition(t, j, w.Partition, 3, 2)
	WantLog(t, j, Room(0), 2)
	WantLog(t, j, Room(1), 1)
	w.Do(Send(Room(0), User(0), "c", "the store still works"))
}

func journalClientIDOnce(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0), User(1)), Send(Room(0), User(0), "k", "first"))
	// An owner that forgot what it knew is stopped by the store.
	st := chat.NewState(Room(0))
	cmd := Send(Room(0), User(0), "k", "second")
	if err := j.Load(t.Context(), []*chat.State{st}, []chat.Needs{cmd.Needs()}); err != nil {
		t.Fatal(err)
	}
	clear(st.Sent)
	ch, _, aerr := chat.Apply(st, &cmd)
	if aerr != nil {
		t.Fatal(aerr)
	}
	b := &chat.Batch{Partition: w.Partition, From: w.Next, Next: w.Next + 1, Changes: []*chat.Change{ch}, JSON: [][]byte{ch.Entry.AppendJSON(nil)}}
	if err := j.Commit(t.Context(), b); err == nil || errors.Is(err, chat.ErrFenced) {
		t.Errorf("got %v, want an error that is not ErrFenced", err)
	}
	WantLog(t, j, Room(0), 2)
	wantPosition(t, j, w.Partition, 2, 0)
	// The same id of another person is another message.
	w.Do(Send(Room(0), User(1), "k", "mine"))
	if r := w.Try(Send(Room(0), User(0), "k", "first"))[0]; !r.Repeated || r.Entry == nil || r.Entry.Seq != 2 || r.Entry.Text != "first" {
		t.Errorf("a repeat: got %+v, want entry 2", r)
	}
}

func journalRedacts(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0)))
	secret := Send(Room(0), User(0), "k", "secret one")
	secret.Attachments = []chat.Attachment{Attachment(1)}
	w.Do(secret)
	w.Do(Edit(Room(0), User(0), 2, "secret two"), Edit(Room(0), User(0), 2, "secret three"))
	// The last edit and the deletion in one batch: the entry is not in the store yet.
	w.Do(Edit(Room(0), User(0), 2, "secret four"), Delete(Room(0), User(0), 2), Send(Room(0), User(0), "l", "kept"))
	for _, r := range WantLog(t, j, Room(0), 7) {
		if strings.Contains(string(r.JSON), "secret") || strings.Contains(string(r.JSON), Attachment(1).ID.String()) {
			t.Errorf("entry %d was not redacted: %s", r.Seq, r.JSON)
		}
		if redacted := strings.Contains(string(r.JSON), `"redacted":true`); redacted != (r.Seq >= 2 && r.Seq <= 5) {
			t.Errorf("entry %d: redacted is %v: %s", r.Seq, redacted, r.JSON)
		}
	}
	if r := w.Try(secret)[0]; !r.Repeated || r.Entry.Seq != 2 || !r.Entry.Redacted {
		t.Errorf("sent again after its deletion: got %+v, want the redacted entry 2", r)
	}
}

func journalLarge(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	const rooms, rounds = 300, 3
	var cmds []chat.Command
	for i := range rooms {
		cmds = append(cmds, Create(chat.Group, Room(i), User(i), User(i+1)))
	}
	for n := range rounds {
		for i := range rooms {
			cmds = append(cmds, Send(Room(i), User(i+n%2), fmt.Sprint("k", n), fmt.Sprint("text ", n)))
		}
	}
	w.Do(cmds...)
	for i := range rooms {
		WantLog(t, j, Room(i), rounds+1)
	}
}

func journalManyMembers(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Channel, Room(0), User(0), Users(1000)...))
	w.Do(Remove(Room(0), User(0), User(999)), Add(Room(0), User(0), User(1001), User(1002)))
	w.Do(Send(Room(0), User(500), "k", "one of many"))
	if r := w.Try(Send(Room(0), User(999), "k", "removed"))[0]; !errors.Is(r.Err, chat.ErrNotFound) {
		t.Errorf("a removed member sends: got %v, want ErrNotFound", r.Err)
	}
	st := chat.NewState(Room(0))
	if err := j.Load(t.Context(), []*chat.State{st}, []chat.Needs{{Members: Users(1003)}}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range st.Members {
		if m != nil {
			n++
		}
	}
	if n != 1001 || st.Head.Members != 1001 {
		t.Errorf("got %d members, the head says %d, want 1001", n, st.Head.Members)
	}
}

func journalComesBack(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0), User(1)))
	// Sends, leaves and comes back within one batch.
	w.Do(
		Send(Room(0), User(1), "k", "bye"), Remove(Room(0), User(1), User(1)),
		Add(Room(0), User(0), User(1)), SetRole(Room(0), User(0), User(1), chat.RoleAdmin),
	)
	st := chat.NewState(Room(0))
	if err := j.Load(t.Context(), []*chat.State{st}, []chat.Needs{{Members: []chat.UserID{User(1)}}}); err != nil {
		t.Fatal(err)
	}
	m := st.Members[User(1)]
	if m == nil || m.Role != chat.RoleAdmin || m.VisibleFrom != 4 || m.JoinedSeq != 4 {
		t.Errorf("got %+v, want an admin who joined at 4", m)
	}
}

func journalLastClientID(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(Create(chat.Group, Room(0), User(0), User(1), User(2)), Create(chat.Group, Room(1), User(0)))
	// In the order of bytes: capitals before small letters, ä after both.
	w.Do(Send(Room(0), User(0), "b", "x"), Send(Room(0), User(0), "ä", "x"), Send(Room(0), User(0), "Z", "x"),
		Send(Room(0), User(1), "zz", "x"), Send(Room(1), User(0), "öö", "x"),
		Remove(Room(0), User(1), User(1)), Add(Room(0), User(0), User(1)))
	st := chat.NewState(Room(0))
	if err := j.Load(t.Context(), []*chat.State{st}, []chat.Needs{{Members: Users(3)}}); err != nil {
		t.Fatal(err)
	}
	for n, want := range []string{"ä", "zz", ""} {
		if got := st.Members[User(n)].LastClientID; got != want {
			t.Errorf("user %d: got %q, want %q", n, got, want)
		}
	}
	want := chat.Needs{Members: Users(1), Sent: []chat.SentKey{{SenderID: User(0), ClientID: "ä"}, {SenderID: User(0), ClientID: "äa"}}}
	missing := st.Missing(want)
	if len(missing.Sent) != 1 || missing.Sent[0].ClientID != "ä" {
		t.Errorf("got %+v missing, want only the client id that may have been used", missing)
	}
}

// Calls are found by keys of their own: messages may have the same ids.
func journalCalls(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	w.Do(CreateDirect(User(0), User(1)))
	room := chat.DirectID(User(0), User(1))
	w.Do(Call(room, User(0), "k", User(0), User(1)), Send(room, User(0), "a", "x"), Call(room, User(1), "m"), Send(room, User(0), "k", "y"))
	keys := []chat.SentKey{
		{SenderID: User(0), ClientID: "k", Call: true},
		{SenderID: User(0), ClientID: "k"},
		{SenderID: User(1), ClientID: "m", Call: true},
		{SenderID: User(0), ClientID: "a", Call: true},
		{SenderID: User(1), ClientID: "k", Call: true},
		{SenderID: User(1), ClientID: "m"},
	}
	st := chat.NewState(room)
	if err := j.Load(t.Context(), []*chat.State{st}, []chat.Needs{{Members: Users(2), Sent: keys}}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []chat.Seq{2, 5, 4, 0, 0, 0} {
		var got chat.Seq
		e, ok := st.Sent[keys[i]]
		if e != nil {
			got = e.Seq
		}
		if got != want || !ok || e != nil && (e.SentKey() != keys[i] || keys[i].Call != (e.Call != nil)) {
			t.Errorf("%+v: got %+v (%v), want entry %d", keys[i], e, ok, want)
		}
	}
	if got := st.Members[User(1)].LastClientID; got != "" {
		t.Errorf("got greatest client id %q of a person without messages", got)
	}
}

func journalRandom(t *testing.T, open func(t *testing.T) LogStore) {
	j := open(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		// One journal for all runs: each has a log of its own, and rooms of its own by a fresh prefix.
		w := NewWorld(t, j)
		n++
		w.Partition.Log = fmt.Sprint("run ", n)
		live := make(map[chat.ConversationID]*chat.State)
		for round := range rapid.IntRange(1, 4).Draw(rt, "batches") {
			cmds := rapid.SliceOfN(RandomCommand(), 1, 12).Draw(rt, "commands")
			if round == 0 {
				cmds = append(Beginnings(), cmds...)
			}
			for i := range cmds {
				moveRoom(&cmds[i], n)
			}
			liveBatch(t, w, live, cmds)
		}
		for id, st := range live {
			wantState(rt, t, j, id, st)
		}
	})
}

// moveRoom gives a command's room an id of its own in this run. Rooms of two
// have ids that follow from their people, so those are moved too.
func moveRoom(c *chat.Command, run int) {
	shift := func(u chat.UserID) chat.UserID { u[6], u[7] = u[6]&0xf0|byte(run>>8)&0xf, byte(run); return u }
	direct := c.ConversationID == chat.DirectID(User(0), User(1))
	c.ActorID = shift(c.ActorID)
	for i := range c.UserIDs {
		c.UserIDs[i] = shift(c.UserIDs[i])
	}
	if direct {
		c.ConversationID = chat.DirectID(shift(User(0)), shift(User(1)))
		return
	}
	c.ConversationID[6], c.ConversationID[7] = c.ConversationID[6]&0xf0|byte(run>>8)&0xf, byte(run)
}

// liveBatch is World.Try with states that live on from batch to batch, as the
// sequencer's do.
func liveBatch(t *testing.T, w *World, live map[chat.ConversationID]*chat.State, cmds []chat.Command) {
	t.Helper()
	b := &chat.Batch{Partition: w.Partition, From: w.Next, Next: w.Next + int64(len(cmds)), At: w.Now}
	for i := range cmds {
		st := live[cmds[i].ConversationID]
		if st == nil {
			st = chat.NewState(cmds[i].ConversationID)
			live[st.ID] = st
		}
		if err := w.Journal.Load(t.Context(), []*chat.State{st}, []chat.Needs{cmds[i].Needs()}); err != nil {
			t.Fatalf("load: %v", err)
		}
	}
	for i := range cmds {
		w.Now += 1000
		cmds[i].At = w.Now
		if ch, _, _ := chat.Apply(live[cmds[i].ConversationID], &cmds[i]); ch != nil {
			b.Changes, b.JSON = append(b.Changes, ch), append(b.JSON, ch.Entry.AppendJSON(nil))
		}
	}
	if err := w.Journal.Commit(t.Context(), b); err != nil {
		t.Fatalf("commit: %v", err)
	}
	w.Next = b.Next
}

// journalLikely checks that facts which nobody asked for are right, and replace
// none that are there.
func journalLikely(t *testing.T, j LogStore) {
	w := NewWorld(t, j)
	me, other := User(0), User(1)
	w.Do(Create(chat.Group, Room(0), me, other), Create(chat.Group, Room(1), me, Users(chat.LikelyMembers+1)...))
	seqs := w.Say(Room(0), me, "one", "two", "three")
	w.Do(React(Room(0), other, seqs[1], "👍", true), Delete(Room(0), me, seqs[2]))
	states := []*chat.State{chat.NewState(Room(0)), chat.NewState(Room(1)), chat.NewState(Room(2))}
	mine := &chat.MessageState{Seq: seqs[0], Text: "newer than the store"}
	states[0].Messages[seqs[0]], states[0].Members[User(7)] = mine, nil
	if err := j.Load(t.Context(), states, []chat.Needs{{Likely: true}, {Likely: true}, {Likely: true}}); err != nil {
		t.Fatal(err)
	}
	st := states[0]
	if st.Head == nil || st.Head.Seq != 6 || len(st.Members) != 3 || st.Members[me] == nil || st.Members[me].Role != chat.RoleOwner ||
		st.Members[other] == nil || st.Members[me].LastClientID == "" || st.Members[other].LastClientID != "" {
		t.Errorf("got the head %+v and the members %+v", st.Head, st.Members)
	}
	if len(st.Messages) != 3 || st.Messages[seqs[0]] != mine || len(st.Messages[seqs[1]].Reactions) != 1 || st.Messages[seqs[2]].DeletedAt == 0 {
		t.Errorf("got the messages %+v", st.Messages)
	}
	if len(states[1].Members) != 0 || states[1].Head == nil {
		t.Errorf("got %d members of a large conversation", len(states[1].Members))
	}
	if st := states[2]; st.Head != nil || len(st.Members)+len(st.Messages) != 0 {
		t.Errorf("got %+v of a conversation that does not exist", st)
	}
}
