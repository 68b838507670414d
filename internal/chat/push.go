package chat

import "context"

const (
	// MaxPushSubscriptions bounds the devices of one person that notifications are pushed to.
	MaxPushSubscriptions = 20
	// MaxPushesWaiting bounds what waits for one of them; what comes behind it is
	// dropped, and its owner can see that.
	MaxPushesWaiting = 100
	// MaxPushAge is how old a message may be to be pushed still, in milliseconds.
	MaxPushAge Time = 3_600_000
)

// PushSubscription is a browser that notifications are pushed to (RFC 8030). It
// ends with the session in which it was made.
type PushSubscription struct {
	ID        PushID
	UserID    UserID
	SessionID SessionID
	Endpoint  string
	Key       [65]byte // the browser's public key, P-256, uncompressed (RFC 8291)
	Auth      [16]byte // the secret that it shares with us
	Content   bool     // what was said is in the notification, not only that something was
	UserAgent string
	CreatedAt Time
	// SucceededAt, FailedAt and Failure are what became of the last ones.
	SucceededAt, FailedAt Time
	Failure               string
}

// PushCandidate is a message that somebody might be told of.
type PushCandidate struct {
	UserID      UserID
	Preferences Preferences
	ReadSeq     Seq
	VisibleFrom Seq
	Kind        ConversationKind
	Members     int
	Seq         Seq
	SenderID    UserID
	At          Time
	Mention     bool // it mentions them
}

// Wanted decides whether somebody is to be told of a message. Mentions pass all but
// the level NotifyNone, even while muted; in large conversations they alone do.
func (c *PushCandidate) Wanted(now Time) bool {
	switch {
	case c.SenderID == c.UserID, c.Seq <= c.ReadSeq, c.Seq < c.VisibleFrom, now-c.At > MaxPushAge,
		c.Preferences.Notify == NotifyNone:
		return false
	case c.Mention:
		return true
	}
	return c.Preferences.Notify == NotifyAll && c.Preferences.MutedUntil <= now && c.Members <= MaxReceiptMembers
}

// PushJob is a notification on its way to one browser. The same browser,
// conversation and seq is the same notification, however often it is tried.
type PushJob struct {
	Subscription   PushSubscription
	ConversationID ConversationID // zero: a test that its owner asked for
	Seq            Seq
	Mention        bool
	QueuedAt       Time
	Attempts       int // this one included
}

// PushVerdict says what becomes of a job.
type PushVerdict string

// The verdicts.
const (
	PushSent    PushVerdict = "sent"    // the push service has it
	PushDropped PushVerdict = "dropped" // nobody needs it any more
	PushFailed  PushVerdict = "failed"  // it will not be tried again; Failure says why
	PushRetry   PushVerdict = "retry"   // at RetryAt; Failure says why
	PushGone    PushVerdict = "gone"    // the browser has ended its subscription
)

// PushResult is what became of a job at a time.
type PushResult struct {
	Job     PushJob
	Verdict PushVerdict
	At      Time
	RetryAt Time
	Failure string
}

// Pushes keeps whom notifications are pushed to, and which wait to be. Any number
// of nodes may use it at once. Safe for concurrent use.
type Pushes interface {
	// SaveSubscription makes a subscription, or gives the one of this endpoint new
	// values and its id; an endpoint of another person changes hands. One too many
	// gives ErrTooLarge.
	SaveSubscription(ctx context.Context, s *PushSubscription) (created bool, err error)
	// Subscriptions lists those of a person, the last made first.
	Subscriptions(ctx context.Context, user UserID) ([]PushSubscription, error)
	// SetContent gives ErrNotFound when the person has no such subscription, as do
	// DeleteSubscription and QueueTest.
	SetContent(ctx context.Context, user UserID, id PushID, content bool) (*PushSubscription, error)
	DeleteSubscription(ctx context.Context, user UserID, id PushID) error
	// QueueTest queues a notification that its owner asked for; ErrConflict if one
	// was queued at the same time.
	QueueTest(ctx context.Context, user UserID, id PushID, at Time) error
	// QueuePushes goes through messages that were committed since the last call, on
	// any node, and queues those that wanted says yes to. What is queued, and how
	// far it has got, is one transaction: no message is left out or queued twice.
	// It gives how many messages it went through; 0 when there are none left.
	QueuePushes(ctx context.Context, at, due Time, limit int, wanted func(*PushCandidate) bool) (int, error)
	// DuePushes claims jobs that are due, the oldest first: until the given time
	// no other caller gets them; then they are due again.
	DuePushes(ctx context.Context, now, until Time, limit int) ([]PushJob, error)
	// FinishPushes notes what became of jobs.
	FinishPushes(ctx context.Context, results []PushResult) error
	// ServerKey gives the secret of a name that all nodes share: the one that is
	// kept, or made, which is kept from then on.
	ServerKey(ctx context.Context, name string, made []byte) ([]byte, error)
}
