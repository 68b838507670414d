package turn

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v3"

	"github.com/parley-chat/parley/internal/chat"
)

// hands is a clock that tests set.
type hands struct {
	mu sync.Mutex
	at time.Time
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hands) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// await has a condition come true.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not come: " + what)
		}
	}
}

// Who has left the call keeps no relay, though they renew it. Others keep theirs, also
// while nobody can say who is in a call.
func TestARelayEndsWithItsOwnersCall(t *testing.T) {
	clock := &hands{at: time.Now()}
	var annLeft, unknown atomic.Bool
	p := serve(t, func(o *Options) {
		o.Clock = clock.now
		o.InCall = func(_ context.Context, user chat.UserID) (bool, error) {
			if unknown.Load() {
				return false, errors.New("the board is away")
			}
			return user != ann || !annLeft.Load(), nil
		}
	})
	an, ac := p.ticket(ann, clock.now())
	bn, bc := p.ticket(bob, clock.now())
	wires := []*wire{p.dial("udp"), p.dial("tcp")}
	for _, w := range wires {
		if got := w.allocate(an, ac); code(got) != 0 {
			t.Fatalf("got %d, want success", code(got))
		}
	}
	other := p.dial("udp")
	if got := other.allocate(bn, bc); code(got) != 0 {
		t.Fatalf("got %d, want success", code(got))
	}
	look := func(later time.Duration, relays int) {
		t.Helper()
		clock.pass(later)
		p.look(t.Context())
		await(t, "the relays that are left", func() bool { return p.Stats().Relays == relays })
	}
	look(time.Hour, 3) // a long call
	unknown.Store(true)
	look(time.Hour, 3)
	unknown.Store(false)
	look(time.Second, 3)
	annLeft.Store(true)
	look(afterCall, 3)
	annLeft.Store(false) // back again, on another node maybe
	look(time.Second, 3)
	annLeft.Store(true)
	look(afterCall, 3)
	look(time.Second, 1)
	if got := p.Stats().Left; got != 2 {
		t.Errorf("%d relays are counted that ended with a call, want 2", got)
	}
	for _, w := range wires { // with the credentials that have expired by now, there is nothing to keep
		if got := w.ask(w.signed(stun.MethodRefresh, an, ac)); code(got) == 0 {
			t.Error("the relay was renewed")
		}
	}
	if got := other.ask(other.signed(stun.MethodRefresh, bn, bc)); code(got) != 0 {
		t.Errorf("the other's relay: got %d, want success", code(got))
	}
	// The next call.
	annLeft.Store(false)
	an, ac = p.ticket(ann, clock.now())
	if got := p.dial("udp").allocate(an, ac); code(got) != 0 {
		t.Errorf("a relay for the next call: got %d, want success", code(got))
	}
}

// Above the rate packets are dropped, in each direction by itself, and after a while
// there is room again.
func TestARelayCarriesSoMuchASecond(t *testing.T) {
	const size, rate = 1000, 3000
	clock := &hands{at: time.Now()}
	p := serve(t)
	conn, at, err := p.relays.AllocatePacketConn("udp4", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	p.relays.entrust(portOf(at), newFlow(rate, clock.now))
	other := peer(t)
	for round := range 3 {
		for range 5 {
			if n, err := conn.WriteTo(make([]byte, size), other.LocalAddr()); err != nil || n != size {
				t.Fatalf("got %d, %v: who sends is not told", n, err)
			}
			if _, err := other.WriteTo(make([]byte, size), conn.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		for range rate / size {
			hear(t, conn)
			hear(t, other)
		}
		await(t, "packets that were dropped", func() bool {
			if err := conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if n, _, err := conn.ReadFrom(make([]byte, 2*size)); !isTimeout(err) {
				t.Fatalf("got %d bytes above the rate, %v", n, err)
			}
			return p.Stats().OverRate == int64(4*(round+1))
		})
		clock.pass(time.Second)
	}
	if n := p.Stats(); n.BytesIn != 3*rate || n.BytesOut != 3*rate {
		t.Errorf("got %d bytes in and %d out, want %d", n.BytesIn, n.BytesOut, 3*rate)
	}
	if err := other.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := other.ReadFrom(make([]byte, 2*size)); !isTimeout(err) {
		t.Errorf("the peer got %d bytes more, %v", n, err)
	}
}

// What a person may carry is one for all of their relays, and not more by ending and
// beginning them.
func TestThePersonsRelaysShare(t *testing.T) {
	clock := &hands{at: time.Now()}
	s := newSessions(1000, clock.now)
	begin := func(c client, user chat.UserID) flow {
		t.Helper()
		granted := s.grant(c, "x", user, clock.now())
		f, ok := s.begun(c, 1)
		if !granted || !ok {
			t.Fatalf("no relay for %s", c)
		}
		return f
	}
	expect := func(what string, b *bucket, bytes int, want bool) {
		t.Helper()
		if got := b.take(bytes); got != want {
			t.Errorf("%s: %d bytes: got %v, want %v", what, bytes, got, want)
		}
	}
	one, two, other := begin("a1", ann), begin("a2", ann), begin("b1", bob)
	expect("the first relay", one.in, 600, true)
	expect("the second one", two.in, 600, false)
	expect("the second one, the other way", two.out, 600, true)
	expect("another person", other.in, 600, true)
	for _, c := range []client{"a1", "a2", "b1"} {
		s.ended(c)
	}
	expect("one that began anew", begin("a3", ann).in, 600, false)
	clock.pass(time.Second)
	expect("a second later", begin("a4", ann).in, 600, true)
	s.ended("a3")
	s.ended("a4")
	clock.pass(time.Second)
	if left := s.people(); len(left) != 0 || len(s.of) != 0 {
		t.Errorf("%v are still there", left)
	}
	if _, ok := s.begun("nobody's", 1); ok {
		t.Error("a relay that was not granted may carry something")
	}
}

func TestBuckets(t *testing.T) {
	clock := &hands{at: time.Unix(1_700_000_000, 0)}
	b := newBucket(1000, clock.now)
	for _, c := range []struct {
		later time.Duration
		bytes int
		want  bool
	}{
		{0, 600, true},
		{0, 600, false},
		{0, 400, true}, // what was refused took nothing
		{100 * time.Millisecond, 101, false},
		{0, 100, true},
		{time.Hour, 1001, false}, // a second's worth at most
		{0, 1000, true},
		{-time.Hour, 1, false}, // a clock that was set back
		{time.Second, 1000, true},
	} {
		clock.pass(c.later)
		if got := b.take(c.bytes); got != c.want {
			t.Errorf("%d bytes %s later: got %v, want %v", c.bytes, c.later, got, c.want)
		}
	}
	if !newBucket(0, clock.now).take(1 << 40) {
		t.Error("0 is no limit")
	}
}
