package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-chat/parley/test/fault/lan"
	"github.com/parley-chat/parley/test/fault/link"
)

const (
	nodesOfCluster = 3
	partitions     = 12
)

// address reads an engine's address from the environment, where scripts/services put it.
func address(variable string) (*url.URL, error) {
	text := os.Getenv(variable)
	if text == "" {
		return nil, fmt.Errorf("%s is not set: run this with scripts/services run", variable)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", variable, err)
	}
	return u, nil
}

// Cluster makes a stage of three nodes on the engines that the environment names, with
// a schema, a topic and a prefix of their own. Every way from a node to an engine leads
// through a proxy. With machines, each node has a machine of its own (package lan), and
// the proxies are beyond the router.
func Cluster(ctx context.Context, dir, binary string, machines bool, logf func(string, ...any)) (_ *Stage, err error) {
	e := &Engines{Redis: "redis", SQL: "postgres", Brokers: []string{"kafka"}}
	e.clocks = os.Getenv("PARLEY_TEST_CLOCKS")
	if e.script, err = services(); err != nil {
		return nil, err
	}
	postgres, err := address("PARLEY_TEST_POSTGRES")
	if err != nil {
		return nil, err
	}
	redis, err := address("PARLEY_TEST_REDIS")
	if err != nil {
		return nil, err
	}
	kafka := "PARLEY_TEST_KAFKA"
	if os.Getenv("PARLEY_TEST_KAFKA3") != "" {
		kafka, e.Brokers = "PARLEY_TEST_KAFKA3", []string{"kafka3-1", "kafka3-2", "kafka3-3"}
	}
	e.kafka = strings.TrimPrefix(os.Getenv(kafka), "kafka://")
	name := "fault" + strings.ToLower(rand.Text()[:12])
	e.redis, e.postgres, e.topic = redis.Host, postgres, name+".commands"
	if err := e.await(ctx); err != nil {
		return nil, err
	}
	if _, err := e.Query(ctx, "create schema "+name); err != nil {
		return nil, err
	}
	query := postgres.Query()
	query.Set("search_path", name+",public")
	postgres.RawQuery = query.Encode()
	// psql knows no search_path in the address.
	own := *postgres
	own.RawQuery = "options=" + url.QueryEscape("-csearch_path="+name) + "&sslmode=" + query.Get("sslmode")
	e.postgres = &own

	s := &Stage{Target: "cluster", Engines: e, Dir: dir, Logf: logf}
	secret := rand.Text() + rand.Text()
	s.Secrets = []string{secret}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if machines {
		prefix, err := network(os.Getenv(kafka + "_LINK1"))
		if err != nil {
			return nil, err
		}
		if s.LAN, err = lan.New(ctx, prefix, nodesOfCluster); err != nil {
			return nil, err //nolint:wrapcheck // says all
		}
		if !s.LAN.Shapes() {
			logf("tc or the kernel's tbf is missing: no way is made narrow")
		}
	}
	c := clusterOf{lan: s.LAN, name: name, topic: e.topic, copies: len(e.Brokers), dir: dir, binary: binary, secret: secret, postgres: *postgres, redis: *redis, kafka: kafka}
	for i := range nodesOfCluster {
		n, err := c.node(i + 1)
		if n != nil {
			s.Nodes = append(s.Nodes, n)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// network gives the addresses of the run's network: the brokers were told which, for
// they name addresses of it.
func network(pairs string) (netip.Prefix, error) {
	_, named, _ := strings.Cut(strings.Split(pairs, ",")[0], ">")
	at, err := netip.ParseAddrPort(named)
	if err != nil || at.Addr().IsLoopback() {
		return netip.Prefix{}, errors.New("the brokers name no addresses of a network: start them with PARLEY_SERVICES_KAFKA_LINKS=network")
	}
	return at.Addr().Prefix(24) //nolint:wrapcheck // of an address that was parsed
}

// clusterOf is what the nodes have in common.
type clusterOf struct {
	name, topic, dir, binary, secret string
	postgres, redis                  url.URL
	lan                              *lan.LAN // nil: everything is on loopback
	copies                           int      // of the log
	kafka                            string
}

func (c clusterOf) node(i int) (*Node, error) {
	at, err := c.place(i)
	if err != nil {
		return nil, err
	}
	n, err := newNode(c.dir, fmt.Sprint("node", i), c.binary, at)
	if err != nil {
		return nil, err
	}
	for part, target := range map[string]*url.URL{"store": &c.postgres, "bus": &c.redis} {
		p, err := link.NewProxy(c.engine(part)+":0", target.Host)
		if err != nil {
			return n, err //nolint:wrapcheck // says all
		}
		n.Links[part] = []*link.Proxy{p}
		target.Host = p.Address()
	}
	c.redis.RawQuery = "prefix=" + c.name
	brokers, err := n.brokers(os.Getenv(fmt.Sprintf("%s_LINK%d", c.kafka, i)))
	if err != nil {
		return n, err
	}
	n.options.Command = append(n.options.Command,
		"--node", n.Name, "--secret", c.secret,
		"--store", c.postgres.String(), "--bus", c.redis.String(),
		"--log", fmt.Sprintf("kafka://%s/%s?partitions=%d&replicas=%d&session=1s", brokers, c.topic, partitions, c.copies),
		"--blobs", "file://"+filepath.Join(c.dir, "blobs"), "--reconnect-spread", "1s")
	return n, nil
}

// place gives the i-th node, from 1 on, its place.
func (c clusterOf) place(i int) (place, error) {
	if c.lan == nil {
		return here()
	}
	return on(c.lan.Host(i)), nil
}

// engine gives the address at which nodes find the proxy of an engine.
func (c clusterOf) engine(part string) string {
	if c.lan == nil {
		return "127.0.0.1"
	}
	return c.lan.Engine(slices.Index(parts, part)).String()
}

// parts is what nodes share, in the order of the addresses at which they find it; the
// brokers are the last.
var parts = []string{"store", "bus", "log"}

// At gives the addresses at which nodes find an engine: the log has one for each broker.
func (s *Stage) At(part string) []netip.Addr {
	first := slices.Index(parts, part)
	all := []netip.Addr{s.LAN.Engine(first)}
	if part == "log" {
		for n := 1; n < len(s.Engines.Brokers); n++ {
			all = append(all, s.LAN.Engine(first+n))
		}
	}
	return all
}

// brokers puts a proxy before each listener of a node's own: pairs of LISTENER>NAMED,
// with commas between. It gives the addresses that the node is to know.
func (n *Node) brokers(pairs string) (string, error) {
	var named []string
	for pair := range strings.SplitSeq(pairs, ",") {
		listener, name, ok := strings.Cut(pair, ">")
		if !ok {
			return "", errors.New("the brokers have no listeners for proxies: start them with PARLEY_SERVICES_KAFKA_LINKS=yes")
		}
		p, err := link.NewProxy(name, listener)
		if err != nil {
			return "", err //nolint:wrapcheck // says all
		}
		n.Links["log"] = append(n.Links["log"], p)
		named = append(named, name)
	}
	return strings.Join(named, ","), nil
}

// Owner gives the node that owns most of the log.
func (s *Stage) Owner(ctx context.Context) *Node {
	best, most := s.Nodes[0], -1
	for _, n := range s.Nodes {
		if owned := n.Owned(ctx); owned > most {
			best, most = n, owned
		}
	}
	return best
}
