package kafka

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
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

const (
	defaultPort       = "9092"
	defaultTopic      = "parley.commands"
	defaultPartitions = 24
	maxPartitions     = 1024
	maxBrokers        = 64
	// defaultRetention is how long applied commands stay in the log. The store has
	// what they made; a text that was deleted there must not live here for ever.
	defaultRetention = 7 * 24 * time.Hour
	defaultSession   = 6 * time.Second
	minSession       = time.Second
	maxSession       = time.Minute
	minRetention     = time.Hour
)

// Config says which brokers and which topic to use. ParseURL makes it.
type Config struct {
	Brokers []string // host:port
	Topic   string
	// Partitions counts when the topic is born; 0 takes a topic as it is, and
	// makes one of 24. A topic that exists with another number is an error.
	Partitions int32
	// Replicas counts when the topic is born; 0 is three, or as many as there are brokers.
	Replicas int16
	// Retention is how long commands stay; 0 is for ever. It counts when the topic is born.
	Retention time.Duration
	// Flush makes each record go to the disk before it counts. It counts when the topic is born.
	Flush bool
	// Session is how long a node may be silent before its partitions are given away.
	Session time.Duration

	tls  *tls.Config
	sasl kgo.Opt
}

// ParseURL reads kafka://[user:password@]host[:port][,host[:port]…][/topic][?…] with
//
//	partitions=N    of a topic that does not exist yet (default 24, at most 1024);
//	                a topic that exists must have as many
//	replicas=N      of a topic that does not exist yet (default: 3, or all brokers; those
//	                that the URL names are waited for, for 5 s)
//	retention=168h  of a topic that does not exist yet; "forever" keeps everything
//	flush=true      of a topic that does not exist yet: a record counts when it is on the
//	                disk; for a single broker that must stand a loss of power
//	session=6s      silence after which a node's partitions are given to others, 1s to 1m;
//	                the brokers' group.min.session.timeout.ms must allow it
//	tls=true        TLS 1.2 or later; ca=FILE names the authority to trust (PEM),
//	                cert=FILE and key=FILE the client's certificate
//	sasl=plain|scram-sha-256|scram-sha-512   with the user and password of the URL,
//	                percent-encoded; plain needs tls=true
//
// Errors never repeat a part of the URL that may hold a secret.
func ParseURL(text string) (*Config, error) {
	hosts, rest, err := splitHosts(text)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(rest)
	if err != nil {
		return nil, errors.New("log: the URL cannot be read; is the password percent-encoded?")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("log: the options after ? cannot be read")
	}
	cfg := &Config{Topic: strings.Trim(u.Path, "/"), Retention: defaultRetention, Session: defaultSession}
	if cfg.Brokers, err = brokers(hosts); err != nil {
		return nil, err
	}
	if cfg.Topic == "" {
		cfg.Topic = defaultTopic
	}
	if !validTopic(cfg.Topic) {
		return nil, errors.New("log: the topic must be letters, digits, '.', '_' and '-', at most 200")
	}
	for name, values := range query {
		if len(values) != 1 {
			return nil, fmt.Errorf("log: option %q is given twice", name)
		}
		if err := cfg.set(name, values[0]); err != nil {
			return nil, err
		}
	}
	return cfg, cfg.secure(query, u.User)
}

// splitHosts takes the list of hosts out of the URL, which net/url does not know.
func splitHosts(text string) (hosts, rest string, err error) {
	body, ok := strings.CutPrefix(text, "kafka://")
	if !ok {
		return "", "", errors.New("log: must be memory or kafka://host:port[,host:port][/topic]")
	}
	end := len(body)
	if i := strings.IndexAny(body, "/?#"); i >= 0 {
		end = i
	}
	authority := body[:end]
	at := strings.LastIndexByte(authority, '@') + 1
	return authority[at:], "kafka://" + authority[:at] + "hosts" + body[end:], nil
}

func brokers(list string) ([]string, error) {
	names := strings.Split(list, ",")
	if len(names) > maxBrokers {
		return nil, fmt.Errorf("log: at most %d brokers", maxBrokers)
	}
	for i, name := range names {
		if name == "" {
			return nil, errors.New("log: a broker is missing its name")
		}
		if !strings.Contains(name[strings.LastIndexByte(name, ']')+1:], ":") {
			name = net.JoinHostPort(strings.Trim(name, "[]"), defaultPort)
		}
		host, port, err := net.SplitHostPort(name)
		if err != nil || host == "" {
			return nil, fmt.Errorf("log: %q is not host:port", name)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("log: %q has no valid port", name)
		}
		names[i] = name
	}
	return names, nil
}

func validTopic(name string) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-", c) {
			return false
		}
	}
	return len(name) <= 200 && name != "." && name != ".."
}

func (c *Config) set(name, value string) error {
	switch name {
	case "partitions":
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < 1 || n > maxPartitions {
			return fmt.Errorf("log: partitions must be 1 to %d", maxPartitions)
		}
		c.Partitions = int32(n)
	case "replicas":
		n, err := strconv.ParseInt(value, 10, 16)
		if err != nil || n < 1 {
			return errors.New("log: replicas must be 1 or more")
		}
		c.Replicas = int16(n)
	case "retention":
		if value == "forever" {
			c.Retention = 0
			return nil
		}
		d, err := time.ParseDuration(value)
		if err != nil || d < minRetention {
			return errors.New(`log: retention must be a time of at least 1h, as 168h, or "forever"`)
		}
		c.Retention = d
	case "flush":
		if value != "true" {
			return errors.New("log: flush must be true or left out")
		}
		c.Flush = true
	case "session":
		d, err := time.ParseDuration(value)
		if err != nil || d < minSession || d > maxSession {
			return errors.New("log: session must be a time from 1s to 1m, as 6s")
		}
		c.Session = d
	case "tls", "ca", "cert", "key", "sasl": // see secure
	default:
		return fmt.Errorf("log: unknown option %q", name)
	}
	return nil
}

func (c *Config) secure(query url.Values, user *url.Userinfo) error {
	switch query.Get("tls") {
	case "true":
		conf, err := tlsConfig(query.Get("ca"), query.Get("cert"), query.Get("key"))
		if err != nil {
			return err
		}
		c.tls = conf
	case "":
		if query.Has("tls") || query.Has("ca") || query.Has("cert") || query.Has("key") {
			return errors.New("log: ca, cert and key need tls=true")
		}
	default:
		return errors.New("log: tls must be true or left out")
	}
	if !query.Has("sasl") {
		if user != nil {
			return errors.New("log: a user in the URL needs sasl=plain, scram-sha-256 or scram-sha-512")
		}
		return nil
	}
	return c.setSASL(query.Get("sasl"), user)
}

func (c *Config) setSASL(mechanism string, user *url.Userinfo) error {
	if user == nil {
		return errors.New("log: sasl needs a user and a password in the URL")
	}
	password, ok := user.Password()
	if !ok || user.Username() == "" {
		return errors.New("log: sasl needs a user and a password in the URL")
	}
	auth := scram.Auth{User: user.Username(), Pass: password}
	switch mechanism {
	case "plain":
		if c.tls == nil {
			return errors.New("log: sasl=plain would send the password in the clear: add tls=true")
		}
		c.sasl = kgo.SASL(plain.Auth{User: auth.User, Pass: auth.Pass}.AsMechanism())
	case "scram-sha-256":
		c.sasl = kgo.SASL(auth.AsSha256Mechanism())
	case "scram-sha-512":
		c.sasl = kgo.SASL(auth.AsSha512Mechanism())
	default:
		return errors.New("log: sasl must be plain, scram-sha-256 or scram-sha-512")
	}
	return nil
}

func tlsConfig(caFile, certFile, keyFile string) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("log: read ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("log: ca holds no certificate")
		}
	}
	if certFile == "" && keyFile == "" {
		return conf, nil
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("log: read cert and key: %w", err)
	}
	conf.Certificates = []tls.Certificate{cert}
	return conf, nil
}

// sibling names a topic that belongs to the log: beside parley.commands stand
// parley.dead and parley.entries.
func (c *Config) sibling(name string) string {
	return strings.TrimSuffix(c.Topic, ".commands") + "." + name
}

// client gives the options that all connections share.
func (c *Config) client(extra ...kgo.Opt) []kgo.Opt {
	all := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("parley"),
		kgo.DialTimeout(2 * time.Second),
		// A leader that moved is found soon.
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.MetadataMaxAge(30 * time.Second),
		kgo.RequestTimeoutOverhead(3 * time.Second),
		kgo.RetryBackoffFn(func(tries int) time.Duration { return min(25*time.Millisecond<<min(tries, 5), 500*time.Millisecond) }),
		// Nothing is sent to the brokers about this program's own workings.
		kgo.DisableClientMetrics(),
	}
	if c.tls != nil {
		all = append(all, kgo.DialTLSConfig(c.tls))
	}
	if c.sasl != nil {
		all = append(all, c.sasl)
	}
	return append(all, extra...)
}
