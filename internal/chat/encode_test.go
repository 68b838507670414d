package chat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden are entries of every kind, in every form that a log can hold. The
// files are read by the tests of the web client too.
func golden() map[string]*chat.Entry {
	base := chat.Entry{ConversationID: room, Seq: 7, At: chattest.Epoch + 1, SenderID: ann}
	entry := func(kind chat.Kind, change func(*chat.Entry)) *chat.Entry {
		e := base
		e.Kind = kind
		change(&e)
		return &e
	}
	out := map[string]*chat.Entry{
		"created_direct": entry(chat.KindCreated, func(e *chat.Entry) {
			e.Seq, e.ConversationID = 1, chat.DirectID(ann, bob)
			e.ConversationKind, e.UserIDs = chat.Direct, []chat.UserID{ann, bob}
		}),
		"created_group": entry(chat.KindCreated, func(e *chat.Entry) {
			e.Seq, e.ConversationKind, e.Title, e.AvatarID, e.UserIDs = 1, chat.Group, `Räume & <Zimmer> "1"`, chattest.FileID(1), []chat.UserID{ann, bob, cid}
		}),
		"created_channel": entry(chat.KindCreated, func(e *chat.Entry) {
			e.Seq, e.ConversationKind, e.Title, e.UserIDs = 1, chat.Channel, "News", []chat.UserID{ann}
		}),
		"message": entry(chat.KindMessage, func(e *chat.Entry) { e.ClientID, e.Ordinal, e.Text = "k1", 3, "hello" }),
		"message_full": entry(chat.KindMessage, func(e *chat.Entry) {
			e.ClientID, e.Ordinal, e.ReplyTo = "k\"2\"", 1<<53-1, 2
			e.Text = "\"quoted\" \\ / \b\f\n\r\t\x01\x1f\x7f \u2028\u2029 <script>&amp;' žluť 👩‍👩‍👧‍👦"
			e.Attachments = []chat.Attachment{
				chattest.Attachment(1), {ID: chattest.FileID(2), Name: "../\"<b>\r\n.exe", Size: 104857600, MIME: "application/octet-stream"},
			}
		}),
		"message_redacted": entry(chat.KindMessage, func(e *chat.Entry) { e.ClientID, e.Ordinal, e.Redacted = "k1", 3, true }),
		"edit":             entry(chat.KindEdit, func(e *chat.Entry) { e.Target, e.Text = 5, "better" }),
		"edit_redacted":    entry(chat.KindEdit, func(e *chat.Entry) { e.Target, e.Redacted = 5, true }),
		"delete":           entry(chat.KindDelete, func(e *chat.Entry) { e.Target = 5 }),
		"reaction_on":      entry(chat.KindReaction, func(e *chat.Entry) { e.Target, e.Emoji, e.On = 5, "👍🏽", true }),
		"reaction_off":     entry(chat.KindReaction, func(e *chat.Entry) { e.Target, e.Emoji = 5, "👍🏽" }),
		"member_added": entry(chat.KindMemberAdded, func(e *chat.Entry) {
			e.UserIDs, e.Role = []chat.UserID{bob, cid}, chat.RoleMember
		}),
		"member_removed": entry(chat.KindMemberRemoved, func(e *chat.Entry) { e.UserIDs = []chat.UserID{bob} }),
		"role":           entry(chat.KindRole, func(e *chat.Entry) { e.UserIDs, e.Role = []chat.UserID{bob}, chat.RoleAdmin }),
		"updated":        entry(chat.KindUpdated, func(e *chat.Entry) { e.Title = "New" }),
		"message_mentions": entry(chat.KindMessage, func(e *chat.Entry) {
			e.ClientID, e.Ordinal, e.Text, e.Mentions = "k3", 4, "@bob @cid", []chat.UserID{bob, cid}
		}),
		"pin_on":    entry(chat.KindPin, func(e *chat.Entry) { e.Target, e.On = 5, true }),
		"pin_off":   entry(chat.KindPin, func(e *chat.Entry) { e.Target = 5 }),
		"block_on":  entry(chat.KindBlock, func(e *chat.Entry) { e.ConversationID, e.On = chat.DirectID(ann, bob), true }),
		"block_off": entry(chat.KindBlock, func(e *chat.Entry) { e.ConversationID = chat.DirectID(ann, bob) }),
		"call_answered": entry(chat.KindCall, func(e *chat.Entry) {
			e.ClientID, e.UserIDs = "0198c8a2-7b1e-4d7c-9a51-0c6d5f1e2a3b", []chat.UserID{ann, bob}
			e.Call = &chat.CallSummary{Video: true, Outcome: chat.CallAnswered, DurationMS: 192_345}
		}),
		"call_missed": entry(chat.KindCall, func(e *chat.Entry) {
			e.ClientID, e.UserIDs, e.Call = "k7", []chat.UserID{}, &chat.CallSummary{Outcome: chat.CallMissed}
		}),
		"updated_avatar": entry(chat.KindUpdated, func(e *chat.Entry) { e.Title, e.AvatarID = "New", chattest.FileID(3) }),
	}
	return out
}

func TestGoldenEntries(t *testing.T) {
	dir := filepath.Join("testdata", "entries")
	kinds := make(map[chat.Kind]bool)
	for name, e := range golden() {
		kinds[e.Kind] = true
		path := filepath.Join(dir, name+".json")
		got := append(e.AppendJSON(nil), '\n')
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
		back, err := chat.DecodeEntry(want)
		if err != nil || !reflect.DeepEqual(normal(back), normal(e)) {
			t.Errorf("%s: read back %+v, %v\nwant %+v", name, back, err, e)
		}
	}
	for _, kind := range []chat.Kind{
		chat.KindCreated, chat.KindMessage, chat.KindEdit, chat.KindDelete, chat.KindReaction,
		chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole, chat.KindUpdated, chat.KindPin, chat.KindBlock, chat.KindCall,
	} {
		if !kinds[kind] {
			t.Errorf("there is no golden file of %s", kind)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != len(golden()) {
		t.Errorf("got %d files, %v, want %d", len(files), err, len(golden()))
	}
}

// normal makes an empty list none, which means the same.
func normal(e *chat.Entry) chat.Entry {
	out := *e
	if len(out.Attachments) == 0 {
		out.Attachments = nil
	}
	return out
}

// The hand-written encoder writes what encoding/json would, for the fields that
// belong to the kind.
func TestEncoderAgreesWithTheStandardLibrary(t *testing.T) {
	for name, e := range golden() {
		sameJSON(t, name, e)
	}
}

// sameJSON compares an entry's canonical JSON with that of a plain struct.
func sameJSON(t *testing.T, name string, e *chat.Entry) {
	t.Helper()
	type plain chat.Entry // without the method
	std, err := json.Marshal((*plain)(e))
	if err != nil {
		t.Fatal(err)
	}
	own := e.AppendJSON(nil)
	if !json.Valid(own) || !utf8.Valid(own) || bytes.ContainsAny(own, "<>&\n\u2028\u2029") {
		t.Fatalf("%s: %q is not safe JSON", name, own)
	}
	var a, b map[string]any
	if err := json.Unmarshal(own, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(std, &b); err != nil {
		t.Fatal(err)
	}
	for key, want := range b {
		if got, ok := a[key]; ok && !reflect.DeepEqual(got, want) {
			t.Errorf("%s, %s: got %v, want %v", name, key, got, want)
		}
	}
	for key, got := range a {
		// What the standard library leaves out is what is empty.
		_, ok := b[key]
		if empty := slices.Contains([]string{"", "[]", "false", "0"}, fmt.Sprint(got)); !ok && !empty {
			t.Errorf("%s: %s is %v, the standard library leaves it out", name, key, got)
		}
	}
	wrapped, err := json.Marshal(struct{ Entry *chat.Entry }{e})
	if err != nil || !strings.Contains(string(wrapped), string(own)) {
		t.Errorf("%s: inside another value it is %s, %v\nwant %s", name, wrapped, err, own)
	}
}

func TestDecodeEntryIgnoresWhatItDoesNotKnow(t *testing.T) {
	e, err := chat.DecodeEntry([]byte(`{"seq":3,"kind":"pinned","pin":{"by":[1,2]},"text":"x"}`))
	if err != nil || e.Seq != 3 || e.Kind != "pinned" || e.Text != "x" {
		t.Errorf("got %+v, %v", e, err)
	}
	for _, bad := range []string{"", "{", "[]", `{"seq":"3"}`, `{"sender_id":"x"}`, `{"at":1}`} {
		if e, err := chat.DecodeEntry([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, e)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e := golden()["message"]
	e.Text = strings.Repeat("hello world ", 16)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}
