package nodes

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio/client"
)

// readiness gives what a node says of itself.
func readiness(at string) (status int, body string) {
	res, err := http.Get(at + "/readyz")
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// hearsTyping waits until one person's typing is seen by another, which only Redis brings
// from node to node.
func hearsTyping(t *testing.T, from, to *device, room, who string) {
	t.Helper()
	on, before := false, len(to.all("typing", who)) // it is told when it changes
	eventually(t, "typing is seen on the other node", func() bool {
		on = !on
		from.must("typing", map[string]any{"conversation_id": room, "on": on})
		time.Sleep(50 * time.Millisecond)
		return len(to.all("typing", who)) > before
	})
}

// A node that is started while Redis is away serves people, and is one with the others
// when Redis comes, without anybody's help.
func TestANodeThatStartsWithoutRedis(t *testing.T) {
	c := newCluster(t, 1, 2)
	people := c.people(c.nodes[0].URL, "alice", "bob", "carol")
	alice, bob, carol := people[0], people[1], people[2]
	room := alice.group(c.nodes[0].URL, bob, carol)
	other := carol.connect(c.nodes[0].URL)

	c.bus.cut()
	c.add()
	late := c.nodes[1]
	late.start()
	if status, body := readiness(late.URL); status != http.StatusOK || !strings.Contains(body, `"degraded"`) || !strings.Contains(body, `"bus":"unavailable"`) {
		t.Errorf("got %d %s, want a node that is ready and misses the bus", status, body)
	}
	if up, _ := late.metric("parley_bus_links_up"); up != "0" {
		t.Errorf("got %q links to the bus, want none", up)
	}
	if want, _ := late.metric("parley_bus_links"); want != "1" {
		t.Errorf("got %q links that there should be, want 1", want)
	}
	// People log in there and talk; whoever is elsewhere hears it from the store.
	alice, bob = &person{Login: alice.logIn(late.URL), t: t}, &person{Login: bob.logIn(late.URL), t: t}
	a, b := alice.connect(late.URL), bob.connect(late.URL)
	a.send(room, "k1")
	b.wait("entry", "text of k1")
	b.send(room, "k2")
	a.wait("entry", "text of k2")
	other.wait("entry", "text of k2")
	other.send(room, "k3")
	a.wait("entry", "text of k3")

	c.bus.mend()
	c.eventually("both nodes hear each other", func() bool {
		for _, n := range c.nodes {
			if up, _ := n.metric("parley_bus_links_up"); up != "1" {
				return false
			}
		}
		return true
	})
	hearsTyping(t, a, other, room, alice.User.ID)
	hearsTyping(t, other, b, room, carol.User.ID)
	a.send(room, "k4")
	other.wait("entry", "text of k4")
	c.eventually("the node misses nothing", func() bool {
		status, body := readiness(late.URL)
		return status == http.StatusOK && strings.Contains(body, `"ok"`) && !strings.Contains(body, "degraded")
	})
	c.checkLog(alice, room, []string{"k1", "k2", "k3", "k4"})
}

// A node that is started while Kafka is away shows people what was said, refuses by name
// what it cannot keep, and takes messages when Kafka comes.
func TestANodeThatStartsWithoutKafka(t *testing.T) {
	c := newCluster(t, 1, 2)
	people := c.people(c.nodes[0].URL, "alice", "bob")
	alice, bob := people[0], people[1]
	room := alice.group(c.nodes[0].URL, bob)
	other := alice.connect(c.nodes[0].URL)
	other.send(room, "k1")

	kafka := engine(t, "PARLEY_TEST_KAFKA")
	way := newWire(t, kafka.Host) // to the broker that is asked first
	way.cut()
	for i, flag := range c.flags {
		c.flags[i] = strings.Replace(flag, "kafka://"+kafka.Host, "kafka://"+way.address(), 1)
	}
	c.add()
	late := c.nodes[1]
	late.start()
	if status, body := readiness(late.URL); status != http.StatusOK || !strings.Contains(body, `"log":"unavailable"`) {
		t.Errorf("got %d %s, want a node that is ready and misses the log", status, body)
	}
	bob = &person{Login: bob.logIn(late.URL), t: t}
	b := bob.connect(late.URL)
	c.checkLog(bob, room, []string{"k1"})
	if got, err := b.call("message.send", message{room, "k2", "text of k2"}); err != nil || got.OK || got.Error.Code != "unavailable" {
		t.Errorf("got %+v, %v; want the send to be unavailable", got, err)
	}
	other.send(room, "k3") // by way of the node that has Kafka
	b.wait("entry", "text of k3")

	way.mend()
	b, _ = bob.insist(b, []*node{late}, room, "k2")
	other.wait("entry", "text of k2")
	c.eventually("the node owns its share", func() bool {
		owned, _ := late.metric("parley_log_partitions_owned")
		return owned == "1"
	})
	b.send(room, "k4")
	other.wait("entry", "text of k4")
	c.checkLog(bob, room, []string{"k1", "k3", "k2", "k4"})
}

// A node that is started while PostgreSQL is away could serve nobody: it lives, says that
// it is not ready and what for, and serves when the database comes.
func TestANodeThatStartsWithoutPostgres(t *testing.T) {
	c := ground{engine(t, "PARLEY_TEST_POSTGRES"), patient}.cluster(t, 1, 2)
	people := c.people(c.nodes[0].URL, "alice", "bob")
	alice, bob := people[0], people[1]
	room := alice.group(c.nodes[0].URL, bob)
	a := alice.connect(c.nodes[0].URL)
	a.send(room, "k1")

	c.store.cut()
	c.add()
	late := c.nodes[1]
	late.startAs(c.binary, "/healthz")
	if late.Process == nil {
		t.FailNow()
	}
	c.eventually("the node says what it waits for", func() bool {
		status, body := readiness(late.URL)
		return status == http.StatusServiceUnavailable && strings.Contains(body, `"store":"unavailable"`)
	})
	if _, err := bob.try(late.URL, client.Options{}); err == nil {
		t.Error("a node without a store took somebody in")
	}
	a.send(room, "k2") // where people are they talk on

	c.store.mend()
	c.eventually("the node is ready", func() bool {
		status, _ := readiness(late.URL)
		return status == http.StatusOK
	})
	b := bob.connect(late.URL)
	alice.insist(a, c.nodes[:1], room, "k3") // its partition may be changing hands
	b.wait("entry", "text of k3")
	c.checkLog(bob, room, []string{"k1", "k2", "k3"})
}
