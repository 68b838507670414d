package turn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	pion "github.com/pion/turn/v4"

	"github.com/parley-chat/parley/internal/chat"
)

// Options are what a relay needs. All are needed but Rate, InCall and Logger.
type Options struct {
	// Addr is where clients come to, by UDP and by TCP.
	Addr string
	// Public is the address by which clients and their peers reach this machine. Of IPv4.
	Public netip.Addr
	// Ports are those of relays, one each: their number bounds the relays at once.
	Ports Ports
	// Secret signs credentials; see Issuer.
	Secret []byte
	// Rate is how many bytes a second the relays of one person carry together, from peers
	// and to them each; a second's worth may come at once. 0: no limit.
	Rate int64
	// InCall reports whether somebody is in a call. Relays of others end within 90 seconds;
	// an error means that nobody knows, and ends none. nil: relays end when their clients
	// want it, or with what their credentials keep.
	InCall func(context.Context, chat.UserID) (bool, error)
	Clock  func() time.Time
	Rand   io.Reader
	Logger *slog.Logger

	allow func(netip.Addr) bool // for tests; see rule
}

// Server relays data between devices in calls. Listen makes one; it serves until Run's
// context ends. Safe for concurrent use.
type Server struct {
	o        Options
	packets  net.PacketConn
	door     *door
	relays   *relays
	rule     *rule
	sessions *sessions
	asking   *strangers
	turn     *pion.Server
	done     chan struct{}
	closing  sync.Once
	closeErr error

	unauthorized, malformed, overQuota, denied, full, unheard, gone atomic.Int64
}

// readBuffer is how many bytes of all clients may wait while one packet is handled.
const readBuffer = 4 << 20

var errOptions = errors.New("the relay needs a public IPv4 address, ports, a secret, a clock and randomness")

// Listen takes the sockets and begins to serve. Whoever does not Run it has to Close it.
func Listen(ctx context.Context, o Options) (*Server, error) {
	if !o.Public.Is4() || o.Ports.First == 0 || o.Ports.size() < 1 || len(o.Secret) == 0 || o.Clock == nil || o.Rand == nil {
		return nil, errOptions
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	machine, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("find this machine's addresses: %w", err)
	}
	s := &Server{o: o, rule: newRule(o.Public, machine, o.allow), sessions: newSessions(o.Rate, o.Clock), asking: newStrangers(), done: make(chan struct{})}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for calls: %w", err)
	}
	s.door = newDoor(l, s)
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok { // of "tcp" there is no other
		return nil, errors.Join(errOptions, l.Close())
	}
	host, _, err := net.SplitHostPort(o.Addr)
	if err == nil { // the same port, where it was chosen just now too
		s.packets, err = lc.ListenPacket(ctx, "udp", net.JoinHostPort(host, strconv.Itoa(at.Port)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for calls: %w", err), l.Close())
	}
	if c, ok := s.packets.(*net.UDPConn); ok {
		_ = c.SetReadBuffer(readBuffer) // as much as the system allows
	}
	bind := netip.IPv4Unspecified()
	if ip := at.AddrPort().Addr().Unmap(); ip.Is4() {
		bind = ip
	}
	s.relays = &relays{public: o.Public, bind: bind, ports: o.Ports, rand: o.Rand, live: make(map[uint16]*relay)}
	if s.turn, err = pion.NewServer(s.config()); err != nil {
		return nil, errors.Join(fmt.Errorf("start the relay: %w", err), l.Close(), s.packets.Close())
	}
	return s, nil
}

func (s *Server) config() pion.ServerConfig {
	return pion.ServerConfig{
		PacketConnConfigs: []pion.PacketConnConfig{{
			PacketConn: gate{s.packets, s}, RelayAddressGenerator: s.relays, PermissionHandler: s.mayReach,
		}},
		ListenerConfigs: []pion.ListenerConfig{{Listener: s.door, RelayAddressGenerator: s.relays, PermissionHandler: s.mayReach}},
		LoggerFactory:   logs{s.o.Logger},
		Realm:           realm,
		AuthHandler:     func(name, _ string, from net.Addr) ([]byte, bool) { return s.keyOf(name, from) },
		QuotaHandler: func(name, _ string, from net.Addr) bool {
			user, _, ok := holder(name)
			ok = ok && s.sessions.grant(clientOf(from), name, user, s.o.Clock())
			if !ok {
				s.overQuota.Add(1)
			}
			return ok
		},
		EventHandler: pion.EventHandler{
			OnAllocationCreated: func(from, _ net.Addr, _, _, _ string, relayed net.Addr, _ int) {
				port := portOf(relayed)
				if f, ok := s.sessions.begun(clientOf(from), port); ok {
					s.relays.entrust(port, f)
				}
			},
			OnAllocationDeleted: func(from, _ net.Addr, _, _, _ string) { s.sessions.ended(clientOf(from)) },
			OnPermissionCreated: func(from, _ net.Addr, _, _, _ string, _ net.Addr, peer net.IP) {
				s.sessions.talks(clientOf(from), addrOf(peer), true)
			},
			OnPermissionDeleted: func(from, _ net.Addr, _, _, _ string, _ net.Addr, peer net.IP) {
				s.sessions.talks(clientOf(from), addrOf(peer), false)
			},
			OnChannelCreated: func(from, _ net.Addr, _, _, _ string, _, _ net.Addr, _ uint16) { s.sessions.channel(clientOf(from), 1) },
			OnChannelDeleted: func(from, _ net.Addr, _, _, _ string, _, _ net.Addr, _ uint16) {
				s.sessions.channel(clientOf(from), -1)
			},
		},
		InboundMTU: maxPacket,
	}
}

// portOf is that of a relay, 0 if it has none.
func portOf(relayed net.Addr) uint16 {
	u, ok := relayed.(*net.UDPAddr)
	if !ok { // relays are of UDP
		return 0
	}
	return u.AddrPort().Port()
}

// mayReach is pion's PermissionHandler.
func (s *Server) mayReach(from net.Addr, peer net.IP) bool {
	ip := addrOf(peer)
	if s.rule.allows(ip) && s.sessions.mayTalk(clientOf(from), ip) {
		return true
	}
	s.denied.Add(1)
	return false
}

func (s *Server) refused(v verdict) {
	switch v {
	case deny:
		s.unauthorized.Add(1)
	case flood:
		s.unheard.Add(1)
	default:
		s.malformed.Add(1)
	}
}

// Addr is where the server listens.
func (s *Server) Addr() netip.AddrPort {
	at, _ := s.packets.LocalAddr().(*net.UDPAddr)
	return at.AddrPort()
}

// URLs are what clients reach this server by.
func (s *Server) URLs() []string {
	at := netip.AddrPortFrom(s.o.Public, s.Addr().Port()).String()
	return []string{"stun:" + at, "turn:" + at + "?transport=udp", "turn:" + at + "?transport=tcp"}
}

// Run serves until ctx ends, and returns when all sockets are closed.
func (s *Server) Run(ctx context.Context) error {
	var tick <-chan time.Time // nil: never
	if s.o.InCall != nil {
		t := time.NewTicker(lookEvery)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return s.Close()
		case <-tick:
			s.look(ctx)
		}
	}
}

// Close ends all relays and gives the sockets back. Further calls give the first
// one's result.
func (s *Server) Close() error {
	s.closing.Do(func() {
		close(s.done)
		err := s.turn.Close()
		s.door.closeAll()
		s.relays.close()
		if err != nil {
			s.closeErr = fmt.Errorf("stop the relay: %w", err)
		}
	})
	return s.closeErr
}

// Stats are figures of a server; all but Relays grow.
type Stats struct {
	Relays                  int
	Begun                   int64 // relays ever
	BytesIn, BytesOut       int64 // from peers and to them
	Unauthorized, OverQuota int64 // requests
	Denied                  int64 // addresses to which nothing is relayed
	Malformed               int64 // packets
	Full                    int64 // connections
	Unheard                 int64 // requests without credentials, above what an address may ask
	OverRate                int64 // packets above Options.Rate, which were dropped
	Left                    int64 // relays that ended because their owners had left their calls
}

// Stats gives the figures of this moment.
func (s *Server) Stats() Stats {
	now, total := s.sessions.count()
	return Stats{
		Relays: now, Begun: total, BytesIn: s.relays.in.Load(), BytesOut: s.relays.out.Load(),
		Unauthorized: s.unauthorized.Load(), OverQuota: s.overQuota.Load(), Denied: s.denied.Load(),
		Malformed: s.malformed.Load(), Full: s.full.Load(), Unheard: s.unheard.Load(),
		OverRate: s.relays.over.Load(), Left: s.gone.Load(),
	}
}
