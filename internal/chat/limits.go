package chat

// Limits of what a conversation may hold. They are part of the public contract
// and each is refused with its error code before anything is written.
const (
	// MaxTextBytes bounds a message's text, in bytes of UTF-8.
	MaxTextBytes = 16 << 10
	// MaxAttachments bounds the files of one message.
	MaxAttachments = 10
	// MaxMentions bounds the people whom one message mentions.
	MaxMentions = 50
	// MaxPins bounds the pinned messages of one conversation.
	MaxPins = 100
	// MaxClientIDBytes bounds the idempotency key that a client gives a command.
	MaxClientIDBytes = 64
	// MaxTitleRunes bounds a conversation's title, in characters.
	MaxTitleRunes = 200
	// MaxEmojiBytes bounds one reaction; the longest emoji sequence in Unicode is below it.
	MaxEmojiBytes = 64
	// MaxReactionKinds bounds the different reactions on one message.
	MaxReactionKinds = 50
	// MaxEdits bounds how often one message can be edited.
	MaxEdits = 1_000
	// MaxMembers bounds a conversation's members.
	MaxMembers = 100_000
	// MaxMembersPerCommand bounds the people named in one command.
	MaxMembersPerCommand = 1_000
	// MaxReceiptMembers is the size up to which "seen by" is kept live for each
	// member; in larger conversations receipts are counts, fetched when looked at.
	MaxReceiptMembers = 100
	// MaxSeq is the largest sequence number a JavaScript client can hold exactly.
	MaxSeq = 1<<53 - 1
)
