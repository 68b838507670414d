package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// with changes a command that is fine.
func with(cmd chat.Command, change func(*chat.Command)) chat.Command {
	change(&cmd)
	return cmd
}

func send(change func(*chat.Command)) chat.Command { return with(say("hello"), change) }

func TestValidate(t *testing.T) {
	many := func(n int) []chat.Attachment {
		var out []chat.Attachment
		for i := range n {
			out = append(out, chattest.Attachment(i))
		}
		return out
	}
	title := func(s string) chat.Command { return chattest.Retitle(room, ann, s) }
	emoji := func(s string) chat.Command { return chattest.React(room, ann, 2, s, true) }
	group := chattest.Create(chat.Group, room, ann, bob)
	direct := chattest.CreateDirect(ann, bob)
	for _, c := range []struct {
		name  string
		cmd   chat.Command
		code  chat.Code // "" is fine
		field string
	}{
		{"a message", say("hello"), "", ""},
		{"no conversation", send(func(c *chat.Command) { c.ConversationID = chat.ConversationID{} }), chat.CodeInvalid, "conversation_id"},
		{"nobody", send(func(c *chat.Command) { c.ActorID = chat.UserID{} }), chat.CodeUnauthenticated, ""},
		{"no kind", send(func(c *chat.Command) { c.Kind = "" }), chat.CodeInvalid, "kind"},
		{"another kind", send(func(c *chat.Command) { c.Kind = "message.Send" }), chat.CodeInvalid, "kind"},

		{"no client id", send(func(c *chat.Command) { c.ClientID = "" }), chat.CodeInvalid, "client_id"},
		{"a client id of 64 bytes", send(func(c *chat.Command) { c.ClientID = strings.Repeat("k", 64) }), "", ""},
		{"a client id of 65 bytes", send(func(c *chat.Command) { c.ClientID = strings.Repeat("k", 65) }), chat.CodeInvalid, "client_id"},
		{"a client id with a control character", send(func(c *chat.Command) { c.ClientID = "a\nb" }), chat.CodeInvalid, "client_id"},
		{"a client id with DEL", send(func(c *chat.Command) { c.ClientID = "a\x7f" }), chat.CodeInvalid, "client_id"},
		{"a client id that is not UTF-8", send(func(c *chat.Command) { c.ClientID = "\xff" }), chat.CodeInvalid, "client_id"},

		{"no text", send(func(c *chat.Command) { c.Text = "" }), chat.CodeInvalid, "text"},
		{"a text of blanks", send(func(c *chat.Command) { c.Text = " \n\u00a0\u2003" }), chat.CodeInvalid, "text"},
		{"no text but a file", send(func(c *chat.Command) { c.Text, c.Attachments = "", many(1) }), "", ""},
		{"the longest text", send(func(c *chat.Command) { c.Text = strings.Repeat("x", chat.MaxTextBytes) }), "", ""},
		{"a byte more", send(func(c *chat.Command) { c.Text = strings.Repeat("x", chat.MaxTextBytes+1) }), chat.CodeTooLarge, "text"},
		{"a text that is not UTF-8", send(func(c *chat.Command) { c.Text = "a\xc3" }), chat.CodeInvalid, "text"},
		{"a lone surrogate", send(func(c *chat.Command) { c.Text = "\xed\xa0\x80" }), chat.CodeInvalid, "text"},
		{"a NUL", send(func(c *chat.Command) { c.Text = "a\x00" }), chat.CodeInvalid, "text"},
		{"lines and tabs", send(func(c *chat.Command) { c.Text = "a\n\tb\r\n" }), "", ""},
		{"ten files", send(func(c *chat.Command) { c.Attachments = many(10) }), "", ""},
		{"eleven files", send(func(c *chat.Command) { c.Attachments = many(11) }), chat.CodeTooLarge, "attachments"},
		{"a file twice", send(func(c *chat.Command) { c.Attachments = append(many(2), many(1)...) }), chat.CodeInvalid, "attachments"},
		{"a file without id", send(func(c *chat.Command) { c.Attachments = []chat.Attachment{{}} }), chat.CodeInvalid, "attachments"},
		{"a reply to a negative seq", send(func(c *chat.Command) { c.ReplyTo = -1 }), chat.CodeInvalid, "reply_to"},
		{"a reply beyond 2^53", send(func(c *chat.Command) { c.ReplyTo = chat.MaxSeq + 1 }), chat.CodeInvalid, "reply_to"},

		{"an edit", chattest.Edit(room, ann, 2, "x"), "", ""},
		{"an edit to nothing", chattest.Edit(room, ann, 2, " "), chat.CodeInvalid, "text"},
		{"an edit to too much", chattest.Edit(room, ann, 2, strings.Repeat("x", chat.MaxTextBytes+1)), chat.CodeTooLarge, "text"},
		{"an edit of seq 0", chattest.Edit(room, ann, 0, "x"), chat.CodeInvalid, "seq"},
		{"a deletion of seq -1", chattest.Delete(room, ann, -1), chat.CodeInvalid, "seq"},
		{"a deletion beyond 2^53", chattest.Delete(room, ann, chat.MaxSeq+1), chat.CodeInvalid, "seq"},

		{"an emoji", emoji("👩‍👩‍👧‍👦"), "", ""},
		{"a short name", emoji("+1"), "", ""},
		{"no emoji", emoji(""), chat.CodeInvalid, "emoji"},
		{"an emoji of 65 bytes", emoji(strings.Repeat("x", 65)), chat.CodeInvalid, "emoji"},
		{"markup for an emoji", emoji("<b>"), chat.CodeInvalid, "emoji"},
		{"a path for an emoji", emoji("a/b"), chat.CodeInvalid, "emoji"},
		{"blanks in an emoji", emoji("a b"), chat.CodeInvalid, "emoji"},
		{"an emoji that is not UTF-8", emoji("\xf0\x9f"), chat.CodeInvalid, "emoji"},
		{"a reaction to seq 0", chattest.React(room, ann, 0, "👍", true), chat.CodeInvalid, "seq"},

		{"a title", title("Ñandú"), "", ""},
		{"the longest title", title(strings.Repeat("ž", chat.MaxTitleRunes)), "", ""},
		{"a longer title", title(strings.Repeat("ž", chat.MaxTitleRunes+1)), chat.CodeInvalid, "title"},
		{"an empty title", title(""), chat.CodeInvalid, "title"},
		{"a title of blanks", title("  "), chat.CodeInvalid, "title"},
		{"a title of two lines", title("a\nb"), chat.CodeInvalid, "title"},
		{"a title that is not UTF-8", title("\xff"), chat.CodeInvalid, "title"},
		{"an update of nothing", with(title("x"), func(c *chat.Command) { c.Title = nil }), chat.CodeInvalid, "title"},
		{"an update of the picture only", with(title("x"), func(c *chat.Command) { c.Title, c.AvatarID = nil, &chat.FileID{} }), "", ""},

		{"a group", group, "", ""},
		{"a group alone", chattest.Create(chat.Group, room, ann), "", ""},
		{"a group without title", with(group, func(c *chat.Command) { c.Title = nil }), chat.CodeInvalid, "title"},
		{"a conversation of no kind", with(group, func(c *chat.Command) { c.ConversationKind = "" }), chat.CodeInvalid, "kind"},
		{"a thousand members", chattest.Create(chat.Group, room, ann, chattest.Users(1000)...), "", ""},
		{"more members", chattest.Create(chat.Group, room, ann, chattest.Users(1001)...), chat.CodeTooLarge, "user_ids"},
		{"a member without id", chattest.Create(chat.Group, room, ann, chat.UserID{}), chat.CodeInvalid, "user_ids"},
		{"two people", direct, "", ""},
		{"two people with an id of another pair", with(direct, func(c *chat.Command) { c.ConversationID = chat.DirectID(ann, cid) }), chat.CodeInvalid, "conversation_id"},
		{"two people that are three", with(direct, func(c *chat.Command) { c.UserIDs = append(c.UserIDs, cid) }), chat.CodeInvalid, "user_id"},
		{"two people that are one", with(direct, func(c *chat.Command) { c.UserIDs = nil }), chat.CodeInvalid, "user_id"},

		{"a call", chattest.Call(room, ann, "c", ann, bob), "", ""},
		{"a call that nobody answered", chattest.Call(room, ann, "c"), "", ""},
		{"a call without an id", chattest.Call(room, ann, ""), chat.CodeInvalid, "client_id"},
		{"a call with a long id", chattest.Call(room, ann, strings.Repeat("c", 65)), chat.CodeInvalid, "client_id"},
		{"a call with somebody twice", chattest.Call(room, ann, "c", bob, bob), chat.CodeInvalid, "user_ids"},
		{"a call with nothing of it", with(chattest.Call(room, ann, "c"), func(c *chat.Command) { c.Call = nil }), chat.CodeInvalid, "call"},
		{"a call that ended somehow", with(chattest.Call(room, ann, "c"), func(c *chat.Command) { c.Call.Outcome = "lost" }), chat.CodeInvalid, "call"},
		{"a call that ended before it began", with(chattest.Call(room, ann, "c"), func(c *chat.Command) { c.Call.DurationMS = -1 }), chat.CodeInvalid, "call"},
		{"a call without an end", with(chattest.Call(room, ann, "c"), func(c *chat.Command) { c.Call.DurationMS = 1 << 53 }), chat.CodeInvalid, "call"},

		{"to add nobody", chattest.Add(room, ann), chat.CodeInvalid, "user_ids"},
		{"to add too many", chattest.Add(room, ann, chattest.Users(1001)...), chat.CodeTooLarge, "user_ids"},
		{"to remove nobody", with(chattest.Remove(room, ann, bob), func(c *chat.Command) { c.UserIDs = nil }), chat.CodeInvalid, "user_ids"},
		{"to remove two", with(chattest.Remove(room, ann, bob), func(c *chat.Command) { c.UserIDs = chattest.Users(2) }), chat.CodeTooLarge, "user_ids"},
		{"an unknown role", chattest.SetRole(room, ann, bob, "root"), chat.CodeInvalid, "role"},
		{"a role for nobody", with(chattest.SetRole(room, ann, bob, chat.RoleAdmin), func(c *chat.Command) { c.UserIDs = nil }), chat.CodeInvalid, "user_ids"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.cmd.Validate()
			if c.code == "" {
				if err != nil {
					t.Errorf("got %v, want nil", err)
				}
				return
			}
			if err == nil || err.Code != c.code || c.field != "" && err.Fields[c.field] == "" || err.Message == "" {
				t.Errorf("got %+v, want %s with field %q", err, c.code, c.field)
			}
			// Apply refuses alike, whatever the state.
			s := newStage(t, c.cmd.ConversationID)
			if _, _, aerr := chat.Apply(s.state, &c.cmd); fmt.Sprint(aerr) != fmt.Sprint(err) || s.state.Head != nil {
				t.Errorf("apply: got %v, want %v", aerr, err)
			}
		})
	}
}

func TestNeeds(t *testing.T) {
	key := chat.SentKey{SenderID: ann, ClientID: "reply"}
	for _, c := range []struct {
		cmd  chat.Command
		want chat.Needs
	}{
		{replyTo(ann, 7), chat.Needs{Members: []chat.UserID{ann}, Messages: []chat.Seq{7}, Sent: []chat.SentKey{key}}},
		{chattest.Edit(room, ann, 2, "x"), chat.Needs{Members: []chat.UserID{ann}, Messages: []chat.Seq{2}}},
		{chattest.Add(room, ann, bob, cid), chat.Needs{Members: []chat.UserID{ann, bob, cid}}},
		{chattest.Call(room, ann, "c", bob, cid), chat.Needs{
			Members: []chat.UserID{ann}, Sent: []chat.SentKey{{SenderID: ann, ClientID: "c", Call: true}},
		}},
		{chattest.Retitle(room, ann, "x"), chat.Needs{Members: []chat.UserID{ann}}},
	} {
		got := c.cmd.Needs()
		if fmt.Sprint(got) != fmt.Sprint(c.want) || got.Empty() {
			t.Errorf("%s: got %+v, want %+v", c.cmd.Kind, got, c.want)
		}
		st := chat.NewState(room)
		if missing := st.Missing(got); fmt.Sprint(missing) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %+v missing, want all", c.cmd.Kind, missing)
		}
		know(st, got)
		if missing := st.Missing(got); !missing.Empty() {
			t.Errorf("%s: got %+v missing, want nothing", c.cmd.Kind, missing)
		}
	}
}
