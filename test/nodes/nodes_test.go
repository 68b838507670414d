// Package nodes proves what several nodes promise together: real programs on real
// engines, which are killed, stopped, cut off and replaced while people talk, with and
// without a load balancer before them.
//
// `make nodes` runs it: the engines' addresses are in PARLEY_TEST_POSTGRES,
// PARLEY_TEST_REDIS and PARLEY_TEST_KAFKA, and are shared with other tests, so what is
// to fail is a wire to an engine (wire_test.go) and never the engine.
package nodes

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/program"
)

// patience bounds every wait; no verdict depends on how long something takes.
const patience = 60 * time.Second

// cluster is nodes that share everything.
type cluster struct {
	t      *testing.T
	binary string
	name   string // of what is the test's own in the engines
	flags  []string
	bus    *wire // to Redis
	store  *wire // to PostgreSQL
	nodes  []*node
}

// node is one program. It may be started again after it ended.
type node struct {
	c       *cluster
	name    string
	address string
	metrics string
	*program.Process
}

// engine gives the address of an engine.
func engine(t *testing.T, variable string) *url.URL {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		t.Fatalf("%s is not set: run `make nodes`", variable)
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// newCluster makes a cluster of n nodes on a topic of so many partitions. What is the
// test's own in the engines has a name nobody else has. Its nodes may be stopped, but not
// killed: see ground.
func newCluster(t *testing.T, n, partitions int, flags ...string) *cluster {
	t.Helper()
	return ground{engine(t, "PARLEY_TEST_POSTGRES"), patient}.cluster(t, n, partitions, flags...)
}

// ground is what a cluster stands on.
type ground struct {
	postgres *url.URL
	// session is the silence after which a node's partitions go to others. A busy machine
	// lets a node be silent for a second; while the database is away, partitions that
	// change hands stand still.
	session time.Duration
}

// patient is for clusters of which no node dies.
const patient = 20 * time.Second

func (g ground) cluster(t *testing.T, n, partitions int, flags ...string) *cluster {
	t.Helper()
	postgres := g.postgres
	c := &cluster{t: t, binary: binary(t), name: "nodes" + strings.ToLower(rand.Text()[:12])}
	kafka, redis := engine(t, "PARLEY_TEST_KAFKA"), engine(t, "PARLEY_TEST_REDIS")
	c.bus, c.store = newWire(t, redis.Host), newWire(t, postgres.Host)
	owner := *postgres
	sql(t, &owner, "create schema "+c.name)
	t.Cleanup(func() { sql(t, &owner, "drop schema "+c.name+" cascade") })
	redis.Host, postgres.Host = c.bus.address(), c.store.address()
	redis.RawQuery = "prefix=" + c.name
	query := postgres.Query()
	query.Set("search_path", c.name+",public")
	postgres.RawQuery = query.Encode()
	c.flags = append([]string{
		"--store", postgres.String(), "--bus", redis.String(),
		"--log", fmt.Sprintf("kafka://%s/%s.commands?partitions=%d&session=%s", kafka.Host, c.name, partitions, g.session),
		"--blobs", "file://" + t.TempDir(), "--secret", rand.Text() + rand.Text(),
		"--send-rate", "0", "--login-rate", "0", "--log-format", "json", "--reconnect-spread", "500ms",
	}, flags...)
	for range n {
		c.add()
	}
	var wait sync.WaitGroup
	for _, n := range c.nodes {
		wait.Go(n.start)
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return c
}

// sql runs a statement as the engines' owner, out of the programs' sight.
func sql(t *testing.T, at *url.URL, statement string) {
	t.Helper()
	if out, err := exec.Command("psql", "-qAt", "-v", "ON_ERROR_STOP=1", at.String(), "-c", statement).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", statement, err, out)
	}
}

// binary is the program under test: TEST_BINARY, or built here.
func binary(t *testing.T, build ...string) string {
	t.Helper()
	if bin := os.Getenv("TEST_BINARY"); bin != "" && len(build) == 0 {
		path, err := filepath.Abs(bin)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := filepath.Join(t.TempDir(), "parley")
	args := append(append([]string{"build", "-o", path}, build...), "../../cmd/parley")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("build parley: %v\n%s", err, out)
	}
	return path
}

// add makes a further node, which is not started.
func (c *cluster) add() {
	c.t.Helper()
	n := &node{c: c, name: fmt.Sprint("node", len(c.nodes)+1)}
	n.settle()
	c.nodes = append(c.nodes, n)
}

// settle gives the node addresses that are free.
func (n *node) settle() {
	n.c.t.Helper()
	for _, address := range []*string{&n.address, &n.metrics} {
		var err error
		if *address, err = program.FreeAddress(); err != nil {
			n.c.t.Fatal(err)
		}
	}
}

func (n *node) start() {
	n.c.t.Helper()
	n.startAs(n.c.binary, "/readyz")
}

// startAs starts the node with a program of its own, and waits until a path of it says
// yes. Whoever took its address meanwhile may have it.
func (n *node) startAs(binary, path string) {
	t := n.c.t
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for tries := 1; ; tries++ {
		command := []string{binary, "serve", "--node", n.name, "--addr", n.address, "--metrics-addr", n.metrics, "--data-dir", filepath.Join(t.TempDir(), n.name)}
		p, err := program.Start(ctx, program.Options{
			Command: append(command, n.c.flags...), URL: "http://" + n.address, Ready: path, Log: &prefixed{t: t, name: n.name},
		})
		if err != nil && strings.Contains(err.Error(), "address already in use") && tries < 10 {
			n.settle()
			continue
		}
		if err != nil {
			t.Errorf("start %s: %v", n.name, err)
			return
		}
		n.Process = p
		t.Cleanup(func() {
			if err := p.Kill(); err != nil {
				t.Error(err)
			}
		})
		return
	}
}

// stop asks the node to stop and waits for its end.
func (n *node) stop() {
	n.c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		n.c.t.Errorf("stop %s: %v", n.name, err)
	}
}

func (n *node) kill() {
	n.c.t.Helper()
	if err := n.Kill(); err != nil {
		n.c.t.Fatal(err)
	}
}

// prefixed shows what a node writes when the test fails, warnings and worse only.
type prefixed struct {
	t    *testing.T
	name string

	mu   sync.Mutex
	rest []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, b...)
	for {
		line, rest, ok := bytes.Cut(p.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		p.rest = rest
		if p.t.Context().Err() == nil && !bytes.Contains(line, []byte(`"level":"INFO"`)) {
			p.t.Logf("%s: %s", p.name, line)
		}
	}
}

// metric reads one figure of the node; it is not there on a node that does not have it.
func (n *node) metric(name string) (string, bool) {
	n.c.t.Helper()
	res, err := http.Get("http://" + n.metrics + "/metrics")
	if err != nil {
		return "", false
	}
	data, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return "", false
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

// owner waits until exactly one node owns a partition, and gives it.
func (c *cluster) owner(partition int) *node {
	c.t.Helper()
	var found *node
	c.eventually(fmt.Sprintf("partition %d has an owner", partition), func() bool {
		count := 0
		for _, n := range c.nodes {
			if n.Process == nil {
				continue
			}
			if _, ok := n.metric(fmt.Sprintf(`parley_log_lag{partition="%d"}`, partition)); ok {
				found = n
				count++
			}
		}
		return count == 1
	})
	return found
}

// others are the nodes but one.
func (c *cluster) others(one *node) []*node {
	var out []*node
	for _, n := range c.nodes {
		if n != one {
			out = append(out, n)
		}
	}
	return out
}

func (c *cluster) eventually(what string, check func() bool) {
	c.t.Helper()
	eventually(c.t, what, check)
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !check(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s until %s", patience, what)
		}
	}
}
