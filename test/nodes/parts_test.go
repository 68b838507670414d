package nodes

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

// currentSession gives the session of a person's token.
func (p *person) currentSession(at string) string {
	p.t.Helper()
	var sessions struct {
		Items []struct {
			ID      string `json:"id"`
			Current bool   `json:"current"`
		}
	}
	p.rest(at, http.MethodGet, "/sessions", nil, &sessions)
	for _, s := range sessions.Items {
		if s.Current {
			return s.ID
		}
	}
	p.t.Fatal("there is no current session")
	return ""
}

// Without Redis messages reach other nodes by a comparison of heads, and a session that
// is revoked ends on every node all the same.
func TestWithoutRedis(t *testing.T) {
	c := newCluster(t, 2, 2)
	one, two := c.nodes[0].URL, c.nodes[1].URL
	people := c.people(one, "alice", "bob")
	alice, bob := people[0], people[1]
	room := alice.group(one, bob)
	a, b := alice.connect(one), bob.connect(two)
	a.send(room, "k1")
	b.wait("entry", "text of k1")
	session := bob.currentSession(one)

	c.bus.cut()
	c.eventually("both see that the bus is gone", func() bool {
		up := 0
		for _, n := range c.nodes {
			if v, _ := n.metric("parley_bus_links_up"); v != "0" {
				up++
			}
		}
		return up == 0
	})
	// Whoever owns the conversation: one of the two senders is on another node.
	for _, say := range []struct {
		from, to *device
		id       string
	}{{a, b, "k2"}, {b, a, "k2a"}} {
		sent := time.Now()
		say.from.send(room, say.id)
		acked := time.Since(sent)
		say.to.wait("entry", "text of "+say.id)
		t.Logf("without Redis: acknowledged after %s, on the other node after %s", acked.Round(time.Millisecond), time.Since(sent).Round(time.Millisecond))
	}
	if res, err := http.Get(two + "/readyz"); err != nil || res.StatusCode != http.StatusOK || res.Body.Close() != nil {
		t.Errorf("got %v, %v; want a node without Redis to be ready", res, err)
	}
	if got := statusOf(t, bob, two); got != http.StatusOK {
		t.Errorf("got %d, want bob to be known", got)
	}
	ended := time.Now()
	bob.rest(one, http.MethodDelete, "/sessions/"+session, nil, nil)
	eventually(t, "bob is out", func() bool { return b.over() && statusOf(t, bob, two) == http.StatusUnauthorized })
	t.Logf("without Redis a revocation reached the other node after %s", time.Since(ended).Round(time.Millisecond))

	c.bus.mend()
	bob = &person{Login: bob.logIn(two), t: t}
	b = bob.connect(two)
	a.send(room, "k3")
	b.wait("entry", "text of k3")
	c.eventually("both hear again", func() bool {
		for _, n := range c.nodes {
			if v, _ := n.metric("parley_bus_links_up"); v != "1" {
				return false
			}
		}
		return true
	})
	c.checkLog(alice, room, []string{"k1", "k2", "k2a", "k3"})
}

// logIn gives a further session.
func (p *person) logIn(at string) program.Login {
	p.t.Helper()
	var l program.Login
	err := program.API{URL: at}.Do(p.t.Context(), http.MethodPost, "/auth/login", map[string]string{"username": p.User.Username, "password": password}, &l)
	if err != nil {
		p.t.Fatal(err)
	}
	return l
}

// Without PostgreSQL nodes stay ready, sockets stay, and whoever was here comes back.
func TestWithoutPostgres(t *testing.T) {
	c := newCluster(t, 2, 2)
	one, two := c.nodes[0].URL, c.nodes[1].URL
	people := c.people(one, "alice", "bob", "carol")
	alice, bob := people[0], people[1]
	room := alice.group(one, bob, people[2]) // of two, nobody could say whether one hides from the other
	a, b := alice.connect(one), bob.connect(two)
	a.send(room, "k1")
	b.wait("entry", "text of k1")

	c.store.cut()
	c.eventually("the nodes miss the store", func() bool {
		res, err := http.Get(two + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("got %d, want the nodes to stay ready", res.StatusCode)
		}
		text := make([]byte, 500)
		n, _ := res.Body.Read(text)
		return strings.Contains(string(text[:n]), `"degraded"`)
	})
	a.must("typing", map[string]any{"conversation_id": room, "on": true})
	b.wait("typing", alice.User.ID)
	if err := b.socket.Drop(); err != nil {
		t.Fatal(err)
	}
	// A client tries again until the node has understood that the store is away.
	c.eventually("bob is back", func() bool {
		again, err := bob.try(two, client.Options{})
		if err == nil {
			b = again
		}
		return err == nil
	})
	on := false // that alice types is told when it changes
	c.eventually("bob sees alice type again", func() bool {
		on = !on
		a.must("typing", map[string]any{"conversation_id": room, "on": on})
		time.Sleep(50 * time.Millisecond)
		return b.has("typing", alice.User.ID)
	})
	if a.over() {
		t.Error("alice's socket was closed")
	}
	c.store.mend()
	alice.insist(a, c.nodes, room, "k3")
	b.wait("entry", "text of k3")
	c.checkLog(alice, room, []string{"k1", "k3"})
}
