package wire

// The events that a client may send. Each takes an acknowledgement.
const (
	EventMessageSend           = "message.send"
	EventMessageEdit           = "message.edit"
	EventMessageDelete         = "message.delete"
	EventReactionSet           = "reaction.set"
	EventConversationDelivered = "conversation.delivered"
	EventConversationRead      = "conversation.read"
	EventTypingSet             = "typing"
	EventPresenceWatch         = "presence.watch"
	EventEntriesAfter          = "entries.after"
	EventAttention             = "attention"
	EventCallStart             = "call.start"
	EventCallAnswer            = "call.answer"
	EventCallSignal            = "call.signal" // the server sends it on by the same name
	EventCallUpdate            = "call.update"
	EventCallEnd               = "call.end"
	EventCallList              = "call.list"
)

// The events that the server sends.
const (
	EventReady          = "ready"
	EventEntry          = "entry"
	EventReceipt        = "receipt"
	EventTyping         = "typing"
	EventPresence       = "presence"
	EventConversation   = "conversation"
	EventProfile        = "profile"
	EventBlock          = "block"
	EventResync         = "resync"
	EventReconnect      = "reconnect"
	EventSessionRevoked = "session.revoked"
	EventCallRinging    = "call.ringing"
	EventCallAnswered   = "call.answered"
	EventCallEnded      = "call.ended"
)

// Limits of the realtime interface, beyond those of package chat.
const (
	// MaxFrameBytes bounds one packet from a client, and so every request.
	MaxFrameBytes = 128 << 10
	// MaxWatched bounds the people in one presence.watch; a socket watches those
	// of its last call only.
	MaxWatched = 500
	// MaxEntriesAfter bounds the entries of one answer to entries.after.
	MaxEntriesAfter = 1_000
	// DefaultEntriesAfter is used where a request of entries.after names no limit.
	DefaultEntriesAfter = 200
	// MaxEntriesBytes is about the size in bytes at which an answer to
	// entries.after ends early, well below what a socket may have queued.
	MaxEntriesBytes = 128 << 10
)
