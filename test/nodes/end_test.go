package nodes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// takeovers is how often the owner of a partition is killed.
const takeovers = 3

// When the owner of a partition is killed, another one takes over and loses nothing.
func TestAKilledOwnerIsReplaced(t *testing.T) {
	c := ground{engine(t, "PARLEY_TEST_POSTGRES"), time.Second}.cluster(t, 3, 1)
	people := c.people(c.nodes[0].URL, "alice", "bob")
	alice, bob := people[0], people[1]
	room := alice.group(c.nodes[0].URL, bob)
	var sent []string
	var took []time.Duration
	for round := range takeovers {
		owner := c.owner(0)
		living := c.others(owner)
		a, b := alice.connect(living[0].URL), bob.connect(living[1].URL)
		say := func(what string) {
			id := fmt.Sprintf("%s-%d", what, round)
			sent = append(sent, id)
			a, _ = alice.insist(a, living, room, id)
			b.wait("entry", "text of "+id)
		}
		say("before")
		owner.kill()
		killed := time.Now()
		say("after")
		took = append(took, time.Since(killed))
		owner.start()
		if t.Failed() {
			return
		}
	}
	slices.Sort(took)
	t.Logf("from kill -9 of the owner to the next acknowledgement: %v, p50 %s", took, took[len(took)/2].Round(time.Millisecond))
	c.checkLog(alice, room, sent)
}

// While a node is told to stop, nobody's send fails: not of its own people, who go
// elsewhere, and not of others, whose conversations it gives up.
func TestAStopFailsNoSend(t *testing.T) {
	c := newCluster(t, 3, 3)
	people := c.people(c.nodes[0].URL, "alice", "bob", "carol")
	rooms := make([]string, 6) // some of every partition
	for i := range rooms {
		rooms[i] = people[0].group(c.nodes[0].URL, people[1], people[2])
	}
	for _, stopped := range c.nodes {
		living := c.others(stopped)
		var refused, acked atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		var talking sync.WaitGroup
		for i, p := range people { // one of them is at the node that stops
			order := slices.Concat([]*node{c.nodes[i]}, c.others(c.nodes[i]))
			d := p.connect(c.nodes[i].URL) // before that node is stopped
			talking.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					var no int
					d, no = p.insist(d, order, rooms[n%len(rooms)], fmt.Sprintf("%s-%s-%d", stopped.name, p.User.Username, n))
					refused.Add(int64(no))
					acked.Add(1)
				}
			})
		}
		eventually(t, "all talk", func() bool { return acked.Load() > 30 })
		began := time.Now()
		stopped.stop()
		took, before := time.Since(began), acked.Load()
		eventually(t, "they go on", func() bool { return acked.Load() > before+30 })
		cancel()
		talking.Wait()
		t.Logf("%s stopped in %s; %d sends were acknowledged meanwhile and after", stopped.name, took.Round(time.Millisecond), acked.Load())
		if n := refused.Load(); n > 0 {
			t.Errorf("%d sends were refused while %s stopped, want none", n, stopped.name)
		}
		for _, n := range living {
			if _, ok := n.metric("parley_log_partitions_owned"); !ok {
				t.Errorf("%s is gone too", n.name)
			}
		}
		stopped.start()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, room := range rooms {
		entries, err := people[0].history(ctx, c.nodes[0].URL, room)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i, e := range entries {
			if e.Seq != int64(i+1) || seen[e.ClientID] && e.ClientID != "" {
				t.Errorf("got %+v at place %d, want every message once and no hole", e, i+1)
			}
			seen[e.ClientID] = true
		}
	}
}
