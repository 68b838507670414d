package wire

import "github.com/parley-chat/parley/internal/chat"

// The types below say what an entry of each kind looks like, for documents and
// clients. The server itself never encodes them: entries leave it as the bytes that
// package chat made. A test holds the two together.

// EntryBase is what every entry has. Clients skip kinds that they do not know.
type EntryBase struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	Seq            chat.Seq            `json:"seq" doc:"place in the conversation's log, from 1 without a gap"`
	At             chat.Time           `json:"at"`
	SenderID       chat.UserID         `json:"sender_id"`
	Kind           chat.Kind           `json:"kind"`
}

// CreatedEntry begins a conversation.
type CreatedEntry struct {
	EntryBase
	ConversationKind chat.ConversationKind `json:"conversation_kind"`
	Title            string                `json:"title"`
	AvatarID         chat.FileID           `json:"avatar_id,omitzero" doc:"absent: none"`
	UserIDs          []chat.UserID         `json:"user_ids" doc:"the first members"`
}

// MessageEntry is a message as it was sent.
type MessageEntry struct {
	EntryBase
	ClientID    string            `json:"client_id,omitempty"`
	Ordinal     int64             `json:"ordinal" doc:"number among the conversation's messages, from 1"`
	Text        string            `json:"text"`
	ReplyTo     chat.Seq          `json:"reply_to,omitempty"`
	Attachments []chat.Attachment `json:"attachments"`
	Mentions    []chat.UserID     `json:"mentions,omitempty" doc:"members who are to be told; absent: none"`
	Redacted    bool              `json:"redacted,omitempty" doc:"the message was deleted; its text and files are gone"`
}

// EditEntry gives a message a new text.
type EditEntry struct {
	EntryBase
	Target   chat.Seq `json:"target" doc:"the message"`
	Text     string   `json:"text"`
	Redacted bool     `json:"redacted,omitempty" doc:"the message was deleted later"`
}

// DeleteEntry deletes a message for everyone.
type DeleteEntry struct {
	EntryBase
	Target chat.Seq `json:"target" doc:"the message"`
}

// ReactionEntry gives a reaction, or takes it back.
type ReactionEntry struct {
	EntryBase
	Target chat.Seq `json:"target" doc:"the message"`
	Emoji  string   `json:"emoji"`
	On     bool     `json:"on"`
}

// MemberAddedEntry makes people members.
type MemberAddedEntry struct {
	EntryBase
	UserIDs []chat.UserID `json:"user_ids"`
	Role    chat.Role     `json:"role"`
}

// MemberRemovedEntry ends somebody's membership. It is the last thing that they
// receive of the conversation.
type MemberRemovedEntry struct {
	EntryBase
	UserIDs []chat.UserID `json:"user_ids"`
}

// RoleEntry changes a member's role.
type RoleEntry struct {
	EntryBase
	UserIDs []chat.UserID `json:"user_ids"`
	Role    chat.Role     `json:"role"`
}

// UpdatedEntry gives the conversation's title and picture as they are from now on.
type UpdatedEntry struct {
	EntryBase
	Title    string      `json:"title"`
	AvatarID chat.FileID `json:"avatar_id,omitzero" doc:"absent: none"`
}

// PinEntry pins a message, or takes the pin out.
type PinEntry struct {
	EntryBase
	Target chat.Seq `json:"target" doc:"the message"`
	On     bool     `json:"on"`
}

// BlockEntry says, in a direct conversation, that its sender takes no messages of
// the other person, or takes them again.
type BlockEntry struct {
	EntryBase
	On bool `json:"on"`
}

// CallEntry says that a call has ended; its sender is who called.
type CallEntry struct {
	EntryBase
	ClientID string           `json:"client_id" doc:"the id of the call"`
	UserIDs  []chat.UserID    `json:"user_ids" doc:"who took part, in the order in which they came; nobody if it was not answered"`
	Call     chat.CallSummary `json:"call"`
}
