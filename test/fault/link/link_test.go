package link

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

const patience = 60 * time.Second

// echo is a server that says everything back; it gives its address.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func connect(t *testing.T, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func say(t *testing.T, c net.Conn, r *bufio.Reader, line string) {
	t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		t.Fatal(err)
	}
	got, err := r.ReadString('\n')
	if err != nil || got != line+"\n" {
		t.Fatalf("got %q, %v, want %q", got, err, line)
	}
}

func proxy(t *testing.T) *Proxy {
	t.Helper()
	p, err := NewProxy("127.0.0.1:0", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestItPassesSlicedAndSlowed(t *testing.T) {
	p := proxy(t)
	c, r := connect(t, p.Address())
	say(t, c, r, "whole")
	p.Set(Rule{Slice: 1}, Rule{Slice: 2})
	say(t, c, r, "in many small pieces")
	p.Set(Rule{Rate: 1000}, Rule{Rate: 1000})
	say(t, c, r, "slowly")
	p.Heal()
	say(t, c, r, "whole again")
}

func TestAStalledDirectionHoldsBytesBackUntilItIsHealed(t *testing.T) {
	for name, rules := range map[string][2]Rule{
		"both": {{Stall: true}, {Stall: true}}, "up": {{Stall: true}, {}}, "down": {{}, {Stall: true}},
	} {
		t.Run(name, func(t *testing.T) {
			p := proxy(t)
			c, r := connect(t, p.Address())
			say(t, c, r, "before")
			p.Set(rules[0], rules[1])
			if _, err := io.WriteString(c, "later\n"); err != nil {
				t.Fatal(err)
			}
			if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			var timeout net.Error
			if got, err := r.ReadString('\n'); !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Fatalf("got %q, %v while stalled, want a timeout", got, err)
			}
			p.Heal()
			if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if got, err := r.ReadString('\n'); err != nil || got != "later\n" {
				t.Errorf("got %q, %v after healing", got, err)
			}
		})
	}
}

func TestWhoVanishesBehindAStalledLinkIsNotMissed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var s Switch
	c, err := s.Dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	s.Set(Rule{Stall: true}, Rule{Stall: true})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a closed connection can be read")
	}
	b := make([]byte, 1)
	var timeout net.Error
	if err := peer.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Read(b); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("the peer got %v while nothing passed, want a timeout", err)
	}
	s.Heal()
	if err := peer.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Read(b); !errors.Is(err, io.EOF) {
		t.Errorf("the peer got %v after healing, want the end", err)
	}
}

func TestADeadlineHoldsWhileNothingPasses(t *testing.T) {
	var s Switch
	c, err := s.Dial(context.Background(), "tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s.Set(Rule{Stall: true}, Rule{Stall: true})
	if err := c.SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading got %v, want the deadline", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing got %v, want the deadline", err)
	}
}

func TestResetAndRefuse(t *testing.T) {
	p := proxy(t)
	c, r := connect(t, p.Address())
	say(t, c, r, "before")
	p.Set(Rule{Stall: true}, Rule{Stall: true})
	p.Reset() // what is stalled is cut too
	if got, err := r.ReadString('\n'); err == nil {
		t.Errorf("got %q after a reset, want an error", got)
	}
	p.Heal()
	p.Refuse(true)
	if _, err := p.Dial(context.Background(), "tcp", p.target); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want refused", err)
	}
	if nc, err := net.DialTimeout("tcp", p.Address(), patience); err == nil { // or it is cut while it is made
		if got, err := bufio.NewReader(nc).ReadString('\n'); err == nil {
			t.Errorf("got %q of a refused connection, want an error", got)
		}
		_ = nc.Close()
	}
	p.Refuse(false)
	c, r = connect(t, p.Address())
	say(t, c, r, "after")
}
