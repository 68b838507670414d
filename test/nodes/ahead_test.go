package nodes

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// While PostgreSQL is away people who talked before talk on, from one node to the
// other, as fast as before. Nothing of it is lost, and afterwards the history says what
// they heard.
func TestTalkGoesOnWithoutPostgres(t *testing.T) {
	const away = 6 * time.Second
	c := ground{engine(t, "PARLEY_TEST_POSTGRES"), patient}.cluster(t, 2, 2)
	one, two := c.nodes[0].URL, c.nodes[1].URL
	people := c.people(one, "alice", "bob")
	alice, bob := people[0], people[1]
	room := alice.group(one, bob)
	a, b := alice.connect(one), bob.connect(two)
	var want []string
	var acks []time.Duration
	say := func(pause time.Duration) {
		key := fmt.Sprintf("k%04d", len(want))
		sent := time.Now()
		if len(want)%2 == 0 {
			a, _ = alice.insist(a, c.nodes[:1], room, key)
		} else {
			b, _ = bob.insist(b, c.nodes[1:], room, key)
		}
		acks = append(acks, time.Since(sent))
		a.wait("entry", "text of "+key)
		b.wait("entry", "text of "+key)
		want = append(want, key)
		time.Sleep(pause)
	}
	tell := func() {
		slices.Sort(acks)
		t.Logf("%d messages: median %s, slowest %s", len(acks), acks[len(acks)/2].Round(time.Millisecond), acks[len(acks)-1].Round(time.Millisecond))
		acks = nil
	}
	for range 40 {
		say(10 * time.Millisecond)
	}
	tell()

	c.store.cut()
	for end := time.Now().Add(away); time.Now().Before(end); {
		say(50 * time.Millisecond)
	}
	tell()
	waiting := false
	for _, n := range c.nodes {
		if v, _ := n.metric("parley_window_records"); v != "" && v != "0" {
			waiting = true
		}
	}
	if !waiting {
		t.Error("no node says that the store lags")
	}
	c.store.mend()
	back := time.Now()
	c.eventually("the store has caught up", func() bool {
		for _, n := range c.nodes {
			if v, _ := n.metric("parley_window_records"); v != "0" {
				return false
			}
		}
		return true
	})
	t.Logf("the store had caught up after %s", time.Since(back).Round(time.Millisecond))
	say(0)
	for _, at := range []string{one, two} {
		var page struct {
			Items []struct {
				ClientID string `json:"client_id"`
			}
		}
		alice.rest(at, http.MethodGet, "/conversations/"+room+"/messages?limit=1", nil, &page)
		if len(page.Items) != 1 || page.Items[0].ClientID != want[len(want)-1] {
			t.Errorf("the newest message is %+v, want %s", page.Items, want[len(want)-1])
		}
	}
	c.checkLog(alice, room, want)
}
