package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

// Service is what the gateway asks of the use cases; *service.Service is one.
// Every method decides permission. Safe for concurrent use.
type Service interface {
	Authenticate(ctx context.Context, token string) (service.Principal, error)
	Recheck(ctx context.Context, p service.Principal) error
	Me(ctx context.Context, user chat.UserID) (*chat.Account, error)
	Sync(ctx context.Context, user chat.UserID, cursor string) (*service.Moved, error)
	SyncCursor() string
	// Send may wait for the store when there are attachments; the others do not wait.
	Send(ctx context.Context, r service.SendRequest, done func(chat.Outcome))
	Edit(ctx context.Context, m service.MessageRef, text string, done func(chat.Outcome))
	Delete(ctx context.Context, m service.MessageRef, done func(chat.Outcome))
	React(ctx context.Context, m service.MessageRef, emoji string, on bool, done func(chat.Outcome))
	EntriesAfter(ctx context.Context, r service.EntriesRequest) (*service.Entries, error)
	NoteReceipt(r chat.Receipt, done func(chat.Receipt, error))
	// Calling says whom somebody calls in a conversation, and counts it.
	Calling(ctx context.Context, user chat.UserID, id chat.ConversationID) (*service.Calling, error)
	// MayCall says whether somebody may call in a conversation still.
	MayCall(ctx context.Context, user chat.UserID, id chat.ConversationID) error
	// Settled waits a moment until the store shows somebody's memberships as far as
	// this node has heard of them.
	Settled(ctx context.Context, user chat.UserID) error
	// Unstored gives those of some conversations of which this node has heard more than
	// the store shows after a moment of waiting, with the last entry of each.
	Unstored(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID]chat.Seq, error)
}

// Views is the part of the store that live delivery reads: what it needs of
// chat.Views.
type Views interface {
	Conversation(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.ConversationView, error)
	Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error)
	Entries(ctx context.Context, id chat.ConversationID, after chat.Seq, limit, maxBytes int) ([]chat.RawEntry, error)
	Heads(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID]chat.Seq, error)
}

// People tells what may be shown of people.
type People interface {
	// LastSeen tells when those of these people who can be found by others were
	// last online. It gives an entry, perhaps zero, for each of them.
	LastSeen(ctx context.Context, ids []chat.UserID) (map[chat.UserID]chat.Time, error)
	// Hidden gives everybody whom a person blocks, and everybody who blocks them.
	Hidden(ctx context.Context, user chat.UserID) ([]chat.UserID, error)
}

// Online tells who has a socket, on any node.
type Online interface {
	Online(ctx context.Context, users []chat.UserID, now chat.Time) (map[chat.UserID]bool, error)
}

// Presence is told who comes and goes on this node. Its methods do not wait.
type Presence interface {
	Came(user chat.UserID)
	Left(user chat.UserID)
}

// Attention is told whom on this node somebody looks at a client of. Its methods do not wait.
type Attention = Presence

// Ports are the parts of the system that the gateway stands on.
type Ports struct {
	Service  Service
	Views    Views
	People   People
	Online   Online
	Presence Presence
	// Attention is told of people who begin and cease to look at a client here.
	Attention Attention
	Bus       chat.Bus
	// Calls are those of all nodes; nil: nobody can call.
	Calls Calls
}

// Options are the gateway's settings; zero values mean the defaults.
type Options struct {
	Node   string
	Logger *slog.Logger
	Now    func() time.Time
	// Ahead says that entries are delivered before they are stored (see
	// sequencer.Options): then what the store says is read again where more is known.
	Ahead bool
	// Limits are shown to clients; it is the frame's size that the gateway sees to.
	Limits wire.Limits
	// RequestsPerSecond and RequestBurst bound one socket's requests other than
	// commands, which the service counts: 50, 200.
	RequestsPerSecond, RequestBurst float64
	// HandshakesPerSecond and HandshakeBurst bound the connections of one address
	// that have not been accepted: 200, 2,000. Failed log-ins are bounded to
	// FailuresPerMinute: 30.
	HandshakesPerSecond, HandshakeBurst, FailuresPerMinute float64
	// FrameBytes bounds one packet of a client: wire.MaxFrameBytes.
	FrameBytes int
	// MaxSocketsPerUser bounds a person's sockets on this node: 200.
	MaxSocketsPerUser int
	// Grace is how long a person without a socket still counts as here: 5 s.
	Grace time.Duration
	// HeadCheck is how often heads are compared with the store: 10 s.
	HeadCheck time.Duration
	// Whole reports whether the bus brings everything that other nodes publish. While it
	// does not, heads are compared every second. Default: it always does.
	Whole func() bool
	// HeadCheckRooms bounds the rooms of one such comparison, which goes on where
	// the last one ended: 20,000.
	HeadCheckRooms int
	// SessionCheck is how often live sockets' sessions are looked up: 30 s.
	SessionCheck time.Duration
	// PresenceCheck is how often those who are shown as online are looked up: 10 s. Who
	// is shown as offline is looked up every third time.
	PresenceCheck time.Duration
	// Doubt is how long a person's clients may leave a ping unanswered until the person
	// does not count as heard (see Heard): 5 s.
	Doubt time.Duration
	// FileWait is how long a message waits until the store says what its files are: 2.5 s.
	FileWait time.Duration
	// Workers and WorkQueue bound the requests that wait for the store: 16, 4,096.
	Workers, WorkQueue int
	// ReconnectSpread is the time over which clients come back after a stop: 10 s.
	ReconnectSpread time.Duration
	// Away reports that the store could not be reached a moment ago: people are kept
	// here then, for they could not be read again. Default: it always could.
	Away func() bool
	// ObserveDelivery is told, in seconds, how old an entry was when its room had it.
	ObserveDelivery func(seconds float64)
	// ICE says how the devices of a person find others in a call. Default: by
	// themselves.
	ICE func(user chat.UserID) chat.ICE
	// RequestToken gives the session token that a request carries as a cookie, ""
	// for none. Default: none.
	RequestToken func(*http.Request) string
	// RequestAddress gives a client's address as limits count it. Default: the peer's.
	RequestAddress func(*http.Request) string
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.RequestsPerSecond, 50)
	setDefault(&o.RequestBurst, 200)
	setDefault(&o.HandshakesPerSecond, 200)
	setDefault(&o.HandshakeBurst, 2_000)
	setDefault(&o.FailuresPerMinute, 30)
	setDefault(&o.FrameBytes, wire.MaxFrameBytes)
	setDefault(&o.MaxSocketsPerUser, 200)
	setDefault(&o.Grace, 5*time.Second)
	setDefault(&o.HeadCheck, 10*time.Second)
	setDefault(&o.HeadCheckRooms, 20_000)
	setDefault(&o.SessionCheck, 30*time.Second)
	setDefault(&o.PresenceCheck, 10*time.Second)
	setDefault(&o.Doubt, 5*time.Second)
	setDefault(&o.FileWait, 2500*time.Millisecond)
	setDefault(&o.Workers, 16)
	setDefault(&o.WorkQueue, 4_096)
	setDefault(&o.ReconnectSpread, 10*time.Second)
	if o.Whole == nil {
		o.Whole = func() bool { return true }
	}
	if o.Away == nil {
		o.Away = func() bool { return false }
	}
	if o.ObserveDelivery == nil {
		o.ObserveDelivery = func(float64) {}
	}
	if o.ICE == nil {
		o.ICE = func(chat.UserID) chat.ICE { return chat.ICE{Servers: []chat.ICEServer{}} }
	}
	if o.RequestToken == nil {
		o.RequestToken = func(*http.Request) string { return "" }
	}
	if o.RequestAddress == nil {
		o.RequestAddress = peerAddress
	}
	return o
}

func setDefault[T int | float64 | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
