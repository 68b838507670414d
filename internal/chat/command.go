package chat

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// CommandKind names a request to change a conversation. The set is closed.
type CommandKind string

// The commands.
const (
	CmdCreate       CommandKind = "conversation.create" // ConversationKind, Title, AvatarID, UserIDs (without the actor)
	CmdUpdate       CommandKind = "conversation.update" // Title, AvatarID; nil leaves as it is
	CmdSend         CommandKind = "message.send"        // ClientID, Text, ReplyTo, Attachments, Mentions
	CmdEdit         CommandKind = "message.edit"        // Target, Text
	CmdDelete       CommandKind = "message.delete"      // Target
	CmdReact        CommandKind = "reaction.set"        // Target, Emoji, On
	CmdAddMembers   CommandKind = "member.add"          // UserIDs
	CmdRemoveMember CommandKind = "member.remove"       // UserIDs, exactly one; oneself means leave
	CmdSetRole      CommandKind = "member.role"         // UserIDs, exactly one; Role
	CmdJoin         CommandKind = "member.join"         // the actor, whose invitation the edge has checked
	CmdPin          CommandKind = "message.pin"         // Target, On
	CmdBlock        CommandKind = "direct.block"        // On: the actor takes no messages of the other person
	CmdCall         CommandKind = "call.log"            // ClientID, UserIDs (who took part), Call; the actor is who called
)

// Command is a request to change one conversation. The edge fixes ids and time,
// so that whoever applies it computes the same result. Which fields count
// depends on Kind.
type Command struct {
	Kind           CommandKind    `json:"kind"`
	ConversationID ConversationID `json:"conversation_id"`
	ActorID        UserID         `json:"actor_id"`
	At             Time           `json:"at"`
	// ClientID is the idempotency key of a message: the same (conversation,
	// actor, client id) is one entry for ever. Of a call it is the call's id, a key
	// of its own: a message may have the same.
	ClientID string `json:"client_id,omitempty"`

	Text        string       `json:"text,omitempty"`
	ReplyTo     Seq          `json:"reply_to,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	// Mentions are people who are to be told; who is no member is left out.
	Mentions []UserID `json:"mentions,omitempty"`

	Target Seq    `json:"target,omitempty"`
	Emoji  string `json:"emoji,omitempty"`
	On     bool   `json:"on,omitempty"`

	ConversationKind ConversationKind `json:"conversation_kind,omitempty"`
	UserIDs          []UserID         `json:"user_ids,omitempty"`
	Role             Role             `json:"role,omitempty"`
	Title            *string          `json:"title,omitempty"`
	AvatarID         *FileID          `json:"avatar_id,omitempty"`

	Call *CallSummary `json:"call,omitempty"`
}

// Record is a command on its way through the log.
type Record struct {
	ID      RecordID `json:"id"`
	Rules   int      `json:"rules"`
	Node    string   `json:"node"` // who waits for the outcome
	Command Command  `json:"command"`
	// Offset is the record's place in its partition. The log sets it.
	Offset int64 `json:"-"`
}

// Outcome is what became of a record.
type Outcome struct {
	RecordID RecordID
	Node     string
	// Entry is the entry that the command made. For a command that was applied
	// before it is the first one; it is nil when there was nothing to change.
	// Shared: not to be modified.
	Entry *Entry
	// JSON is the canonical JSON of Entry. Shared: not to be modified.
	JSON []byte
	// Repeated says that the command had been applied before, or changes nothing.
	Repeated bool
	// Err is set when the command was refused.
	Err *Error
}

// Validate checks the shape and the size of a command: everything that can be
// told without looking at the conversation. The edge calls it before a command
// enters the log; Apply calls it again, for a log may hold anything.
func (c *Command) Validate() *Error {
	switch {
	case c.ConversationID.IsZero():
		return Invalid("conversation_id", "is missing")
	case c.ActorID.IsZero():
		return ErrUnauthenticated
	}
	switch c.Kind {
	case CmdSend:
		return c.validateSend()
	case CmdEdit:
		return firstError(validTarget(c.Target), validText("text", c.Text, true))
	case CmdDelete, CmdPin:
		return validTarget(c.Target)
	case CmdJoin, CmdBlock:
		return nil
	case CmdCall:
		return c.validateCall()
	case CmdReact:
		return firstError(validTarget(c.Target), validEmoji(c.Emoji))
	case CmdCreate:
		return c.validateCreate()
	case CmdUpdate:
		if c.Title == nil && c.AvatarID == nil {
			return Invalid("title", "nothing to change")
		}
		return validTitle(c.Title)
	case CmdAddMembers:
		return c.validUsers(1, MaxMembersPerCommand)
	case CmdRemoveMember:
		return c.validUsers(1, 1)
	case CmdSetRole:
		if !c.Role.Valid() {
			return Invalid("role", "must be owner, admin or member")
		}
		return c.validUsers(1, 1)
	default:
		return Invalid("kind", "unknown command")
	}
}

func (c *Command) validateSend() *Error {
	if err := validClientID(c.ClientID); err != nil {
		return err
	}
	switch {
	case c.ReplyTo < 0 || c.ReplyTo > MaxSeq:
		return Invalid("reply_to", "is not a seq")
	case len(c.Attachments) > MaxAttachments:
		return &Error{Code: CodeTooLarge, Message: "A message holds at most 10 files.", Fields: map[string]string{"attachments": "too many"}}
	}
	if err := c.validMentions(); err != nil {
		return err
	}
	seen := make(map[FileID]bool, len(c.Attachments))
	for _, a := range c.Attachments {
		if a.ID.IsZero() || seen[a.ID] {
			return Invalid("attachments", "a file is missing its id or is named twice")
		}
		seen[a.ID] = true
	}
	return validText("text", c.Text, len(c.Attachments) == 0)
}

func (c *Command) validMentions() *Error {
	if len(c.Mentions) > MaxMentions {
		return &Error{Code: CodeTooLarge, Message: "A message mentions at most 50 people.", Fields: map[string]string{"mentions": "too many"}}
	}
	for i, id := range c.Mentions {
		if id.IsZero() || slices.Contains(c.Mentions[:i], id) {
			return Invalid("mentions", "an id is missing or named twice")
		}
	}
	return nil
}

func (c *Command) validateCreate() *Error {
	if err := c.validUsers(0, MaxMembersPerCommand); err != nil {
		return err
	}
	switch c.ConversationKind {
	case Direct:
		if len(c.UserIDs) != 1 {
			return Invalid("user_id", "a direct conversation is with one person")
		}
		if c.ConversationID != DirectID(c.ActorID, c.UserIDs[0]) {
			return Invalid("conversation_id", "is not the one of these two people")
		}
		return nil
	case Group, Channel:
		if c.Title == nil {
			return Invalid("title", "is missing")
		}
		return validTitle(c.Title)
	default:
		return Invalid("kind", "must be direct, group or channel")
	}
}

func (c *Command) validUsers(least, most int) *Error {
	if len(c.UserIDs) < least {
		return Invalid("user_ids", "is missing")
	}
	if len(c.UserIDs) > most {
		return &Error{Code: CodeTooLarge, Message: "Too many people in one request.", Fields: map[string]string{"user_ids": "too many"}}
	}
	for _, id := range c.UserIDs {
		if id.IsZero() {
			return Invalid("user_ids", "an id is missing")
		}
	}
	return nil
}

func validClientID(id string) *Error {
	switch {
	case id == "":
		return Invalid("client_id", "is missing")
	case len(id) > MaxClientIDBytes:
		return Invalid("client_id", "is longer than 64 bytes")
	case !printable(id):
		return Invalid("client_id", "has control characters or is not UTF-8")
	}
	return nil
}

func validTarget(seq Seq) *Error {
	if seq < 1 || seq > MaxSeq {
		return Invalid("seq", "is not a seq")
	}
	return nil
}

func validText(field, text string, needed bool) *Error {
	switch {
	case len(text) > MaxTextBytes:
		return &Error{Code: CodeTooLarge, Message: "A message holds at most 16 KiB of text.", Fields: map[string]string{field: "is longer than 16 KiB"}}
	case !utf8.ValidString(text):
		return Invalid(field, "is not UTF-8")
	case strings.ContainsRune(text, 0):
		return Invalid(field, "has a NUL character")
	case needed && strings.TrimSpace(text) == "":
		return Invalid(field, "is empty")
	}
	return nil
}

func validTitle(title *string) *Error {
	if title == nil {
		return nil
	}
	switch {
	case len(*title) > 4*MaxTitleRunes || utf8.RuneCountInString(*title) > MaxTitleRunes:
		return Invalid("title", "is longer than 200 characters")
	case strings.TrimSpace(*title) == "":
		return Invalid("title", "is empty")
	case !printable(*title):
		return Invalid("title", "has control characters or is not UTF-8")
	}
	return nil
}

func validEmoji(emoji string) *Error {
	switch {
	case emoji == "":
		return Invalid("emoji", "is missing")
	case len(emoji) > MaxEmojiBytes:
		return Invalid("emoji", "is longer than 64 bytes")
	case !printable(emoji) || strings.ContainsAny(emoji, " <>&\"'\\/"):
		return Invalid("emoji", "is not an emoji")
	}
	return nil
}

// printable reports whether s is UTF-8 without control characters.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return false
		}
	}
	return true
}

func firstError(errs ...*Error) *Error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
