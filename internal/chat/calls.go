package chat

import (
	"context"
	"time"
)

type (
	callKind   struct{}
	deviceKind struct{}
)

type (
	// CallID names one call. The caller's client makes it, so that a repeated start
	// is the same call.
	CallID = ID[callKind]
	// DeviceID names one client that takes part in calls, over its reconnects. The
	// client makes it.
	DeviceID = ID[deviceKind]
)

// CallState is where a call stands.
type CallState string

// The states of a call, in the order in which they follow each other.
const (
	CallRinging CallState = "ringing" // nobody but the caller takes part yet
	CallLive    CallState = "live"    // somebody answered
	CallEnded   CallState = "ended"   // for good, on all devices
)

// CallOutcome says how a call ended.
type CallOutcome string

// The outcomes of a call.
const (
	CallAnswered CallOutcome = "answered" // people talked
	CallMissed   CallOutcome = "missed"   // nobody answered in time, or the caller hung up before
	CallDeclined CallOutcome = "declined" // everybody who was called said no
	CallBusy     CallOutcome = "busy"     // the one who was called is in another call
	CallFailed   CallOutcome = "failed"   // the caller's device vanished before anybody answered
)

// Limits of calls. Each is refused with its error code before anybody hears of it.
const (
	// CallRings is how long a call rings before it is missed.
	CallRings = 45 * time.Second
	// CallLease is how long somebody takes part whose socket is not heard of: the time
	// in which a client that lost its connection can come back into the call. A little less
	// than 30 s, so that the end of a call whose node died is known everywhere by then.
	CallLease = 27 * time.Second
	// CallRenewal is how often the node with a participant's socket says that it is there.
	CallRenewal = 10 * time.Second
	// MaxCallParticipants bounds the devices of a call: each sends to each other.
	MaxCallParticipants = 8
	// MaxCallMembers bounds the members of a conversation in which a call may be started.
	MaxCallMembers = 32
	// MaxSignalBytes bounds one signal between two devices, in bytes of JSON.
	MaxSignalBytes = 64 << 10
)

// Call is a call as everybody in its conversation sees it. It lasts as long as it
// is under way; what stays is an entry in the log.
type Call struct {
	ID             CallID         `json:"id"`
	ConversationID ConversationID `json:"conversation_id"`
	CallerID       UserID         `json:"caller_id"`
	Video          bool           `json:"video" doc:"started with a camera"`
	State          CallState      `json:"state"`
	Version        int64          `json:"version" doc:"grows with every change: what has a smaller one than what is known is old"`
	StartedAt      Time           `json:"started_at"`
	AnsweredAt     Time           `json:"answered_at,omitzero"`
	EndedAt        Time           `json:"ended_at,omitzero"`
	Outcome        CallOutcome    `json:"outcome,omitempty" doc:"present once it has ended"`
	Ringing        []UserID       `json:"ringing" doc:"who is called and has not answered"`
	Participants   []CallPresent  `json:"participants" doc:"the devices in the call; the caller's is the first"`
}

// CallPresent is one device in a call. A person has one at most.
type CallPresent struct {
	UserID   UserID   `json:"user_id"`
	DeviceID DeviceID `json:"device_id"`
	Video    bool     `json:"video" doc:"its camera is on"`
}

// MaxCallDoc bounds what a CallBoard keeps of one conversation, in bytes.
const MaxCallDoc = 32 << 10

// CallNote is what is put on a CallBoard.
type CallNote struct {
	Doc     []byte
	Version uint64 // of the document that this one replaces; 0: there is none
	// People are those to whom Of names the conversation; none: as the last Put said.
	People []UserID
	// TTL is after what time the document is forgotten, at most an hour.
	TTL time.Duration
}

// CallDoc is what a CallBoard has of one conversation; the zero value is nothing.
type CallDoc struct {
	Doc     []byte
	Version uint64
}

// CallBoard holds what is true of the calls that are under way: one document for
// each conversation, of which the board knows nothing but its version. It may
// forget everything at any moment; nothing in it is worth keeping over that.
// Everything but a wrong version is ErrUnavailable, after which a Put may or may not
// have been done. Safe for concurrent use.
type CallBoard interface {
	// Get gives the document of a conversation with its version; nil and 0 when
	// there is none, or its time is over. The document is the caller's.
	Get(ctx context.Context, id ConversationID) (doc []byte, version uint64, err error)
	// GetAll is Get of several conversations, in their order, with one wait for all of
	// them; an error where one of them could not be read.
	GetAll(ctx context.Context, ids []ConversationID) ([]CallDoc, error)
	// Put replaces the document of a conversation if n.Version is that of the one that
	// is there; else it gives ErrConflict and has changed nothing. It gives the new
	// version, which is none that this conversation had before. A document above
	// MaxCallDoc is ErrTooLarge; a board that is full gives ErrOverloaded.
	Put(ctx context.Context, id ConversationID, n CallNote) (version uint64, err error)
	// Of gives conversations whose document names a person; some of them may have
	// none any more.
	Of(ctx context.Context, user UserID) ([]ConversationID, error)
}
