package chat

import "context"

const (
	// MaxBlocks bounds the people whom one person blocks.
	MaxBlocks = 1_000
	// MaxInvites bounds the live invitations of one conversation.
	MaxInvites = 100
)

// BlockList keeps who takes no messages of whom, wherever they meet. In their direct
// conversation its log decides (CmdBlock). Safe for concurrent use.
type BlockList interface {
	// SetBlock notes that a person blocks another, or does so no longer, and
	// reports whether that is new. The block that would be one too many gives ErrTooLarge.
	SetBlock(ctx context.Context, user, other UserID, on bool, at Time) (changed bool, err error)
	// Blocked lists whom a person blocks, the last one first.
	Blocked(ctx context.Context, user UserID, cursor string, limit int) (Page[BlockedUser], error)
	// Hidden gives everybody whom a person blocks, and everybody who blocks them.
	Hidden(ctx context.Context, user UserID) ([]UserID, error)
	// Blockers gives those of some people who block a person.
	Blockers(ctx context.Context, user UserID, among []UserID) ([]UserID, error)
}

// BlockedUser is somebody who is blocked.
type BlockedUser struct {
	User User
	At   Time
}

// NotifyLevel says of what somebody wants to be told in a conversation.
type NotifyLevel string

// The levels.
const (
	NotifyAll      NotifyLevel = "all"
	NotifyMentions NotifyLevel = "mentions"
	NotifyNone     NotifyLevel = "none"
)

// Valid reports whether l is one of the levels.
func (l NotifyLevel) Valid() bool {
	return l == NotifyAll || l == NotifyMentions || l == NotifyNone
}

// Preferences are how one person wants a conversation shown and told of. Nobody
// else sees them. The zero value, with level NotifyAll, is what holds unless said.
type Preferences struct {
	MutedUntil Time // zero: not muted
	Notify     NotifyLevel
	Pinned     bool
	Archived   bool
}

// PreferenceStore keeps preferences. Safe for concurrent use. They stay when
// somebody leaves, and count again when they come back.
type PreferenceStore interface {
	// UpdatePreferences changes them in one transaction, and gives them as they are then.
	UpdatePreferences(ctx context.Context, user UserID, id ConversationID, change func(*Preferences)) (Preferences, error)
}

// Invite is a link by which people join a group or a channel. The token itself is
// not kept, only its SHA-256.
type Invite struct {
	ID             InviteID
	ConversationID ConversationID
	TokenHash      [32]byte
	CreatedBy      UserID
	CreatedAt      Time
	ExpiresAt      Time // zero: never
	MaxUses        int  // zero: any number
	Uses           int
}

// Invites keeps invitations. One that has expired or is used up does not exist any
// more, for any method. Safe for concurrent use.
type Invites interface {
	// CreateInvite gives ErrTooLarge when the conversation has MaxInvites live ones.
	CreateInvite(ctx context.Context, i *Invite) error
	InviteByToken(ctx context.Context, hash [32]byte, now Time) (*Invite, error)
	// ListInvites lists those of a conversation, the last one first.
	ListInvites(ctx context.Context, id ConversationID, now Time, cursor string, limit int) (Page[Invite], error)
	// DeleteInvite gives ErrNotFound when the conversation has no such invitation.
	DeleteInvite(ctx context.Context, id ConversationID, invite InviteID) error
	// UseInvite counts a use, or gives ErrNotFound when there is none left.
	UseInvite(ctx context.Context, invite InviteID, now Time) error
	// ReturnInvite takes a use back that let nobody in.
	ReturnInvite(ctx context.Context, invite InviteID) error
	// DeleteDeadInvites forgets those that have expired or are used up, and gives how many.
	DeleteDeadInvites(ctx context.Context, now Time) (int, error)
}

// FileSort is what sort of file is looked for among those of a conversation.
type FileSort string

// The sorts.
const (
	FilesAll   FileSort = ""
	FilesMedia FileSort = "media" // pictures and films
	FilesAudio FileSort = "audio"
	FilesOther FileSort = "other"
)

// SortOf tells the sort of a file by its type.
func SortOf(mime string) FileSort {
	switch {
	case len(mime) > 6 && (mime[:6] == "image/" || mime[:6] == "video/"):
		return FilesMedia
	case len(mime) > 6 && mime[:6] == "audio/":
		return FilesAudio
	}
	return FilesOther
}

// FileQuery selects a page of a conversation's files. Limit is 1 to 200. Messages
// below VisibleFrom do not exist.
type FileQuery struct {
	Sort        FileSort
	VisibleFrom Seq
	Cursor      string
	Limit       int
}

// SharedFile is a file in a message of a conversation.
type SharedFile struct {
	Attachment
	Seq      Seq
	SenderID UserID
	At       Time
}

// Contents gives what is in a conversation, sorted out of its messages. Safe for
// concurrent use; it does not decide permissions.
type Contents interface {
	// Head gives a conversation as a whole, or ErrNotFound.
	Head(ctx context.Context, id ConversationID) (*Conversation, error)
	// SharedFiles lists the files of messages that were not deleted, the last first.
	SharedFiles(ctx context.Context, id ConversationID, q FileQuery) (Page[SharedFile], error)
	// Pins gives the pinned messages from visibleFrom on, the last pinned first.
	Pins(ctx context.Context, id ConversationID, visibleFrom Seq) ([]Message, error)
}
