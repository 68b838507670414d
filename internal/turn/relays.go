package turn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Ports are the ports of relays, both ends included.
type Ports struct{ First, Last uint16 }

func (p Ports) size() int { return int(p.Last) - int(p.First) + 1 }

// maxTries bounds the ports that are tried for one relay: others may have some.
const maxTries = 32

// firstPeerPort is the first port to which is relayed. Devices send from ports above the
// well-known ones (RFC 6335 section 6); below are services, of which nobody is to ask
// anything in our name (DNS and NTP answer a little with much).
const firstPeerPort = 1024

var (
	errNoPort    = errors.New("no port for a relay is free")
	errNoTCP     = errors.New("relays are of UDP")
	errService   = errors.New("nothing is relayed to well-known ports")
	errNotARelay = errors.New("nothing is relayed to this machine, but to another relay")
)

// relays hands out the sockets that data is relayed by; see pion's RelayAddressGenerator.
// What one relay sends to another goes straight there and seems to come from its public
// address: two devices that both need a relay may so talk, though this machine may not be
// able to reach itself by its public address, and nothing else of it is reached. Safe for
// concurrent use.
type relays struct {
	public, bind netip.Addr
	ports        Ports
	rand         io.Reader
	in, out      atomic.Int64 // bytes
	over         atomic.Int64 // packets above the rate

	mu     sync.RWMutex
	live   map[uint16]*relay
	closed bool
}

// relay is one socket. ReadFrom and WriteTo are what pion calls.
type relay struct {
	*net.UDPConn
	all  *relays
	port uint16
	// flow is its owner's; nothing comes or goes before it is set.
	flow atomic.Pointer[flow]
}

// Validate implements pion's RelayAddressGenerator.
func (r *relays) Validate() error { return nil }

// AllocateConn implements pion's RelayAddressGenerator: relays over TCP (RFC 6062) are
// of no use to calls.
func (r *relays) AllocateConn(string, int) (net.Conn, net.Addr, error) { return nil, nil, errNoTCP }

// AllocatePacketConn implements pion's RelayAddressGenerator.
func (r *relays) AllocatePacketConn(_ string, requested int) (net.PacketConn, net.Addr, error) {
	var random [4]byte
	if _, err := io.ReadFull(r.rand, random[:]); err != nil {
		return nil, nil, fmt.Errorf("choose a port: %w", err)
	}
	begin, tries := int(binary.BigEndian.Uint32(random[:])%uint32(r.ports.size())), 0 //nolint:gosec // at most 65,536
	for i := range r.ports.size() {
		port := r.ports.First + uint16((begin+i)%r.ports.size()) //nolint:gosec // of the range
		if requested != 0 {
			port = uint16(requested) //nolint:gosec // compared with the range
			if i > 0 || requested < int(r.ports.First) || requested > int(r.ports.Last) {
				break
			}
		}
		if r.isLive(port) {
			continue
		}
		c, err := r.open(port)
		if err == nil {
			return c, &net.UDPAddr{IP: r.public.AsSlice(), Port: int(port)}, nil
		}
		if tries++; errors.Is(err, net.ErrClosed) || tries >= maxTries {
			break
		}
	}
	return nil, nil, errNoPort
}

func (r *relays) open(port uint16) (*relay, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.bind, port)))
	if err != nil {
		return nil, fmt.Errorf("open a relay: %w", err)
	}
	c := &relay{UDPConn: conn, all: r, port: port}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = conn.Close() // nothing was sent by it
		return nil, net.ErrClosed
	}
	r.live[port] = c
	return c, nil
}

// Close implements net.PacketConn.
func (c *relay) Close() error {
	c.all.mu.Lock()
	if c.all.live[c.port] == c {
		delete(c.all.live, c.port)
	}
	c.all.mu.Unlock()
	return c.UDPConn.Close() //nolint:wrapcheck // of the socket
}

// close ends all relays; none begins after it.
func (r *relays) close() {
	r.mu.Lock()
	r.closed = true
	all := make([]*relay, 0, len(r.live))
	for _, c := range r.live {
		all = append(all, c)
	}
	r.mu.Unlock()
	for _, c := range all {
		_ = c.Close() // it may be closed already
	}
}

// entrust has the relay of a port carry what its owner may.
func (r *relays) entrust(port uint16, f flow) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if c := r.live[port]; c != nil {
		c.flow.Store(&f)
	}
}

// end closes the relay of a port, and reports whether there was one.
func (r *relays) end(port uint16) bool {
	r.mu.RLock()
	c := r.live[port]
	r.mu.RUnlock()
	return c != nil && c.Close() == nil
}

func (r *relays) isLive(port uint16) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.live[port] != nil
}

// local is where one relay of this machine sends to another.
func (r *relays) local() netip.Addr {
	if r.bind.IsUnspecified() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return r.bind
}

// WriteTo implements net.PacketConn. What is above the rate is lost, as on any way that is
// too narrow: devices notice, and send less.
func (c *relay) WriteTo(p []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errNoTCP
	}
	at := u.AddrPort()
	at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	if at.Port() < firstPeerPort {
		return 0, errService
	}
	if at.Addr() == c.all.public {
		if !c.all.isLive(at.Port()) {
			return 0, errNotARelay
		}
		at = netip.AddrPortFrom(c.all.local(), at.Port())
	}
	if f := c.flow.Load(); f == nil || !f.out.take(len(p)) {
		c.all.over.Add(1)
		return len(p), nil
	}
	n, err := c.UDPConn.WriteToUDPAddrPort(p, at)
	c.all.out.Add(int64(n))
	return n, err //nolint:wrapcheck // of the socket
}

// ReadFrom implements net.PacketConn. It gives what is within the rate.
func (c *relay) ReadFrom(p []byte) (int, net.Addr, error) {
	n, at, err := c.UDPConn.ReadFromUDPAddrPort(p)
	for err == nil {
		if f := c.flow.Load(); f != nil && f.in.take(n) {
			break
		}
		c.all.over.Add(1)
		n, at, err = c.UDPConn.ReadFromUDPAddrPort(p)
	}
	if err != nil {
		return n, nil, err //nolint:wrapcheck // of the socket
	}
	c.all.in.Add(int64(n))
	from := netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	if from.Addr() == c.all.local() && c.all.isLive(from.Port()) {
		from = netip.AddrPortFrom(c.all.public, from.Port())
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}
