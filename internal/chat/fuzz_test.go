package chat_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// FuzzApply decides whatever JSON makes of bytes, on a conversation with some
// history. It must not panic, refuse without a trace, and make entries that a
// log can hold.
func FuzzApply(f *testing.F) {
	seeds := append(chattest.Beginnings(),
		say("hello"), withFiles("k", 1, 2), replyTo(bob, 2), chattest.Edit(room, ann, 2, "x"), chattest.Delete(room, bob, 2),
		chattest.React(room, bob, 2, "👍", true), chattest.Add(room, ann, dan), chattest.Remove(room, ann, bob), chattest.Remove(room, bob, bob),
		chattest.SetRole(room, ann, bob, chat.RoleOwner), chattest.Retitle(room, ann, "New"),
		chattest.Call(room, ann, "one", ann, bob), chattest.Call(room, bob, "two"),
	)
	for _, cmd := range seeds {
		data, err := json.Marshal(cmd)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, false)
		f.Add(data, true)
	}
	f.Add([]byte(`{"kind":"member.remove","user_ids":null}`), true)
	f.Fuzz(func(t *testing.T, data []byte, here bool) {
		var cmd chat.Command
		if json.Unmarshal(data, &cmd) != nil {
			return
		}
		if here {
			cmd.ConversationID, cmd.ActorID = room, ann
		}
		s := group(t, chat.Group)
		s.do(say("one"), chattest.Edit(room, ann, 2, "two"), chattest.React(room, bob, 2, "👍", true), say("three"), chattest.Delete(room, ann, 5))
		if cmd.ConversationID != room {
			s = newStage(t, cmd.ConversationID)
		}
		know(s.state, cmd.Needs())
		var before chat.Conversation
		if s.state.Head != nil {
			before = *s.state.Head
		}
		ch, _, aerr := chat.Apply(s.state, &cmd)
		if ch == nil {
			if s.state.Head != nil && *s.state.Head != before {
				t.Errorf("refused with %v, but the head moved from %+v to %+v", aerr, before, *s.state.Head)
			}
			return
		}
		if aerr != nil || ch.Entry.Seq != before.Seq+1 || ch.Head.Seq != ch.Entry.Seq {
			t.Errorf("got %+v, %v after seq %d", ch.Entry, aerr, before.Seq)
		}
		roundTrip(t, ch.Entry)
	})
}

// roundTrip checks that an entry's JSON is valid and reads back as the same.
func roundTrip(t *testing.T, e *chat.Entry) {
	t.Helper()
	own := e.AppendJSON(nil)
	if !json.Valid(own) {
		t.Fatalf("not JSON: %q", own)
	}
	back, err := chat.DecodeEntry(own)
	if err != nil {
		t.Fatalf("%v: %s", err, own)
	}
	if again := back.AppendJSON(nil); !bytes.Equal(again, own) {
		t.Fatalf("got  %s\nwant %s", again, own)
	}
}

// FuzzEntry encodes any entry that a log can be made to hold: the JSON is safe,
// agrees with encoding/json, and reads back as the same entry.
func FuzzEntry(f *testing.F) {
	kinds := []chat.Kind{
		chat.KindCreated, chat.KindMessage, chat.KindEdit, chat.KindDelete, chat.KindReaction,
		chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole, chat.KindUpdated, chat.KindPin, chat.KindBlock, chat.KindCall,
	}
	for i := range kinds {
		f.Add(uint8(i), int64(7), "text", "k", "name", []byte("0123456789abcdef"), true)
	}
	f.Add(uint8(1), int64(1)<<52, "\u2028\u2029<>&\"\\\x00\x1f\x7f\xff\xed\xa0\x80", "\\\"", "\xf0\x9f", []byte{}, false)
	f.Fuzz(func(t *testing.T, kind uint8, n int64, text, clientID, name string, id []byte, on bool) {
		e := &chat.Entry{Kind: kinds[int(kind)%len(kinds)], Seq: chat.Seq(n), At: chat.Time(n % (1 << 47)), Ordinal: n, Target: chat.Seq(n), ReplyTo: chat.Seq(n)}
		copy(e.ConversationID[:], id)
		copy(e.AvatarID[:], id)
		e.Text, e.ClientID, e.Emoji, e.Title, e.On, e.Redacted = text, clientID, name, name, on, !on
		e.Role, e.ConversationKind, e.UserIDs = chat.RoleAdmin, chat.Group, []chat.UserID{ann}
		e.Call = &chat.CallSummary{Video: on, Outcome: chat.CallOutcome(name), DurationMS: n}
		e.Attachments = []chat.Attachment{{ID: e.AvatarID, Name: name, Size: n, MIME: text, Thumb: on}}
		if on {
			e.Attachments[0].Width, e.Attachments[0].Height = 1+int(n&0xff), 1+int(n&0xfff)
		}
		sameJSON(t, string(e.Kind), e)
		roundTrip(t, e)
	})
}

// FuzzDecodeEntry reads whatever a log might hold. What can be read is written
// and read again as the same.
func FuzzDecodeEntry(f *testing.F) {
	for _, e := range golden() {
		f.Add(e.AppendJSON(nil))
	}
	f.Add([]byte(`{"kind":"message","text":"\ud800","attachments":[{"size":-1}],"ordinal":-5}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := chat.DecodeEntry(data)
		if err != nil {
			return
		}
		if at := e.At.Std().Year(); at < 0 || at > 9999 {
			t.Fatalf("read the year %d", at)
		}
		switch e.Kind {
		case chat.KindCreated, chat.KindMessage, chat.KindEdit, chat.KindDelete, chat.KindReaction,
			chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole, chat.KindUpdated,
			chat.KindPin, chat.KindBlock, chat.KindCall:
			roundTrip(t, e)
		}
	})
}

// FuzzIDs reads and writes ids and times.
func FuzzIDs(f *testing.F) {
	f.Add(ann.String(), chattest.Epoch.String())
	f.Add("019B7A3C-0D4F-7A1B-8C2D-3E4F5A6B7C8D", "2026-01-02T03:04:05.6789+01:00")
	f.Fuzz(func(t *testing.T, id, at string) {
		if u, err := chat.ParseID[struct{}](id); err == nil {
			if again, err := chat.ParseID[struct{}](u.String()); err != nil || again != u {
				t.Errorf("%q: got %s, then %s, %v", id, u, again, err)
			}
		}
		var when, again chat.Time
		if when.UnmarshalText([]byte(at)) == nil {
			if err := again.UnmarshalText([]byte(when.String())); err != nil || again != when {
				t.Errorf("%q: got %s, then %s, %v", at, when, again, err)
			}
		}
	})
}
