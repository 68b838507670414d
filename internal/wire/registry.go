package wire

import (
	"reflect"

	"github.com/parley-chat/parley/internal/chat"
)

// Event is one event of the public contract.
type Event struct {
	Name    string
	Summary string
	// Payload is the type of its one argument; more than one type means either.
	Payload []reflect.Type
	// Answer is the type of data in the acknowledgement of an accepted request;
	// nil for events of the server, which take none.
	Answer reflect.Type
}

// ClientEvents are the events that a client may send. Each takes an
// acknowledgement {ok: true, data} or {ok: false, error}.
func ClientEvents() []Event {
	return []Event{
		request[MessageSend, SendAnswer](EventMessageSend, "Send a message."),
		request[MessageEdit, EntryAnswer](EventMessageEdit, "Give one's own message a new text."),
		request[MessageDelete, EntryAnswer](EventMessageDelete, "Delete a message for everyone."),
		request[ReactionSet, EntryAnswer](EventReactionSet, "Give or take back one's own reaction."),
		request[ReceiptSet, chat.Receipt](EventConversationDelivered, "A device of this person has the conversation up to seq."),
		request[ReceiptSet, chat.Receipt](EventConversationRead, "This person has seen the conversation up to seq."),
		request[TypingSet, Empty](EventTypingSet, "This person types, or stopped."),
		request[PresenceWatch, WatchAnswer](EventPresenceWatch, "Watch these people's presence, and no others': their presence now, changes as events."),
		request[EntriesAfter, EntriesAnswer](EventEntriesAfter, "Read the log after a seq."),
		request[Attention, Empty](EventAttention, "Somebody looks at this client, or does no longer: while nobody looks at any, notifications are pushed."),
		request[CallStart, CallJoined](EventCallStart, "Call the other members; where a call is under way already, the answer is that one."),
		request[CallAnswer, CallJoined](EventCallAnswer, "Join a call, come back into it, or decline it."),
		request[CallSignal, Empty](EventCallSignal, "Tell another device in the call something about the connection to it."),
		request[CallUpdate, CallChanged](EventCallUpdate, "The camera was switched on or off."),
		request[CallEnd, CallChanged](EventCallEnd, "Hang up: ends a call of two, and leaves one of several."),
		request[Empty, CallsAnswer](EventCallList, "The calls under way that concern this person; to ask after every ready."),
	}
}

// ServerEvents are the events that the server sends.
func ServerEvents() []Event {
	return []Event{
		notice[Ready](EventReady, "The first event: who one is, and what moved meanwhile."),
		{Name: EventEntry, Summary: "One log entry, in order for each conversation.", Payload: EntryTypes()},
		notice[chat.Receipt](EventReceipt, "How far a member has got; of oneself, from another device, too."),
		notice[Typing](EventTyping, "A member types, or stopped."),
		notice[Presence](EventPresence, "Somebody who is watched came or went."),
		{
			Name: EventConversation, Summary: "A conversation is new to this person, changed for them, or gone.",
			Payload: []reflect.Type{reflect.TypeFor[Conversation](), reflect.TypeFor[ConversationGone]()},
		},
		notice[Profile](EventProfile, "One's own account changed."),
		notice[Block](EventBlock, "On another device one has blocked somebody, or does so no longer."),
		notice[Empty](EventResync, "Live delivery may have a hole: call sync."),
		notice[Reconnect](EventReconnect, "This node stops: connect again after a pause."),
		notice[Empty](EventSessionRevoked, "The session has ended; the server disconnects."),
		notice[CallChanged](EventCallRinging, "Somebody calls, or one's own other device does."),
		notice[CallChanged](EventCallAnswered, "Something of a call changed: somebody joined, left, declined, or switched the camera."),
		notice[CallSignalled](EventCallSignal, "Another device in the call has something to tell about the connection to it; only that device gets it."),
		notice[CallChanged](EventCallEnded, "A call has ended, for good."),
	}
}

func request[P, A any](name, summary string) Event {
	return Event{Name: name, Summary: summary, Payload: []reflect.Type{reflect.TypeFor[P]()}, Answer: reflect.TypeFor[A]()}
}

func notice[P any](name, summary string) Event {
	return Event{Name: name, Summary: summary, Payload: []reflect.Type{reflect.TypeFor[P]()}}
}

// EntryTypes are the forms of an entry, one for each kind, in the order of EntryKinds.
func EntryTypes() []reflect.Type {
	var types []reflect.Type
	for _, k := range EntryKinds() {
		types = append(types, k.Type)
	}
	return types
}

// EntryKind is one kind of entry and its form.
type EntryKind struct {
	Kind chat.Kind
	Type reflect.Type
}

// EntryKinds are all kinds of entries.
func EntryKinds() []EntryKind {
	return []EntryKind{
		{chat.KindCreated, reflect.TypeFor[CreatedEntry]()},
		{chat.KindMessage, reflect.TypeFor[MessageEntry]()},
		{chat.KindEdit, reflect.TypeFor[EditEntry]()},
		{chat.KindDelete, reflect.TypeFor[DeleteEntry]()},
		{chat.KindReaction, reflect.TypeFor[ReactionEntry]()},
		{chat.KindMemberAdded, reflect.TypeFor[MemberAddedEntry]()},
		{chat.KindMemberRemoved, reflect.TypeFor[MemberRemovedEntry]()},
		{chat.KindRole, reflect.TypeFor[RoleEntry]()},
		{chat.KindUpdated, reflect.TypeFor[UpdatedEntry]()},
		{chat.KindPin, reflect.TypeFor[PinEntry]()},
		{chat.KindBlock, reflect.TypeFor[BlockEntry]()},
		{chat.KindCall, reflect.TypeFor[CallEntry]()},
	}
}
