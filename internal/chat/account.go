package chat

import (
	"context"
	"encoding/json"
)

// User is a person's public profile.
type User struct {
	ID          UserID `json:"id"`
	Username    string `json:"username"` // as they wrote it
	DisplayName string `json:"display_name"`
	Bio         string `json:"bio"`
	AvatarID    FileID `json:"avatar_id,omitzero"`
	CreatedAt   Time   `json:"created_at"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// Account is a person's own view of themselves, and what log-in needs. It never
// leaves the server as it is.
type Account struct {
	User
	// Folded is the username after NFKC, confusable and case folding; it is unique.
	Folded string
	// Email is what the person says it is: not proved, so neither unique nor a way to log in.
	Email        string
	PasswordHash string // argon2id in PHC form
	Settings     json.RawMessage
	LastSeenAt   Time
}

// Session is a log-in. The token itself is not kept, only its SHA-256.
type Session struct {
	ID        SessionID
	UserID    UserID
	TokenHash [32]byte
	CreatedAt Time
	SeenAt    Time
	ExpiresAt Time
	UserAgent string
	Address   string
}

// Accounts keeps people and their sessions. Safe for concurrent use.
type Accounts interface {
	// CreateAccount gives ErrConflict when the folded username or the id is taken.
	CreateAccount(ctx context.Context, a *Account) error
	Account(ctx context.Context, id UserID) (*Account, error)
	AccountByUsername(ctx context.Context, folded string) (*Account, error)
	// UpdateAccount changes the row in one transaction: change gets the present
	// account and alters it, or gives an error that ends the matter. It is called
	// again, with what the account is then, when others were in the way.
	UpdateAccount(ctx context.Context, id UserID, change func(*Account) error) (*Account, error)
	// Users gives the public profiles of those that exist, in no order.
	Users(ctx context.Context, ids []UserID) ([]User, error)
	// SearchUsers finds people whose username or name contains the query,
	// ignoring case, those that begin with it first. Disabled ones are left out.
	SearchUsers(ctx context.Context, query string, cursor string, limit int) (Page[User], error)
	// ListAccounts is for the operator's command line.
	ListAccounts(ctx context.Context, cursor string, limit int) (Page[Account], error)
	// TouchSeen notes when people were last online; it never moves back.
	TouchSeen(ctx context.Context, seen map[UserID]Time) error
	// LastSeen gives when those of these people who can be found by others (who
	// exist and are not disabled) were last online; zero means never.
	LastSeen(ctx context.Context, ids []UserID) (map[UserID]Time, error)
}

// EndedSession is a log-in that was ended before its time.
type EndedSession struct {
	ID     SessionID
	UserID UserID
	At     Time
}

// Sessions keeps log-ins. Safe for concurrent use.
type Sessions interface {
	CreateSession(ctx context.Context, s *Session) error
	// SessionByToken gives the session and its account, or ErrNotFound; it does not look at expiry.
	SessionByToken(ctx context.Context, hash [32]byte) (*Session, *Account, error)
	ListSessions(ctx context.Context, user UserID) ([]Session, error)
	// DeleteSession gives ErrNotFound when the person has no such session. At is the
	// present time, for EndedSince.
	DeleteSession(ctx context.Context, user UserID, id SessionID, at Time) error
	// DeleteSessions ends all sessions of a person but one (zero: all) and gives their
	// ids. At is the present time, for EndedSince.
	DeleteSessions(ctx context.Context, user UserID, keep SessionID, at Time) ([]SessionID, error)
	// EndedSince gives sessions that were ended before their time, at that time or
	// later, the earliest first and at most limit of them. They are remembered for an
	// hour at least. One that is being ended while this is asked may be missing and
	// come later with an earlier time: ask again from some seconds before.
	EndedSince(ctx context.Context, at Time, limit int) ([]EndedSession, error)
	// TouchSession notes use and moves the idle expiry.
	TouchSession(ctx context.Context, id SessionID, seen, expires Time) error
	// DeleteExpired ends what has expired before now, and gives how many.
	DeleteExpired(ctx context.Context, now Time) (int, error)
}

// File is what is known of an upload. Its bytes are in the blob store under its id.
type File struct {
	Attachment
	OwnerID   UserID
	CreatedAt Time
	SHA256    [32]byte
	// Avatar says that it is somebody's or some conversation's picture: whoever is logged in may fetch it.
	Avatar bool
}

// Files keeps what is known of uploads. Safe for concurrent use.
type Files interface {
	// CreateFile is called when the bytes are durable.
	CreateFile(ctx context.Context, f *File) error
	File(ctx context.Context, id FileID) (*File, error)
	// UsedBytes is the sum of the sizes of a person's files, for quotas.
	UsedBytes(ctx context.Context, owner UserID) (int64, error)
	// MarkAvatar makes an own image public to all who are logged in; ErrNotFound if it is not one's own.
	MarkAvatar(ctx context.Context, owner UserID, id FileID) error
	// Orphans lists files older than before that no message and no profile names, at most limit.
	Orphans(ctx context.Context, before Time, limit int) ([]FileID, error)
	DeleteFile(ctx context.Context, id FileID) error
}

// PresenceLease is how long a node's word that somebody is online holds, in milliseconds.
// What it has to do with the time after which who vanished is shown offline is a sum in
// docs/adr/0011-redis-bus.md.
const PresenceLease Time = 40_000

// Presence knows who is online, over all nodes, by leases that end by
// themselves. Safe for concurrent use.
type Presence interface {
	// Renew says that these people have a socket on this node; it holds for
	// PresenceLease from now, however late it arrives. It gives those who were not
	// online anywhere before.
	Renew(ctx context.Context, node string, users []UserID, now Time) ([]UserID, error)
	// Leave says that these people have no socket on this node any more. It
	// gives those who are not online anywhere now.
	Leave(ctx context.Context, node string, users []UserID, now Time) ([]UserID, error)
	// Online gives which of these people are online.
	Online(ctx context.Context, users []UserID, now Time) (map[UserID]bool, error)
}

// Limiter counts against a rate. Safe for concurrent use.
type Limiter interface {
	// Take takes n from the bucket of key, which refills at perSecond up to
	// burst. If there is not enough it takes nothing and gives how long to wait.
	Take(ctx context.Context, key string, n, perSecond, burst float64) (wait Time, err error)
}
