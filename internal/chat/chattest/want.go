package chattest

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-chat/parley/internal/chat"
)

// WantLog checks that a conversation's log is entries 1 to n, and gives them.
func WantLog(t testing.TB, j LogStore, id chat.ConversationID, n int) []chat.RawEntry {
	t.Helper()
	var out []chat.RawEntry
	for {
		part, err := j.Entries(t.Context(), id, chat.Seq(len(out)), 1000, 1<<30)
		if err != nil {
			t.Fatalf("entries: %v", err)
		}
		if len(part) == 0 {
			break
		}
		out = append(out, part...)
	}
	if len(out) != n {
		t.Errorf("the log of %s has %d entries, want %d", id, len(out), n)
	}
	for i := range out {
		e, err := chat.DecodeEntry(out[i].JSON)
		if err != nil {
			t.Fatalf("entry %d: %v", i+1, err)
		}
		if out[i].Seq != chat.Seq(i+1) || e.Seq != out[i].Seq || e.ConversationID != id {
			t.Fatalf("entry %d of %s has seq %d, and says %d of %s", i+1, id, out[i].Seq, e.Seq, e.ConversationID)
		}
	}
	return out
}

// ReadLog gives a conversation's whole log, decoded.
func ReadLog(t testing.TB, j LogStore, id chat.ConversationID) []*chat.Entry {
	t.Helper()
	var out []*chat.Entry
	for {
		part, err := j.Entries(t.Context(), id, chat.Seq(len(out)), 1000, 1<<30)
		if err != nil {
			t.Fatalf("entries: %v", err)
		}
		if len(part) == 0 {
			return out
		}
		for i := range part {
			e, err := chat.DecodeEntry(part[i].JSON)
			if err != nil {
				t.Fatalf("entry: %v", err)
			}
			out = append(out, e)
		}
	}
}

// wantState checks that what the journal loads equals a state that lived on in memory.
func wantState(rt *rapid.T, t *testing.T, j chat.Journal, id chat.ConversationID, live *chat.State) {
	fresh := chat.NewState(id)
	var want chat.Needs
	for u := range live.Members {
		want.Members = append(want.Members, u)
	}
	for seq := range live.Messages {
		want.Messages = append(want.Messages, seq)
	}
	for key := range live.Sent {
		want.Sent = append(want.Sent, key)
	}
	if err := j.Load(t.Context(), []*chat.State{fresh}, []chat.Needs{want}); err != nil {
		rt.Fatalf("load: %v", err)
	}
	if !reflect.DeepEqual(fresh.Head, live.Head) {
		rt.Fatalf("got head %+v, want %+v", fresh.Head, live.Head)
	}
	wantMembers(rt, fresh.Members, live.Members)
	for seq, m := range live.Messages {
		if got := fresh.Messages[seq]; !equalMessageStates(got, m) {
			rt.Fatalf("got message %d %+v, want %+v", seq, got, m)
		}
	}
	for key, e := range live.Sent {
		got := fresh.Sent[key]
		if (got == nil) != (e == nil) || got != nil && string(got.AppendJSON(nil)) != string(e.AppendJSON(nil)) {
			rt.Fatalf("got sent %v %+v, want %+v", key, got, e)
		}
	}
}

// wantMembers compares members. A state that lived on may know less of the
// client ids that were used, so that more is looked up, but never more.
func wantMembers(rt *rapid.T, fresh, live map[chat.UserID]*chat.Member) {
	for u, m := range live {
		got := fresh[u]
		if got == nil || m == nil {
			if got != m {
				rt.Fatalf("got member %s %+v, want %+v", u, got, m)
			}
			continue
		}
		if got.LastClientID > m.LastClientID {
			rt.Fatalf("member %s: used client id %q, above %q", u, got.LastClientID, m.LastClientID)
		}
		same := *got
		same.LastClientID = m.LastClientID
		if same != *m {
			rt.Fatalf("got member %s %+v, want %+v", u, same, *m)
		}
	}
}

// equalMessageStates compares by value; an empty list equals none.
func equalMessageStates(a, b *chat.MessageState) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	for _, m := range []*chat.MessageState{&x, &y} {
		if len(m.Reactions) == 0 {
			m.Reactions = nil
		}
		if len(m.Edits) == 0 {
			m.Edits = nil
		}
	}
	return reflect.DeepEqual(x, y)
}
