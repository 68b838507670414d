package turn

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

// Answers to who has shown nothing are few for each address: it may be made up.
func TestStrangersAreAnsweredSoOften(t *testing.T) {
	at := func(ip string) net.Addr { return net.UDPAddrFromAddrPort(netip.MustParseAddrPort(ip)) }
	now := time.Unix(1_700_000_000, 0)
	s := newStrangers()
	asks := func(from string, times int) (answered int) {
		for range times {
			if s.mayAsk(at(from), now) {
				answered++
			}
		}
		return answered
	}
	for _, c := range []struct {
		from  string
		later time.Duration
		want  int
	}{
		{"192.0.2.1:1", 0, askBurst},
		{"192.0.2.1:2", 0, 0}, // another port of it
		{"[::ffff:192.0.2.1]:2", 0, 0},
		{"192.0.2.2:1", 0, askBurst},
		{"192.0.2.1:1", time.Second, asksPerSecond},
		{"[2001:db8::1]:1", 0, askBurst},
		{"[2001:db8::2]:1", 0, 0},
		{"[2001:db8:0:1::2]:1", 0, askBurst},
		{"192.0.2.1:1", time.Hour, askBurst},
		{"192.0.2.1:1", -time.Minute, 0}, // a clock that was set back
	} {
		now = now.Add(c.later)
		if got := asks(c.from, 2*askBurst); got != c.want {
			t.Errorf("%s: %d were answered, want %d", c.from, got, c.want)
		}
	}
	if s.mayAsk(&net.TCPAddr{}, now) {
		t.Error("an address of another kind was answered")
	}
	for i := range 2 * maxStrangers {
		s.mayAsk(&net.UDPAddr{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))}, now)
	}
	if len(s.of) > maxStrangers {
		t.Errorf("%d addresses are remembered", len(s.of))
	}
}

// Who floods the relay with requests from an address harms nobody there who has credentials.
func TestAFloodWithoutCredentials(t *testing.T) {
	now := time.Now()
	p := serve(t, func(o *Options) { o.Clock = func() time.Time { return now } })
	name, credential := p.ticket(ann, now)
	w, other := p.dial("udp"), p.dial("udp")
	request := w.signed(stun.MethodAllocate, name, credential, udpTransport)
	wrong := w.signed(stun.MethodAllocate, name, "x", udpTransport)
	for end := time.Now().Add(patience); p.Stats().Unheard < 100; {
		if time.Now().After(end) {
			t.Fatalf("got %+v, want requests that are not answered", p.Stats())
		}
		for _, m := range []*stun.Message{wrong, stun.MustBuild(stun.TransactionID, stun.BindingRequest)} {
			if _, err := other.WriteTo(m.Raw, other.to); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := p.Stats().Unauthorized; got > askBurst {
		t.Errorf("%d were answered", got)
	}
	if got := w.ask(request); code(got) != 0 {
		t.Errorf("with credentials: got %d, want success", code(got))
	}
}

// Over TCP too who shows no credentials goes, and keeps no place by asking for the time of day.
func TestAStrangerHoldsNoConnection(t *testing.T) {
	p := serve(t, func(o *Options) { o.Clock = func() time.Time { return time.Now().Add(time.Second - unknown) } })
	c, err := net.DialTimeout("tcp", p.Addr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := c.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it is still there")
		}
	}
}

func TestNothingIsRelayedToServices(t *testing.T) {
	p := serve(t)
	c, _, err := p.relays.AllocatePacketConn("udp4", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, port := range []int{0, 19, 53, 123, 161, 389, 1023} {
		if n, err := c.WriteTo([]byte("x"), &net.UDPAddr{IP: there.AsSlice(), Port: port}); n != 0 || !errors.Is(err, errService) {
			t.Errorf("to port %d: got %d, %v, want a refusal", port, n, err)
		}
	}
	if _, err := c.WriteTo([]byte("x"), &net.UDPAddr{IP: there.AsSlice(), Port: 1024}); err != nil {
		t.Errorf("to port 1024: %v", err)
	}
}

// Each packet is looked up among the channels of a relay, one after the other.
func TestChannelsAreBounded(t *testing.T) {
	p := serve(t)
	w := p.dial("tcp")
	name, credential := p.ticket(ann, time.Now())
	if got := w.allocate(name, credential); code(got) != 0 {
		t.Fatalf("got %d", code(got))
	}
	bind := func(i int) stun.ErrorCode {
		number := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{0x40 + byte(i>>8), byte(i), 0, 0}}
		return code(w.ask(w.signed(stun.MethodChannelBind, name, credential, number, peerAttr(there, uint16(20_000+i)))))
	}
	for i := range maxChannels {
		if got := bind(i); got != 0 {
			t.Fatalf("channel %d: got %d", i, got)
		}
	}
	if got := bind(maxChannels); got == 0 {
		t.Errorf("got channel %d", maxChannels+1)
	}
	p.sessions.mu.Lock()
	for _, s := range p.sessions.of {
		if s.channels != maxChannels {
			t.Errorf("%d channels are counted, want %d", s.channels, maxChannels)
		}
	}
	p.sessions.mu.Unlock()
}
