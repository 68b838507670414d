package chattest

import (
	"encoding/binary"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Epoch is the time at which fixtures begin.
const Epoch chat.Time = 1_767_225_600_000 // 2026-01-01T00:00:00Z

// ID makes the nth id of some noun: always the same for the same n, in the
// order of n, and different from those of other nouns by tag.
func ID[K any](id *chat.ID[K], tag byte, n int) chat.ID[K] {
	var random [10]byte
	random[0], random[1] = tag, tag
	binary.BigEndian.PutUint64(random[2:], uint64(n))
	*id = chat.NewID[K](Epoch.Std().Add(time.Duration(n)*time.Millisecond), random)
	return *id
}

// User names the nth person.
func User(n int) (id chat.UserID) { return ID(&id, 'u', n) }

// Users names the first n people, beginning with User(0).
func Users(n int) []chat.UserID {
	out := make([]chat.UserID, n)
	for i := range out {
		out[i] = User(i)
	}
	return out
}

// Room names the nth group or channel.
func Room(n int) (id chat.ConversationID) { return ID(&id, 'c', n) }

// FileID names the nth file.
func FileID(n int) (id chat.FileID) { return ID(&id, 'f', n) }

// SessionID names the nth session.
func SessionID(n int) (id chat.SessionID) { return ID(&id, 's', n) }

// RecordID names the nth record.
func RecordID(n int) (id chat.RecordID) { return ID(&id, 'r', n) }

// Attachment is the nth file as a message names it.
func Attachment(n int) chat.Attachment {
	return chat.Attachment{ID: FileID(n), Name: "photo.jpg", Size: 1000 + int64(n), MIME: "image/jpeg", Width: 640, Height: 480, Thumb: true}
}

// Create makes the command that begins a group or channel.
func Create(kind chat.ConversationKind, room chat.ConversationID, owner chat.UserID, others ...chat.UserID) chat.Command {
	title := "A " + string(kind)
	return chat.Command{
		Kind: chat.CmdCreate, ConversationID: room, ActorID: owner, At: Epoch, ConversationKind: kind, UserIDs: others, Title: &title,
	}
}

// CreateDirect makes the command that begins the conversation of two people.
func CreateDirect(a, b chat.UserID) chat.Command {
	return chat.Command{
		Kind: chat.CmdCreate, ConversationID: chat.DirectID(a, b), ActorID: a, At: Epoch,
		ConversationKind: chat.Direct, UserIDs: []chat.UserID{b},
	}
}

// Send makes the command that sends a text.
func Send(room chat.ConversationID, sender chat.UserID, clientID, text string) chat.Command {
	return chat.Command{Kind: chat.CmdSend, ConversationID: room, ActorID: sender, At: Epoch, ClientID: clientID, Text: text}
}

// Edit makes the command that gives a message another text.
func Edit(room chat.ConversationID, actor chat.UserID, target chat.Seq, text string) chat.Command {
	return chat.Command{Kind: chat.CmdEdit, ConversationID: room, ActorID: actor, At: Epoch, Target: target, Text: text}
}

// Delete makes the command that deletes a message.
func Delete(room chat.ConversationID, actor chat.UserID, target chat.Seq) chat.Command {
	return chat.Command{Kind: chat.CmdDelete, ConversationID: room, ActorID: actor, At: Epoch, Target: target}
}

// React makes the command that gives or takes back a reaction.
func React(room chat.ConversationID, actor chat.UserID, target chat.Seq, emoji string, on bool) chat.Command {
	return chat.Command{Kind: chat.CmdReact, ConversationID: room, ActorID: actor, At: Epoch, Target: target, Emoji: emoji, On: on}
}

// Add makes the command that adds people.
func Add(room chat.ConversationID, actor chat.UserID, users ...chat.UserID) chat.Command {
	return chat.Command{Kind: chat.CmdAddMembers, ConversationID: room, ActorID: actor, At: Epoch, UserIDs: users}
}

// Remove makes the command that removes somebody; oneself means to leave.
func Remove(room chat.ConversationID, actor, user chat.UserID) chat.Command {
	return chat.Command{Kind: chat.CmdRemoveMember, ConversationID: room, ActorID: actor, At: Epoch, UserIDs: []chat.UserID{user}}
}

// SetRole makes the command that gives somebody a role.
func SetRole(room chat.ConversationID, actor, user chat.UserID, role chat.Role) chat.Command {
	return chat.Command{Kind: chat.CmdSetRole, ConversationID: room, ActorID: actor, At: Epoch, UserIDs: []chat.UserID{user}, Role: role}
}

// Retitle makes the command that changes the title.
func Retitle(room chat.ConversationID, actor chat.UserID, title string) chat.Command {
	return chat.Command{Kind: chat.CmdUpdate, ConversationID: room, ActorID: actor, At: Epoch, Title: &title}
}

// Join makes the command by which somebody who was invited comes in.
func Join(room chat.ConversationID, user chat.UserID) chat.Command {
	return chat.Command{Kind: chat.CmdJoin, ConversationID: room, ActorID: user, At: Epoch}
}

// Pin makes the command that pins a message, or takes the pin out.
func Pin(room chat.ConversationID, actor chat.UserID, target chat.Seq, on bool) chat.Command {
	return chat.Command{Kind: chat.CmdPin, ConversationID: room, ActorID: actor, At: Epoch, Target: target, On: on}
}

// Block makes the command by which one person of a direct conversation blocks the
// other, or ends that.
func Block(room chat.ConversationID, actor chat.UserID, on bool) chat.Command {
	return chat.Command{Kind: chat.CmdBlock, ConversationID: room, ActorID: actor, At: Epoch, On: on}
}

// Call makes the command that notes a call of a minute in which people took part; of
// nobody it was missed.
func Call(room chat.ConversationID, caller chat.UserID, callID string, people ...chat.UserID) chat.Command {
	call := &chat.CallSummary{Video: true, Outcome: chat.CallMissed}
	if len(people) > 0 {
		call = &chat.CallSummary{Outcome: chat.CallAnswered, DurationMS: 60_000}
	}
	return chat.Command{Kind: chat.CmdCall, ConversationID: room, ActorID: caller, At: Epoch, ClientID: callID, UserIDs: people, Call: call}
}
