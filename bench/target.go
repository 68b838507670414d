package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

// patience bounds the waiting for anything that should take seconds at most.
const patience = 2 * time.Minute

// kind is a sort of server that can be measured.
type kind interface {
	name() string
	// start gives a running server with people to log in as.
	start(ctx context.Context, people int) (*server, error)
}

// server is a running server under load. Close it.
type server struct {
	process *program.Process
	people  []Session
	// room makes a conversation of the people with these numbers, whose sockets are
	// connected, and gives its id.
	room func(ctx context.Context, members []*peer) (string, error)
	// befriend gives each person that many conversations, with as many members, and
	// leaves the server as after a start.
	befriend func(ctx context.Context, each int) error
	clean    func() error
}

func (s *server) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(s.process.Stop(ctx), s.clean())
}

// parley is the server that this repository builds.
type parley struct {
	binary string
	seed   Seed
}

func (parley) name() string { return "parley" }

func (k parley) start(ctx context.Context, people int) (*server, error) {
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	clean := func() error { return os.RemoveAll(dir) }
	data := filepath.Join(dir, "data")
	s := &server{clean: clean}
	if s.people, err = k.seed(ctx, data, people); err != nil {
		return nil, errors.Join(fmt.Errorf("make people: %w", err), clean())
	}
	address, err := program.FreeAddress()
	if err != nil {
		return nil, errors.Join(err, clean())
	}
	options := program.Options{
		Command: []string{
			k.binary, "serve", "--addr", address, "--data-dir", data, "--log-level", "warn",
			// One address and few people make more load here than any real ones.
			"--send-rate", "0",
		},
		URL: "http://" + address, Ready: "/readyz",
	}
	start := func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		s.process, err = program.Start(ctx, options)
		return err //nolint:wrapcheck // says all
	}
	if err := start(); err != nil {
		return nil, errors.Join(err, clean())
	}
	api := program.API{URL: options.URL, Client: &http.Client{Timeout: patience}}
	s.befriend = func(ctx context.Context, each int) error {
		if err := befriend(ctx, api, s.people, each); err != nil {
			return err
		}
		if err := s.process.Stop(ctx); err != nil {
			return err //nolint:wrapcheck // says all
		}
		return start()
	}
	s.room = func(ctx context.Context, members []*peer) (string, error) {
		var others []string
		for _, m := range members[1:] {
			others = append(others, m.session.UserID)
		}
		as := api.As(program.Login{Token: members[0].session.Token})
		return as.Group(ctx, "bench", others...) //nolint:wrapcheck // says all
	}
	return s, nil
}

// befriend splits people into circles of each, and gives a circle as many groups.
func befriend(ctx context.Context, api program.API, people []Session, each int) error {
	for from := 0; from < len(people); from += each {
		circle := people[from:min(from+each, len(people))]
		for i, owner := range circle {
			var others []string
			for j, p := range circle {
				if i != j {
					others = append(others, p.UserID)
				}
			}
			if _, err := api.As(program.Login{Token: owner.Token}).Group(ctx, "bench", others...); err != nil {
				return err //nolint:wrapcheck // says all
			}
		}
	}
	return nil
}

// node is a bare socket.io server on Node, which stores and checks nothing.
type node struct{ dir string }

func (node) name() string { return "node" }

func (k node) start(ctx context.Context, people int) (*server, error) {
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
		people:   make([]Session, people),
		befriend: func(context.Context, int) error { return nil }, // it knows no conversations
		clean:    func() error { return nil },
	}
	s.process, err = program.Start(ctx, program.Options{
		Command: []string{"node", filepath.Join(k.dir, "server.js"), "--addr", address},
		URL:     "http://" + address, Ready: "/readyz",
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // says all
	}
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
