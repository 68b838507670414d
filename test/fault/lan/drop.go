package lan

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
)

// Way is one direction between addresses. The zero address is any.
type Way struct{ From, To netip.Addr }

// Back is the other direction.
func (w Way) Back() Way { return Way{From: w.To, To: w.From} }

// rule is the router's rule that drops what goes that way, without a word to anybody.
func (w Way) rule() []string {
	rule := []string{"pref", "100"}
	if w.From.IsValid() {
		rule = append(rule, "from", w.From.String())
	}
	if w.To.IsValid() {
		rule = append(rule, "to", w.To.String())
	}
	return append(rule, "type", "blackhole")
}

// Drop has the router drop every packet that goes these ways, until pass is called.
// Nobody is told: what waits for an answer goes on waiting. pass may be called again, and
// has to be after an error, too. A way that is dropped twice passes when both have ended.
func (l *LAN) Drop(ctx context.Context, ways ...Way) (pass func(context.Context) error, err error) {
	var dropped []Way
	pass = func(ctx context.Context) error {
		for len(dropped) > 0 {
			if err := l.count(ctx, dropped[0], -1); err != nil {
				return fmt.Errorf("let packets pass: %w", err)
			}
			dropped = dropped[1:]
		}
		return nil
	}
	for _, w := range ways {
		if !w.From.IsValid() && !w.To.IsValid() {
			return pass, errors.New("drop packets: a way from anywhere to anywhere")
		}
		if err := l.count(ctx, w, 1); err != nil {
			return pass, fmt.Errorf("drop packets: %w", err)
		}
		dropped = append(dropped, w)
	}
	return pass, nil
}

// count has a way be dropped by one more, or by one less; the kernel knows a rule once.
func (l *LAN) count(ctx context.Context, w Way, by int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	verb := ""
	switch n := l.drops[w] + by; {
	case by > 0 && n == 1:
		verb = "add"
	case by < 0 && n == 0:
		verb = "del"
	}
	if verb != "" {
		if _, err := ip(ctx, slices.Concat([]string{"-n", l.space(), "rule", verb}, w.rule())...); err != nil {
			return err
		}
	}
	l.drops[w] += by
	return nil
}

// Unplug takes the machine's cable out of the router, which tells whoever asks that
// there is no such network, and puts it in again when plug is called.
func (h *Host) Unplug(ctx context.Context) (plug func(context.Context) error, err error) {
	set := func(ctx context.Context, state string) error {
		if _, err := ip(ctx, "-n", h.lan.space(), "link", "set", h.port, state); err != nil {
			return fmt.Errorf("set the cable of machine %d %s: %w", h.n, state, err)
		}
		return nil
	}
	return func(ctx context.Context) error { return set(ctx, "up") }, set(ctx, "down")
}

// Narrow lets so many kilobits a second pass to and from the machine, and drops what
// queues up beyond a few packets, until widen is called.
func (h *Host) Narrow(ctx context.Context, kilobits int) (widen func(context.Context) error, err error) {
	var narrow [][]string
	widen = func(ctx context.Context) error {
		for len(narrow) > 0 {
			if _, err := command(ctx, "tc", append(slices.Clone(narrow[0]), "root")...); err != nil {
				return fmt.Errorf("widen the way to machine %d: %w", h.n, err)
			}
			narrow = narrow[1:]
		}
		return nil
	}
	for _, end := range [][2]string{{h.lan.space(), h.port}, {h.space, "eth0"}} {
		if err := shape(ctx, end[0], end[1], kilobits); err != nil {
			return widen, fmt.Errorf("narrow the way to machine %d: %w", h.n, err)
		}
		narrow = append(narrow, []string{"-n", end[0], "qdisc", "del", "dev", end[1]})
	}
	return widen, nil
}

func shape(ctx context.Context, space, dev string, kilobits int) error {
	_, err := command(ctx, "tc", "-n", space, "qdisc", "replace", "dev", dev, "root", "tbf",
		"rate", fmt.Sprint(kilobits, "kbit"), "burst", "8kb", "limit", "16kb")
	return err
}

// canShape tries whether tc and the kernel can narrow a way.
func (l *LAN) canShape(ctx context.Context) bool {
	if _, err := exec.LookPath("tc"); err != nil {
		return false
	}
	if shape(ctx, l.space(), "lo", 1000) != nil {
		return false
	}
	_, err := command(ctx, "tc", "-n", l.space(), "qdisc", "del", "dev", "lo", "root")
	return err == nil
}
