package wire

import (
	"encoding/json"

	"github.com/parley-chat/parley/internal/chat"
)

// User is a person's public profile.
type User struct {
	ID          chat.UserID `json:"id"`
	Username    string      `json:"username"`
	DisplayName string      `json:"display_name"`
	Bio         string      `json:"bio"`
	AvatarID    chat.FileID `json:"avatar_id,omitzero"`
	AvatarURL   string      `json:"avatar_url,omitempty" doc:"a path on this server"`
	CreatedAt   chat.Time   `json:"created_at"`
}

// Me is a person's own profile, and the limits that hold for them.
type Me struct {
	User
	Email    string          `json:"email,omitempty"`
	Settings json.RawMessage `json:"settings" doc:"an object that belongs to the clients"`
	Limits   Limits          `json:"limits"`
}

// Limits are what a client should check before it sends.
type Limits struct {
	TextBytes       int   `json:"text_bytes" doc:"of a message's text, in bytes of UTF-8"`
	Attachments     int   `json:"attachments" doc:"of a message"`
	AttachmentBytes int64 `json:"attachment_bytes" doc:"of each file"`
	FrameBytes      int   `json:"frame_bytes" doc:"of a realtime packet"`

	Mentions         int   `json:"mentions,omitempty" doc:"of a message"`
	TitleChars       int   `json:"title_chars,omitempty" doc:"of a conversation, in code points"`
	DisplayNameChars int   `json:"display_name_chars,omitempty" doc:"in code points"`
	BioChars         int   `json:"bio_chars,omitempty" doc:"in code points"`
	AvatarBytes      int64 `json:"avatar_bytes,omitempty" doc:"of the upload of a profile's picture"`
	GroupMembers     int   `json:"group_members,omitempty"`
	SearchBytes      int   `json:"search_bytes,omitempty" doc:"of what is looked for, in bytes of UTF-8"`
	Pins             int   `json:"pins,omitempty" doc:"of a conversation"`
}

// Attachment is a file as a message shows it. In stored entries and in realtime
// the url is left out: it is /api/v1/files/{id}.
type Attachment struct {
	ID     chat.FileID `json:"id"`
	Name   string      `json:"name"`
	Size   int64       `json:"size" doc:"bytes"`
	MIME   string      `json:"mime"`
	Width  int         `json:"width,omitempty" doc:"pixels, for images"`
	Height int         `json:"height,omitempty" doc:"pixels, for images"`
	Thumb  bool        `json:"thumb,omitempty" doc:"a thumbnail can be fetched: url + ?thumb=1"`
	URL    string      `json:"url,omitempty" doc:"a path on this server"`
}

// Message is a message with its later edits, deletion and reactions folded in.
type Message struct {
	ConversationID chat.ConversationID      `json:"conversation_id"`
	Seq            chat.Seq                 `json:"seq"`
	At             chat.Time                `json:"at"`
	SenderID       chat.UserID              `json:"sender_id"`
	Kind           chat.Kind                `json:"kind"`
	ClientID       string                   `json:"client_id"`
	Ordinal        int64                    `json:"ordinal" doc:"number among the conversation's messages"`
	Text           string                   `json:"text"`
	ReplyTo        chat.Seq                 `json:"reply_to,omitempty"`
	Attachments    []Attachment             `json:"attachments"`
	Mentions       []chat.UserID            `json:"mentions,omitempty" doc:"members who are to be told"`
	EditedAt       chat.Time                `json:"edited_at,omitzero"`
	DeletedAt      chat.Time                `json:"deleted_at,omitzero"`
	PinnedAt       chat.Time                `json:"pinned_at,omitzero"`
	Reactions      map[string][]chat.UserID `json:"reactions" doc:"by emoji"`
}

// Conversation is a conversation as one member sees it.
type Conversation struct {
	ID           chat.ConversationID   `json:"id"`
	Kind         chat.ConversationKind `json:"kind"`
	Title        string                `json:"title" doc:"of a direct conversation: the other person's name"`
	AvatarID     chat.FileID           `json:"avatar_id,omitzero"`
	AvatarURL    string                `json:"avatar_url,omitempty" doc:"a path on this server"`
	CreatedBy    chat.UserID           `json:"created_by"`
	CreatedAt    chat.Time             `json:"created_at"`
	ActiveAt     chat.Time             `json:"active_at" doc:"time of the last message, or of the creation"`
	MembersCount int                   `json:"members_count"`
	Role         chat.Role             `json:"role"`
	VisibleFrom  chat.Seq              `json:"visible_from" doc:"the first entry that the reader may see"`
	LastSeq      chat.Seq              `json:"last_seq"`
	Messages     int64                 `json:"messages" doc:"ordinal of the last message"`
	DeliveredSeq chat.Seq              `json:"delivered_seq"`
	ReadSeq      chat.Seq              `json:"read_seq"`
	Unread       int64                 `json:"unread"`
	Mentions     int64                 `json:"mentions,omitempty" doc:"unread messages that mention the reader"`
	MutedUntil   chat.Time             `json:"muted_until,omitzero" doc:"absent: not muted"`
	Notify       chat.NotifyLevel      `json:"notify,omitempty" enum:"all,mentions,none" doc:"absent: all"`
	Pinned       bool                  `json:"pinned,omitempty"`
	Archived     bool                  `json:"archived,omitempty"`
	Blocking     bool                  `json:"blocking,omitempty" doc:"of a direct conversation: the reader blocks the peer"`
	Blocked      bool                  `json:"blocked,omitempty" doc:"of a direct conversation: the peer blocks the reader"`
	Pins         int                   `json:"pins,omitempty" doc:"pinned messages"`
	LastEntry    json.RawMessage       `json:"last_entry" wire:"Entry,null"`
	LastMessage  *Message              `json:"last_message"`
	Peer         *User                 `json:"peer" doc:"the other person of a direct conversation"`
	Receipts     []ReceiptMark         `json:"receipts" doc:"of the other members; empty above 100 members"`
}

// ReceiptMark is how far one member of a known conversation has got.
type ReceiptMark struct {
	UserID       chat.UserID `json:"user_id"`
	DeliveredSeq chat.Seq    `json:"delivered_seq"`
	ReadSeq      chat.Seq    `json:"read_seq"`
}

const filesPath = "/api/v1/files/"

// FileURL is the path of a file, "" for none.
func FileURL(id chat.FileID) string {
	if id.IsZero() {
		return ""
	}
	return filesPath + id.String()
}

// ThumbURL is the path of an image's thumbnail, "" for none.
func ThumbURL(id chat.FileID) string {
	if id.IsZero() {
		return ""
	}
	return filesPath + id.String() + "?thumb=1"
}

// UserOf shows a profile to others.
func UserOf(u *chat.User) User {
	return User{
		ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Bio: u.Bio,
		AvatarID: u.AvatarID, AvatarURL: ThumbURL(u.AvatarID), CreatedAt: u.CreatedAt,
	}
}

// MeOf shows an account to its owner: no hash, no folded name.
func MeOf(a *chat.Account, limits Limits) Me {
	settings := a.Settings
	if len(settings) == 0 {
		settings = json.RawMessage(`{}`)
	}
	return Me{User: UserOf(&a.User), Email: a.Email, Settings: settings, Limits: limits}
}

// AttachmentOf shows a file with its path.
func AttachmentOf(a chat.Attachment) Attachment {
	return Attachment{
		ID: a.ID, Name: a.Name, Size: a.Size, MIME: a.MIME,
		Width: a.Width, Height: a.Height, Thumb: a.Thumb, URL: FileURL(a.ID),
	}
}

// MessageOf shows a folded message.
func MessageOf(m *chat.Message) Message {
	out := Message{
		ConversationID: m.ConversationID, Seq: m.Seq, At: m.At, SenderID: m.SenderID, Kind: m.Kind,
		ClientID: m.ClientID, Ordinal: m.Ordinal, Text: m.Text, ReplyTo: m.ReplyTo,
		Attachments: make([]Attachment, 0, len(m.Attachments)),
		Mentions:    m.Mentions,
		EditedAt:    m.EditedAt, DeletedAt: m.DeletedAt, PinnedAt: m.PinnedAt, Reactions: m.Reactions,
	}
	for _, a := range m.Attachments {
		out.Attachments = append(out.Attachments, AttachmentOf(a))
	}
	if out.Reactions == nil {
		out.Reactions = map[string][]chat.UserID{}
	}
	return out
}

// ConversationOf shows a conversation to the member whose view it is.
func ConversationOf(v *chat.ConversationView) Conversation {
	c := v.Conversation
	out := Conversation{
		ID: c.ID, Kind: c.Kind, Title: c.Title, AvatarID: c.AvatarID, AvatarURL: ThumbURL(c.AvatarID),
		CreatedBy: c.CreatedBy, CreatedAt: c.CreatedAt, ActiveAt: c.ActiveAt, MembersCount: c.Members,
		Role: v.Role, VisibleFrom: v.VisibleFrom,
		LastSeq: c.Seq, Messages: c.Messages,
		DeliveredSeq: v.DeliveredSeq, ReadSeq: v.ReadSeq, Unread: v.Unread, Mentions: v.Mentions, Pins: c.Pins,
		MutedUntil: v.Preferences.MutedUntil, Pinned: v.Preferences.Pinned, Archived: v.Preferences.Archived,
		LastEntry: v.LastEntry, Receipts: make([]ReceiptMark, 0, len(v.Receipts)),
	}
	if len(out.LastEntry) == 0 {
		out.LastEntry = json.RawMessage(`null`)
	}
	if v.LastMessage != nil {
		m := MessageOf(v.LastMessage)
		out.LastMessage = &m
	}
	if v.Peer != nil {
		u := UserOf(v.Peer)
		out.Peer = &u
		if out.Title == "" {
			out.Title = u.DisplayName
		}
	}
	if v.Preferences.Notify != chat.NotifyAll {
		out.Notify = v.Preferences.Notify
	}
	if v.Reader != (chat.UserID{}) && c.Kind == chat.Direct {
		out.Blocking, out.Blocked = c.Blocking(v.Reader), c.Blocked(v.Reader)
	}
	for _, r := range v.Receipts {
		out.Receipts = append(out.Receipts, ReceiptMark{UserID: r.UserID, DeliveredSeq: r.DeliveredSeq, ReadSeq: r.ReadSeq})
	}
	return out
}
