package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// The names of the session cookie. The first can be set over https only, for
// exactly one host and all of its paths (RFC 6265bis, section 4.1.3.2).
const (
	cookieSecure = "__Host-parley"
	cookiePlain  = "parley"
)

// Edge knows what a request says of its client, and what of that can be
// believed. It is safe for concurrent use.
type Edge struct {
	public  *url.URL
	trusted func(netip.Addr) bool
}

// NewEdge makes an edge. public is the address that people type, nil when it is
// not known; trusted says whose X-Forwarded headers are believed, nil: nobody's.
func NewEdge(public *url.URL, trusted func(netip.Addr) bool) *Edge {
	if trusted == nil {
		trusted = func(netip.Addr) bool { return false }
	}
	return &Edge{public: public, trusted: trusted}
}

// Address gives the address of the client's machine, without a port: the peer's,
// or, if that is a trusted proxy, the last one in X-Forwarded-For that is not.
func (e *Edge) Address(r *http.Request) string {
	peer, ok := peerOf(r)
	if !ok {
		return r.RemoteAddr
	}
	if !e.trusted(peer) {
		return peer.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	client := peer
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop.Unmap().WithZone("")
		if !e.trusted(client) {
			break
		}
	}
	return client.String()
}

func peerOf(r *http.Request) (netip.Addr, bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, false
	}
	return addr.Unmap().WithZone(""), true
}

// Secure reports whether the client speaks https.
func (e *Edge) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if e.public != nil {
		return e.public.Scheme == "https"
	}
	if peer, ok := peerOf(r); ok && e.trusted(peer) {
		return strings.EqualFold(lastOf(r.Header.Values("X-Forwarded-Proto")), "https")
	}
	return false
}

// Host gives the host (with port) that the client asked for.
func (e *Edge) Host(r *http.Request) string {
	if peer, ok := peerOf(r); ok && e.trusted(peer) {
		if host := lastOf(r.Header.Values("X-Forwarded-Host")); host != "" {
			return host
		}
	}
	return r.Host
}

// knowsHost reports whether requests for the host are answered: all are, as long
// as it is not known what the right one is.
func (e *Edge) knowsHost(r *http.Request) bool {
	return e.public == nil || strings.EqualFold(withoutPort(e.Host(r), e.public.Scheme), withoutPort(e.public.Host, e.public.Scheme))
}

// withoutPort takes the scheme's own port off a host.
func withoutPort(host, scheme string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// Origin gives scheme and host as a browser writes them.
func (e *Edge) Origin(r *http.Request) string {
	if e.public != nil {
		return e.public.Scheme + "://" + e.public.Host
	}
	if e.Secure(r) {
		return "https://" + e.Host(r)
	}
	return "http://" + e.Host(r)
}

// CookieToken gives the session token of the cookie that fits the connection, or "".
func (e *Edge) CookieToken(r *http.Request) string {
	c, err := r.Cookie(e.cookieName(r))
	if err != nil {
		return ""
	}
	return c.Value
}

// Token gives the session token of a request: of the Authorization header, which
// wins, or of the cookie. Never of the URL.
func (e *Edge) Token(r *http.Request) string {
	if given := r.Header.Get("Authorization"); given != "" {
		scheme, token, _ := strings.Cut(given, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return ""
		}
		return strings.TrimSpace(token)
	}
	return e.CookieToken(r)
}

func (e *Edge) cookieName(r *http.Request) string {
	if e.Secure(r) {
		return cookieSecure
	}
	return cookiePlain
}

// setCookie gives the browser a session; an empty token takes it away.
func (e *Edge) setCookie(w http.ResponseWriter, r *http.Request, token string, seconds int) {
	if token == "" {
		seconds = -1
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure whenever the connection is
		Name: e.cookieName(r), Value: token, Path: "/", MaxAge: seconds,
		Secure: e.Secure(r), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func lastOf(values []string) string {
	all := strings.Join(values, ",")
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}
