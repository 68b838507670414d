package chat

// Conversation is the head of a conversation: all that is true of it as a
// whole after its last entry. Its size does not grow with the log.
type Conversation struct {
	ID        ConversationID   `json:"id"`
	Kind      ConversationKind `json:"kind"`
	Title     string           `json:"title"`
	AvatarID  FileID           `json:"avatar_id,omitzero"`
	CreatedBy UserID           `json:"created_by"`
	CreatedAt Time             `json:"created_at"`
	// Seq is the number of the last entry.
	Seq Seq `json:"seq"`
	// Messages counts the messages ever sent, deleted ones too: the ordinal of
	// the last one. Unread counts are differences of ordinals.
	Messages int64 `json:"messages"`
	// LastMessage is the seq of the last message, zero if there is none.
	LastMessage Seq `json:"last_message"`
	// ActiveAt is the time of the last message or call, or of the creation: lists
	// are ordered by it.
	ActiveAt Time `json:"active_at"`
	Members  int  `json:"members"`
	Owners   int  `json:"owners"`
	// Pins counts the pinned messages.
	Pins int `json:"pins,omitempty"`
	// Blocks says who of the two people of a direct conversation takes no messages
	// of the other.
	Blocks Blocks `json:"blocks,omitempty"`
}

// Blocks says who of the two people of a direct conversation blocks the other.
type Blocks uint8

// The bits of Blocks.
const (
	blockedByCreator Blocks = 1 << iota // who began the conversation
	blockedByOther
)

// blockOf is the bit of one of the two people.
func (c *Conversation) blockOf(user UserID) Blocks {
	if user == c.CreatedBy {
		return blockedByCreator
	}
	return blockedByOther
}

// Blocking reports whether one of the two people of a direct conversation blocks the other.
func (c *Conversation) Blocking(user UserID) bool { return c.Blocks&c.blockOf(user) != 0 }

// Blocked reports whether one of the two people is blocked by the other.
func (c *Conversation) Blocked(user UserID) bool { return c.Blocks&^c.blockOf(user) != 0 }

// MessageState is what later entries may change about a message, and what
// decisions about it need.
type MessageState struct {
	Seq      Seq
	SenderID UserID
	Ordinal  int64
	// Text is the present text once the message was edited; see EditedAt.
	Text      string
	EditedAt  Time // zero: as it was sent
	DeletedAt Time // zero: not deleted
	PinnedAt  Time // zero: not pinned
	// Reactions holds, for each emoji in the order they appeared, who gave it.
	Reactions []Reaction
	// Edits are the seqs of its edit entries, to be redacted when it is deleted.
	Edits []Seq
}

// Reaction is one emoji on a message and who gave it, in the order they did.
type Reaction struct {
	Emoji   string   `json:"emoji"`
	UserIDs []UserID `json:"user_ids"`
}

// SentKey is the idempotency key of a message, or of a call, within its conversation.
type SentKey struct {
	SenderID UserID
	ClientID string
	Call     bool // calls have keys of their own
}

// SentKey gives the key under which a message or a call is found again; false for
// other commands, which have none.
func (c *Command) SentKey() (SentKey, bool) {
	key := SentKey{SenderID: c.ActorID, ClientID: c.ClientID, Call: c.Kind == CmdCall}
	return key, key.Call || c.Kind == CmdSend
}

// SentKey gives the key of a message or a call.
func (e *Entry) SentKey() SentKey {
	return SentKey{SenderID: e.SenderID, ClientID: e.ClientID, Call: e.Kind == KindCall}
}

// Needs says which facts Apply has to know to decide a command. They are few,
// whatever the size of the conversation.
type Needs struct {
	Members  []UserID
	Messages []Seq
	Sent     []SentKey
	// Likely asks, besides, for what later commands will probably need, so that they
	// need not be kept waiting: the members, where there are no more than
	// LikelyMembers, and the messages among the last LikelyEntries entries. It is a
	// wish: a journal may give less.
	Likely bool
}

// How far the wish for likely facts goes.
const (
	LikelyMembers = 32
	LikelyEntries = 64
)

// Needs names the facts that this command's decision depends on, besides the
// head of its conversation.
func (c *Command) Needs() Needs {
	key, sent := c.SentKey()
	n := Needs{Members: []UserID{c.ActorID}}
	if !key.Call { // who took part in a call is no question
		n.Members = append(append(n.Members, c.UserIDs...), c.Mentions...)
	}
	if sent {
		n.Sent = []SentKey{key}
	}
	if c.Kind == CmdSend && c.ReplyTo > 0 {
		n.Messages = []Seq{c.ReplyTo}
	}
	if c.Target > 0 {
		n.Messages = append(n.Messages, c.Target)
	}
	return n
}

// State is the part of one conversation that a batch of commands works on. The
// owner of the partition fills it from the store and Apply changes it. It is
// not safe for concurrent use.
//
// A key that is present in a map with a nil value means: looked up, does not
// exist. A key that is absent means: not loaded, and Apply must not be called
// with a command that needs it.
type State struct {
	ID       ConversationID
	Head     *Conversation // nil: the conversation does not exist
	Members  map[UserID]*Member
	Messages map[Seq]*MessageState
	Sent     map[SentKey]*Entry
}

// NewState makes an empty state: the conversation does not exist, nothing is loaded.
func NewState(id ConversationID) *State {
	return &State{
		ID:       id,
		Members:  make(map[UserID]*Member),
		Messages: make(map[Seq]*MessageState),
		Sent:     make(map[SentKey]*Entry),
	}
}

// Missing gives the part of n that is not loaded. A message whose client id is
// above all that its sender used before has no earlier copy to look for.
func (s *State) Missing(n Needs) Needs {
	var out Needs
	for _, id := range n.Members {
		if _, ok := s.Members[id]; !ok {
			out.Members = append(out.Members, id)
		}
	}
	for _, seq := range n.Messages {
		if _, ok := s.Messages[seq]; !ok {
			out.Messages = append(out.Messages, seq)
		}
	}
	for _, key := range n.Sent {
		if m := s.Members[key.SenderID]; !key.Call && m != nil && key.ClientID > m.LastClientID {
			continue // never used before
		}
		if _, ok := s.Sent[key]; !ok {
			out.Sent = append(out.Sent, key)
		}
	}
	return out
}

// Empty reports whether nothing is named.
func (n Needs) Empty() bool { return len(n.Members)+len(n.Messages)+len(n.Sent) == 0 }

// Change is what one applied command changes, in terms of facts, so that a
// store writes what it is told and holds no rules. Everything in it is a value
// as of after the command; later changes of the same batch supersede earlier ones.
type Change struct {
	Entry *Entry
	// Head is the conversation after the entry.
	Head Conversation
	// PutMembers are members that are new or whose role changed.
	PutMembers []Member
	// RemoveMembers are people who are not members any more.
	RemoveMembers []UserID
	// PutMessage is set when the state of an older message changed. It is a copy.
	PutMessage *MessageState
	// Redact are entries that are to be redacted (Entry.Redact).
	Redact []Seq
}
