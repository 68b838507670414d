package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Deps are the parts that the verbs work on. All of them are needed, except
// where the comment says otherwise.
type Deps struct {
	Log      chat.Log
	Bus      chat.Bus
	Views    chat.Views
	Accounts chat.Accounts
	Sessions chat.Sessions
	Files    chat.Files
	Searcher chat.Searcher
	People   People
	Pushes   chat.Pushes
	Push     PushPort
	Limiter  chat.Limiter
	Receipts ReceiptNoter
	Blobs    Blobs
	// Told is what this node heard of entries that the store may not have yet; nil
	// where the store always has what was told. Deliver and Outcomes tell it.
	Told *Told
	// Clock gives the present time; Rand is a source of secrets (crypto/rand.Reader).
	Clock func() time.Time
	Rand  io.Reader
	// Node names this process on the bus.
	Node string
	// Secret is what invitations are signed with, at least 32 bytes.
	Secret []byte
	// Signup says who may make an account.
	Signup Signup
	Limits Limits
	// Informed reports whether this node would hear of a session that is revoked now:
	// by the bus, or because it has just asked the store. While it does not, no
	// session is remembered. nil: it always would.
	Informed func() bool
	// Away reports that the store could not be reached a moment ago, so that what is
	// remembered is used before it is waited for again. nil: it always could.
	Away   func() bool
	Logger *slog.Logger
}

// People is what is kept of people beside their accounts, and what is found by what they did.
type People interface {
	chat.BlockList
	chat.PreferenceStore
	chat.Invites
	chat.Contents
}

// ReceiptNoter collects receipts and writes them in batches.
type ReceiptNoter interface {
	// Note takes a receipt that will be written soon. It does not block. done is
	// called once, from any goroutine, with the member's receipt as it is then,
	// or with ErrOverloaded at once when too many wait.
	Note(r chat.Receipt, done func(chat.Receipt, error))
}

// Limits bound what people may do. Zero means none, where that makes sense.
type Limits struct {
	// SendsPerSecond and SendBurst bound the messages of one person; edits,
	// deletions, reactions and changes of conversations have a bucket of the same size.
	SendsPerSecond, SendBurst float64
	// SearchesPerSecond and SearchBurst bound the searches of one person.
	SearchesPerSecond, SearchBurst float64
	// InvitesPerSecond and InviteBurst bound how often one person tries invitations.
	InvitesPerSecond, InviteBurst float64
	// CallsPerMinute and CallBurst bound the calls that one person starts.
	CallsPerMinute, CallBurst float64
	// RingsPerMinute bounds how often it rings for one person, whoever calls; as often again
	// for callers who seldom do.
	RingsPerMinute float64
	// LoginsPerMinute bounds log-ins for an address, and for an account.
	LoginsPerMinute float64
	// SignupsPerHour bounds new accounts from one address.
	SignupsPerHour float64
	// PasswordHashes bounds how many passwords are hashed at once (19 MiB each);
	// PasswordQueue how many more may wait.
	PasswordHashes, PasswordQueue int
	// Pending bounds the records of this node whose outcome is not known yet.
	Pending int
	// SubmitTimeout is after what time an outcome is reported as unknown.
	SubmitTimeout time.Duration
	// FileBytes bounds one upload, QuotaBytes all uploads of one person.
	FileBytes, QuotaBytes int64
	// CachedSessions bounds the log-ins that are remembered, for SessionCacheTTL.
	CachedSessions  int
	SessionCacheTTL time.Duration
	// SessionStale is how long log-ins and accounts are remembered beyond that, for
	// the time that the store cannot be reached.
	SessionStale time.Duration
}

// DefaultLimits are those of the public contract.
func DefaultLimits() Limits {
	return Limits{
		SendsPerSecond: 20, SendBurst: 60,
		SearchesPerSecond: 5, SearchBurst: 20,
		InvitesPerSecond: 1, InviteBurst: 20,
		CallsPerMinute: 10, CallBurst: 10, RingsPerMinute: 12,
		LoginsPerMinute: 10, SignupsPerHour: 60,
		PasswordHashes: 2, PasswordQueue: 64,
		Pending: 1 << 16, SubmitTimeout: 2500 * time.Millisecond,
		FileBytes: 100 << 20, QuotaBytes: 10 << 30,
		CachedSessions: 10_000, SessionCacheTTL: 30 * time.Second,
	}
}

// Service is the set of verbs. It is safe for concurrent use.
type Service struct {
	Deps
	pending   *pendingSet
	principal *sessionCache
	accounts  *accountCache
	hashes    *hasher
	failures  *failureLog
}

// New makes the service. It does nothing by itself: whoever wires it gives it
// the outcomes (Outcomes), the passing of time (ExpirePending), and what the bus
// tells (Deliver, Resync).
func New(d Deps) (*Service, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("make service: %w", err)
	}
	if d.Informed == nil {
		d.Informed = func() bool { return true }
	}
	if d.Away == nil {
		d.Away = func() bool { return false }
	}
	s := &Service{
		Deps:      d,
		pending:   newPendingSet(d.Limits.Pending),
		principal: newSessionCache(d.Limits.CachedSessions, max(d.Limits.SessionCacheTTL, d.Limits.SessionStale)),
		accounts:  newAccountCache(d.Limits.CachedSessions, d.Limits.SessionStale),
		hashes:    newHasher(d.Limits.PasswordHashes, d.Limits.PasswordQueue, d.Rand),
		failures:  newFailureLog(),
	}
	return s, nil
}

func (d *Deps) check() error {
	for name, missing := range map[string]bool{
		"Log": d.Log == nil, "Bus": d.Bus == nil, "Views": d.Views == nil, "Accounts": d.Accounts == nil,
		"Sessions": d.Sessions == nil, "Files": d.Files == nil, "Searcher": d.Searcher == nil, "People": d.People == nil, "Pushes": d.Pushes == nil, "Push": d.Push.CheckEndpoint == nil, "Limiter": d.Limiter == nil,
		"Receipts": d.Receipts == nil, "Blobs": d.Blobs == nil, "Clock": d.Clock == nil, "Rand": d.Rand == nil,
		"Node": d.Node == "", "Logger": d.Logger == nil,
	} {
		if missing {
			return fmt.Errorf("%s is missing", name)
		}
	}
	if len(d.Secret) < minSecretBytes {
		return fmt.Errorf("the secret is shorter than %d bytes", minSecretBytes)
	}
	if !d.Signup.Valid() {
		return errors.New("signup must be open, invite or closed")
	}
	return nil
}

func (s *Service) now() chat.Time { return chat.TimeOf(s.Clock()) }

// newID makes a UUIDv7 of the present time, to be converted to an id of any noun.
// Only a broken source of randomness fails.
func (s *Service) newID() ([16]byte, error) {
	var random [10]byte
	if _, err := io.ReadFull(s.Rand, random[:]); err != nil {
		return [16]byte{}, fmt.Errorf("read randomness: %w", err)
	}
	return chat.NewID[struct{}](s.Clock(), random), nil
}

// take counts against a rate; zero means no limit. A limiter that cannot be
// asked lets the request pass: limits protect, they are not permissions.
func (s *Service) take(ctx context.Context, key string, perSecond, burst float64) *chat.Error {
	if perSecond <= 0 {
		return nil
	}
	wait, err := s.Limiter.Take(ctx, key, 1, perSecond, burst)
	if err != nil {
		s.Logger.WarnContext(ctx, "limiter out of reach", "error", err)
		return nil
	}
	if wait <= 0 {
		return nil
	}
	return rateLimited(time.Duration(wait) * time.Millisecond)
}

func rateLimited(wait time.Duration) *chat.Error {
	e := *chat.ErrRateLimited
	e.RetryAfter = max(wait, time.Millisecond)
	return &e
}

// Deliver, Outcomes and Resync are the service's ear on the bus: the node's sink
// passes on what it hears. They do not block.

// Deliver takes note of entries, of sessions that were revoked and profiles that changed.
func (s *Service) Deliver(events []chat.Event) {
	for i := range events {
		if events[i].Kind == chat.EventEntry {
			s.Told.Heard(events[i].Topic.ID, events[i].Seq)
		}
		if events[i].Topic.Kind == chat.TopicUser && (events[i].Kind == chat.EventSession || events[i].Kind == chat.EventProfile) {
			user := chat.UserID(events[i].Topic.ID)
			s.principal.forget(user)
			s.accounts.forget(user)
		}
	}
}

// Outcomes gives each record's outcome to whoever waits for it. An outcome that
// nobody waits for (any more) is ignored.
func (s *Service) Outcomes(outcomes []chat.Outcome) {
	for i := range outcomes {
		if e := outcomes[i].Entry; e != nil {
			s.Told.Heard(e.ConversationID, e.Seq)
			s.Told.changed(e)
		}
		if w, ok := s.pending.take(outcomes[i].RecordID); ok {
			w.done(outcomes[i])
		}
	}
}

// Resync says that the bus may have lost something: what is cached is forgotten.
func (s *Service) Resync() { s.principal.clear() }
