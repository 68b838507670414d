package nodes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// Nodes are replaced one after the other by a version with newer rules, while people
// talk. Whatever a mixture decides, everybody sees one log.
func TestARollingDeployOfNewerRules(t *testing.T) {
	later := binary(t, "-tags", "laterrules")
	c := newCluster(t, 3, 3)
	people := c.people(c.nodes[0].URL, "alice", "bob", "carol")
	rooms := make([]string, 6)
	for i := range rooms {
		rooms[i] = people[0].group(c.nodes[0].URL, people[1], people[2])
	}
	var refused, acked atomic.Int64
	sent := make([]map[string][]string, len(people)) // room to client_ids, in order
	ctx, cancel := context.WithCancel(t.Context())
	var talking sync.WaitGroup
	for i, p := range people {
		sent[i] = map[string][]string{}
		order := slices.Concat([]*node{c.nodes[i]}, c.others(c.nodes[i]))
		d := p.connect(c.nodes[i].URL) // before that node is stopped
		talking.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				room, id := rooms[n%len(rooms)], fmt.Sprint(p.User.Username, "-", n)
				var no int
				d, no = p.insist(d, order, room, id)
				sent[i][room] = append(sent[i][room], id)
				refused.Add(int64(no))
				acked.Add(1)
			}
		})
	}
	progress := func(what string) {
		t.Helper()
		before := acked.Load()
		eventually(t, what, func() bool { return acked.Load() > before+30 })
	}
	progress("all talk")
	for _, n := range c.nodes {
		n.stop()
		n.startAs(later, "/readyz")
		progress("they go on with " + n.name + " replaced")
	}
	cancel()
	talking.Wait()
	t.Logf("%d sends were acknowledged during the deploy, %d answers were no", acked.Load(), refused.Load())
	for i, p := range people {
		for _, room := range rooms {
			c.checkLog(p, room, sent[i][room])
		}
	}
}
