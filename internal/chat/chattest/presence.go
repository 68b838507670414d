package chattest

import (
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Presence is the conformance suite of chat.Presence. Open gives one in which
// nobody is online, which ends with the test.
func Presence(t *testing.T, open func(t *testing.T) chat.Presence) {
	t.Helper()
	p := open(t)
	now := Epoch
	renew := func(node string, users []chat.UserID, fresh ...chat.UserID) {
		t.Helper()
		got, err := p.Renew(t.Context(), node, users, now)
		if err != nil || !slices.Equal(sorted(got), fresh) {
			t.Errorf("renew %s: got %v, %v, want %v", node, got, err, fresh)
		}
	}
	leave := func(node string, users []chat.UserID, gone ...chat.UserID) {
		t.Helper()
		got, err := p.Leave(t.Context(), node, users, now)
		if err != nil || !slices.Equal(sorted(got), gone) {
			t.Errorf("leave %s: got %v, %v, want %v", node, got, err, gone)
		}
	}
	online := func(want ...chat.UserID) {
		t.Helper()
		got, err := p.Online(t.Context(), Users(4), now)
		var users []chat.UserID
		for u, on := range got {
			if on {
				users = append(users, u)
			}
		}
		if err != nil || !slices.Equal(sorted(users), want) {
			t.Errorf("online: got %v, %v, want %v", users, err, want)
		}
	}
	online()
	renew("a", Users(2), Users(2)...)
	online(Users(2)...)
	renew("a", Users(2))
	renew("b", []chat.UserID{User(1), User(2)}, User(2))
	online(Users(3)...)
	leave("a", Users(2), User(0)) // User(1) is still on b
	online(User(1), User(2))
	leave("a", Users(1), User(0)) // again: still not online
	now += chat.PresenceLease / 2
	renew("b", []chat.UserID{User(1)})
	now += chat.PresenceLease/2 - 1
	online(User(1), User(2))
	now++ // the lease of User(2) has ended, that of User(1) has not
	online(User(1))
	renew("a", []chat.UserID{User(2)}, User(2))
	online(User(1), User(2))
	now -= chat.PresenceLease / 4 // a renewal that was sent before that one and comes after it
	renew("a", []chat.UserID{User(2)})
	now += chat.PresenceLease/4 + chat.PresenceLease - 1
	online(User(2))
	now++
	online()
	leave("b", []chat.UserID{User(1), User(2)}, User(1), User(2))
	renew("a", nil)
	leave("a", nil)
}

func sorted(ids []chat.UserID) []chat.UserID {
	out := slices.Clone(ids)
	slices.SortFunc(out, func(a, b chat.UserID) int { return slices.Compare(a[:], b[:]) })
	return out
}

// Limiter is the conformance suite of chat.Limiter. Open gives one whose buckets
// are all full, which ends with the test.
func Limiter(t *testing.T, open func(t *testing.T) chat.Limiter) {
	t.Helper()
	take := func(l chat.Limiter, key string, n, perSecond, burst float64) chat.Time {
		t.Helper()
		wait, err := l.Take(t.Context(), key, n, perSecond, burst)
		if err != nil || wait < 0 {
			t.Fatalf("take %v of %s: got %d, %v", n, key, wait, err)
		}
		return wait
	}
	t.Run("a burst passes, more waits", func(t *testing.T) {
		l := open(t)
		for range 5 {
			if wait := take(l, "a", 1, 0.01, 5); wait != 0 {
				t.Errorf("within the burst: got %d ms", wait)
			}
		}
		if wait := take(l, "a", 1, 0.01, 5); wait < 90_000 || wait > 100_000 {
			t.Errorf("got %d ms, want about 100,000", wait)
		}
		if wait := take(l, "b", 5, 0.01, 5); wait != 0 {
			t.Errorf("another key: got %d ms", wait)
		}
	})
	t.Run("who is refused has taken nothing", func(t *testing.T) {
		l := open(t)
		take(l, "a", 3, 0.01, 5)
		for range 3 {
			if wait := take(l, "a", 4, 0.01, 5); wait < 150_000 || wait > 200_000 {
				t.Errorf("got %d ms, want about 200,000", wait)
			}
		}
		if wait := take(l, "a", 2, 0.01, 5); wait != 0 {
			t.Errorf("what was left: got %d ms", wait)
		}
	})
	t.Run("who waits as told is served", func(t *testing.T) {
		l := open(t)
		for range 3 {
			wait := take(l, "a", 10, 500, 10)
			time.Sleep(time.Duration(wait) * time.Millisecond)
			if wait > 0 {
				if again := take(l, "a", 10, 500, 10); again != 0 {
					t.Errorf("after %d ms: got another %d ms", wait, again)
				}
			}
		}
	})
	t.Run("more than a bucket holds", func(t *testing.T) {
		if wait := take(open(t), "a", 6, 1, 5); wait == 0 {
			t.Error("got nothing to wait, want a refusal")
		}
	})
}
