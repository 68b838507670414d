package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

// ofConversations are the tables that ADR 13 says can be partitioned, and by what.
var ofConversations = map[string]string{
	"conversations": "id", "members": "conversation_id", "message_entries": "conversation_id", "other_entries": "conversation_id",
	"message_states": "conversation_id", "message_terms": "conversation_id", "call_entries": "conversation_id", "file_refs": "conversation_id",
}

// TestPostgresPartitioned talks on a database whose tables of conversations are
// partitioned by conversation: the program knows nothing of it, and nothing is different.
func TestPostgresPartitioned(t *testing.T) {
	address := place(t)
	if err := openAddress(t, address, patient).Close(); err != nil {
		t.Fatal(err)
	}
	for table, key := range ofConversations {
		sqltest.Execute(t, address, fmt.Sprintf(`CREATE TABLE parts (LIKE %[1]s INCLUDING ALL) PARTITION BY HASH (%[2]s);
			CREATE TABLE %[1]s_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
			CREATE TABLE %[1]s_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
			DROP TABLE %[1]s;
			ALTER TABLE parts RENAME TO %[1]s`, table, key))
	}
	s := indexed(t, openAddress(t, address, patient))
	w := chattest.NewWorld(t, s)
	a, b, c := chattest.User(0), chattest.User(1), chattest.User(2)
	const rooms = 6
	for i := range rooms {
		room := chattest.Room(i)
		w.Do(chattest.Create(chat.Group, room, a, b), chattest.Send(room, a, "one", "needle"), chattest.Send(room, b, "two", "hay"))
		w.Do(chattest.Edit(room, a, 2, "needle again"), chattest.React(room, b, 2, "+1", true), chattest.Pin(room, a, 3, true),
			chattest.Add(room, a, c), chattest.Send(room, c, "three", "gone"), chattest.Delete(room, c, 8), chattest.Remove(room, a, c))
		if again := w.Try(chattest.Send(room, a, "one", "needle")); !again[0].Repeated || again[0].Entry.Seq != 2 {
			t.Errorf("sent again: got %+v, want the first entry", again[0])
		}
		chattest.WantLog(t, s, room, 10)
		if v, err := s.Conversation(t.Context(), b, room); err != nil || v.Seq != 10 || v.Members != 2 {
			t.Errorf("got %+v, %v, want 10 entries and two members", v, err)
		}
	}
	direct := chattest.CreateDirect(a, b)
	call := chattest.Call(direct.ConversationID, a, "call", a, b)
	w.Do(direct, call)
	if again := w.Try(call); !again[0].Repeated {
		t.Errorf("a call noted again: got %+v, want the first entry", again[0])
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		page, err := s.Search(t.Context(), a, chat.SearchQuery{Words: []string{"needle"}, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == rooms {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("found %d messages, want %d", len(page.Items), rooms)
		}
	}
}
