package app

import (
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/config"
)

// inTheClear names the parts that are reached without TLS over a network, where
// whoever listens reads what people say. Loopback and sockets of this machine are none.
func inTheClear(cfg *config.Config) []string {
	var out []string
	for _, p := range []struct {
		name, address string
		secure        func(scheme string, options url.Values) bool
	}{
		{"store", cfg.Store, func(scheme string, o url.Values) bool {
			// Without sslmode, and with the weaker ones, the client goes on in the clear if the server asks for it.
			mode := o.Get("sslmode")
			return !strings.HasPrefix(scheme, "postgres") || mode == "require" || mode == "verify-ca" || mode == "verify-full"
		}},
		{"log", cfg.Log, func(scheme string, o url.Values) bool { return scheme != "kafka" || o.Get("tls") == "true" }},
		{"bus", cfg.Bus, func(scheme string, _ url.Values) bool { return scheme != "redis" }},
	} {
		scheme, hosts, options := takeApart(p.address)
		if !p.secure(scheme, options) && slices.ContainsFunc(hosts, elsewhere) {
			out = append(out, p.name)
		}
	}
	return out
}

func warnOfPlainParts(cfg *config.Config, logger *slog.Logger) {
	if parts := inTheClear(cfg); len(parts) > 0 {
		logger.Warn("parts are reached over a network without TLS: who listens there reads what people say", "parts", parts)
	}
}

// takeApart reads an address of several hosts, which net/url does not know. It was
// checked before: what cannot be read is left out.
func takeApart(address string) (scheme string, hosts []string, options url.Values) {
	scheme, rest, _ := strings.Cut(address, "://")
	authority, _, _ := strings.Cut(rest, "?")
	authority, _, _ = strings.Cut(authority, "/")
	_, query, _ := strings.Cut(rest, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		options = url.Values{}
	}
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	return scheme, append(strings.Split(authority, ","), options["host"]...), options
}

// elsewhere reports whether a host, with or without its port, is another machine.
func elsewhere(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if host == "" || host == "localhost" || strings.HasPrefix(host, "/") {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback()
}
