package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

// patience bounds the waiting for anything that should take seconds at most.
const patience = 2 * time.Minute

const (
	settling    = 20 * time.Second // of nodes that have just started
	answerPause = 100 * time.Millisecond
)

// kind is a sort of server that can be measured.
type kind interface {
	name() string
	// start gives a running server with people to log in as.
	start(ctx context.Context, p Population) (*server, error)
}

// server is a running server under load. Close it.
type server struct {
	nodes   []*program.Process
	metrics []string // addresses of the nodes' metrics
	people  []Session
	// room makes a conversation of the people with these numbers, whose sockets are
	// connected, and gives its id.
	room func(ctx context.Context, members []*peer) (string, error)
	// start starts a node again.
	start func(ctx context.Context, node int) error
	parts []part // besides the nodes
	clean func() error
}

func (s *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var err error
	for _, n := range s.nodes {
		err = errors.Join(err, n.Stop(ctx))
	}
	return errors.Join(err, s.clean())
}

// url gives the node that the person with a number connects to: they are dealt out in turn.
func (s *server) url(person int) string { return s.nodes[person%len(s.nodes)].URL }

// cost adds up what the nodes cost.
func (s *server) cost() (program.Cost, error) {
	var sum program.Cost
	for _, n := range s.nodes {
		c, err := n.Cost()
		if err != nil {
			return sum, err //nolint:wrapcheck // says all
		}
		sum.RSS += c.RSS
		sum.CPU += c.CPU
		sum.Files += c.Files
	}
	return sum, nil
}

// parley is the server that this repository builds: one with everything inside, or
// as many nodes as are asked for.
type parley struct {
	o     Options
	seed  Seed
	nodes int // 0: everything inside one
}

func (k parley) name() string {
	if k.nodes == 0 {
		return "parley"
	}
	return fmt.Sprintf("parley x %d", k.nodes)
}

func (k parley) start(ctx context.Context, p Population) (*server, error) {
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	s := &server{parts: k.o.Parts, clean: func() error { return os.RemoveAll(dir) }}
	shared := k.settings(dir)
	if err := k.migrate(ctx, shared); err != nil {
		return nil, errors.Join(err, s.clean())
	}
	if s.people, err = k.seed(ctx, append(shared, "--data-dir", filepath.Join(dir, "0")), p); err != nil {
		return nil, errors.Join(fmt.Errorf("make people: %w", err), s.clean())
	}
	var options []program.Options
	for i := range max(1, k.nodes) {
		o, metrics, err := k.node(shared, filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return nil, errors.Join(err, s.clean())
		}
		s.metrics = append(s.metrics, metrics)
		options = append(options, o)
	}
	s.start = func(ctx context.Context, i int) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var err error
		s.nodes[i], err = program.Start(ctx, options[i])
		return err //nolint:wrapcheck // says all
	}
	for i := range options {
		s.nodes = append(s.nodes, nil)
		if err := s.start(ctx, i); err != nil {
			s.nodes = s.nodes[:i]
			return nil, errors.Join(err, s.close())
		}
	}
	api := program.API{URL: s.nodes[0].URL, Client: &http.Client{Timeout: patience}}
	s.room = func(ctx context.Context, members []*peer) (string, error) {
		var others []string
		for _, m := range members[1:] {
			others = append(others, m.session.UserID)
		}
		as := api.As(program.Login{Token: members[0].session.Token})
		for until := time.Now().Add(settling); ; {
			id, err := as.Group(ctx, "bench", others...)
			if program.Status(err) != http.StatusServiceUnavailable || time.Now().After(until) {
				return id, err //nolint:wrapcheck // says all
			}
			time.Sleep(answerPause) // nodes that have just started are still dealing partitions out
		}
	}
	return s, nil
}

// settings gives the flags that all nodes of a run share. Each run has a log, a
// prefix and a folder of its own; the database is the one that was there before.
func (k parley) settings(dir string) []string {
	// One address and few people make more load here than any real ones.
	flags := []string{"--log-level", "warn", "--send-rate", "0"}
	if k.nodes == 0 {
		return flags
	}
	run := strings.ToLower(rand.Text()[:10])
	return append(flags,
		"--store", k.o.Engines.Store,
		"--log", k.o.Engines.Log+"/bench-"+run+".commands?partitions=12&session=1s",
		"--bus", k.o.Engines.Bus+"?prefix="+run,
		"--blobs", "file://"+filepath.Join(dir, "blobs"), "--secret", rand.Text()+rand.Text(), "--reconnect-spread", "1s",
	)
}

// migrate makes the tables in the database of nodes.
func (k parley) migrate(ctx context.Context, shared []string) error {
	if k.nodes == 0 {
		return nil // the server does it by itself
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	said, err := exec.CommandContext(ctx, k.o.Binary, append([]string{"migrate"}, shared...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("migrate: %w: %s", err, said)
	}
	return nil
}

// node gives how to start one node on free ports, and where its metrics will be.
func (k parley) node(shared []string, data string) (o program.Options, metrics string, err error) {
	address, err := program.FreeAddress()
	if err == nil {
		metrics, err = program.FreeAddress()
	}
	if err != nil {
		return o, "", err //nolint:wrapcheck // says all
	}
	command := append([]string{k.o.Binary, "serve", "--addr", address, "--metrics-addr", metrics, "--data-dir", data}, shared...)
	return program.Options{Command: command, URL: "http://" + address, Ready: "/readyz"}, metrics, nil
}

// node is a bare socket.io server on Node, which stores and checks nothing.
type node struct{ dir string }

func (node) name() string { return "node" }

func (k node) start(ctx context.Context, p Population) (*server, error) {
	if _, err := os.Stat(filepath.Join(k.dir, "node_modules")); err != nil {
		return nil, fmt.Errorf("run `npm ci` in %s first: %w", k.dir, err)
	}
	address, err := program.FreeAddress()
	if err != nil {
		return nil, err //nolint:wrapcheck // says all
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := &server{
		people: make([]Session, p.People), // it knows no conversations
		clean:  func() error { return nil },
	}
	process, err := program.Start(ctx, program.Options{
		Command: []string{"node", filepath.Join(k.dir, "server.js"), "--addr", address},
		URL:     "http://" + address, Ready: "/readyz",
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // says all
	}
	s.nodes = append(s.nodes, process)
	rooms := 0
	s.room = func(ctx context.Context, members []*peer) (string, error) {
		rooms++
		id := fmt.Sprintf("room-%d", rooms)
		for _, m := range members {
			if _, err := m.socket.Call(ctx, "join", map[string][]string{"rooms": {id}}); err != nil {
				return "", fmt.Errorf("join: %w", err)
			}
		}
		return id, nil
	}
	return s, nil
}

// peer is one person's socket.
type peer struct {
	session Session
	socket  *client.Client
}
