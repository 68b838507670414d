package turn

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v3"
	pion "github.com/pion/turn/v4"
)

// device is pion's own client with a relay.
type device struct {
	relay net.PacketConn
	*pion.Client
}

func (p *place) device(network string, name, credential string) *device {
	p.t.Helper()
	w := p.dial(network)
	c, err := pion.NewClient(&pion.ClientConfig{
		TURNServerAddr: p.Addr().String(), Conn: w.PacketConn, Username: name, Password: credential, Realm: realm,
		LoggerFactory: logging.NewDefaultLoggerFactory(),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	if err := c.Listen(); err != nil {
		p.t.Fatal(err)
	}
	d := &device{Client: c}
	if d.relay, err = c.Allocate(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = d.relay.Close() })
	return d
}

// hear reads one packet.
func hear(t *testing.T, c net.PacketConn) (string, net.Addr) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	n, from, err := c.ReadFrom(b)
	if err != nil {
		t.Fatalf("heard nothing: %v", err)
	}
	return string(b[:n]), from
}

func peer(t *testing.T) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", netip.AddrPortFrom(there, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDataIsRelayed(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			p := serve(t)
			name, credential := p.ticket(ann, time.Now())
			d, other := p.device(network, name, credential), peer(t)
			for i := range 3 { // the first by an indication, later ones by a channel
				if _, err := d.relay.WriteTo(fmt.Append(nil, "packet to ", i), other.LocalAddr()); err != nil {
					t.Fatal(err)
				}
				said, from := hear(t, other)
				if said != fmt.Sprint("packet to ", i) || from.String() != d.relay.LocalAddr().String() {
					t.Errorf("got %q from %s, want it from %s", said, from, d.relay.LocalAddr())
				}
				if _, err := other.WriteTo(fmt.Append(nil, "from ", i), from); err != nil {
					t.Fatal(err)
				}
				if said, from := hear(t, d.relay); said != fmt.Sprint("from ", i) || from.String() != other.LocalAddr().String() {
					t.Errorf("got %q from %s", said, from)
				}
			}
			if n := p.Stats(); n.BytesIn == 0 || n.BytesOut == 0 || n.Relays != 1 || n.Begun != 1 {
				t.Errorf("got %+v", n)
			}
		})
	}
}

// Two people who both need the relay talk by it, and what is relayed comes from the
// public address.
func TestRelaysTalkWithEachOther(t *testing.T) {
	p := serve(t)
	an, ac := p.ticket(ann, time.Now())
	bn, bc := p.ticket(bob, time.Now())
	a, b := p.device("udp", an, ac), p.device("tcp", bn, bc)
	if err := b.CreatePermission(a.relay.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.relay.WriteTo([]byte("hello"), b.relay.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if said, from := hear(t, b.relay); said != "hello" || from.String() != a.relay.LocalAddr().String() {
		t.Errorf("got %q from %s, want it from %s", said, from, a.relay.LocalAddr())
	}
}

// By the public address nothing of this machine is reached but relays.
func TestNothingElseOfThisMachineIsReached(t *testing.T) {
	p := serve(t)
	name, credential := p.ticket(ann, time.Now())
	d := p.device("udp", name, credential)
	secret, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = secret.Close() }()
	if _, err := d.relay.WriteTo([]byte("let me in"), secret.LocalAddr()); err != nil {
		t.Fatal(err) // the client is not told
	}
	other := peer(t) // what comes later has come: packets of one client are handled in order
	if _, err := d.relay.WriteTo([]byte("after it"), other.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	hear(t, other)
	if err := secret.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := secret.ReadFrom(make([]byte, 100)); !isTimeout(err) {
		t.Errorf("got %d bytes, %v, want nothing", n, err)
	}
}

func TestWhereNothingIsRelayedTo(t *testing.T) {
	machine := []net.Addr{&net.IPNet{IP: net.ParseIP("8.8.4.4"), Mask: net.CIDRMask(24, 32)}}
	public := netip.MustParseAddr("9.9.9.9")
	r := newRule(public, machine, nil)
	for _, bad := range []string{
		"127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255",
		"224.0.0.1", "239.255.255.255", "255.255.255.255", "0.0.0.0", "0.1.2.3", "240.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.9",
		"8.8.4.4", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "2001:4860:4860::8888", "64:ff9b::7f00:1",
	} {
		if r.allows(netip.MustParseAddr(bad)) {
			t.Errorf("%s is allowed", bad)
		}
	}
	for _, good := range []string{"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "9.9.9.9"} {
		if !r.allows(netip.MustParseAddr(good)) {
			t.Errorf("%s is not allowed", good)
		}
	}
	if r.allows(netip.Addr{}) {
		t.Error("no address is allowed")
	}
}

// peerAttr names a peer in a request, of IPv6 as it is.
func peerAttr(ip netip.Addr, port uint16) stun.Setter { return rawPeer{ip, port} }

type rawPeer struct {
	ip   netip.Addr
	port uint16
}

// AddTo implements stun.Setter (RFC 8489 section 14.2).
func (a rawPeer) AddTo(m *stun.Message) error {
	ip, family := a.ip.AsSlice(), byte(1)
	if len(ip) == 16 {
		family = 2
	}
	mask := append([]byte{0x21, 0x12, 0xa4, 0x42}, m.TransactionID[:]...)
	v := []byte{0, family, byte(a.port>>8) ^ mask[0], byte(a.port) ^ mask[1]}
	for i := range ip {
		v = append(v, ip[i]^mask[i])
	}
	m.Add(stun.AttrXORPeerAddress, v)
	return nil
}

func TestPermissionsAndChannelsAreRefused(t *testing.T) {
	p := serve(t)
	name, credential := p.ticket(ann, time.Now())
	w := p.dial("udp")
	if got := w.allocate(name, credential); code(got) != 0 {
		t.Fatalf("got %d, want success", code(got))
	}
	channel := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{0x40, 0x07, 0, 0}}
	for _, ip := range []string{"127.0.0.3", "10.1.2.3", "169.254.169.254", "100.64.3.4", "224.0.0.1", "0.0.0.0", "::ffff:127.0.0.2", "::ffff:8.8.8.8", "::1"} {
		peer := peerAttr(netip.MustParseAddr(ip), 53)
		if got := w.ask(w.signed(stun.MethodCreatePermission, name, credential, peer)); code(got) == 0 {
			t.Errorf("%s: got a permission", ip)
		}
		if got := w.ask(w.signed(stun.MethodChannelBind, name, credential, channel, peer)); code(got) == 0 {
			t.Errorf("%s: got a channel", ip)
		}
	}
	if p.Stats().Denied == 0 {
		t.Error("nothing of it was counted")
	}
	if got := w.ask(w.signed(stun.MethodCreatePermission, name, credential, peerAttr(there, 53))); code(got) != 0 {
		t.Errorf("a peer: got %d, want success", code(got))
	}
	// With many at once, and no more.
	for i := range maxPeers - 1 {
		p.sessions.talks(clientOf(w.LocalAddr()), netip.AddrFrom4([4]byte{8, 8, 0, byte(i)}), true)
	}
	if got := w.ask(w.signed(stun.MethodCreatePermission, name, credential, peerAttr(netip.MustParseAddr("8.8.8.8"), 53))); code(got) == 0 {
		t.Error("got a permission above the bound")
	}
	if got := w.ask(w.signed(stun.MethodCreatePermission, name, credential, peerAttr(there, 53))); code(got) != 0 {
		t.Errorf("a peer again: got %d, want success", code(got))
	}
}

// As many relays as there are ports.
func TestPortsBoundTheRelays(t *testing.T) {
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.LocalAddr().(*net.UDPAddr).AddrPort().Port() //nolint:errcheck,forcetypeassert // of UDP
	p := serve(t, func(o *Options) { o.Ports = Ports{port, port} })
	name, credential := p.ticket(ann, time.Now())
	if got := p.dial("udp").allocate(name, credential); code(got) != stun.CodeInsufficientCapacity {
		t.Errorf("the port is another's: got %d, want 508", code(got))
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	w := p.dial("udp")
	got := w.allocate(name, credential)
	var at stun.XORMappedAddress
	if err := at.GetFromAs(got, stun.AttrXORRelayedAddress); err != nil || code(got) != 0 || at.Port != int(port) || !at.IP.Equal(here.AsSlice()) {
		t.Errorf("got %d, relay %s, %v, want %s:%d", code(got), at, err, here, port)
	}
	if got := p.dial("udp").allocate(name, credential); code(got) != stun.CodeInsufficientCapacity {
		t.Errorf("the port is taken: got %d, want 508", code(got))
	}
}

func TestStreamsOfOneAddressAreBounded(t *testing.T) {
	p := serve(t)
	var first net.Conn
	for i := range maxStreamsOf + 1 {
		c, err := net.DialTimeout("tcp", p.Addr().String(), patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if i == 0 {
			first = c
		}
		if i < maxStreamsOf {
			continue
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("got %v, want the connection closed", err)
		}
	}
	if p.Stats().Full != 1 {
		t.Errorf("got %+v, want one refused", p.Stats())
	}
	_ = first.Close()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		p.door.mu.Lock()
		n := p.door.of[here]
		p.door.mu.Unlock()
		if n < maxStreamsOf {
			return
		}
	}
	t.Error("a connection that was closed still counts")
}

func TestWhatIsMissing(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"a secret": func(o *Options) { o.Secret = nil }, "an address": func(o *Options) { o.Public = netip.Addr{} },
		"an IPv4 address": func(o *Options) { o.Public = netip.IPv6Loopback() }, "ports": func(o *Options) { o.Ports = Ports{9, 8} },
		"a clock": func(o *Options) { o.Clock = nil }, "where to listen": func(o *Options) { o.Addr = "nowhere" },
	} {
		o := Options{Addr: "127.0.0.1:0", Public: here, Ports: Ports{1, 2}, Secret: []byte("x"), Clock: time.Now, Rand: zeros{}}
		change(&o)
		if s, err := Listen(t.Context(), o); err == nil {
			t.Errorf("without %s: got no error", name)
			_ = s.Close()
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestICEOfAPerson(t *testing.T) {
	now := time.Unix(1_767_225_600, 5_000_000)
	i := NewIssuer([]byte("secret"), []string{"stun:a:1", "turn:b:2?transport=udp", "turns:b:3"})
	got := i.ICE(ann, now)
	if len(got.Servers) != 2 || got.Servers[0].Username != "" || got.Servers[0].Credential != "" || fmt.Sprint(got.Servers[0].URLs) != "[stun:a:1]" {
		t.Errorf("got %+v, want a server without credentials first", got)
	}
	s := got.Servers[1]
	// printf '%s' '1767226200:01000000-0000-0000-0000-000000000000' | openssl dgst -sha1 -hmac secret -binary | base64
	if s.Username != "1767226200:"+ann.String() || s.Credential != "E72YiwmzreFF2ECIMUiYldqPEFo=" || len(s.URLs) != 2 || got.ExpiresAt.Std().Unix() != 1_767_226_200 {
		t.Errorf("got %+v until %s", s, got.ExpiresAt)
	}
	var none *Issuer
	if got := none.ICE(ann, now); got.Servers == nil || len(got.Servers) != 0 || got.ExpiresAt != 0 {
		t.Errorf("got %+v, want no servers, and a list", got)
	}
}
