package turn

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// asksPerSecond and askBurst bound the requests without right credentials of one
	// address that are answered over UDP. Where an address is made up, the answers go to
	// somebody who did not ask, and are up to six times as long. A device asks a few times
	// at the beginning of a call; those behind one address share it.
	asksPerSecond = 20
	askBurst      = 200
	// maxStrangers bounds the addresses that are remembered. When more come at once, those
	// remembered are forgotten.
	maxStrangers = 1 << 14
)

// strangers counts what addresses ask without showing who they are. Safe for concurrent use.
type strangers struct {
	mu sync.Mutex
	of map[netip.Prefix]*asked
}

// asked is a token bucket.
type asked struct {
	used float64
	at   time.Time
}

func newStrangers() *strangers { return &strangers{of: make(map[netip.Prefix]*asked)} }

// mayAsk counts a request of an address, of IPv6 of a network of 64 bits, and reports
// whether it is answered.
func (s *strangers) mayAsk(from net.Addr, now time.Time) bool {
	at, ok := from.(*net.UDPAddr)
	if !ok {
		return false
	}
	ip, bits := at.AddrPort().Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of[network]
	if a == nil {
		if len(s.of) >= maxStrangers {
			clear(s.of)
		}
		a = &asked{at: now}
		s.of[network] = a
	}
	if passed := now.Sub(a.at).Seconds(); passed > 0 {
		a.used, a.at = max(0, a.used-passed*asksPerSecond), now
	}
	if a.used+1 > askBurst {
		return false
	}
	a.used++
	return true
}
