package chat

import "context"

// Views is the reading side of the store, and the receipts. All methods are safe
// for concurrent use; they give ErrNotFound for what does not exist, and do not
// decide permissions (see package service), but honour visibleFrom where given.
type Views interface {
	// Conversation gives a conversation as one member sees it; ErrNotFound for others.
	Conversation(ctx context.Context, user UserID, id ConversationID) (*ConversationView, error)
	// Conversations lists a person's conversations, last active first, at most
	// limit (1 to 200) of them, from the cursor on ("" is the start).
	Conversations(ctx context.Context, user UserID, cursor string, limit int) (Page[ConversationView], error)
	// Moved lists the heads of a person's conversations whose log or receipts
	// moved at since or later, in no order. It may give more, never less.
	Moved(ctx context.Context, user UserID, since Time) ([]Head, error)
	// Departed gives the conversations that a person left, or was removed from, at
	// since or later, and is no member of now, in no order. It may give more, never less.
	Departed(ctx context.Context, user UserID, since Time) ([]ConversationID, error)
	// Memberships gives all conversations of a person. It costs one index range, no sorting.
	Memberships(ctx context.Context, user UserID) ([]Membership, error)
	// Member gives one member, with the kind of the conversation, or ErrNotFound.
	Member(ctx context.Context, id ConversationID, user UserID) (*Member, ConversationKind, error)
	// Members lists members with their names, owners first, then by joining.
	Members(ctx context.Context, id ConversationID, cursor string, limit int) (Page[MemberView], error)
	// FindMembers lists members whose username begins with a text, or whose name holds
	// it, at most limit: first those that begin with it, by name. Case does not count.
	FindMembers(ctx context.Context, id ConversationID, text string, limit int) ([]MemberView, error)
	// Messages gives folded messages, ascending by seq.
	Messages(ctx context.Context, id ConversationID, q MessageQuery) ([]Message, error)
	// Entries gives the raw log after a seq as canonical JSON, ascending, without
	// a gap, at most limit (1 to 1,000) entries and about maxBytes bytes.
	Entries(ctx context.Context, id ConversationID, after Seq, limit, maxBytes int) ([]RawEntry, error)
	// Heads gives the last seq of each conversation; unknown ones are left out.
	Heads(ctx context.Context, ids []ConversationID) (map[ConversationID]Seq, error)
	// Advance moves receipts forward, never back, never beyond the head, in one
	// transaction; receipts of people who are not members are ignored. It gives
	// the others as they are now, each (conversation, person) once.
	Advance(ctx context.Context, at Time, receipts []Receipt) ([]Advanced, error)
	// Receipts gives the receipts of a conversation's members, at most limit,
	// furthest read first, skipping those who have not got to atLeast.
	Receipts(ctx context.Context, id ConversationID, atLeast Seq, limit int) ([]Receipt, error)
	// ReceiptCounts counts the members, one left out, who have got the entry at
	// seq, and those of them who have read up to it. It is asked for large
	// conversations, when somebody looks.
	ReceiptCounts(ctx context.Context, id ConversationID, seq Seq, except UserID) (delivered, seen int, err error)
	// FileHolder reports whether the person may see a message that holds the file.
	FileHolder(ctx context.Context, user UserID, file FileID) (bool, error)
}

// Page is one part of a list. Next is the cursor of the following part, "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}

// Head is where a conversation stands for one person.
type Head struct {
	ConversationID ConversationID `json:"conversation_id"`
	LastSeq        Seq            `json:"last_seq"`
	DeliveredSeq   Seq            `json:"delivered_seq"`
	ReadSeq        Seq            `json:"read_seq"`
	Unread         int64          `json:"unread"`
	// Mentions counts the unread messages that mention the person.
	Mentions int64 `json:"mentions,omitempty"`
}

// ConversationView is a conversation as one member sees it.
type ConversationView struct {
	Conversation
	Head
	// Reader is the member whose view it is.
	Reader      UserID
	Role        Role
	VisibleFrom Seq
	Preferences Preferences
	// Peer is the other person of a direct conversation (oneself, if alone).
	Peer *User
	// LastEntry is the canonical JSON of the last entry.
	LastEntry []byte
	// LastMessage is the last message, folded; nil if none is visible.
	LastMessage *Message
	// Receipts of the others, for ticks: empty above MaxReceiptMembers.
	Receipts []Receipt
}

// Membership is what live delivery has to know of one conversation of a person.
type Membership struct {
	ConversationID ConversationID
	Kind           ConversationKind
	VisibleFrom    Seq
	Head           Seq
	Members        int
}

// MemberView is a member with their public profile.
type MemberView struct {
	Member
	User User
}

// MessageQuery selects a page of messages. At most one of Before, After and
// Around is set; none of them means the newest. Limit is 1 to 200. Messages below
// VisibleFrom do not exist.
type MessageQuery struct {
	Before, After, Around Seq
	Limit                 int
	VisibleFrom           Seq
}

// RawEntry is an entry as it is stored.
type RawEntry struct {
	Seq  Seq
	JSON []byte
}

// Receipt is how far one member has got. Both numbers only grow;
// ReadSeq <= DeliveredSeq <= the conversation's last seq.
type Receipt struct {
	ConversationID ConversationID `json:"conversation_id"`
	UserID         UserID         `json:"user_id"`
	DeliveredSeq   Seq            `json:"delivered_seq"`
	ReadSeq        Seq            `json:"read_seq"`
}

// Advanced is a receipt as it is after Views.Advance.
type Advanced struct {
	Receipt
	// Moved is false where the receipt was there already, or further.
	Moved bool
	// Members is the number of the conversation's members.
	Members int
}
