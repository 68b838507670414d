package service

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// SessionIdle ends a session that nobody used.
	SessionIdle = 14 * 24 * time.Hour
	// SessionLife ends a session in any case.
	SessionLife = 90 * 24 * time.Hour
	// touchEvery is how exactly the last use of a session is known.
	touchEvery = 10 * time.Minute
	// tokenPrefix makes tokens recognisable to scanners for leaked secrets.
	tokenPrefix = "pls_"
	tokenBytes  = 32
)

// Principal is who makes a request: a person, by one of their log-ins. It holds
// no secret.
type Principal struct {
	UserID    chat.UserID
	SessionID chat.SessionID
	ExpiresAt chat.Time
	token     [32]byte // SHA-256 of the token
}

// Authenticate gives whose token it is, or ErrUnauthenticated. Answers are
// remembered for a short time (Limits.SessionCacheTTL), and while the store cannot be
// reached for longer (Limits.SessionStale); a revocation that this node hears of ends
// that at once, and while it would hear of none, nothing is taken from memory.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	hash, ok := hashToken(token)
	if !ok {
		return Principal{}, chat.ErrUnauthenticated
	}
	now := s.now()
	informed, age := s.Informed(), s.Limits.SessionCacheTTL
	if s.Away() {
		age = max(age, s.Limits.SessionStale)
	}
	if p, ok := s.principal.get(hash, now, millis(age)); ok && informed {
		return p, nil
	}
	epoch := s.principal.epochNow()
	p, err := s.lookUp(ctx, hash, now)
	if errors.Is(err, chat.ErrUnavailable) && informed {
		if p, ok := s.principal.get(hash, now, millis(s.Limits.SessionStale)); ok {
			return p, nil
		}
	}
	if err != nil {
		return Principal{}, err
	}
	s.remember(ctx, p, now, epoch)
	return p, nil
}

// Recheck looks a principal up in the store again, past every cache: the sockets
// of a session that was revoked where the bus did not tell end by it. It gives
// ErrUnauthenticated when the session has ended.
func (s *Service) Recheck(ctx context.Context, p Principal) error {
	_, err := s.lookUp(ctx, p.token, s.now())
	if errors.Is(err, chat.ErrUnauthenticated) {
		s.principal.forget(p.UserID)
	}
	return err
}

func (s *Service) lookUp(ctx context.Context, hash [32]byte, now chat.Time) (Principal, error) {
	session, account, err := s.Sessions.SessionByToken(ctx, hash)
	if errors.Is(err, chat.ErrNotFound) {
		return Principal{}, chat.ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, s.hide(ctx, "authenticate", err)
	}
	if session.ExpiresAt <= now || account.Disabled {
		return Principal{}, chat.ErrUnauthenticated
	}
	if now-session.SeenAt >= millis(touchEvery) {
		session.SeenAt, session.ExpiresAt = now, expiry(session.CreatedAt, now)
		if err := s.Sessions.TouchSession(ctx, session.ID, session.SeenAt, session.ExpiresAt); err != nil {
			s.Logger.WarnContext(ctx, "touch session", "error", err) // the next use tries again
		}
	}
	return Principal{UserID: account.ID, SessionID: session.ID, ExpiresAt: session.ExpiresAt, token: hash}, nil
}

// remember caches a principal while the node hears of what happens to the
// person. Nothing is cached that was revoked while it was looked up.
func (s *Service) remember(ctx context.Context, p Principal, now chat.Time, epoch uint64) {
	topic := chat.Topic{Kind: chat.TopicUser, ID: p.UserID}
	if err := s.Bus.Subscribe(ctx, topic); err != nil {
		s.Logger.WarnContext(ctx, "subscribe for a session", "error", err)
		return
	}
	drop := s.principal.put(p, now, epoch)
	for _, user := range drop {
		if err := s.Bus.Unsubscribe(ctx, chat.Topic{Kind: chat.TopicUser, ID: user}); err != nil {
			s.Logger.WarnContext(ctx, "unsubscribe for a session", "error", err)
		}
	}
}

// openSession makes a log-in and gives its token, which is kept nowhere.
func (s *Service) openSession(ctx context.Context, user chat.UserID, client Client) (*chat.Session, string, error) {
	id, err := s.newID()
	if err != nil {
		return nil, "", err
	}
	var secret [tokenBytes]byte
	if _, err := io.ReadFull(s.Rand, secret[:]); err != nil {
		return nil, "", fmt.Errorf("read randomness: %w", err)
	}
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	now := s.now()
	session := &chat.Session{
		ID: id, UserID: user, TokenHash: sha256.Sum256([]byte(token)),
		CreatedAt: now, SeenAt: now, ExpiresAt: expiry(now, now),
		UserAgent: plain(client.UserAgent, maxUserAgent), Address: client.Address,
	}
	if err := s.Sessions.CreateSession(ctx, session); err != nil {
		return nil, "", fmt.Errorf("create session: %w", err)
	}
	return session, token, nil
}

// OpenSession logs a person in without asking for anything, for programs on this side
// of the door, such as the load generator. It gives the token, which is kept nowhere.
func (s *Service) OpenSession(ctx context.Context, user chat.UserID, client Client) (string, error) {
	_, token, err := s.openSession(ctx, user, client)
	return token, err
}

// SessionsOf lists a person's log-ins that have not expired.
func (s *Service) SessionsOf(ctx context.Context, user chat.UserID) ([]chat.Session, error) {
	all, err := s.Sessions.ListSessions(ctx, user)
	if err != nil {
		return nil, s.hide(ctx, "list sessions", err)
	}
	now := s.now()
	live := all[:0]
	for _, session := range all {
		if session.ExpiresAt > now {
			live = append(live, session)
		}
	}
	return live, nil
}

// Revoke ends one of a person's log-ins, on every node.
func (s *Service) Revoke(ctx context.Context, user chat.UserID, id chat.SessionID) error {
	if err := s.Sessions.DeleteSession(ctx, user, id, s.now()); err != nil {
		return s.hide(ctx, "revoke session", err)
	}
	s.tellRevoked(ctx, user, id)
	return nil
}

// RevokeAll ends all log-ins of a person but one (zero: all).
func (s *Service) RevokeAll(ctx context.Context, user chat.UserID, keep chat.SessionID) error {
	ids, err := s.Sessions.DeleteSessions(ctx, user, keep, s.now())
	if err != nil {
		return s.hide(ctx, "revoke sessions", err)
	}
	if keep.IsZero() {
		s.tellRevoked(ctx, user, chat.SessionID{})
		return nil
	}
	s.tellRevoked(ctx, user, ids...)
	return nil
}

// tellRevoked closes the sockets of sessions that have ended. It cannot fail the
// revocation, which has happened: what a lost message leaves open, Recheck closes.
func (s *Service) tellRevoked(ctx context.Context, user chat.UserID, ids ...chat.SessionID) {
	s.principal.forget(user)
	events := make([]chat.Event, 0, len(ids))
	for _, id := range ids {
		text := ""
		if !id.IsZero() {
			text = id.String()
		}
		events = append(events, chat.Event{
			Topic: chat.Topic{Kind: chat.TopicUser, ID: user}, Kind: chat.EventSession,
			Data: []byte(`{"session_id":"` + text + `"}`),
		})
	}
	s.publish(ctx, events...)
}

func (s *Service) publish(ctx context.Context, events ...chat.Event) {
	if len(events) == 0 {
		return
	}
	if err := s.Bus.Publish(ctx, events); err != nil {
		s.Logger.WarnContext(ctx, "publish", "error", err)
	}
}

func hashToken(token string) ([32]byte, bool) {
	if !strings.HasPrefix(token, tokenPrefix) || len(token) != len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return [32]byte{}, false
	}
	return sha256.Sum256([]byte(token)), true
}

func expiry(created, now chat.Time) chat.Time {
	return min(now+millis(SessionIdle), created+millis(SessionLife))
}

func millis(d time.Duration) chat.Time { return chat.Time(d.Milliseconds()) }
