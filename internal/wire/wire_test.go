package wire_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The samples have every field set that its kind can have.
var (
	conversation = chat.ConversationID{0x01, 0x9a, 15: 1}
	alice        = chat.UserID{0x01, 0x9a, 15: 2}
	bob          = chat.UserID{0x01, 0x9a, 15: 3}
	file         = chat.FileID{0x01, 0x9a, 15: 4}
	callID       = chat.CallID{0x01, 0x9a, 15: 5}
	phone        = chat.DeviceID{0x01, 0x9a, 15: 6}
	laptop       = chat.DeviceID{0x01, 0x9a, 15: 7}
	at           = chat.Time(1_767_225_600_123)
)

func entries() map[chat.Kind]*chat.Entry {
	base := chat.Entry{ConversationID: conversation, Seq: 7, At: at, SenderID: alice}
	with := func(change func(*chat.Entry)) *chat.Entry {
		e := base
		change(&e)
		return &e
	}
	return map[chat.Kind]*chat.Entry{
		chat.KindCreated: with(func(e *chat.Entry) {
			e.Kind, e.ConversationKind, e.Title, e.UserIDs = chat.KindCreated, chat.Group, "Räume & <Zimmer>", []chat.UserID{alice, bob}
			e.AvatarID = file
		}),
		chat.KindMessage: with(func(e *chat.Entry) {
			e.Kind, e.ClientID, e.Ordinal, e.Text, e.ReplyTo = chat.KindMessage, "k1", 3, "hello \"you\"\n\u2028", 2
			e.Attachments = []chat.Attachment{{ID: file, Name: "a.png", Size: 12, MIME: "image/png", Width: 4, Height: 5, Thumb: true}}
		}),
		chat.KindEdit:     with(func(e *chat.Entry) { e.Kind, e.Target, e.Redacted = chat.KindEdit, 5, true }),
		chat.KindDelete:   with(func(e *chat.Entry) { e.Kind, e.Target = chat.KindDelete, 5 }),
		chat.KindReaction: with(func(e *chat.Entry) { e.Kind, e.Target, e.Emoji = chat.KindReaction, 5, "👍" }),
		chat.KindMemberAdded: with(func(e *chat.Entry) {
			e.Kind, e.UserIDs, e.Role = chat.KindMemberAdded, []chat.UserID{bob}, chat.RoleMember
		}),
		chat.KindMemberRemoved: with(func(e *chat.Entry) {
			e.Kind, e.UserIDs = chat.KindMemberRemoved, []chat.UserID{bob}
		}),
		chat.KindRole:    with(func(e *chat.Entry) { e.Kind, e.UserIDs, e.Role = chat.KindRole, []chat.UserID{bob}, chat.RoleAdmin }),
		chat.KindUpdated: with(func(e *chat.Entry) { e.Kind, e.Title, e.AvatarID = chat.KindUpdated, "New", file }),
		chat.KindPin:     with(func(e *chat.Entry) { e.Kind, e.Target, e.On = chat.KindPin, 5, true }),
		chat.KindBlock:   with(func(e *chat.Entry) { e.Kind, e.On = chat.KindBlock, true }),
		chat.KindCall: with(func(e *chat.Entry) {
			e.Kind, e.ClientID, e.UserIDs = chat.KindCall, "0198c8a2-7b1e-4d7c-9a51-0c6d5f1e2a3b", []chat.UserID{alice, bob}
			e.Call = &chat.CallSummary{Video: true, Outcome: chat.CallAnswered, DurationMS: 192_000}
		}),
	}
}

// TestEntryTypesAreWhatChatEncodes holds the documented forms and the bytes together.
func TestEntryTypesAreWhatChatEncodes(t *testing.T) {
	samples := entries()
	for _, k := range wire.EntryKinds() {
		e := samples[k.Kind]
		if e == nil {
			t.Errorf("%s: there is no sample", k.Kind)
			continue
		}
		want := e.AppendJSON(nil)
		got := reflect.New(k.Type)
		d := json.NewDecoder(bytes.NewReader(want))
		d.DisallowUnknownFields()
		if err := d.Decode(got.Interface()); err != nil {
			t.Errorf("%s: %v", k.Kind, err)
			continue
		}
		again, err := json.Marshal(got.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, want) {
			t.Errorf("%s:\n got %s\nwant %s", k.Kind, again, want)
		}
	}
	if len(samples) != len(wire.EntryKinds()) {
		t.Errorf("got %d samples for %d kinds", len(samples), len(wire.EntryKinds()))
	}
}

func me() wire.Me {
	return wire.MeOf(&chat.Account{
		User:  chat.User{ID: alice, Username: "alice", DisplayName: "Alice", Bio: "hi", AvatarID: file, CreatedAt: at},
		Email: "alice@example.org", Settings: json.RawMessage(`{"theme":"dark"}`), Folded: "alice", PasswordHash: "secret",
	}, wire.Limits{TextBytes: chat.MaxTextBytes, Attachments: 10, AttachmentBytes: 1 << 20, FrameBytes: wire.MaxFrameBytes})
}

func view() wire.Conversation {
	return wire.ConversationOf(&chat.ConversationView{
		Conversation: chat.Conversation{
			ID: conversation, Kind: chat.Direct, CreatedBy: alice, CreatedAt: at, Seq: 7, Messages: 3, LastMessage: 7, ActiveAt: at, Members: 2,
		},
		Head: chat.Head{ConversationID: conversation, LastSeq: 7, DeliveredSeq: 6, ReadSeq: 5, Unread: 1},
		Role: chat.RoleMember, VisibleFrom: 1, Peer: &chat.User{ID: bob, Username: "bob", DisplayName: "Bob", CreatedAt: at},
		LastEntry: entries()[chat.KindMessage].AppendJSON(nil),
		LastMessage: &chat.Message{
			ConversationID: conversation, Seq: 7, At: at, SenderID: alice, Kind: chat.KindMessage, ClientID: "k1", Ordinal: 3, Text: "hello",
			ReplyTo: 2, Attachments: []chat.Attachment{{ID: file, Name: "a", Size: 1, MIME: "text/plain"}}, EditedAt: at,
			Reactions: map[string][]chat.UserID{"👍": {bob}},
		},
		Receipts: []chat.Receipt{{ConversationID: conversation, UserID: bob, DeliveredSeq: 7, ReadSeq: 7}},
	})
}

// ringing, live and ended are the forms of a call.
func ringing() chat.Call {
	return chat.Call{
		ID: callID, ConversationID: conversation, CallerID: alice, Video: true, State: chat.CallRinging, Version: 1, StartedAt: at,
		Ringing: []chat.UserID{bob}, Participants: []chat.CallPresent{{UserID: alice, DeviceID: phone, Video: true}},
	}
}

func live() chat.Call {
	c := ringing()
	c.State, c.Version, c.AnsweredAt, c.Ringing = chat.CallLive, 2, at+5_000, []chat.UserID{}
	c.Participants = append(c.Participants, chat.CallPresent{UserID: bob, DeviceID: laptop})
	return c
}

func ended() chat.Call {
	c := live()
	c.State, c.Version, c.EndedAt, c.Outcome, c.Participants = chat.CallEnded, 3, at+65_000, chat.CallAnswered, []chat.CallPresent{}
	return c
}

// sample is a payload or an answer: what the golden file of its name holds.
func sample() map[string]any {
	entry := entries()[chat.KindMessage].AppendJSON(nil)
	out := map[string]any{
		"client/message.send": wire.MessageSend{
			ConversationID: conversation, ClientID: "k1", Text: "hello", ReplyTo: 2, Attachments: []wire.AttachmentRef{{ID: file}},
		},
		"client/message.edit":           wire.MessageEdit{ConversationID: conversation, Seq: 7, Text: "hello again"},
		"client/message.delete":         wire.MessageDelete{ConversationID: conversation, Seq: 7},
		"client/reaction.set":           wire.ReactionSet{ConversationID: conversation, Seq: 7, Emoji: "👍", On: true},
		"client/conversation.delivered": wire.ReceiptSet{ConversationID: conversation, Seq: 7},
		"client/conversation.read":      wire.ReceiptSet{ConversationID: conversation, Seq: 7},
		"client/typing":                 wire.TypingSet{ConversationID: conversation, On: true},
		"client/presence.watch":         wire.PresenceWatch{UserIDs: []chat.UserID{alice, bob}},
		"client/entries.after":          wire.EntriesAfter{ConversationID: conversation, Seq: 0, Limit: 100},

		"client/attention": wire.Attention{On: true},

		"client/call.start":  wire.CallStart{ConversationID: conversation, CallID: callID, DeviceID: phone, Video: true},
		"client/call.answer": wire.CallAnswer{ConversationID: conversation, CallID: callID, DeviceID: laptop, Accept: true},
		"client/call.signal": wire.CallSignal{
			ConversationID: conversation, CallID: callID, DeviceID: laptop, To: phone, Signal: json.RawMessage(`{"type":"offer","sdp":"v=0\r\n"}`),
		},
		"client/call.update": wire.CallUpdate{ConversationID: conversation, CallID: callID, DeviceID: phone, Video: true},
		"client/call.end":    wire.CallEnd{ConversationID: conversation, CallID: callID, DeviceID: phone},
		"client/call.list":   wire.Empty{},

		"answer/call.start": wire.CallJoined{Call: ringing(), ICE: chat.ICE{Servers: []chat.ICEServer{
			{URLs: []string{"turn:example.org:3478?transport=udp"}, Username: "1767226200:alice", Credential: "c2VjcmV0"},
		}, ExpiresAt: at + 600_000}},
		"answer/call.answer": wire.CallJoined{Call: live(), ICE: chat.ICE{Servers: []chat.ICEServer{}}},
		"answer/call.signal": wire.Empty{},
		"answer/call.update": wire.CallChanged{Call: live()},
		"answer/call.end":    wire.CallChanged{Call: ended()},
		"answer/call.list":   wire.CallsAnswer{Calls: []chat.Call{ringing()}},

		"server/call.ringing":  wire.CallChanged{Call: ringing()},
		"server/call.answered": wire.CallChanged{Call: live()},
		"server/call.signal": wire.CallSignalled{
			ConversationID: conversation, CallID: callID, From: laptop, UserID: bob, To: phone,
			Signal: json.RawMessage(`{"type":"candidate","candidate":"candidate:1 1 udp 2113937151 192.0.2.1 9 typ host","sdp_mid":"0"}`),
		},
		"server/call.ended": wire.CallChanged{Call: ended()},

		"answer/attention":              wire.Empty{},
		"answer/message.send":           wire.SendAnswer{Entry: entry, Repeated: true},
		"answer/message.edit":           wire.EntryAnswer{Entry: entries()[chat.KindEdit].AppendJSON(nil)},
		"answer/message.delete":         wire.EntryAnswer{Entry: json.RawMessage("null")},
		"answer/reaction.set":           wire.EntryAnswer{Entry: entries()[chat.KindReaction].AppendJSON(nil)},
		"answer/conversation.delivered": chat.Receipt{ConversationID: conversation, UserID: alice, DeliveredSeq: 7, ReadSeq: 5},
		"answer/conversation.read":      chat.Receipt{ConversationID: conversation, UserID: alice, DeliveredSeq: 7, ReadSeq: 7},
		"answer/typing":                 wire.Empty{},
		"answer/presence.watch":         wire.WatchAnswer{Presence: []wire.Presence{{UserID: alice, Online: true, LastSeenAt: &at}, {UserID: bob}}},
		"answer/entries.after":          wire.EntriesAnswer{Entries: []json.RawMessage{entry}, Head: 7},

		"server/ready": wire.Ready{
			User: me(), Cursor: "AQAAAZtxPTA", HeadsChanged: []chat.Head{{ConversationID: conversation, LastSeq: 7, Unread: 1}}, ServerTime: at,
		},
		"server/receipt":           chat.Receipt{ConversationID: conversation, UserID: bob, DeliveredSeq: 7, ReadSeq: 7},
		"server/typing":            wire.Typing{ConversationID: conversation, UserID: bob, On: true},
		"server/presence":          wire.Presence{UserID: bob, LastSeenAt: &at},
		"server/conversation":      view(),
		"server/conversation.gone": wire.ConversationGone{ID: conversation, Gone: true},
		"server/profile":           wire.Profile{User: me()},
		"server/block":             wire.Block{UserID: bob, On: true},
		"server/resync":            wire.Empty{},
		"server/reconnect":         wire.Reconnect{AfterMS: 1234},
		"server/session.revoked":   wire.Empty{},
	}
	for kind, e := range entries() {
		out["server/entry."+string(kind)] = json.RawMessage(e.AppendJSON(nil))
	}
	return out
}

// TestGolden compares what is encoded with what clients were promised. Run it
// with -update when the contract is extended on purpose.
func TestGolden(t *testing.T) {
	samples := sample()
	for name, v := range samples {
		got, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		path := filepath.Join("testdata", "golden", filepath.FromSlash(name)+".json")
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// TestGoldenCoversEveryEvent keeps the samples complete and decodes the requests
// as the server does.
func TestGoldenCoversEveryEvent(t *testing.T) {
	samples := sample()
	for _, e := range wire.ClientEvents() {
		for _, prefix := range []string{"client/", "answer/"} {
			if _, ok := samples[prefix+e.Name]; !ok {
				t.Errorf("there is no sample %s%s", prefix, e.Name)
			}
		}
		data, err := json.Marshal(samples["client/"+e.Name])
		if err != nil {
			t.Fatal(err)
		}
		into := reflect.New(e.Payload[0])
		if err := wire.Decode(data, into.Interface()); err != nil {
			t.Errorf("%s: decode %s: %v", e.Name, data, err)
		} else if got := into.Elem().Interface(); !reflect.DeepEqual(got, samples["client/"+e.Name]) {
			t.Errorf("%s: got %+v back, want %+v", e.Name, got, samples["client/"+e.Name])
		}
		spoilt := append(data[:len(data)-1:len(data)-1], `,"surprise":1}`...)
		if err := wire.Decode(spoilt, reflect.New(e.Payload[0]).Interface()); err == nil {
			t.Errorf("%s: an unknown field was accepted", e.Name)
		}
	}
	for _, e := range wire.ServerEvents() {
		if e.Name == wire.EventEntry {
			continue // one sample for each kind, see TestEntryTypesAreWhatChatEncodes
		}
		if _, ok := samples["server/"+e.Name]; !ok {
			t.Errorf("there is no sample server/%s", e.Name)
		}
	}
}

// TestGeneratedFilesAreInStep fails when somebody changed a type and did not generate.
func TestGeneratedFilesAreInStep(t *testing.T) {
	doc, err := wire.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"../../docs/asyncapi.json": doc, "../../web/src/wire/events.gen.ts": wire.TypeScript(),
	} {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of step: run go generate ./internal/wire", name)
		}
	}
}

// TestAsyncAPIRefersToWhatIsThere follows every reference of the document, and
// finds every event in it.
func TestAsyncAPIRefersToWhatIsThere(t *testing.T) {
	data, err := wire.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	var follow func(v any)
	follow = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if to, ok := v["$ref"].(string); ok && lookup(doc, to) == nil {
				t.Errorf("%s leads nowhere", to)
			}
			for _, x := range v {
				follow(x)
			}
		case []any:
			for _, x := range v {
				follow(x)
			}
		}
	}
	follow(doc)
	messages, ok := lookup(doc, "#/components/messages").(map[string]any)
	if !ok {
		t.Fatal("there are no messages")
	}
	var names []string
	for _, m := range messages {
		if m, ok := m.(map[string]any); ok {
			if name, ok := m["name"].(string); ok {
				names = append(names, name)
			}
		}
	}
	for _, e := range slices.Concat(wire.ClientEvents(), wire.ServerEvents()) {
		if !slices.Contains(names, e.Name) {
			t.Errorf("the document does not name %s", e.Name)
		}
	}
}

func lookup(doc map[string]any, ref string) any {
	var at any = doc
	for _, key := range slices.Collect(splitPath(ref)) {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[key]
	}
	return at
}

func splitPath(ref string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, part := range bytes.Split([]byte(ref), []byte("/"))[1:] {
			if !yield(string(part)) {
				return
			}
		}
	}
}

func TestNoSecretHasAField(t *testing.T) {
	for _, v := range []any{me(), view()} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("secret")) || bytes.Contains(data, []byte("folded")) {
			t.Errorf("got %s, want neither hash nor folded name", data)
		}
	}
}

func TestAckEntryKeepsTheBytes(t *testing.T) {
	entry := entries()[chat.KindMessage].AppendJSON(nil)
	for _, repeated := range []bool{false, true} {
		var ack struct {
			OK   bool            `json:"ok"`
			Data wire.SendAnswer `json:"data"`
		}
		raw := wire.AckEntry(entry, repeated)
		if err := json.Unmarshal(raw, &ack); err != nil {
			t.Fatal(err)
		}
		if !ack.OK || !bytes.Equal(ack.Data.Entry, entry) || ack.Data.Repeated != repeated {
			t.Errorf("got %s", raw)
		}
	}
	if got := string(wire.AckEntry(nil, false)); got != `{"ok":true,"data":{"entry":null}}` {
		t.Errorf("got %s for nothing changed", got)
	}
}

func TestAttachmentRefForms(t *testing.T) {
	for _, text := range []string{
		`"` + file.String() + `"`, `{"id":"` + file.String() + `"}`,
		`{"id":"` + file.String() + `","name":"a","size":1,"mime":"x","width":1,"height":1,"thumb":true,"url":"/y"}`,
	} {
		var p wire.MessageSend
		err := wire.Decode([]byte(`{"conversation_id":"`+conversation.String()+`","client_id":"k","attachments":[`+text+`]}`), &p)
		if err != nil || len(p.Attachments) != 1 || p.Attachments[0].ID != file {
			t.Errorf("%s: got %v, %v", text, p.Attachments, err)
		}
	}
	for _, text := range []string{`{"id":"` + file.String() + `","owner":"x"}`, `7`, `"x"`, `null`, `[]`} {
		var p wire.MessageSend
		err := wire.Decode([]byte(`{"conversation_id":"`+conversation.String()+`","client_id":"k","attachments":[`+text+`]}`), &p)
		if err == nil && len(p.Attachments) == 1 && !p.Attachments[0].ID.IsZero() {
			t.Errorf("%s: got %v, want a refusal", text, p.Attachments)
		}
	}
}

// TestTypeScriptNamesEverything is a guard for the generator itself.
func TestTypeScriptNamesEverything(t *testing.T) {
	text := wire.TypeScript()
	seen := map[string]bool{}
	for _, named := range wire.Types() {
		if seen[named.Name] {
			t.Errorf("%s is declared twice", named.Name)
		}
		seen[named.Name] = true
		if !bytes.Contains(text, []byte(" "+named.Name+" ")) {
			t.Errorf("%s is not declared", named.Name)
		}
	}
	if len(slices.Collect(maps.Keys(seen))) < 30 {
		t.Errorf("got %d types, want all", len(seen))
	}
}
