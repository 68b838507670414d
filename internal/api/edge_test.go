package api

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
)

func trusting(network string) func(netip.Addr) bool {
	if network == "" {
		return nil
	}
	prefix := netip.MustParsePrefix(network)
	return func(a netip.Addr) bool { return prefix.Contains(a) }
}

func requestFrom(remote string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://chat.example.org/", nil)
	r.RemoteAddr = remote
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// A16: what an untrusted peer says of itself is ignored.
func TestA16ForwardedForIsBelievedOnlyOfProxies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, trusted, remote, forwarded, want string }{
		{"nobody is trusted", "", "198.51.100.7:1", "203.0.113.1", "198.51.100.7"},
		{"an untrusted peer", "10.0.0.0/8", "198.51.100.7:1", "203.0.113.1", "198.51.100.7"},
		{"a proxy", "10.0.0.0/8", "10.0.0.1:1", "203.0.113.1", "203.0.113.1"},
		{"two proxies", "10.0.0.0/8", "10.0.0.1:1", "203.0.113.1, 10.0.0.2", "203.0.113.1"},
		{"a client that lies to the proxy", "10.0.0.0/8", "10.0.0.1:1", "1.1.1.1, 203.0.113.1", "203.0.113.1"},
		{"nonsense", "10.0.0.0/8", "10.0.0.1:1", "1.1.1.1, <script>", "10.0.0.1"},
		{"nothing", "10.0.0.0/8", "10.0.0.1:1", "", "10.0.0.1"},
		{"mapped", "10.0.0.0/8", "[::ffff:10.0.0.1]:1", "::ffff:203.0.113.1", "203.0.113.1"},
	} {
		e := NewEdge(nil, trusting(c.trusted))
		if got := e.Address(requestFrom(c.remote, "X-Forwarded-For", c.forwarded)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSecureAndHost(t *testing.T) {
	t.Parallel()
	forged := requestFrom("198.51.100.7:1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example")
	proxied := requestFrom("10.0.0.1:1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "chat.example.net")
	plain, encrypted := requestFrom("198.51.100.7:1"), requestFrom("198.51.100.7:1")
	encrypted.TLS = &tls.ConnectionState{}
	public, err := url.Parse("https://chat.example.org")
	if err != nil {
		t.Fatal(err)
	}
	e := NewEdge(nil, trusting("10.0.0.0/8"))
	for _, c := range []struct {
		name   string
		e      *Edge
		r      *http.Request
		secure bool
		origin string
	}{
		{"plain", e, plain, false, "http://chat.example.org"},
		{"TLS", e, encrypted, true, "https://chat.example.org"},
		{"forged", e, forged, false, "http://chat.example.org"},
		{"proxied", e, proxied, true, "https://chat.example.net"},
		{"public URL", NewEdge(public, nil), plain, true, "https://chat.example.org"},
	} {
		if got := c.e.Secure(c.r); got != c.secure {
			t.Errorf("%s: got secure %v, want %v", c.name, got, c.secure)
		}
		if got := c.e.Origin(c.r); got != c.origin {
			t.Errorf("%s: got origin %s, want %s", c.name, got, c.origin)
		}
	}
}

func TestTokenOfHeaderOrCookie(t *testing.T) {
	t.Parallel()
	e := NewEdge(nil, nil)
	for _, c := range []struct{ name, authorization, cookie, want string }{
		{"header", "Bearer abc", "", "abc"},
		{"lower case", "bearer abc", "", "abc"},
		{"cookie", "", "parley=def", "def"},
		{"header wins", "Bearer abc", "parley=def", "abc"},
		{"another scheme does not fall back", "Basic abc", "parley=def", ""},
		{"the cookie of https is not taken over http", "", "__Host-parley=def", ""},
		{"none", "", "", ""},
	} {
		r := requestFrom("198.51.100.7:1")
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if c.cookie != "" {
			r.Header.Set("Cookie", c.cookie)
		}
		if got := e.Token(r); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	secure := requestFrom("198.51.100.7:1", "Cookie", "parley=injected")
	secure.TLS = &tls.ConnectionState{}
	if got := e.Token(secure); got != "" {
		t.Errorf("got %q, want a cookie that could be set without https to be ignored over https", got)
	}
}
