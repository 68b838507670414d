package turn

import (
	"net"
	"net/netip"
)

// special are IPv4 blocks of the IANA registry of special-purpose addresses (RFC 6890)
// to which nothing is relayed, besides those that netip tells apart.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	}
}

// rule says to which addresses may be relayed. It does not change.
type rule struct {
	public  netip.Addr // where the relays are: between relays is allowed, see relays
	own     map[netip.Addr]bool
	special []netip.Prefix
	// allow lets further addresses through: tests run on loopback.
	allow func(netip.Addr) bool
}

// newRule takes the addresses of this machine, to which nothing is relayed.
func newRule(public netip.Addr, machine []net.Addr, allow func(netip.Addr) bool) *rule {
	r := &rule{public: public, own: map[netip.Addr]bool{}, special: special(), allow: allow}
	for _, a := range machine {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				r.own[ip.Unmap()] = true
			}
		}
	}
	return r
}

// allows reports whether a relay may send to an address. Relays are of IPv4, so what
// comes in another form is a detour to something.
func (r *rule) allows(ip netip.Addr) bool {
	switch {
	case !ip.Is4():
		return false
	case r.allow != nil && r.allow(ip), ip == r.public:
		return true
	case !ip.IsGlobalUnicast(), ip.IsPrivate(), ip.IsLoopback(), ip.IsLinkLocalUnicast(), r.own[ip]:
		return false
	}
	for _, p := range r.special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

// addrOf reads an IP as it was written: four bytes or sixteen.
func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a
}
