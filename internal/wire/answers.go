package wire

import (
	"encoding/json"

	"github.com/parley-chat/parley/internal/chat"
)

// Ready is the first event of a connection: everything that happens later
// reaches the client by itself; what moved while it was away is in heads_changed.
type Ready struct {
	User         Me                    `json:"user"`
	Cursor       string                `json:"cursor" doc:"give it as auth.cursor when connecting again, or to GET /api/v1/sync"`
	HeadsChanged []chat.Head           `json:"heads_changed" doc:"conversations that moved since auth.cursor; empty without one"`
	Gone         []chat.ConversationID `json:"gone,omitempty" doc:"conversations that one left, or was removed from, since auth.cursor"`
	ServerTime   chat.Time             `json:"server_time"`
}

// Typing is the payload of the server's typing event.
type Typing struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	UserID         chat.UserID         `json:"user_id"`
	On             bool                `json:"on"`
}

// Presence is the payload of presence, and an item of the answer to presence.watch.
type Presence struct {
	UserID     chat.UserID `json:"user_id"`
	Online     bool        `json:"online"`
	LastSeenAt *chat.Time  `json:"last_seen_at" doc:"null while it is unknown or hidden"`
}

// ConversationGone is the payload of conversation when the reader is not a
// member any more.
type ConversationGone struct {
	ID   chat.ConversationID `json:"id"`
	Gone bool                `json:"gone" doc:"always true"`
}

// Profile is the payload of profile: the reader's own account changed.
type Profile struct {
	User Me `json:"user"`
}

// Block is the payload of block: the reader blocks a person, or does so no longer.
type Block struct {
	UserID chat.UserID `json:"user_id"`
	On     bool        `json:"on"`
}

// Reconnect is the payload of reconnect: this node stops; come back after a
// pause that differs from client to client.
type Reconnect struct {
	AfterMS int `json:"after_ms" doc:"milliseconds to wait before connecting again"`
}

// Empty is a payload or an answer without fields.
type Empty struct{}

// Connect is what a client gives as auth when it connects.
type Connect struct {
	Token  string `json:"token,omitempty" doc:"a session token; absent when the session cookie is sent"`
	Cursor string `json:"cursor,omitempty" doc:"the cursor of the last ready or sync"`
}

// EntryAnswer is the answer to message.edit, message.delete and reaction.set.
type EntryAnswer struct {
	Entry json.RawMessage `json:"entry" wire:"Entry,null" doc:"null when there was nothing to change"`
}

// SendAnswer is the answer to message.send.
type SendAnswer struct {
	Entry    json.RawMessage `json:"entry" wire:"Entry"`
	Repeated bool            `json:"repeated,omitempty" doc:"the message had been sent before; the entry is the first one"`
}

// WatchAnswer is the answer to presence.watch.
type WatchAnswer struct {
	Presence []Presence `json:"presence"`
}

// EntriesAnswer is the answer to entries.after.
type EntriesAnswer struct {
	Entries []json.RawMessage `json:"entries" wire:"Entry"`
	Head    chat.Seq          `json:"head" doc:"the last seq of the conversation; ask again while entries end before it"`
}

// Error is what a refused request is answered with, in acks and in connect_error.
type Error struct {
	Code         chat.Code         `json:"code"`
	Message      string            `json:"message"`
	Reason       string            `json:"reason,omitempty" doc:"narrows the code down"`
	RetryAfterMS int64             `json:"retry_after_ms,omitempty"`
	Fields       map[string]string `json:"fields,omitempty" doc:"what is wrong with each faulty field"`
}

// ErrorOf shows an error to a caller; what is not meant for one becomes internal.
func ErrorOf(err error) Error {
	e := chat.AsError(err)
	return Error{
		Code: e.Code, Message: e.Message, Reason: e.Reason,
		RetryAfterMS: e.RetryAfter.Milliseconds(), Fields: e.Fields,
	}
}

// AckError builds the acknowledgement of a refused request.
func AckError(err error) json.RawMessage {
	data, merr := json.Marshal(struct {
		OK    bool  `json:"ok"`
		Error Error `json:"error"`
	}{false, ErrorOf(err)})
	if merr != nil { // strings and numbers only: cannot happen
		return json.RawMessage(`{"ok":false,"error":{"code":"internal","message":"` + chat.ErrInternal.Message + `"}}`)
	}
	return data
}

// AckData builds the acknowledgement of an accepted request.
func AckData(data any) (json.RawMessage, error) {
	return json.Marshal(struct { //nolint:wrapcheck // one of this package's own types
		OK   bool `json:"ok"`
		Data any  `json:"data"`
	}{true, data})
}

// AckEntry builds the acknowledgement that carries an entry's canonical JSON
// (nil: nothing changed) as it is: no byte of it is looked at again.
func AckEntry(entry []byte, repeated bool) json.RawMessage {
	if entry == nil {
		return json.RawMessage(`{"ok":true,"data":{"entry":null}}`)
	}
	const head, tail, again = `{"ok":true,"data":{"entry":`, `}}`, `,"repeated":true}}`
	b := make([]byte, 0, len(head)+len(entry)+len(again))
	b = append(b, head...)
	b = append(b, entry...)
	if repeated {
		return append(b, again...)
	}
	return append(b, tail...)
}
