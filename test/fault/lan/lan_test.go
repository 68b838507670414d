package lan

import (
	"net/netip"
	"strings"
	"testing"
)

func TestARuleDropsOneDirection(t *testing.T) {
	from, to := netip.MustParseAddr("198.18.7.134"), netip.MustParseAddr("198.18.7.11")
	for _, c := range []struct {
		way  Way
		want string
	}{
		{Way{From: from, To: to}, "pref 100 from 198.18.7.134 to 198.18.7.11 type blackhole"},
		{Way{From: from, To: to}.Back(), "pref 100 from 198.18.7.11 to 198.18.7.134 type blackhole"},
		{Way{To: to}, "pref 100 to 198.18.7.11 type blackhole"},
	} {
		if got := strings.Join(c.way.rule(), " "); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestNothingIsDroppedFromAnywhereToAnywhere(t *testing.T) {
	l := &LAN{id: "none"}
	if pass, err := l.Drop(t.Context(), Way{}); err == nil || pass(t.Context()) != nil {
		t.Errorf("got %v, want an error before anything is dropped", err)
	}
}

func TestEveryMachineHasItsOwnAddress(t *testing.T) {
	l := &LAN{prefix: netip.MustParsePrefix("198.18.7.0/24")}
	seen := map[netip.Addr]bool{l.Clients(): true, l.address(router): true}
	for n := range lastEngine - engines + 1 {
		seen[l.Engine(n)] = true
	}
	if want := 2 + lastEngine - engines + 1; len(seen) != want {
		t.Errorf("got %d addresses, want %d", len(seen), want)
	}
	lower := netip.MustParsePrefix("198.18.7.0/25")
	for a := range seen {
		if !lower.Contains(a) {
			t.Errorf("%s is in the nodes' half", a)
		}
	}
}

func TestTheKeeperRemovesTheRunsOwnThingsOnly(t *testing.T) {
	got := cleaning([]string{"parley-fault-a", "parley-fault-a-node1"}, "pfa")
	for _, want := range []string{"ip link del pfa ", "ip netns del parley-fault-a ", "ip netns del parley-fault-a-node1 "} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, got)
		}
	}
	if strings.Count(got, " del ") != 3 {
		t.Errorf("it removes something else:\n%s", got)
	}
}
