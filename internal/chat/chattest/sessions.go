package chattest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// NewSession makes the nth session, of a person.
func NewSession(n int, user chat.UserID) *chat.Session {
	return &chat.Session{
		ID: SessionID(n), UserID: user, TokenHash: sha256.Sum256([]byte(fmt.Sprint("token ", n))),
		CreatedAt: Epoch, SeenAt: Epoch + chat.Time(n), ExpiresAt: Epoch + 1000, UserAgent: "agent", Address: "192.0.2.1",
	}
}

// SessionStore is what the suite of sessions needs: sessions belong to accounts.
type SessionStore interface {
	chat.Sessions
	chat.Accounts
}

// Sessions is the conformance suite of chat.Sessions. Open gives an empty
// store, which ends with the test.
func Sessions(t *testing.T, open func(t *testing.T) SessionStore) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s SessionStore){
		"a session comes back as it was, with its account": sessionsRoundTrip,
		"a token is used once":                             sessionsUnique,
		"one session is ended by its owner only":           sessionsDelete,
		"all others are ended":                             sessionsDeleteOthers,
		"use moves the expiry":                             sessionsTouch,
		"what was ended early is told":                     sessionsEnded,
		"what has expired is ended":                        sessionsExpired,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// sessions makes accounts 0 and 1 with sessions 0, 1, 2 of the first and 3 of the second.
func sessions(t *testing.T, s SessionStore) []*chat.Session {
	t.Helper()
	account(t, s, 0)
	account(t, s, 1)
	var out []*chat.Session
	for n, user := range []chat.UserID{User(0), User(0), User(0), User(1)} {
		x := NewSession(n, user)
		if err := s.CreateSession(t.Context(), x); err != nil {
			t.Fatalf("create session: %v", err)
		}
		out = append(out, x)
	}
	return out
}

// wantSessions checks which sessions a person has, the last used first.
func wantSessions(t *testing.T, s chat.Sessions, user chat.UserID, want ...int) {
	t.Helper()
	list, err := s.ListSessions(t.Context(), user)
	if err != nil {
		t.Fatalf("list sessions: %v", err)
	}
	var got, ids []chat.SessionID
	for i := range list {
		got = append(got, list[i].ID)
	}
	for _, n := range want {
		ids = append(ids, SessionID(n))
	}
	if !slices.Equal(got, ids) {
		t.Errorf("got sessions %v, want %v", got, ids)
	}
}

func sessionsRoundTrip(t *testing.T, s SessionStore) {
	for _, want := range sessions(t, s) {
		x, a, err := s.SessionByToken(t.Context(), want.TokenHash)
		if err != nil || *x != *want {
			t.Fatalf("got %+v, %v, want %+v", x, err, want)
		}
		owner, err := s.Account(t.Context(), want.UserID)
		if err != nil {
			t.Fatal(err)
		}
		wantAccount(t, a, owner)
	}
	if _, _, err := s.SessionByToken(t.Context(), [32]byte{1}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	wantSessions(t, s, User(0), 2, 1, 0)
	wantSessions(t, s, User(1), 3)
	wantSessions(t, s, User(2))
}

func sessionsUnique(t *testing.T, s SessionStore) {
	list := sessions(t, s)
	x := NewSession(9, User(1))
	x.TokenHash = list[0].TokenHash
	if err := s.CreateSession(t.Context(), x); !errors.Is(err, chat.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	if err := s.CreateSession(t.Context(), NewSession(10, User(7))); err == nil {
		t.Error("somebody without an account got a session")
	}
}

func sessionsDelete(t *testing.T, s SessionStore) {
	list := sessions(t, s)
	if err := s.DeleteSession(t.Context(), User(1), SessionID(0), Epoch+7); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("of another person: got %v, want ErrNotFound", err)
	}
	if err := s.DeleteSession(t.Context(), User(0), SessionID(1), Epoch+7); err != nil {
		t.Errorf("got %v", err)
	}
	if err := s.DeleteSession(t.Context(), User(0), SessionID(1), Epoch+7); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("again: got %v, want ErrNotFound", err)
	}
	if _, _, err := s.SessionByToken(t.Context(), list[1].TokenHash); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("its token: got %v, want ErrNotFound", err)
	}
	wantSessions(t, s, User(0), 2, 0)
}

func sessionsDeleteOthers(t *testing.T, s SessionStore) {
	sessions(t, s)
	gone, err := s.DeleteSessions(t.Context(), User(0), SessionID(1), Epoch+7)
	if err != nil || len(gone) != 2 || !slices.Contains(gone, SessionID(0)) || !slices.Contains(gone, SessionID(2)) {
		t.Errorf("got %v, %v, want sessions 0 and 2", gone, err)
	}
	wantSessions(t, s, User(0), 1)
	if gone, err = s.DeleteSessions(t.Context(), User(0), chat.SessionID{}, Epoch+7); err != nil || len(gone) != 1 {
		t.Errorf("all: got %v, %v, want session 1", gone, err)
	}
	if gone, err = s.DeleteSessions(t.Context(), User(0), chat.SessionID{}, Epoch+7); err != nil || len(gone) != 0 {
		t.Errorf("none left: got %v, %v", gone, err)
	}
	wantSessions(t, s, User(1), 3)
}

func sessionsTouch(t *testing.T, s SessionStore) {
	list := sessions(t, s)
	if err := s.TouchSession(t.Context(), SessionID(0), Epoch+50, Epoch+5000); err != nil {
		t.Fatal(err)
	}
	x, _, err := s.SessionByToken(t.Context(), list[0].TokenHash)
	if err != nil || x.SeenAt != Epoch+50 || x.ExpiresAt != Epoch+5000 || x.CreatedAt != Epoch {
		t.Errorf("got %+v, %v", x, err)
	}
	wantSessions(t, s, User(0), 0, 2, 1)
	if err := s.TouchSession(t.Context(), SessionID(8), Epoch, Epoch); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("of none: got %v, want ErrNotFound", err)
	}
}

func sessionsExpired(t *testing.T, s SessionStore) {
	sessions(t, s)
	if err := s.TouchSession(t.Context(), SessionID(1), Epoch, Epoch+2000); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		now  chat.Time
		want int
	}{{Epoch + 999, 0}, {Epoch + 1000, 3}, {Epoch + 1000, 0}, {Epoch + 2001, 1}} {
		if n, err := s.DeleteExpired(t.Context(), c.now); err != nil || n != c.want {
			t.Errorf("at %s: got %d, %v, want %d", c.now, n, err, c.want)
		}
	}
	wantSessions(t, s, User(0))
}

func sessionsEnded(t *testing.T, s SessionStore) {
	sessions(t, s)
	if err := s.DeleteSession(t.Context(), User(1), SessionID(3), Epoch+10); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteSession(t.Context(), User(1), SessionID(0), Epoch+15); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("of another person: got %v, want ErrNotFound", err)
	}
	if _, err := s.DeleteSessions(t.Context(), User(0), SessionID(1), Epoch+20); err != nil {
		t.Fatal(err)
	}
	want := func(at chat.Time, limit int, ids ...int) {
		t.Helper()
		list, err := s.EndedSince(t.Context(), at, limit)
		if err != nil || len(list) != len(ids) {
			t.Fatalf("since %d: got %v, %v, want sessions %v", at, list, err, ids)
		}
		for _, n := range ids {
			x := chat.EndedSession{ID: SessionID(n), UserID: User(0), At: Epoch + 20}
			if n == 3 {
				x.UserID, x.At = User(1), Epoch+10
			}
			if !slices.Contains(list, x) {
				t.Errorf("since %d: got %v, want %v among them", at, list, x)
			}
		}
	}
	want(Epoch, 10, 3, 0, 2)
	want(Epoch+10, 1, 3)
	want(Epoch+11, 10, 0, 2)
	want(Epoch+21, 10)
	// What expired has come to its own end, and what was ended long ago is forgotten.
	if n, err := s.DeleteExpired(t.Context(), Epoch+5_000); err != nil || n != 1 {
		t.Fatalf("got %d, %v, want one expired", n, err)
	}
	want(Epoch, 10, 3, 0, 2)
	if _, err := s.DeleteExpired(t.Context(), Epoch+25*3600*1000); err != nil {
		t.Fatal(err)
	}
	want(Epoch, 10)
}
