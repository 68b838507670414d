package chat

// Seq numbers the entries of one conversation from 1, without a gap. It is
// below 2^53. Zero means "before the first".
type Seq int64

// Kind says what an entry is about. The set is closed; clients skip kinds that
// they do not know.
type Kind string

// The kinds of entries.
const (
	KindCreated       Kind = "created"        // the conversation begins: conversation_kind, title, avatar_id, user_ids
	KindMessage       Kind = "message"        // ordinal, text, reply_to, attachments, mentions
	KindEdit          Kind = "edit"           // target, text
	KindDelete        Kind = "delete"         // target
	KindReaction      Kind = "reaction"       // target, emoji, on
	KindMemberAdded   Kind = "member_added"   // user_ids, role
	KindMemberRemoved Kind = "member_removed" // user_ids
	KindRole          Kind = "role"           // user_ids, role
	KindUpdated       Kind = "updated"        // title and avatar as they are from now on
	KindPin           Kind = "pin"            // target, on
	KindBlock         Kind = "block"          // on: the sender takes no messages of the other person
	KindCall          Kind = "call"           // a call that has ended: client_id, user_ids (who took part), call
)

// ConversationKind says how a conversation behaves.
type ConversationKind string

// The kinds of conversations.
const (
	// Direct is a conversation of two people, or of one with themselves. Its
	// members never change.
	Direct ConversationKind = "direct"
	// Group shows new members what was said from their joining on.
	Group ConversationKind = "group"
	// Channel shows new members its whole history.
	Channel ConversationKind = "channel"
)

// Attachment is a file as a message names it. It is fixed when the message is sent.
type Attachment struct {
	ID     FileID `json:"id"`
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	MIME   string `json:"mime"`
	Width  int    `json:"width,omitempty"`  // pixels, for images
	Height int    `json:"height,omitempty"` // pixels, for images
	Thumb  bool   `json:"thumb,omitempty"`  // a thumbnail can be fetched
}

// Entry is one committed fact of a conversation's log. Which fields count
// depends on Kind; the others are zero. An entry never changes, with one
// exception: when a message is deleted its text, attachments and mentions are
// taken out of the log too, and Redacted is set (see Redact).
type Entry struct {
	ConversationID ConversationID `json:"conversation_id"`
	Seq            Seq            `json:"seq"`
	At             Time           `json:"at"`
	SenderID       UserID         `json:"sender_id"`
	Kind           Kind           `json:"kind"`
	ClientID       string         `json:"client_id,omitempty"`

	Ordinal     int64        `json:"ordinal,omitempty"` // number among the conversation's messages, from 1
	Text        string       `json:"text,omitempty"`
	ReplyTo     Seq          `json:"reply_to,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Mentions    []UserID     `json:"mentions,omitempty"`
	Redacted    bool         `json:"redacted,omitempty"`

	Target Seq    `json:"target,omitempty"`
	Emoji  string `json:"emoji,omitempty"`
	On     bool   `json:"on,omitempty"`

	ConversationKind ConversationKind `json:"conversation_kind,omitempty"`
	UserIDs          []UserID         `json:"user_ids,omitempty"`
	Role             Role             `json:"role,omitempty"`
	Title            string           `json:"title,omitempty"`
	AvatarID         FileID           `json:"avatar_id,omitzero"`

	Call *CallSummary `json:"call,omitempty"`
}

// Redact takes out of the entry what a deleted message leaves nothing of.
func (e *Entry) Redact() {
	e.Text, e.Attachments, e.Mentions, e.Redacted = "", nil, nil, true
}

// Message is a message as it is shown: its entry with the later edits, deletion
// and reactions folded in.
type Message struct {
	ConversationID ConversationID      `json:"conversation_id"`
	Seq            Seq                 `json:"seq"`
	At             Time                `json:"at"`
	SenderID       UserID              `json:"sender_id"`
	Kind           Kind                `json:"kind"`
	ClientID       string              `json:"client_id"`
	Ordinal        int64               `json:"ordinal"`
	Text           string              `json:"text"`
	ReplyTo        Seq                 `json:"reply_to,omitempty"`
	Attachments    []Attachment        `json:"attachments"`
	Mentions       []UserID            `json:"mentions,omitempty"`
	EditedAt       Time                `json:"edited_at,omitzero"`
	DeletedAt      Time                `json:"deleted_at,omitzero"`
	PinnedAt       Time                `json:"pinned_at,omitzero"`
	Reactions      map[string][]UserID `json:"reactions"` // by emoji, in the order they were given
}
