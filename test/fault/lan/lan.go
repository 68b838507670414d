package lan

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// The /24 is halved: the lower half is this machine's side, the upper half has a
	// link of four addresses for each node.
	clients    = 1
	engines    = 11
	lastEngine = 30
	router     = 126
	firstNode  = 128
	nodeBits   = 30
	mostNodes  = 30

	// ipTimeout bounds one call of ip or tc, the machine being as slow as it may.
	ipTimeout = 30 * time.Second
)

// LAN is the network of a run: this machine, a router, and a machine for each node.
// Its methods are safe for concurrent use, but for Replace and Close.
type LAN struct {
	prefix netip.Prefix
	id     string
	hosts  []*Host
	shapes bool
	keeper *keeper

	mu    sync.Mutex  // held while ip changes the rules, so that they are what drops says
	drops map[Way]int // how often each way is dropped
}

// Host is a machine of the network.
type Host struct {
	Address netip.Addr

	lan   *LAN
	n     int    // from 1 on
	space string // its network namespace
	port  string // the router's end of its cable
}

// New makes a network with so many nodes in a /24. It needs root and iproute2. Nothing
// that exists is touched: addresses that are in use are an error. Close it.
func New(ctx context.Context, prefix netip.Prefix, nodes int) (_ *LAN, err error) {
	if err := Possible(); err != nil {
		return nil, err
	}
	if prefix.Bits() != 24 || !prefix.Addr().Is4() || nodes < 1 || nodes > mostNodes {
		return nil, fmt.Errorf("a network of %d nodes in %s: want a /24 and 1 to %d nodes", nodes, prefix, mostNodes)
	}
	l := &LAN{prefix: prefix.Masked(), id: strings.ToLower(rand.Text()[:6]), drops: map[Way]int{}}
	for n := 1; n <= nodes; n++ {
		l.hosts = append(l.hosts, &Host{
			Address: l.address(firstNode + 4*n + 2), lan: l, n: n,
			space: fmt.Sprintf("%s-node%d", l.space(), n), port: fmt.Sprintf("pf%s%d", l.id, n),
		})
	}
	// Whoever cleans up is there before there is anything to be cleaned up.
	if l.keeper, err = keep(l.spaces(), l.cable()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	if err := l.build(ctx); err != nil {
		return nil, fmt.Errorf("make a network in %s: %w", l.prefix, err)
	}
	l.shapes = l.canShape(ctx)
	return l, nil
}

// Possible gives why no network can be made here, or nil.
func Possible() error {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return errors.New("network namespaces need the command ip (Debian's package iproute2)")
	}
	return nil
}

// Close removes everything that New and Replace made. Processes in it lose their links.
func (l *LAN) Close() error { return l.keeper.end() }

func (l *LAN) space() string { return "parley-fault-" + l.id }
func (l *LAN) cable() string { return "pf" + l.id }

func (l *LAN) spaces() []string {
	all := []string{l.space()}
	for _, h := range l.hosts {
		all = append(all, h.space)
	}
	return all
}

func (l *LAN) address(last int) netip.Addr {
	four := l.prefix.Addr().As4()
	four[3] = byte(last)
	return netip.AddrFrom4(four)
}

// Clients is this machine's address, from which clients come.
func (l *LAN) Clients() netip.Addr { return l.address(clients) }

// Engine is this machine's address for the n-th of what nodes share, from 0 to 19, so
// that the way to each can be cut by itself.
func (l *LAN) Engine(n int) netip.Addr { return l.address(engines + n) }

// Host gives the machine of the n-th node, from 1 on.
func (l *LAN) Host(n int) *Host { return l.hosts[n-1] }

// Shapes reports whether Narrow can be had: it needs tc and a kernel with tbf.
func (l *LAN) Shapes() bool { return l.shapes }

// Enter gives what has to stand before a command that is to run on the machine. The
// process id is that of the command.
func (h *Host) Enter() []string { return []string{"ip", "netns", "exec", h.space} }

// build makes this machine's side, the router and the nodes.
func (l *LAN) build(ctx context.Context) error {
	if err := l.free(ctx); err != nil {
		return err
	}
	here, space := l.cable(), l.space()
	calls := [][]string{
		{"netns", "add", space},
		{"link", "add", here, "type", "veth", "peer", "name", "host0", "netns", space},
		{"-n", space, "link", "set", "lo", "up"},
		{"-n", space, "addr", "add", l.address(router).String() + "/25", "dev", "host0"},
		{"-n", space, "link", "set", "host0", "up"},
		{"addr", "add", l.Clients().String() + "/25", "dev", here},
	}
	for n := engines; n <= lastEngine; n++ {
		calls = append(calls, []string{"addr", "add", l.address(n).String() + "/32", "dev", here})
	}
	calls = append(
		calls,
		[]string{"link", "set", here, "up"},
		[]string{"route", "add", l.address(firstNode).String() + "/25", "via", l.address(router).String(), "src", l.Clients().String()},
		// A way that is cut in one direction is still a way back: nothing is checked against its source.
		[]string{"netns", "exec", space, "sh", "-c", "cd /proc/sys/net/ipv4 && echo 1 >ip_forward && echo 0 >conf/all/rp_filter && echo 0 >conf/default/rp_filter"},
	)
	if err := all(ctx, calls); err != nil {
		return err
	}
	for _, h := range l.hosts {
		if err := h.build(ctx); err != nil {
			return err
		}
	}
	return nil
}

// free gives an error if something here uses addresses of the network.
func (l *LAN) free(ctx context.Context) error {
	out, err := ip(ctx, "-4", "-o", "route", "show", "table", "all", "root", l.prefix.String())
	if err != nil {
		return err
	}
	if out != "" {
		return fmt.Errorf("these addresses are in use: %s", strings.ReplaceAll(out, "\n", "; "))
	}
	return nil
}

// build makes the machine and its link to the router.
func (h *Host) build(ctx context.Context) error {
	r, last := h.lan.space(), firstNode+4*h.n+1
	gateway := h.lan.address(last).String()
	return all(ctx, [][]string{
		{"netns", "add", h.space},
		{"-n", r, "link", "add", h.port, "type", "veth", "peer", "name", "eth0", "netns", h.space},
		{"-n", r, "addr", "add", fmt.Sprintf("%s/%d", gateway, nodeBits), "dev", h.port},
		{"-n", r, "link", "set", h.port, "up"},
		{"-n", h.space, "link", "set", "lo", "up"},
		{"-n", h.space, "addr", "add", fmt.Sprintf("%s/%d", h.Address, nodeBits), "dev", "eth0"},
		{"-n", h.space, "link", "set", "eth0", "up"},
		{"-n", h.space, "route", "add", "default", "via", gateway},
	})
}

// Replace puts another machine with the same address in the place of one on which
// nothing runs any more: it knows of no connection that its predecessor had.
func (h *Host) Replace(ctx context.Context) error {
	err := all(ctx, [][]string{{"-n", h.lan.space(), "link", "del", h.port}, {"netns", "del", h.space}})
	if err == nil {
		err = h.build(ctx)
	}
	if err != nil {
		return fmt.Errorf("replace machine %d: %w", h.n, err)
	}
	return nil
}

func all(ctx context.Context, calls [][]string) error {
	for _, c := range calls {
		if _, err := ip(ctx, c...); err != nil {
			return err
		}
	}
	return nil
}

// ip runs one command of ip(8) and gives what it says.
func ip(ctx context.Context, args ...string) (string, error) { return command(ctx, "ip", args...) }

func command(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, ipTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	said := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said)
	}
	return said, nil
}
