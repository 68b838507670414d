package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

const (
	defaultPort   = "6379"
	defaultPrefix = "parley"
	maxHosts      = 64
	maxPrefix     = 64
)

// Config says which Redis to use. ParseURL makes it.
type Config struct {
	Hosts    []string // host:port; several are seeds of a Redis Cluster
	DB       int      // of one Redis
	Prefix   string   // begins the name of every key and channel
	username string
	password string
	tls      *tls.Config
}

// ParseURL reads redis://[[user]:password@]host[:port][,host[:port]…][/db][?…] with
//
//	prefix=NAME   begins every key and channel (default parley), so that several
//	              systems can share one Redis
//	ca=FILE       with rediss:// (TLS 1.2 or later): the authority to trust (PEM)
//
// Several hosts are a Redis Cluster, and so is one host that is a node of one.
// User and password are percent-encoded. Errors never repeat a part of the URL
// that may hold a secret.
func ParseURL(text string) (*Config, error) {
	scheme, body, ok := strings.Cut(text, "://")
	if !ok || scheme != "redis" && scheme != "rediss" {
		return nil, errors.New("bus: must be memory, redis://host:port or rediss://host:port")
	}
	end := len(body)
	if i := strings.IndexAny(body, "/?#"); i >= 0 {
		end = i
	}
	at := strings.LastIndexByte(body[:end], '@') + 1
	u, err := url.Parse(scheme + "://" + body[:at] + "hosts" + body[end:])
	if err != nil {
		return nil, errors.New("bus: the URL cannot be read; is the password percent-encoded?")
	}
	cfg := &Config{Prefix: defaultPrefix, username: u.User.Username()}
	cfg.password, _ = u.User.Password()
	if cfg.Hosts, err = hosts(body[at:end]); err != nil {
		return nil, err
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if cfg.DB, err = strconv.Atoi(db); err != nil || cfg.DB < 0 || cfg.DB > 1<<16 {
			return nil, errors.New("bus: the path must be the number of a database")
		}
		if cfg.DB > 0 && len(cfg.Hosts) > 1 {
			return nil, errors.New("bus: a Redis Cluster has no database but 0")
		}
	}
	return cfg, cfg.options(u, scheme == "rediss")
}

func hosts(list string) ([]string, error) {
	names := strings.Split(list, ",")
	if len(names) > maxHosts {
		return nil, fmt.Errorf("bus: at most %d hosts", maxHosts)
	}
	for i, name := range names {
		if name == "" {
			return nil, errors.New("bus: a host is missing its name")
		}
		if !strings.Contains(name[strings.LastIndexByte(name, ']')+1:], ":") {
			name = net.JoinHostPort(strings.Trim(name, "[]"), defaultPort)
		}
		host, port, err := net.SplitHostPort(name)
		if err != nil || host == "" {
			return nil, fmt.Errorf("bus: %q is not host:port", name)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("bus: %q has no valid port", name)
		}
		names[i] = name
	}
	return names, nil
}

func (c *Config) options(u *url.URL, secure bool) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("bus: the options after ? cannot be read")
	}
	for name, values := range query {
		if len(values) != 1 {
			return fmt.Errorf("bus: option %q is given twice", name)
		}
		switch name {
		case "prefix":
			c.Prefix = values[0]
			if len(c.Prefix) == 0 || len(c.Prefix) > maxPrefix || strings.ContainsAny(c.Prefix, "{} \r\n\t") {
				return errors.New("bus: prefix must be 1 to 64 characters without spaces and braces")
			}
		case "ca":
			if !secure {
				return errors.New("bus: ca needs rediss://")
			}
		default:
			return fmt.Errorf("bus: unknown option %q", name)
		}
	}
	if !secure {
		return nil
	}
	c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	file := query.Get("ca")
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("bus: read ca: %w", err)
	}
	c.tls.RootCAs = x509.NewCertPool()
	if !c.tls.RootCAs.AppendCertsFromPEM(pem) {
		return errors.New("bus: ca holds no certificate")
	}
	return nil
}
