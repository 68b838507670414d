package service

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Client is what is known of the program that makes a request.
type Client struct {
	Address   string // of the person's machine, without port
	UserAgent string
}

const maxUserAgent = 200

// LoggedIn is a fresh log-in. Token is shown to its owner once and kept nowhere.
type LoggedIn struct {
	Account *chat.Account
	Session *chat.Session
	Token   string
}

// LogInRequest asks for a session.
type LogInRequest struct {
	Username, Password string
	Client             Client
	// Previous is a token that the client holds already; its session ends when
	// the log-in succeeds.
	Previous string
}

// ErrCredentials is the answer to a wrong password, an unknown name and a
// disabled account alike.
var ErrCredentials = &chat.Error{
	Code: chat.CodeUnauthenticated, Reason: "bad_credentials", Message: "The username or the password is wrong.",
}

// LogIn checks a password and opens a session. It answers ErrCredentials in the
// same time whatever is wrong, ErrRateLimited after too many attempts from an
// address or on an account, and ErrOverloaded when too many log in at once.
func (s *Service) LogIn(ctx context.Context, r LogInRequest) (*LoggedIn, error) {
	address := AddressKey(r.Client.Address)
	if err := s.takeLogin(ctx, "login:address:"+address); err != nil {
		return nil, err
	}
	folded, possible := foldUsername(r.Username)
	var account *chat.Account
	if possible {
		found, err := s.Accounts.AccountByUsername(ctx, folded)
		if err != nil && !errors.Is(err, chat.ErrNotFound) {
			return nil, s.hide(ctx, "log in", err)
		}
		account = found
	}
	apart, err := s.mayTry(ctx, folded, address, account)
	if err != nil {
		return nil, err
	}
	hash := ""
	if account != nil {
		hash = account.PasswordHash
	}
	ok, err := s.hashes.check(ctx, cut(r.Password), hash)
	if err != nil {
		return nil, s.hide(ctx, "log in", err)
	}
	if !ok || account.Disabled {
		s.failures.add(folded, s.Clock())
		s.Logger.InfoContext(ctx, "log-in refused", "address", r.Client.Address)
		return nil, ErrCredentials
	}
	if !apart { // else the owner's coming in would give a guesser elsewhere new tries
		s.failures.forget(folded)
	}
	in, err := s.enter(ctx, account, r.Client, r.Previous)
	if err != nil {
		return nil, err
	}
	if err := s.stillGood(ctx, account, in.Session); err != nil {
		return nil, err
	}
	return in, nil
}

// stillGood ends a session at once that was opened with a password which was
// changed, or for an account which was disabled, while it was being checked: the
// change ended the sessions that it saw.
func (s *Service) stillGood(ctx context.Context, checked *chat.Account, session *chat.Session) error {
	now, err := s.Accounts.Account(ctx, checked.ID)
	if err != nil {
		return s.hide(ctx, "log in", err)
	}
	if now.PasswordHash == checked.PasswordHash && !now.Disabled {
		return nil
	}
	if err := s.Revoke(ctx, checked.ID, session.ID); err != nil && !errors.Is(err, chat.ErrNotFound) {
		return err
	}
	return ErrCredentials
}

// enter opens a session for an account whose owner has been recognised.
func (s *Service) enter(ctx context.Context, account *chat.Account, client Client, previous string) (*LoggedIn, error) {
	session, token, err := s.openSession(ctx, account.ID, client)
	if err != nil {
		return nil, s.hide(ctx, "open session", err)
	}
	if hash, ok := hashToken(previous); ok {
		if old, err := s.lookUp(ctx, hash, s.now()); err == nil {
			if err := s.Revoke(ctx, old.UserID, old.SessionID); err != nil && !errors.Is(err, chat.ErrNotFound) {
				return nil, err
			}
		}
	}
	s.Logger.InfoContext(ctx, "logged in", "user_id", account.ID, "session_id", session.ID, "address", client.Address)
	return &LoggedIn{Account: account, Session: session, Token: token}, nil
}

// mayTry holds back guessing on one account: ten attempts a minute and, after
// three failures, a pause that doubles. An address from which the account is
// logged in already counts apart, so that guessing from elsewhere does not lock
// its owner out.
func (s *Service) mayTry(ctx context.Context, folded, address string, account *chat.Account) (apart bool, err error) {
	var refused *chat.Error
	if wait := s.failures.wait(folded, s.Clock()); wait > 0 {
		refused = rateLimited(wait)
	} else {
		refused = s.takeLogin(ctx, "login:account:"+folded)
	}
	if refused == nil {
		return false, nil
	}
	if account == nil || !s.logsInFrom(ctx, account.ID, address) {
		return false, refused
	}
	if err := s.takeLogin(ctx, "login:known:"+account.ID.String()+address); err != nil {
		return false, err
	}
	return true, nil
}

func (s *Service) logsInFrom(ctx context.Context, user chat.UserID, address string) bool {
	sessions, err := s.SessionsOf(ctx, user)
	if err != nil {
		return false
	}
	for i := range sessions {
		if AddressKey(sessions[i].Address) == address {
			return true
		}
	}
	return false
}

func (s *Service) takeLogin(ctx context.Context, key string) *chat.Error {
	return s.take(ctx, key, s.Limits.LoginsPerMinute/60, s.Limits.LoginsPerMinute)
}

// LogOut ends the session of a request.
func (s *Service) LogOut(ctx context.Context, p Principal) error {
	err := s.Revoke(ctx, p.UserID, p.SessionID)
	if errors.Is(err, chat.ErrNotFound) {
		return nil
	}
	return err
}

// AddressKey gives what counts as one address in limits: an IPv4 address, or the
// /64 that a customer gets of IPv6.
func AddressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// cut bounds what is hashed: longer text cannot be a password.
func cut(password string) string {
	if len(password) > 4*MaxPassword {
		return ""
	}
	return password
}

// failureLog counts failed log-ins in a row, by folded name, whether or not the
// account exists. It is bounded: the oldest names go first.
type failureLog struct {
	mu    sync.Mutex
	by    map[string]failures
	order []string
}

type failures struct {
	n     int
	until time.Time
}

const (
	maxFailureNames = 10_000
	freeFailures    = 3
	longestPause    = time.Minute
)

func newFailureLog() *failureLog { return &failureLog{by: make(map[string]failures)} }

func (f *failureLog) wait(name string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.by[name].until.Sub(now)
}

func (f *failureLog) add(name string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.by[name]
	if !ok {
		f.order = append(f.order, name)
		if len(f.order) > maxFailureNames {
			delete(f.by, f.order[0])
			f.order = f.order[1:]
		}
	}
	e.n++
	if over := e.n - freeFailures; over > 0 {
		e.until = now.Add(min(time.Second<<min(over-1, 10), longestPause))
	}
	f.by[name] = e
}

func (f *failureLog) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e, ok := f.by[name]; ok {
		e.n, e.until = 0, time.Time{}
		f.by[name] = e
	}
}
