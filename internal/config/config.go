package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config is every setting of Parley. The tags are what flags, environment,
// file and documentation are made of: key is the name (flag --key, environment
// PARLEY_KEY, TOML key), secret adds key-file, which names a file that holds the value.
type Config struct {
	Addr           string   `key:"addr" default:":3000" doc:"where to listen: web client, REST and Socket.IO on one port"`
	MetricsAddr    string   `key:"metrics-addr" default:"" doc:"where /metrics (Prometheus) answers, for example 127.0.0.1:9090; empty turns it off"`
	PublicURL      URL      `key:"public-url" default:"" doc:"the address that people type, for example https://chat.example.org; used in links and cookies, and requests for other hosts are refused; when empty it is taken from the request"`
	TrustedProxies Prefixes `key:"trusted-proxies" default:"" doc:"addresses or networks (CIDR), with commas between, whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are believed"`
	AllowedOrigins List     `key:"allowed-origins" default:"" doc:"further origins, with commas between, whose pages may open sockets, for example https://app.example.org"`
	DataDir        string   `key:"data-dir" default:"./data" doc:"the folder of everything embedded; made with mode 0700"`

	Store string `key:"store" default:"sqlite" secret:"true" doc:"sqlite (in data-dir), postgres://… or mongodb://…"`
	Log   string `key:"log" default:"memory" secret:"true" doc:"memory, or kafka://host:port[,host:port]/topic"`
	Bus   string `key:"bus" default:"memory" secret:"true" doc:"memory, or redis://… or rediss://… (several hosts: a cluster)"`
	Blobs string `key:"blobs" default:"" secret:"true" doc:"where files are kept: empty for a folder in data-dir, file:///folder, or any gocloud.dev/blob URL, for example s3://bucket"`

	Secret string `key:"secret" default:"" secret:"true" doc:"what invitations are signed with, at least 32 characters and the same on every node; when empty one is made and kept in data-dir"`
	Signup string `key:"signup" default:"open" doc:"who may make an account: open, invite or closed"`
	Node   string `key:"node" default:"" doc:"the name of this process in a cluster; when empty a random one"`

	Push        string `key:"push" default:"on" doc:"notifications to browsers (Web Push): on, off, or private: push services in private networks are reached too"`
	PushContact string `key:"push-contact" default:"" doc:"how push services can reach who runs this server, for example mailto:admin@example.org; when empty it is public-url, if that is https"`

	TurnAddr     string `key:"turn-addr" default:"" doc:"where the relay of calls (TURN) listens by UDP and TCP, for example :3478; empty turns it off"`
	TurnPublicIP IP     `key:"turn-public-ip" default:"" doc:"the IPv4 address by which clients reach this machine; when empty it is the address in turn-addr"`
	TurnPorts    Ports  `key:"turn-ports" default:"49160-49659" doc:"the UDP ports of the relay, one for each device that needs it"`
	TurnRate     Bytes  `key:"turn-rate" default:"512KiB" doc:"how many bytes a second the relay carries for one person, in each direction; 0 means no limit"`
	TurnSecret   string `key:"turn-secret" default:"" secret:"true" doc:"what credentials of relays are signed with, at least 32 characters; the same as theirs if ice-servers names some; when empty it is made of secret"`
	ICEServers   List   `key:"ice-servers" default:"" doc:"further STUN and TURN servers for calls, with commas between, for example stun:stun.example.org:3478,turn:turn.example.org:3478?transport=udp"`

	LogLevel        string        `key:"log-level" default:"info" doc:"debug, info, warn or error"`
	LogFormat       string        `key:"log-format" default:"auto" doc:"text, json, or auto: text on a terminal"`
	StartPatience   time.Duration `key:"start-patience" default:"1m" doc:"how long a node of a cluster waits at its start for a database that cannot be reached, while /readyz says 503; then it ends"`
	DrainDelay      time.Duration `key:"drain-delay" default:"0s" doc:"how long a node that is told to stop goes on serving while /readyz says 503, for load balancers to notice"`
	ReconnectSpread time.Duration `key:"reconnect-spread" default:"10s" doc:"the time over which the clients of a node that stops are told to come back"`
	ShutdownTimeout time.Duration `key:"shutdown-timeout" default:"15s" doc:"how long a stop may take, after drain-delay, until what is left is cut off"`

	SendRate        float64 `key:"send-rate" default:"20" doc:"messages a second for one person; 0 means no limit"`
	SendBurst       float64 `key:"send-burst" default:"60" doc:"messages that one person may send at once"`
	LoginRate       float64 `key:"login-rate" default:"10" doc:"log-ins a minute for one address, and for one account; 0 means no limit"`
	SignupRate      float64 `key:"signup-rate" default:"0" doc:"new accounts an hour from one address; 0 means no limit"`
	UserConnections int     `key:"user-connections" default:"200" doc:"sockets that one person may have open"`
	FrameSize       Bytes   `key:"frame-size" default:"128KiB" doc:"the largest packet that a client may send"`
	FileSize        Bytes   `key:"file-size" default:"100MiB" doc:"the largest file"`
	FileQuota       Bytes   `key:"file-quota" default:"10GiB" doc:"all files of one person together; 0 means no limit"`
	ImagePixels     int     `key:"image-pixels" default:"40000000" doc:"width times height up to which a picture is shown and gets a thumbnail"`
}

// validate checks what a single value cannot tell by its form.
func (c *Config) validate() error {
	for _, check := range []func() error{
		func() error { return oneOf("signup", c.Signup, "open", "invite", "closed") },
		func() error { return oneOf("push", c.Push, "on", "off", "private") },
		func() error { return oneOf("log-level", c.LogLevel, "debug", "info", "warn", "error") },
		func() error { return oneOf("log-format", c.LogFormat, "auto", "text", "json") },
		func() error { return listenAddress("addr", c.Addr) },
		func() error { return listenAddress("metrics-addr", c.MetricsAddr) },
		func() error { return listenAddress("turn-addr", c.TurnAddr) },
		func() error {
			return scheme("store", c.Store, "sqlite", "postgres", "postgresql", "mongodb", "mongodb+srv")
		},
		func() error { return scheme("log", c.Log, "memory", "kafka") },
		func() error { return scheme("bus", c.Bus, "memory", "redis", "rediss") },
		func() error { return contact("push-contact", c.PushContact) },
		c.validatePublicURL, c.validateOrigins, c.validateCalls, c.validateNumbers,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) validatePublicURL() error {
	u := c.PublicURL.URL
	switch {
	case u == nil:
		return nil
	case u.Scheme != "http" && u.Scheme != "https":
		return fault("public-url", "must begin with http:// or https://")
	case u.Host == "":
		return fault("public-url", "has no host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return fault("public-url", "must be only a scheme, a host and perhaps a port")
	}
	return nil
}

func (c *Config) validateOrigins() error {
	for _, origin := range c.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return fault("allowed-origins", "holds %q, which is not an origin such as https://app.example.org", origin)
		}
	}
	return nil
}

// Relay gives the address by which clients reach the relay of this node, of which
// validate has seen that there is one where there is a relay.
func (c *Config) Relay() netip.Addr {
	if c.TurnPublicIP.IsValid() {
		return c.TurnPublicIP.Addr
	}
	if at, err := netip.ParseAddrPort(c.TurnAddr); err == nil {
		return at.Addr()
	}
	return netip.Addr{}
}

func (c *Config) validateCalls() error {
	if ip := c.Relay(); c.TurnAddr != "" && (!ip.Is4() || ip.IsUnspecified()) {
		return fault("turn-public-ip", "is missing: turn-addr says no IPv4 address by which clients reach this machine")
	}
	if ip := c.TurnPublicIP; ip.IsValid() && (!ip.Is4() || ip.IsUnspecified() || ip.IsMulticast()) {
		return fault("turn-public-ip", "is %q; it must be an IPv4 address of one machine", ip)
	}
	for _, server := range c.ICEServers {
		known, shared := iceServer(server)
		switch {
		case !known:
			return fault("ice-servers", "holds an address that is not of the form stun:host:port or turn:host:port?transport=udp")
		case shared && c.TurnSecret == "":
			return fault("ice-servers", "holds a TURN server; turn-secret must say the secret that it shares")
		}
	}
	if c.TurnRate != 0 && c.TurnRate < minTurnRate {
		return fault("turn-rate", "must be 0 or at least %s, which is what a voice needs", minTurnRate)
	}
	if n := len(c.TurnSecret); n > 0 && n < minSecret {
		return fault("turn-secret", "is shorter than %d characters", minSecret)
	}
	return nil
}

func (c *Config) validateNumbers() error {
	for key, n := range map[string]float64{
		"send-rate": c.SendRate, "send-burst": c.SendBurst, "login-rate": c.LoginRate, "signup-rate": c.SignupRate, "file-quota": float64(c.FileQuota),
		"drain-delay": float64(c.DrainDelay), "start-patience": float64(c.StartPatience),
	} {
		if n < 0 {
			return fault(key, "is negative")
		}
	}
	for key, n := range map[string]int64{
		"user-connections": int64(c.UserConnections), "frame-size": int64(c.FrameSize), "file-size": int64(c.FileSize), "image-pixels": int64(c.ImagePixels),
		"shutdown-timeout": int64(c.ShutdownTimeout), "reconnect-spread": int64(c.ReconnectSpread),
	} {
		if n <= 0 {
			return fault(key, "must be more than 0")
		}
	}
	if c.SendRate > 0 && c.SendBurst < 1 {
		return fault("send-burst", "must be at least 1")
	}
	if n := len(c.Secret); n > 0 && n < minSecret {
		return fault("secret", "is shorter than %d characters", minSecret)
	}
	return nil
}

const (
	minSecret = 32
	// minTurnRate is some 130 kbit/s.
	minTurnRate Bytes = 16 << 10
)

// LogValue implements slog.LogValuer: every setting, with secrets covered.
func (c *Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, o := range optionsOf(c) {
		value := o.text()
		if o.secret {
			value = cover(value)
		}
		attrs = append(attrs, slog.String(o.key, value))
	}
	return slog.GroupValue(attrs...)
}

// String gives every setting, with secrets covered.
func (c *Config) String() string { return c.LogValue().String() }

// cover hides what is secret: a URL's credentials and query, and anything that
// is not a URL or a plain word such as sqlite.
func cover(value string) string {
	switch value {
	case "", "sqlite", "memory":
		return value
	}
	u, err := url.Parse(value)
	if err == nil && u.Scheme == "file" && u.Host == "" && u.RawQuery == "" {
		return value
	}
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "(hidden)"
	}
	shown := u.Scheme + "://"
	if u.User != nil {
		shown += "(hidden)@"
	}
	shown += u.Host + u.Path
	if u.RawQuery != "" {
		shown += "?(hidden)"
	}
	return shown
}
