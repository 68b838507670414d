package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// countedSessions counts look-ups, and may do something in the middle of one.
type countedSessions struct {
	chat.Sessions
	lookUps int
	during  func()
	fail    error
}

func (c *countedSessions) SessionByToken(ctx context.Context, hash [32]byte) (*chat.Session, *chat.Account, error) {
	c.lookUps++
	if c.fail != nil {
		return nil, nil, c.fail
	}
	s, a, err := c.Sessions.SessionByToken(ctx, hash)
	if c.during != nil {
		c.during()
	}
	return s, a, err
}

func counted(t *testing.T, change ...func(*Deps)) (*house, *countedSessions) {
	c := &countedSessions{}
	h := newHouse(t, append([]func(*Deps){func(d *Deps) { c.Sessions, d.Sessions = d.Sessions, c }}, change...)...)
	return h, c
}

func (h *house) logInAs(user chat.UserID) (chat.SessionID, string) {
	h.t.Helper()
	s, token, err := h.openSession(h.t.Context(), user, Client{Address: "192.0.2.1", UserAgent: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return s.ID, token
}

func TestAuthenticateIsCachedAndRevokedAtOnce(t *testing.T) {
	h, c := counted(t)
	ann := h.account("ann")
	id, token := h.logInAs(ann)
	for range 5 {
		if p, err := h.Authenticate(t.Context(), token); err != nil || p.UserID != ann || p.SessionID != id {
			t.Fatal(p, err)
		}
	}
	if c.lookUps != 1 {
		t.Errorf("got %d look-ups, want 1", c.lookUps)
	}
	if err := h.Revoke(t.Context(), ann, id); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Authenticate(t.Context(), token); !errors.Is(err, chat.ErrUnauthenticated) {
		t.Errorf("got %v, want a revoked session to be out at once", err)
	}
}

func TestRevocationOnAnotherNodeIsHeard(t *testing.T) {
	h, c := counted(t)
	ann := h.account("ann")
	id, token := h.logInAs(ann)
	if _, err := h.Authenticate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if err := h.store.DeleteSession(t.Context(), ann, id, h.now()); err != nil { // as another node does
		t.Fatal(err)
	}
	h.Deliver([]chat.Event{{Topic: chat.Topic{Kind: chat.TopicUser, ID: ann}, Kind: chat.EventSession}})
	if _, err := h.Authenticate(t.Context(), token); !errors.Is(err, chat.ErrUnauthenticated) || c.lookUps != 2 {
		t.Errorf("got %v after %d look-ups, want it looked up again", err, c.lookUps)
	}
	_, other := h.logInAs(ann)
	if _, err := h.Authenticate(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	before := c.lookUps
	h.Resync() // the bus may have lost something
	if _, err := h.Authenticate(t.Context(), other); err != nil || c.lookUps != before+1 {
		t.Errorf("got %d look-ups, %v, want the cache to be forgotten", c.lookUps-before, err)
	}
}

func TestWhatIsRevokedDuringTheLookUpIsNotCached(t *testing.T) {
	h, c := counted(t)
	ann := h.account("ann")
	id, token := h.logInAs(ann)
	c.during = func() {
		c.during = nil
		if err := h.Revoke(t.Context(), ann, id); err != nil {
			t.Error(err)
		}
	}
	_, _ = h.Authenticate(t.Context(), token) // it was valid when it was read
	if _, err := h.Authenticate(t.Context(), token); !errors.Is(err, chat.ErrUnauthenticated) {
		t.Errorf("got %v, want nothing to have been cached", err)
	}
}

func TestCacheIsBoundedAndEnds(t *testing.T) {
	h, c := counted(t, func(d *Deps) { d.Limits.CachedSessions = 3 })
	var tokens []string
	for range 6 {
		_, token := h.logInAs(h.account("p"))
		tokens = append(tokens, token)
		if _, err := h.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(h.principal.byHash); n != 3 {
		t.Errorf("got %d cached, want 3", n)
	}
	if n := h.bus.Subscriptions(); n != 3 {
		t.Errorf("got %d subscriptions, want one for each that is cached", n)
	}
	before := c.lookUps
	h.ahead.Store(int64(31 * time.Second))
	if _, err := h.Authenticate(t.Context(), tokens[5]); err != nil || c.lookUps != before+1 {
		t.Errorf("got %d look-ups, %v, want one after 30 s", c.lookUps-before, err)
	}
	if n := h.bus.Subscriptions(); n != 1 || len(h.principal.byHash) != 1 {
		t.Errorf("got %d subscriptions and %d cached, want what was too old to have gone", n, len(h.principal.byHash))
	}
	for i := range 100 { // in and out again leaves nothing behind
		h.Resync()
		if _, err := h.Authenticate(t.Context(), tokens[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.bus.Subscriptions(); n > 3 || len(h.principal.order) > 200 {
		t.Errorf("got %d subscriptions and %d ages", n, len(h.principal.order))
	}
}

// What is remembered stands in for a store that cannot be reached, for as long as
// the node would hear of a revocation.
func TestSessionsAreRememberedWhileTheStoreIsAway(t *testing.T) {
	informed, away := true, false
	h, c := counted(t, func(d *Deps) {
		d.Limits.SessionStale = 10 * time.Minute
		d.Informed = func() bool { return informed }
		d.Away = func() bool { return away }
	})
	ann, bob := h.account("ann"), h.account("bob")
	_, token := h.logInAs(ann)
	_, unseen := h.logInAs(bob)
	try := func(what, token string, want error, lookUps int) {
		t.Helper()
		c.lookUps = 0
		if _, err := h.Authenticate(t.Context(), token); !errors.Is(err, want) || c.lookUps != lookUps {
			t.Errorf("%s: got %v after %d look-ups, want %v after %d", what, err, c.lookUps, want, lookUps)
		}
	}
	if _, err := h.Me(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	try("at first", token, nil, 1)
	informed = false
	try("deaf", token, nil, 1)
	informed = true
	h.ahead.Store(int64(time.Minute))
	try("old", token, nil, 1)
	c.fail = chat.ErrUnavailable
	h.ahead.Store(int64(2 * time.Minute))
	try("without the store", token, nil, 1)
	try("never seen", unseen, chat.ErrUnavailable, 1)
	away = true
	try("known to be without the store", token, nil, 0)
	if me, err := h.Me(t.Context(), ann); err != nil || me.ID != ann {
		t.Errorf("got %v, %v, want what is remembered of ann", me, err)
	}
	informed = false
	try("deaf and without the store", token, chat.ErrUnavailable, 1)
	informed = true
	h.ahead.Store(int64(12 * time.Minute))
	try("too old", token, chat.ErrUnavailable, 1)
	h.ahead.Store(int64(2 * time.Minute))
	h.Deliver([]chat.Event{{Topic: chat.Topic{Kind: chat.TopicUser, ID: ann}, Kind: chat.EventSession}})
	try("revoked", token, chat.ErrUnavailable, 1)
}

func TestBadTokens(t *testing.T) {
	h, c := counted(t)
	for _, token := range []string{"", "x", "pls_", "pls_" + strings.Repeat("A", 42), "pls_" + strings.Repeat("A", 44), strings.Repeat("A", 47), "eyJhbGciOiJub25lIn0.e30."} {
		if _, err := h.Authenticate(t.Context(), token); !errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("%q: got %v, want unauthenticated", token, err)
		}
	}
	if c.lookUps != 0 {
		t.Errorf("got %d look-ups for what cannot be a token", c.lookUps)
	}
	if _, err := h.Authenticate(t.Context(), "pls_"+strings.Repeat("A", 43)); !errors.Is(err, chat.ErrUnauthenticated) {
		t.Errorf("got %v, want unauthenticated", err)
	}
}

func TestTokensAreRandomAndKeptAsHashes(t *testing.T) {
	h := newHouse(t)
	ann := h.account("ann")
	_, a := h.logInAs(ann)
	_, b := h.logInAs(ann)
	if a == b || len(a) != len("pls_")+43 {
		t.Errorf("got %d and %d characters, want two tokens of 256 bits", len(a), len(b))
	}
	s, _, err := h.store.SessionByToken(t.Context(), sha256.Sum256([]byte(a)))
	if err != nil || s.UserAgent != "test" || s.Address != "192.0.2.1" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestRecheckSeesPastTheCache(t *testing.T) {
	h := newHouse(t)
	ann := h.account("ann")
	id, token := h.logInAs(ann)
	p, err := h.Authenticate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Recheck(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := h.store.DeleteSession(t.Context(), ann, id, h.now()); err != nil { // nobody tells
		t.Fatal(err)
	}
	if err := h.Recheck(t.Context(), p); !errors.Is(err, chat.ErrUnauthenticated) {
		t.Errorf("got %v, want unauthenticated", err)
	}
	if _, err := h.Authenticate(t.Context(), token); !errors.Is(err, chat.ErrUnauthenticated) {
		t.Errorf("got %v, want the cache to know it too", err)
	}
}

func TestUseMovesTheExpiry(t *testing.T) {
	h := newHouse(t)
	ann := h.account("ann")
	_, token := h.logInAs(ann)
	h.ahead.Store(int64(10 * 24 * time.Hour))
	p, err := h.Authenticate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	want := h.Clock().Add(SessionIdle)
	if got := p.ExpiresAt.Std(); got.Before(want.Add(-time.Minute)) || got.After(want.Add(time.Minute)) {
		t.Errorf("got %v, want %v", got, want)
	}
	list, err := h.SessionsOf(t.Context(), ann)
	if err != nil || len(list) != 1 || list[0].SeenAt < chat.TimeOf(h.Clock().Add(-time.Minute)) {
		t.Errorf("got %+v, %v, want its last use", list, err)
	}
	h.ahead.Store(int64(30 * 24 * time.Hour))
	if list, err := h.SessionsOf(t.Context(), ann); err != nil || len(list) != 0 {
		t.Errorf("got %+v, %v, want an expired one not to be listed", list, err)
	}
	if n, err := h.SweepSessions(t.Context()); err != nil || n != 1 {
		t.Errorf("got %d, %v, want it swept", n, err)
	}
}

// A4: passwords are hashed a few at a time, some wait, the rest is refused.
func TestA4HashingIsBounded(t *testing.T) {
	h := newHouse(t, func(d *Deps) { d.Limits.PasswordHashes, d.Limits.PasswordQueue = 1, 2 })
	h.hashes.wait = time.Hour    // what the machine takes for a hash decides nothing
	h.hashes.slots <- struct{}{} // one is being hashed
	errs := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	logIn := func() {
		_, err := h.LogIn(ctx, LogInRequest{Username: "somebody", Password: "x"})
		errs <- err
	}
	for range 5 {
		go logIn()
	}
	for range 3 {
		if err := <-errs; !errors.Is(err, chat.ErrOverloaded) {
			t.Errorf("got %v, want overloaded at once", err)
		}
	}
	if _, waiting := h.Hashed(); waiting != 2 {
		t.Errorf("got %d waiting, want 2", waiting)
	}
	<-h.hashes.slots // it is done
	for range 2 {
		if err := <-errs; !errors.Is(err, ErrCredentials) {
			t.Errorf("got %v, want those who waited to be answered", err)
		}
	}
	h.hashes.slots <- struct{}{}
	go logIn()
	cancel()
	if err := <-errs; !errors.Is(err, chat.ErrOverloaded) && !errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("got %v, want an end to the waiting", err)
	}
}

// Nobody waits for their turn forever.
func TestHashingIsWaitedForSoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(1, 2, rand.Reader)
		h.slots <- struct{}{} // one is being hashed, and takes long
		began := time.Now()
		if _, err := h.check(t.Context(), "x", ""); !errors.Is(err, chat.ErrOverloaded) {
			t.Errorf("got %v, want overloaded", err)
		}
		if waited := time.Since(began); waited != hashWait {
			t.Errorf("waited %v, want %v", waited, hashWait)
		}
		if n := h.waiting.Load(); n != 0 {
			t.Errorf("%d still wait, want none", n)
		}
	})
}

// lateAccounts does something after an account was read by name.
type lateAccounts struct {
	chat.Accounts
	after func(*chat.Account)
}

func (l *lateAccounts) AccountByUsername(ctx context.Context, folded string) (*chat.Account, error) {
	a, err := l.Accounts.AccountByUsername(ctx, folded)
	if after := l.after; err == nil && after != nil {
		l.after = nil
		after(a)
	}
	return a, err
}

func TestPasswordThatChangesDuringTheLogIn(t *testing.T) {
	late := &lateAccounts{}
	h := newHouse(t, func(d *Deps) { late.Accounts, d.Accounts = d.Accounts, late })
	const old, next = "tall sturdy lighthouse", "quite another lighthouse"
	if _, err := h.SignUp(t.Context(), SignUpRequest{Username: "ann", Password: old}); err != nil {
		t.Fatal(err)
	}
	var user chat.UserID
	late.after = func(a *chat.Account) {
		user = a.ID
		if err := h.SetPassword(t.Context(), a.ID, next); err != nil {
			t.Error(err)
		}
	}
	if _, err := h.LogIn(t.Context(), LogInRequest{Username: "ann", Password: old}); !errors.Is(err, ErrCredentials) {
		t.Errorf("got %v, want the old password to be worth nothing", err)
	}
	if list, err := h.SessionsOf(t.Context(), user); err != nil || len(list) != 0 {
		t.Errorf("got %+v, %v, want no session left of it", list, err)
	}
	if _, err := h.LogIn(t.Context(), LogInRequest{Username: "ann", Password: next}); err != nil {
		t.Error(err)
	}
}

func TestPHC(t *testing.T) {
	h := newHouse(t)
	phc, err := h.hashes.hash(t.Context(), "tall sturdy lighthouse")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(phc, err)
	}
	again, err := h.hashes.hash(t.Context(), "tall sturdy lighthouse")
	if err != nil || again == phc {
		t.Errorf("got the same hash twice, %v: it is not salted", err)
	}
	for password, want := range map[string]bool{"tall sturdy lighthouse": true, "tall sturdy lighthousE": false, "": false} {
		if ok, err := h.hashes.check(t.Context(), password, phc); err != nil || ok != want {
			t.Errorf("%q: got %v, %v, want %v", password, ok, err, want)
		}
	}
	if ok, err := h.hashes.check(t.Context(), "", ""); err != nil || ok {
		t.Errorf("got %v, %v, want no password to fit an unknown person", ok, err)
	}
	for _, bad := range []string{
		"x", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA", strings.Replace(phc, "m=19456", "m=99999999", 1), strings.Replace(phc, "t=2", "t=0", 1),
		strings.Replace(phc, "v=19", "v=16", 1), phc[:len(phc)-40], strings.Replace(phc, "p=1", "p=0", 1),
	} {
		if _, err := h.hashes.check(t.Context(), "x", bad); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
}

func TestGrowingDelay(t *testing.T) {
	f := newFailureLog()
	now := time.Unix(1000, 0)
	var waits []time.Duration
	for range 12 {
		f.add("ann", now)
		waits = append(waits, max(f.wait("ann", now), 0))
	}
	want := []float64{0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60}
	for i := range want {
		if waits[i].Seconds() != want[i] {
			t.Fatalf("got %v, want %v s", waits, want)
		}
	}
	if f.wait("bob", now) > 0 {
		t.Error("somebody else has to wait")
	}
	f.forget("ann")
	if f.wait("ann", now) > 0 {
		t.Error("got a wait after a success")
	}
	for i := range 3 * maxFailureNames {
		f.add(fmt.Sprint(i), now)
	}
	if len(f.by) > maxFailureNames || len(f.order) > maxFailureNames {
		t.Errorf("got %d names, want at most %d", len(f.by), maxFailureNames)
	}
}

func TestAddressKey(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "x": "x",
	} {
		if got := AddressKey(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
