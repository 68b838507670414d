package push

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"syscall"

	"github.com/parley-chat/parley/internal/chat"
)

// MaxEndpoint bounds the address of a subscription, in bytes.
const MaxEndpoint = 1024

// errPrivate says that a name leads to an address that is not of the public Internet.
var errPrivate = errors.New("the address is not public")

// CheckEndpoint refuses addresses that no push service has: browsers make these
// addresses, but who subscribes can send any. Names are looked at again, by what they
// resolve to, at each connection (dialControl). private lets everything pass that is
// an address, http too.
func CheckEndpoint(endpoint string, private bool) *chat.Error {
	bad := func(problem string) *chat.Error { return chat.Invalid("endpoint", problem) }
	u, err := url.Parse(endpoint)
	switch {
	case len(endpoint) > MaxEndpoint:
		return bad("is longer than 1,024 bytes")
	case err != nil || u.Scheme != "https" && (u.Scheme != "http" || !private) || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "":
		return bad("is not an https address")
	case private:
		return nil
	case u.Port() != "" && u.Port() != "443":
		return bad("has another port than 443")
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !public(addr) {
		return bad("is not a public address")
	}
	return nil
}

// dialControl refuses to connect to what is not public. It sees the address that
// is really dialled, so a name that resolves to another one each time does not
// deceive it.
func dialControl(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	if !public(at.Addr()) || at.Port() != 443 {
		return &net.AddrError{Err: errPrivate.Error(), Addr: address}
	}
	return nil
}

// special are blocks of the IANA registries of special-purpose addresses (RFC 6890)
// that netip does not tell apart.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("fec0::/10"),
	}
}

// public reports whether an address is of the public Internet.
func public(addr netip.Addr) bool {
	if addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(addr) })
}
