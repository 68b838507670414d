package turn

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	pion "github.com/pion/turn/v4"

	"github.com/parley-chat/parley/internal/chat"
)

// patience is how long a test waits for what has to come.
const patience = 30 * time.Second

var (
	ann, bob = chat.UserID{1}, chat.UserID{2}
	// here is where the relays of tests are, there is a peer's address.
	here, there = netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
)

// place is a running server.
type place struct {
	*Server
	t      *testing.T
	issuer *Issuer
	logged *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func serve(t *testing.T, change ...func(*Options)) *place {
	t.Helper()
	p := &place{t: t, logged: &lockedBuffer{}}
	o := Options{
		Addr: "127.0.0.1:0", Public: here, Ports: Ports{20_000, 60_000}, Secret: []byte("a secret of tests"), Clock: time.Now, Rand: rand.Reader,
		Logger: slog.New(slog.NewTextHandler(p.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		allow:  func(ip netip.Addr) bool { return ip == there },
	}
	for _, f := range change {
		f(&o)
	}
	var err error
	if p.Server, err = Listen(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
		for _, secret := range []string{string(o.Secret), base64.StdEncoding.EncodeToString(o.Secret)} {
			if strings.Contains(p.logged.String(), secret) {
				t.Error("the secret is in the log")
			}
		}
	})
	p.issuer = NewIssuer(o.Secret, p.URLs())
	return p
}

// ticket gives somebody's credentials as they are given out at a time.
func (p *place) ticket(user chat.UserID, at time.Time) (name, credential string) {
	p.t.Helper()
	for _, s := range p.issuer.ICE(user, at).Servers {
		if s.Username != "" {
			return s.Username, s.Credential
		}
	}
	p.t.Fatal("there are no credentials")
	return "", ""
}

// wire is a client's connection, packet by packet.
type wire struct {
	net.PacketConn
	t  *testing.T
	to net.Addr
}

func (p *place) dial(network string) *wire {
	p.t.Helper()
	if network == "tcp" {
		c, err := net.DialTimeout("tcp", p.Addr().String(), patience)
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { _ = c.Close() })
		return &wire{pion.NewSTUNConn(c), p.t, c.RemoteAddr()}
	}
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = c.Close() })
	return &wire{c, p.t, net.UDPAddrFromAddrPort(p.Addr())}
}

// ask sends a request, over UDP again and again, and gives its answer.
func (w *wire) ask(m *stun.Message) *stun.Message {
	w.t.Helper()
	end, again := time.Now().Add(patience), patience
	if w.to.Network() == "udp" {
		again = 500 * time.Millisecond
	}
	b := make([]byte, 2000)
	for next := time.Now(); ; {
		if !time.Now().Before(next) {
			if _, err := w.WriteTo(m.Raw, w.to); err != nil {
				w.t.Fatal(err)
			}
			next = time.Now().Add(again)
		}
		if err := w.SetReadDeadline(next); err != nil {
			w.t.Fatal(err)
		}
		n, _, err := w.ReadFrom(b)
		if isTimeout(err) && time.Now().Before(end) {
			continue
		}
		if err != nil {
			w.t.Fatalf("%s: no answer: %v", m.Type, err)
		}
		got := &stun.Message{Raw: bytes.Clone(b[:n])}
		if err := got.Decode(); err != nil {
			w.t.Fatal(err)
		}
		if got.TransactionID == m.TransactionID {
			return got
		}
	}
}

// code gives what an answer says, 0 for success.
func code(m *stun.Message) stun.ErrorCode {
	var c stun.ErrorCodeAttribute
	if m.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	if c.GetFrom(m) != nil {
		return -1
	}
	return c.Code
}

var udpTransport = stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}

// signed makes a request with credentials.
func (w *wire) signed(method stun.Method, name, credential string, attrs ...stun.Setter) *stun.Message {
	w.t.Helper()
	first := w.ask(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport))
	var nonce stun.Nonce
	var r stun.Realm
	if err := errors.Join(nonce.GetFrom(first), r.GetFrom(first)); err != nil || code(first) != stun.CodeUnauthorized {
		w.t.Fatalf("without credentials: got %s, %v, want 401 with a nonce and a realm", first, err)
	}
	all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)
	return stun.MustBuild(append(all, stun.NewUsername(name), r, nonce, stun.NewLongTermIntegrity(name, r.String(), credential))...)
}

func (w *wire) allocate(name, credential string) *stun.Message {
	w.t.Helper()
	return w.ask(w.signed(stun.MethodAllocate, name, credential, udpTransport))
}

// K6: nobody uses the relay but with credentials that were given to them just now.
func TestOnlyRightCredentialsAreTaken(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			p := serve(t)
			name, credential := p.ticket(ann, time.Now())
			other, _ := p.ticket(bob, time.Now())
			oldName, oldCredential := p.ticket(ann, time.Now().Add(-Lifetime-time.Second))
			farName, farCredential := p.ticket(ann, time.Now().Add(time.Hour))
			foreign := NewIssuer([]byte("another secret"), []string{"turn:x"}).ICE(ann, time.Now()).Servers[0]
			for what, c := range map[string][2]string{
				"expired":           {oldName, oldCredential},
				"not yet given out": {farName, farCredential},
				"tampered password": {name, credential[:len(credential)-2] + "x="},
				"another's name":    {other, credential},
				"prolonged":         {fmt.Sprint(time.Now().Add(time.Minute).Unix(), ":", ann), credential},
				"of another secret": {foreign.Username, foreign.Credential},
				"nobody's":          {"nobody", "x"},
				"a time only":       {fmt.Sprint(time.Now().Add(time.Minute).Unix()), "x"},
				"empty":             {"", ""},
				"a person only":     {":" + ann.String(), credential},
			} {
				got := p.dial(network).allocate(c[0], c[1])
				var nonce stun.Nonce
				var r stun.Realm
				if code(got) != stun.CodeUnauthorized || nonce.GetFrom(got) != nil || r.GetFrom(got) != nil {
					t.Errorf("%s: got %s (%d), want 401 with a nonce and a realm", what, got, code(got))
				}
			}
			if n := p.Stats(); n.Relays != 0 || n.Begun != 0 || n.Unauthorized == 0 {
				t.Errorf("got %+v, want no relay", n)
			}
			if got := p.dial(network).allocate(name, credential); code(got) != 0 {
				t.Errorf("right credentials: got %d, want success", code(got))
			}
			for _, secret := range []string{credential, oldCredential} {
				if strings.Contains(p.logged.String(), secret) {
					t.Error("a password is in the log")
				}
			}
		})
	}
}

// A call is longer than its credentials last: whoever has a relay keeps it.
func TestARelayOutlivesItsCredentials(t *testing.T) {
	var mu sync.Mutex
	var ahead time.Duration
	p := serve(t, func(o *Options) {
		o.Clock = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(ahead)
		}
	})
	name, credential := p.ticket(ann, time.Now())
	w, stranger := p.dial("udp"), p.dial("udp")
	if got := w.allocate(name, credential); code(got) != 0 {
		t.Fatalf("got %d, want success", code(got))
	}
	for _, c := range []struct {
		ahead time.Duration
		want  stun.ErrorCode
	}{{time.Hour, 0}, {longestCall + time.Minute, stun.CodeUnauthorized}} {
		mu.Lock()
		ahead = c.ahead
		mu.Unlock()
		if got := w.ask(w.signed(stun.MethodRefresh, name, credential)); code(got) != c.want {
			t.Errorf("refreshed after %s: got %d, want %d", c.ahead, code(got), c.want)
		}
		if got := stranger.allocate(name, credential); code(got) != stun.CodeUnauthorized {
			t.Errorf("another client with the same after %s: got %d, want 401", c.ahead, code(got))
		}
	}
}

// K8: one person has so many relays, whatever number of times they were given credentials.
func TestAPersonHasSoManyRelays(t *testing.T) {
	p := serve(t)
	var open []*wire
	for i := range Quota {
		w := p.dial([]string{"udp", "tcp"}[i%2])
		name, credential := p.ticket(ann, time.Now().Add(-time.Duration(i)*time.Second))
		if got := w.allocate(name, credential); code(got) != 0 {
			t.Fatalf("relay %d: got %d, want success", i, code(got))
		}
		open = append(open, w)
	}
	name, credential := p.ticket(ann, time.Now())
	for _, network := range []string{"udp", "tcp"} {
		if got := p.dial(network).allocate(name, credential); code(got) != stun.CodeAllocQuotaReached {
			t.Errorf("one more by %s: got %d, want 486", network, code(got))
		}
	}
	others, theirs := p.ticket(bob, time.Now())
	if got := p.dial("udp").allocate(others, theirs); code(got) != 0 {
		t.Errorf("another person: got %d, want success", code(got))
	}
	if n := p.Stats(); n.Relays != Quota+1 || n.OverQuota < 2 {
		t.Errorf("got %+v, want %d relays and 2 refused", n, Quota+1)
	}
	// One that ends makes room.
	end := open[0].signed(stun.MethodRefresh, name, credential, stun.RawAttribute{Type: stun.AttrLifetime, Value: []byte{0, 0, 0, 0}})
	if got := open[0].ask(end); code(got) != 0 {
		t.Errorf("end: got %d, want success", code(got))
	}
	if got := p.dial("udp").allocate(name, credential); code(got) != 0 {
		t.Errorf("after one has ended: got %d, want success", code(got))
	}
}

// Many at once do not get more.
func TestTheQuotaHoldsForManyAtOnce(t *testing.T) {
	p := serve(t)
	name, credential := p.ticket(ann, time.Now())
	var all sync.WaitGroup
	codes := make(chan stun.ErrorCode, 40)
	for range 40 {
		w := p.dial("tcp")
		all.Go(func() { codes <- code(w.allocate(name, credential)) })
	}
	all.Wait()
	close(codes)
	n := map[stun.ErrorCode]int{}
	for c := range codes {
		n[c]++
	}
	if n[0] != Quota || n[stun.CodeAllocQuotaReached] != 40-Quota {
		t.Errorf("got %v, want %d relays and the others refused", n, Quota)
	}
}

// K8: what is no STUN changes nothing.
func TestMalformedPacketsAreDropped(t *testing.T) {
	p := serve(t)
	request := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport,
		stun.NewUsername("x"), stun.NewRealm(realm), stun.NewNonce("x"), stun.NewLongTermIntegrity("x", realm, "x")).Raw
	bad := [][]byte{{}, {0}, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), bytes.Repeat([]byte{0xff}, 1500), bytes.Repeat([]byte{0}, 1500), {0x40, 0, 0xff, 0xff}}
	for i := range request {
		for _, change := range []byte{0x00, 0xff, 0x80, request[i] ^ 1} {
			b := bytes.Clone(request)
			b[i] = change
			bad = append(bad, b)
		}
		bad = append(bad, request[:i])
	}
	for _, length := range []uint16{0xffec, 0xfffc, 0xffff, 0x7fff} { // with the header it would be above 64 KiB
		b := bytes.Clone(request)
		b[2], b[3] = byte(length>>8), byte(length)
		bad = append(bad, b, append([]byte{0x40, 1, byte(length >> 8), byte(length)}, b...))
	}
	udp := p.dial("udp")
	for _, b := range bad {
		if _, err := udp.WriteTo(b, udp.to); err != nil {
			t.Fatal(err)
		}
	}
	for i, b := range bad {
		if i%23 != 0 && i < len(bad)-8 {
			continue // a connection each takes time
		}
		c, err := net.DialTimeout("tcp", p.Addr().String(), patience)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(b) // it may be closed by then
		_ = c.Close()
	}
	for _, network := range []string{"udp", "tcp"} {
		name, credential := p.ticket(ann, time.Now())
		if got := p.dial(network).allocate(name, credential); code(got) != 0 {
			t.Errorf("after all that by %s: got %d, want success", network, code(got))
		}
	}
	if p.Stats().Malformed == 0 {
		t.Error("nothing of it was counted")
	}
}

// A length that cannot be ends the connection at once, and nothing goes on turning.
func TestAFrameTooLongEndsTheConnection(t *testing.T) {
	p := serve(t)
	for _, head := range [][]byte{{0, 1, 0xff, 0xec, 0x21, 0x12, 0xa4, 0x42}, {0x40, 1, 0xff, 0xfc}, {0, 1, 0, 3}, {0xc0, 0, 0, 0}} {
		c, err := net.DialTimeout("tcp", p.Addr().String(), patience)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(append(head, make([]byte, 64)...)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 10)); n > 0 || err == nil || errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Errorf("% x: got %d bytes, %v, want the connection closed", head, n, err)
		}
		_ = c.Close()
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// FuzzCheck looks at whatever comes: it does not fail, and lets nothing pass that is
// signed wrongly.
func FuzzCheck(f *testing.F) {
	f.Add([]byte{0x40, 1, 0, 4, 1, 2, 3, 4})
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udpTransport,
		stun.NewUsername("1:"+ann.String()), stun.NewRealm(realm), stun.NewNonce("x"), stun.NewLongTermIntegrity("x", realm, "x")).Raw)
	s := &Server{o: Options{Secret: []byte("x"), Clock: time.Now}, sessions: newSessions(0, time.Now)}
	from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
	f.Fuzz(func(t *testing.T, packet []byte) {
		before := bytes.Clone(packet)
		v, answer, signed := s.check(packet, from)
		if signed || (v == deny) != (len(answer) > 0) || !bytes.Equal(before, packet) {
			t.Errorf("got %d, answer % x, signed %v", v, answer, signed)
		}
	})
}
