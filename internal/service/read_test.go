package service

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Two people who write to each other first at the same instant get one conversation.
func TestTwoWhoOpenAtOnceGetOneConversation(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.account("ann"), h.account("bob")
	var views [8]*chat.ConversationView
	var made [8]bool
	var all sync.WaitGroup
	for i := range views {
		all.Go(func() {
			from, to := ann, bob
			if i%2 == 1 {
				from, to = bob, ann
			}
			var err error
			if views[i], made[i], err = h.Direct(t.Context(), from, to); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	n := 0
	for i := range views {
		if views[i].ID != views[0].ID {
			t.Errorf("got conversations %s and %s", views[0].ID, views[i].ID)
		}
		if made[i] {
			n++
		}
	}
	if n != 1 {
		t.Errorf("got %d who made it, want 1", n)
	}
	if e, err := h.EntriesAfter(t.Context(), EntriesRequest{UserID: ann, ConversationID: views[0].ID}); err != nil || len(e.Items) != 1 {
		t.Errorf("got %+v, %v, want one entry", e, err)
	}
}

func TestReceiptsOfSmallAndLargeConversations(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.account("ann"), h.account("bob")
	var crowd []chat.UserID
	for range chat.MaxReceiptMembers {
		crowd = append(crowd, h.account("c"))
	}
	small, large := h.group(ann, bob, crowd[0]), h.group(ann, append(crowd, bob)...)
	read := func(user chat.UserID, id chat.ConversationID, seq chat.Seq) {
		t.Helper()
		if _, err := h.AwaitReceipt(t.Context(), func(done func(chat.Receipt, error)) { h.MarkRead(t.Context(), user, id, seq, done) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		id        chat.ConversationID
		listsThem bool
	}{{small, true}, {large, false}} {
		seq := h.say(ann, c.id, "hello")
		read(bob, c.id, seq)
		if _, err := h.AwaitReceipt(t.Context(), func(done func(chat.Receipt, error)) { h.MarkDelivered(t.Context(), crowd[0], c.id, seq, done) }); err != nil {
			t.Fatal(err)
		}
		got, err := h.ReceiptsOf(t.Context(), MessageRef{UserID: ann, ConversationID: c.id, Seq: seq})
		if err != nil {
			t.Fatal(err)
		}
		if got.DeliveredCount != 2 || got.SeenCount != 1 {
			t.Errorf("got %d delivered and %d seen, want 2 and 1, without the sender", got.DeliveredCount, got.SeenCount)
		}
		if c.listsThem != (len(got.Seen) == 1 && len(got.Delivered) == 2) {
			t.Errorf("got %+v", got)
		}
	}
	if _, err := h.ReceiptsOf(t.Context(), MessageRef{UserID: ann, ConversationID: small, Seq: 1}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want not_found for an entry that is no message", err)
	}
}

func TestNewMembersSeeFromTheirJoining(t *testing.T) {
	h := newHouse(t)
	ann, bob := h.account("ann"), h.account("bob")
	id := h.group(ann)
	before := h.say(ann, id, "before")
	if _, err := h.AddMembers(t.Context(), ann, id, []chat.UserID{bob}); err != nil {
		t.Fatal(err)
	}
	after := h.say(ann, id, "after")
	page, err := h.History(t.Context(), MessagesRequest{UserID: bob, ConversationID: id})
	if err != nil || len(page.Items) != 1 || page.Items[0].Seq != after || page.HasBefore {
		t.Errorf("got %+v, %v, want what came after the joining, and nothing before it", page, err)
	}
	for _, r := range []MessagesRequest{
		{UserID: bob, ConversationID: id, Before: after}, {UserID: bob, ConversationID: id, Around: before, Limit: 1},
	} {
		if page, err := h.History(t.Context(), r); err != nil || len(page.Items) > 0 && page.Items[0].Seq < after {
			t.Errorf("%+v: got %+v, %v", r, page, err)
		}
	}
	if _, err := h.Message(t.Context(), MessageRef{UserID: bob, ConversationID: id, Seq: before}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want not_found", err)
	}
	entries, err := h.EntriesAfter(t.Context(), EntriesRequest{UserID: bob, ConversationID: id})
	if err != nil || len(entries.Items) != 2 || entries.Items[0].Seq != before+1 || entries.Head != after {
		t.Errorf("got %+v, %v", entries, err)
	}
	_, err = h.Await(t.Context(), func(done func(chat.Outcome)) {
		h.React(t.Context(), MessageRef{UserID: bob, ConversationID: id, Seq: before}, "x", true, done)
	})
	if !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want a message from before to be unknown", err)
	}
}

func TestSyncTellsAgainRatherThanNever(t *testing.T) {
	h := newHouse(t)
	ann := h.account("ann")
	id := h.group(ann)
	first, err := h.Sync(t.Context(), ann, "")
	if err != nil || len(first.Heads) != 1 {
		t.Fatal(first, err)
	}
	h.ahead.Store(int64(-20 * time.Second)) // another node's clock is behind
	h.say(ann, id, "x")
	h.ahead.Store(int64(time.Second))
	if moved, err := h.Sync(t.Context(), ann, first.Cursor); err != nil || len(moved.Heads) != 1 || moved.Heads[0].LastSeq != 2 {
		t.Errorf("got %+v, %v, want the message of the slow clock", moved, err)
	}
	h.ahead.Store(int64(time.Hour))
	later, err := h.Sync(t.Context(), ann, "")
	if err != nil {
		t.Fatal(err)
	}
	if moved, err := h.Sync(t.Context(), ann, later.Cursor); err != nil || len(moved.Heads) != 0 {
		t.Errorf("got %+v, %v, want nothing: nothing moved", moved, err)
	}
}

func TestUnusedFilesAreSwept(t *testing.T) {
	h := newHouse(t)
	ann := h.account("ann")
	id := h.group(ann)
	upload := func(name string) *chat.File {
		t.Helper()
		f, err := h.Upload(t.Context(), UploadRequest{UserID: ann, Name: name, Body: strings.NewReader("bytes of " + name)})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	used, unused := upload("used"), upload("unused")
	if _, err := h.Await(t.Context(), func(done func(chat.Outcome)) {
		h.Send(t.Context(), SendRequest{UserID: ann, ConversationID: id, ClientID: "k", Attachments: []chat.FileID{used.ID}}, done)
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := h.SweepFiles(t.Context(), chat.TimeOf(h.Clock().Add(-time.Hour))); err != nil || n != 0 {
		t.Errorf("got %d, %v, want young files to stay", n, err)
	}
	if n, err := h.SweepFiles(t.Context(), chat.TimeOf(h.Clock().Add(time.Hour))); err != nil || n != 1 {
		t.Errorf("got %d, %v, want the unused one swept", n, err)
	}
	if _, err := h.OpenFile(t.Context(), ann, unused.ID, false); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want it gone", err)
	}
	d, err := h.OpenFile(t.Context(), ann, used.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.Range(t.Context(), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil || b.String() != "bytes of used" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestUsernames(t *testing.T) {
	for _, same := range [][]string{
		{"alice", "Alice", "ALICE", "ａｌｉｃｅ", "al1ce", "aIice"}, {"bob0", "bobo", "bobO"}, {"modern", "modem"}, {"straße", "STRAßE"}, {"Ольга", "ольга"},
	} {
		want := skeleton(same[0])
		for _, name := range same {
			if got := skeleton(name); got != want {
				t.Errorf("%s and %s: got %q and %q, want the same", same[0], name, want, got)
			}
		}
	}
	for _, pair := range [][2]string{{"alice", "alina"}, {"ann", "anna"}, {"user1", "user2"}, {"é-tude", "e-tude"}, {"a.b.c", "abc"}} {
		if skeleton(pair[0]) == skeleton(pair[1]) {
			t.Errorf("%s and %s fold to the same", pair[0], pair[1])
		}
	}
	for _, good := range []string{"abc", "a-b_c.d", "山田太郎", "ひらがな", "كمال", "שלום", "Ελένη", "नमस्ते", "x42", "123", "김철수"} {
		if kept, folded, err := cleanUsername(good); err != nil || kept == "" || folded == "" {
			t.Errorf("%s: got %v, want it taken", good, err)
		}
	}
	// What is kept folds to itself, so a name is found however it was typed.
	for _, name := range []string{"Alice", "ﬁsh-and-chips", "ＡＢＣ"} {
		kept, folded, err := cleanUsername(name)
		if err != nil {
			t.Fatal(err)
		}
		if again, ok := foldUsername(kept); !ok || again != folded {
			t.Errorf("%s: got %q, want %q", name, again, folded)
		}
	}
}

func FuzzUsername(f *testing.F) {
	for _, seed := range []string{"alice", "ａｄｍｉｎ", "а\u0301b", "\xff", "İstanbul", "ǅ", "rn1l"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		kept, folded, problem := cleanUsername(name)
		if problem != nil {
			return
		}
		again, foldedAgain, problem := cleanUsername(kept)
		if problem != nil || again != kept || foldedAgain != folded {
			t.Fatalf("%q is kept as %q, which is taken as %q, %q, %v; want %q", name, kept, again, foldedAgain, problem, folded)
		}
		if upper, ok := foldUsername(strings.ToUpper(kept)); ok && upper != folded && skeleton(strings.ToLower(strings.ToUpper(kept))) == folded {
			t.Fatalf("%q: in capitals it folds to %q, else to %q", kept, upper, folded)
		}
	})
}

func TestFileNames(t *testing.T) {
	for given, want := range map[string]string{
		"a.txt": "a.txt", "../x": "x", `C:\y.doc`: "y.doc", "": "file", "..": "file", "a\r\nb": "ab", "evil\u202etxt.exe": "eviltxt.exe",
		strings.Repeat("é", 200) + ".png": strings.Repeat("é", 125) + ".png", "\xff\xfe": "file",
	} {
		if got := cleanFileName(given); got != want || len(got) > MaxFileName {
			t.Errorf("%.20q: got %q, want %q", given, got, want)
		}
	}
}
