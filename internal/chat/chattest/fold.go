package chattest

import (
	"slices"

	"github.com/parley-chat/parley/internal/chat"
)

// Folded is what a conversation's log says, computed in the plainest way: the
// reference that stores and counters are compared with.
type Folded struct {
	Title    string
	AvatarID chat.FileID
	Kind     chat.ConversationKind
	Members  map[chat.UserID]*FoldedMember
	Messages []chat.Message // ascending by seq
	Entries  []*chat.Entry
}

// FoldedMember is a member as the log tells it.
type FoldedMember struct {
	Role        chat.Role
	VisibleFrom chat.Seq
	JoinedSeq   chat.Seq
}

// Fold reads a log from its first entry.
func Fold(entries []*chat.Entry) *Folded {
	f := &Folded{Members: make(map[chat.UserID]*FoldedMember), Entries: entries}
	for _, e := range entries {
		f.entry(e)
	}
	return f
}

func (f *Folded) entry(e *chat.Entry) {
	switch e.Kind {
	case chat.KindCreated:
		f.Kind, f.Title, f.AvatarID = e.ConversationKind, e.Title, e.AvatarID
		for _, u := range e.UserIDs {
			f.Members[u] = &FoldedMember{Role: chat.RoleMember, VisibleFrom: 1, JoinedSeq: e.Seq}
		}
		if e.ConversationKind != chat.Direct {
			f.Members[e.SenderID].Role = chat.RoleOwner
		}
	case chat.KindMessage:
		f.Messages = append(f.Messages, chat.Message{
			ConversationID: e.ConversationID, Seq: e.Seq, At: e.At, SenderID: e.SenderID, Kind: e.Kind, ClientID: e.ClientID,
			Ordinal: e.Ordinal, Text: e.Text, ReplyTo: e.ReplyTo,
			Mentions: e.Mentions, Attachments: append([]chat.Attachment{}, e.Attachments...), Reactions: map[string][]chat.UserID{},
		})
	case chat.KindEdit:
		if m := f.message(e.Target); m.DeletedAt == 0 {
			m.Text, m.EditedAt = e.Text, e.At
		}
	case chat.KindDelete:
		m := f.message(e.Target)
		m.Text, m.Attachments, m.Mentions, m.DeletedAt, m.EditedAt, m.Reactions = "", []chat.Attachment{}, nil, e.At, 0, map[string][]chat.UserID{}
		m.PinnedAt = 0
	case chat.KindReaction:
		f.react(f.message(e.Target), e)
	case chat.KindMemberAdded:
		for _, u := range e.UserIDs {
			m := &FoldedMember{Role: e.Role, VisibleFrom: e.Seq, JoinedSeq: e.Seq}
			if f.Kind == chat.Channel {
				m.VisibleFrom = 1
			}
			f.Members[u] = m
		}
	case chat.KindMemberRemoved:
		for _, u := range e.UserIDs {
			delete(f.Members, u)
		}
	case chat.KindRole:
		for _, u := range e.UserIDs {
			f.Members[u].Role = e.Role
		}
	case chat.KindPin:
		if m := f.message(e.Target); e.On {
			m.PinnedAt = e.At
		} else {
			m.PinnedAt = 0
		}
	case chat.KindBlock, chat.KindCall:
	case chat.KindUpdated:
		f.Title, f.AvatarID = e.Title, e.AvatarID
	}
}

func (f *Folded) message(seq chat.Seq) *chat.Message {
	for i := range f.Messages {
		if f.Messages[i].Seq == seq {
			return &f.Messages[i]
		}
	}
	panic("the log names a message that it does not have")
}

func (f *Folded) react(m *chat.Message, e *chat.Entry) {
	users := m.Reactions[e.Emoji]
	if e.On {
		m.Reactions[e.Emoji] = append(users, e.SenderID)
		return
	}
	users = slices.DeleteFunc(slices.Clone(users), func(u chat.UserID) bool { return u == e.SenderID })
	if len(users) == 0 {
		delete(m.Reactions, e.Emoji)
		return
	}
	m.Reactions[e.Emoji] = users
}

// Unread counts, one by one, the messages above read that are not deleted and
// not the reader's own.
func (f *Folded) Unread(reader chat.UserID, read chat.Seq) int64 {
	var n int64
	for i := range f.Messages {
		if m := &f.Messages[i]; m.Seq > read && m.DeletedAt == 0 && m.SenderID != reader {
			n++
		}
	}
	return n
}
