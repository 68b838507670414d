//go:build netns

package lan

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// These tests make real namespaces, as root: `make fault NETNS=yes` runs them.

const (
	roleVariable = "LAN_TEST_ROLE"
	port         = "7000"
	// soon is what something takes that is not dropped, the machine being as slow as it may.
	soon = 60 * time.Second
	// dropped is how long a packet is waited for that must not come.
	dropped = 1500 * time.Millisecond
)

// TestMain is the tests, or what they run on another machine.
func TestMain(m *testing.M) {
	switch role, rest, _ := strings.Cut(os.Getenv(roleVariable), " "); role {
	case "echo": // answers every line
		l, err := net.Listen("tcp", rest)
		for err == nil {
			var c net.Conn
			if c, err = l.Accept(); err == nil {
				go func() { _, _ = io.Copy(c, c) }()
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "dial": // says what comes of it
		if _, err := net.DialTimeout("tcp", rest, dropped); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	case "network": // makes one and waits to be killed
		l, err := New(context.Background(), netip.MustParsePrefix(rest), 1)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(l.id)
		select {}
	default:
		os.Exit(m.Run())
	}
}

func network(t *testing.T) *LAN {
	t.Helper()
	l, err := New(t.Context(), netip.MustParsePrefix("198.18.250.0/24"), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// play runs this binary in a role, on a machine or (nil) on this one.
func play(t *testing.T, h *Host, role string) *exec.Cmd {
	t.Helper()
	argv := []string{os.Args[0]}
	if h != nil {
		argv = append(h.Enter(), argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// echo has a machine answer, and gives a connection to it that works.
func echo(t *testing.T, h *Host) (net.Conn, *exec.Cmd) {
	t.Helper()
	address := net.JoinHostPort(h.Address.String(), port)
	cmd := play(t, h, "echo "+address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(soon); ; {
		c, err := net.DialTimeout("tcp", address, soon)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			if err := ask(c, soon); err != nil {
				t.Fatal(err)
			}
			return c, cmd
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ask sends a line and waits for it to come back.
func ask(c net.Conn, wait time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "are you there?\n"); err != nil {
		return err
	}
	_, err := bufio.NewReader(c).ReadString('\n')
	return err
}

// serve answers on one of this machine's addresses.
func serve(t *testing.T, at netip.Addr) string {
	t.Helper()
	s, err := net.Listen("tcp", net.JoinHostPort(at.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	go func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return s.Addr().String()
}

func timedOut(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestADroppedWayCarriesNothingAndConnectionsGoOn(t *testing.T) {
	l := network(t)
	h := l.Host(1)
	c, _ := echo(t, h)
	for _, ways := range [][]Way{
		{{From: h.Address}, {To: h.Address}},
		{{From: h.Address}},
		{{To: h.Address}},
		{{From: h.Address, To: l.Clients()}},
	} {
		pass, err := l.Drop(t.Context(), ways...)
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(c, dropped); !timedOut(err) {
			t.Errorf("%v: got %v, want nothing", ways, err)
		}
		if _, err := net.DialTimeout("tcp", c.RemoteAddr().String(), dropped); !timedOut(err) {
			t.Errorf("%v: a new connection: got %v, want nothing", ways, err)
		}
		if err := errors.Join(pass(t.Context()), pass(t.Context())); err != nil {
			t.Error(err)
		}
		if err := c.SetDeadline(time.Now().Add(soon)); err != nil {
			t.Fatal(err)
		}
		// The question that was dropped comes again by itself.
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
			t.Errorf("%v: afterwards: %v", ways, err)
		}
	}
}

func TestOneWayToOneEngineIsDroppedAndNoOther(t *testing.T) {
	l := network(t)
	near, far := l.Host(1), l.Host(2)
	store, bus := serve(t, l.Engine(0)), serve(t, l.Engine(1))
	try := func(h *Host, address string) (string, error) {
		out, err := play(t, h, "dial "+address).Output()
		return string(out), err
	}
	pass, err := l.Drop(t.Context(), Way{From: l.Engine(0), To: near.Address})
	if err != nil {
		t.Fatal(err)
	}
	if said, err := try(near, store); err == nil || !strings.Contains(said, "timeout") {
		t.Errorf("to what is dropped: got %v %q, want a timeout", err, said)
	}
	if said, err := try(near, bus); err != nil {
		t.Errorf("to another engine: %v %q", err, said)
	}
	if said, err := try(far, store); err != nil {
		t.Errorf("from another machine: %v %q", err, said)
	}
	if err := pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said, err := try(near, store); err != nil {
		t.Errorf("afterwards: %v %q", err, said)
	}
}

func TestAWayThatIsDroppedTwicePassesAfterBoth(t *testing.T) {
	l := network(t)
	c, _ := echo(t, l.Host(1))
	in := Way{To: l.Host(1).Address}
	first, err := l.Drop(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Drop(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if err := first(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask(c, dropped); !timedOut(err) {
		t.Errorf("after one of them: got %v, want nothing", err)
	}
	if err := second(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask(c, soon); err != nil {
		t.Errorf("after both: %v", err)
	}
}

func TestAMachineIsUnpluggedAndPluggedIn(t *testing.T) {
	l := network(t)
	c, _ := echo(t, l.Host(1))
	plug, err := l.Host(1).Unplug(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := net.DialTimeout("tcp", c.RemoteAddr().String(), soon); !errors.Is(err, syscall.ENETUNREACH) {
		t.Errorf("got %v, want to be told that there is no such network", err)
	}
	if err := plug(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask(c, soon); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAMachineThatIsReplacedKnowsNoConnection(t *testing.T) {
	l := network(t)
	h := l.Host(1)
	c, cmd := echo(t, h)
	pass, err := l.Drop(t.Context(), Way{From: h.Address}, Way{To: h.Address})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := errors.Join(h.Replace(t.Context()), pass(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := ask(c, soon); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
	again, _ := echo(t, h)
	if err := ask(again, soon); err != nil {
		t.Error(err)
	}
}

func TestANarrowWayIsSlowAndGetsWide(t *testing.T) {
	l := network(t)
	if !l.Shapes() {
		t.Log("this kernel has no tbf: nothing to narrow a way with")
		if _, err := l.Host(1).Narrow(t.Context(), 64); err == nil {
			t.Error("and yet it was narrowed")
		}
		return
	}
	c, _ := echo(t, l.Host(1))
	widen, err := l.Host(1).Narrow(t.Context(), 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(dropped)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = c.Write(make([]byte, 1<<20)) }()
	if n, err := io.ReadFull(c, make([]byte, 1<<20)); !timedOut(err) || n == 0 {
		t.Errorf("got %d bytes and %v, want some within %s", n, err, dropped)
	}
	if err := errors.Join(widen(t.Context()), widen(t.Context())); err != nil {
		t.Error(err)
	}
}

// left gives what there still is of a run.
func left(id string) []string {
	var all []string
	spaces, _ := os.ReadDir("/run/netns")
	links, _ := net.Interfaces()
	for _, s := range spaces {
		if strings.Contains(s.Name(), id) {
			all = append(all, s.Name())
		}
	}
	for _, i := range links {
		if strings.Contains(i.Name, id) {
			all = append(all, i.Name)
		}
	}
	return all
}

func TestNothingIsLeft(t *testing.T) {
	l := network(t)
	if got := left(l.id); len(got) != 4 {
		t.Errorf("got %q, want three namespaces and a link", got)
	}
	if _, err := New(t.Context(), l.prefix, 1); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("another network of the same addresses: got %v", err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if got := left(l.id); len(got) != 0 {
		t.Errorf("%q is left", got)
	}
}

func TestNothingIsLeftOfARunThatIsKilled(t *testing.T) {
	cmd := play(t, nil, "network 198.18.251.0/24")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	id = strings.TrimSpace(id)
	if got := left(id); len(got) != 3 {
		t.Errorf("got %q, want two namespaces and a link", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for end := time.Now().Add(soon); len(left(id)) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%q is left", left(id))
		}
	}
}
