package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// fault is an error that names the setting.
func fault(key, format string, args ...any) error {
	return fmt.Errorf("%s "+format, append([]any{key}, args...)...)
}

func oneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	last := len(allowed) - 1
	return fault(key, "is %q; it must be %s or %s", value, strings.Join(allowed[:last], ", "), allowed[last])
}

// contact checks an address that RFC 8292 section 2.1 allows. Push services refuse
// everything, and say little, where it leads to no host of the Internet.
func contact(key, value string) error {
	u, err := url.Parse(value)
	switch {
	case value == "":
		return nil
	case err == nil && u.Scheme == "https" && strings.Contains(u.Hostname(), "."):
		return nil
	case err == nil && u.Scheme == "mailto":
		if at, err := mail.ParseAddress(u.Opaque); err == nil && at.Address == u.Opaque && strings.Contains(u.Opaque[strings.LastIndex(u.Opaque, "@"):], ".") {
			return nil
		}
	}
	return fault(key, "must be an address such as mailto:admin@example.org or https://example.org")
}

// scheme checks what an engine's URL begins with; the URL itself is not shown, for it may hold a password.
func scheme(key, value string, allowed ...string) error {
	name, _, isURL := strings.Cut(value, "://")
	if !isURL && (value == "sqlite" || value == "memory") || isURL {
		if slices.Contains(allowed, name) {
			return nil
		}
	}
	last := len(allowed) - 1
	return fault(key, "must be or begin with %s or %s", strings.Join(allowed[:last], ", "), allowed[last])
}

func listenAddress(key, value string) error {
	if value == "" && key != "addr" {
		return nil
	}
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return fault(key, "is %q; it must be host:port or :port", value)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fault(key, "is %q; %d is not a port", value, n)
	}
	return nil
}

// iceServer checks the form of RFC 7064 and RFC 7065, and says whether the server
// wants credentials.
func iceServer(text string) (ok, shared bool) {
	scheme, rest, _ := strings.Cut(text, ":")
	shared = scheme == "turn" || scheme == "turns"
	if !shared && scheme != "stun" && scheme != "stuns" {
		return false, shared
	}
	rest, transport, found := strings.Cut(rest, "?")
	if found && (!shared || transport != "transport=udp" && transport != "transport=tcp") {
		return false, shared
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]"), "3478"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return false, shared
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true, shared
	}
	return host != "" && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-") == "", shared
}

// IP is a setting that holds an address. It may be empty.
type IP struct{ netip.Addr }

// UnmarshalText implements encoding.TextUnmarshaler.
func (i *IP) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		i.Addr = netip.Addr{}
		return nil
	}
	addr, err := netip.ParseAddr(string(text))
	if err != nil {
		return fmt.Errorf("is %q; it must be an IP address", text)
	}
	i.Addr = addr
	return nil
}

// String implements fmt.Stringer.
func (i IP) String() string {
	if !i.IsValid() {
		return ""
	}
	return i.Addr.String()
}

// Ports is a setting that holds a range of ports, both ends included.
type Ports struct{ First, Last uint16 }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Ports) UnmarshalText(text []byte) error {
	first, last, _ := strings.Cut(string(text), "-")
	a, aerr := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	b, berr := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	if aerr != nil || berr != nil || a < 1024 || b < a {
		return fmt.Errorf("is %q; it must be a range of ports above 1023 such as 49160-49659", text)
	}
	p.First, p.Last = uint16(a), uint16(b)
	return nil
}

// String implements fmt.Stringer.
func (p Ports) String() string { return fmt.Sprintf("%d-%d", p.First, p.Last) }

// URL is a setting that holds a URL. It may be empty.
type URL struct{ *url.URL }

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *URL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		u.URL = nil
		return nil
	}
	parsed, err := url.Parse(string(text))
	if err != nil {
		return fmt.Errorf("is not a URL: %w", err)
	}
	u.URL = parsed
	return nil
}

// String implements fmt.Stringer.
func (u URL) String() string {
	if u.URL == nil {
		return ""
	}
	return u.URL.String()
}

// List is a setting that holds several words.
type List []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *List) UnmarshalText(text []byte) error {
	*l = nil
	for part := range strings.SplitSeq(string(text), ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}

// String implements fmt.Stringer.
func (l List) String() string { return strings.Join(l, ",") }

// Prefixes is a setting that holds networks.
type Prefixes []netip.Prefix

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Prefixes) UnmarshalText(text []byte) error {
	var parts List
	if err := parts.UnmarshalText(text); err != nil {
		return err
	}
	*p = nil
	for _, part := range parts {
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			addr, aerr := netip.ParseAddr(part)
			if aerr != nil {
				return fmt.Errorf("holds %q, which is neither an address nor a network", part)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// Contains reports whether the address is in one of the networks.
func (p Prefixes) Contains(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// String implements fmt.Stringer.
func (p Prefixes) String() string {
	parts := make([]string, len(p))
	for i := range p {
		parts[i] = p[i].String()
	}
	return strings.Join(parts, ",")
}

// Bytes is a size: a number with or without KiB, MiB, GiB or TiB.
type Bytes int64

var units = []struct {
	suffix string
	size   int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n > (1<<62)/u.size {
			break
		}
		*b = Bytes(n * u.size)
		return nil
	}
	return fmt.Errorf("is %q; it must be a size such as 512KiB, 100MiB or 10GiB", s)
}

// String implements fmt.Stringer.
func (b Bytes) String() string {
	for _, u := range units {
		if n := int64(b); n != 0 && n%u.size == 0 && u.suffix != "" && u.size > 1 {
			return strconv.FormatInt(n/u.size, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
