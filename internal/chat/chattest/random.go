package chattest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/parley-chat/parley/internal/chat"
)

// People and rooms that random commands are about: few, so that they meet.
const (
	randomUsers = 5
	randomRooms = 2
	randomSeqs  = 14
)

// RandomUsers are the people of random commands.
func RandomUsers() []chat.UserID { return Users(randomUsers) }

// RandomRooms are the conversations of random commands: a group, a channel and
// one of two people.
func RandomRooms() []chat.ConversationID {
	return []chat.ConversationID{Room(0), Room(1), chat.DirectID(User(0), User(1))}
}

// Beginnings are the commands that make RandomRooms.
func Beginnings() []chat.Command {
	return []chat.Command{
		Create(chat.Group, Room(0), User(0), User(1), User(2)),
		Create(chat.Channel, Room(1), User(1), User(0)),
		CreateDirect(User(0), User(1)),
	}
}

// RandomCommand draws a command about RandomRooms. Many of them are refused,
// for lack of rights or sense: that is meant.
func RandomCommand() *rapid.Generator[chat.Command] {
	return rapid.Custom(func(t *rapid.T) chat.Command {
		rooms, users := RandomRooms(), RandomUsers()
		room := rapid.SampledFrom(rooms).Draw(t, "room")
		actor := rapid.SampledFrom(users[:4]).Draw(t, "actor")
		target := chat.Seq(rapid.IntRange(1, randomSeqs).Draw(t, "target"))
		user := rapid.SampledFrom(users).Draw(t, "user")
		switch rapid.SampledFrom([]chat.CommandKind{
			chat.CmdSend, chat.CmdSend, chat.CmdSend, chat.CmdEdit, chat.CmdDelete, chat.CmdReact, chat.CmdReact,
			chat.CmdAddMembers, chat.CmdRemoveMember, chat.CmdSetRole, chat.CmdUpdate, chat.CmdCreate, chat.CmdPin, chat.CmdBlock, chat.CmdJoin, chat.CmdCall,
		}).Draw(t, "kind") {
		case chat.CmdEdit:
			return Edit(room, actor, target, RandomText().Draw(t, "text"))
		case chat.CmdDelete:
			return Delete(room, actor, target)
		case chat.CmdReact:
			return React(room, actor, target, rapid.SampledFrom([]string{"👍", "❤️", "🎉"}).Draw(t, "emoji"), rapid.Bool().Draw(t, "on"))
		case chat.CmdAddMembers:
			return Add(room, actor, user, rapid.SampledFrom(users).Draw(t, "and"))
		case chat.CmdRemoveMember:
			return Remove(room, actor, user)
		case chat.CmdSetRole:
			return SetRole(room, actor, user, rapid.SampledFrom([]chat.Role{chat.RoleOwner, chat.RoleAdmin, chat.RoleMember}).Draw(t, "role"))
		case chat.CmdUpdate:
			return Retitle(room, actor, rapid.SampledFrom([]string{"One", "Two", "Ñandú <&>"}).Draw(t, "title"))
		case chat.CmdPin:
			return Pin(room, actor, target, rapid.Bool().Draw(t, "on"))
		case chat.CmdBlock:
			return Block(rooms[2], actor, rapid.Bool().Draw(t, "on"))
		case chat.CmdCall:
			n := rapid.IntRange(0, 8).Draw(t, "call") // few, and the ids of messages too
			return Call(room, actor, fmt.Sprintf("k%d", n), user)
		case chat.CmdJoin:
			return Join(room, user)
		case chat.CmdCreate:
			if room == rooms[2] {
				return CreateDirect(User(0), User(1))
			}
			return Create(chat.Group, room, actor, user)
		default:
			return randomSend(t, room, actor, target)
		}
	})
}

// randomSend draws a message; its client id comes from few, so that some repeat.
func randomSend(t *rapid.T, room chat.ConversationID, actor chat.UserID, target chat.Seq) chat.Command {
	n := rapid.IntRange(0, 8).Draw(t, "client id")
	cmd := Send(room, actor, fmt.Sprintf("k%d", n), RandomText().Draw(t, "text"))
	if rapid.IntRange(0, 3).Draw(t, "reply") == 0 {
		cmd.ReplyTo = target
	}
	for _, user := range RandomUsers() {
		if rapid.IntRange(0, 5).Draw(t, "mention") == 0 {
			cmd.Mentions = append(cmd.Mentions, user)
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "files") {
		cmd.Attachments = append(cmd.Attachments, Attachment(i))
	}
	return cmd
}

// RandomText draws a text that a message may have, of few so that some repeat.
func RandomText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"hello", "a", "\u2028\u2029<script>&\"\\\t\n", "👩‍👩‍👧‍👦 žluťoučký"}),
		rapid.StringMatching(`[a-z ]{1,20}[a-z]`),
	)
}
