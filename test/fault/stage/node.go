package stage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/test/fault/lan"
	"github.com/parley-chat/parley/test/fault/link"
)

// startTimeout bounds the start of a node, the machine being as slow as it may.
const startTimeout = 120 * time.Second

// Node is one process of the program under test, which may be down.
type Node struct {
	Name string
	URL  string
	Data string // its folder
	// Links are the node's ways to the engines: "store", "log", "bus". An embedded
	// node has none.
	Links map[string][]*link.Proxy
	// Host is the machine that the node has to itself; nil without a network of the run's own.
	Host *lan.Host

	options program.Options
	metrics string // where they are
	logs    *os.File

	mu      sync.Mutex
	process *program.Process
	besides []string // of its environment, when it is started the next time
	wanted  bool     // it should be running: an end by itself is a crash
	crashes []string
}

// place is where a node runs and listens.
type place struct {
	address, metrics string
	host             *lan.Host // nil: beside the suite
}

// here gives a place on loopback.
func here() (p place, err error) {
	if p.address, err = program.FreeAddress(); err != nil {
		return p, err //nolint:wrapcheck // says all
	}
	p.metrics, err = program.FreeAddress()
	return p, err //nolint:wrapcheck // says all
}

// on gives a place on a machine of its own.
func on(h *lan.Host) place {
	return place{address: h.Address.String() + ":8000", metrics: h.Address.String() + ":8001", host: h}
}

// newNode prepares a node; flags are besides its addresses and folder.
func newNode(dir, name, binary string, at place, flags ...string) (*Node, error) {
	n := &Node{
		Name: name, URL: "http://" + at.address, Host: at.host, Data: filepath.Join(dir, name), Links: map[string][]*link.Proxy{},
		metrics: "http://" + at.metrics + "/metrics",
	}
	var enter []string
	if at.host != nil {
		enter = at.host.Enter()
	}
	var err error
	if n.logs, err = os.Create(filepath.Join(dir, name+".log")); err != nil {
		return nil, fmt.Errorf("keep a log: %w", err)
	}
	n.options = program.Options{
		Command: slices.Concat(enter, []string{
			binary, "serve", "--addr", at.address, "--metrics-addr", at.metrics, "--data-dir", n.Data,
			"--log-level", "info", "--log-format", "text",
			"--send-rate", "0", "--login-rate", "0",
		}, flags),
		URL: n.URL, Ready: "/readyz", Log: n.logs, Env: []string{"FAULT_CLOCK=" + n.clock()},
	}
	return n, nil
}

// Start starts the node and waits until it serves. One that runs is left alone.
func (n *Node) Start(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	options := n.options
	options.Env = slices.Concat(options.Env, n.besides)
	p, err := program.Start(ctx, options)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	n.process, n.wanted = p, true
	go n.guard(p)
	return nil
}

// Begin starts the node without waiting: ready is told by Start, or never.
func (n *Node) Begin(wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	if p, err := program.Start(ctx, n.options); err == nil {
		_ = p.Kill() // it was to be killed while it starts
	}
}

// guard notes an end that nobody asked for.
func (n *Node) guard(p *program.Process) {
	<-p.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == p && n.wanted {
		n.crashes = append(n.crashes, p.Tail())
		n.process = nil
	}
}

// Crashes gives what the node wrote last, each time it ended by itself, and forgets it.
func (n *Node) Crashes() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.crashes
	n.crashes = nil
	return all
}

// take gives the running process and takes it out.
func (n *Node) take() *program.Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.process
	n.process, n.wanted = nil, false
	return p
}

// Kill ends the node at once.
func (n *Node) Kill() error {
	p := n.take()
	if p == nil {
		return nil
	}
	return p.Kill() //nolint:wrapcheck // says all
}

// Stop ends the node in order. An end that is not in order is an error.
func (n *Node) Stop(ctx context.Context) error {
	p := n.take()
	if p == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return p.Stop(ctx) //nolint:wrapcheck // says all
}

// Pause stops the node's processor time: it holds its connections and answers nothing.
func (n *Node) Pause() error { return n.signal(syscall.SIGSTOP) }

// Resume ends a pause.
func (n *Node) Resume() error { return n.signal(syscall.SIGCONT) }

func (n *Node) signal(s syscall.Signal) error {
	pid := n.PID()
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", n.Name, err)
	}
	return nil
}

// PID is the process id; 0 while the node is down.
func (n *Node) PID() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return 0
	}
	return n.process.PID()
}

// clock is the file that says by how many seconds the node's clock is wrong.
func (n *Node) clock() string { return n.Data + ".clock" }

// SetClock has the node's time of day be wrong by whole seconds from now on, if the
// program was built to be set (Stage.Clocks).
func (n *Node) SetClock(by time.Duration) error {
	// Whoever reads while it is written finds the number before.
	next := n.clock() + ".next"
	if err := os.WriteFile(next, []byte(strconv.FormatInt(int64(by/time.Second), 10)), 0o600); err != nil {
		return fmt.Errorf("set the clock of %s: %w", n.Name, err)
	}
	if err := os.Rename(next, n.clock()); err != nil {
		return fmt.Errorf("set the clock of %s: %w", n.Name, err)
	}
	return nil
}

// Log is the file that the node writes to.
func (n *Node) Log() string { return n.logs.Name() }

// Stage is everything under test.
type Stage struct {
	Target  string
	Nodes   []*Node
	Engines *Engines // nil when embedded
	LAN     *lan.LAN // nil unless each node has a machine of its own
	Secrets []string // that nodes were given
	Clocks  bool     // the program under test was built with the tag faultclock
	Dir     string
	Logf    func(format string, args ...any)
}

// Node gives the address of any node; it may be down.
func (s *Stage) Node(rng *rand.Rand) string { return s.Nodes[rng.IntN(len(s.Nodes))].URL }

// Start starts every node that is down.
func (s *Stage) Start(ctx context.Context) error {
	errs := make([]error, len(s.Nodes))
	var group sync.WaitGroup
	for i, n := range s.Nodes {
		group.Go(func() { errs[i] = n.Start(ctx) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Close ends everything.
func (s *Stage) Close() error {
	var errs []error
	for _, n := range s.Nodes {
		errs = append(errs, n.Resume(), n.Kill())
		for _, proxies := range n.Links {
			for _, p := range proxies {
				errs = append(errs, p.Close())
			}
		}
		errs = append(errs, n.logs.Close())
	}
	if s.LAN != nil {
		errs = append(errs, s.LAN.Close())
	}
	if s.Engines != nil {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		errs = append(errs, s.Engines.mend(ctx))
	}
	return errors.Join(errs...)
}

// Embedded makes a stage of one node that has everything inside.
func Embedded(dir, binary string, logf func(string, ...any)) (*Stage, error) {
	at, err := here()
	if err != nil {
		return nil, err
	}
	n, err := newNode(dir, "embedded", binary, at)
	if err != nil {
		return nil, err
	}
	return &Stage{Target: "embedded", Nodes: []*Node{n}, Dir: dir, Logf: logf}, nil
}
