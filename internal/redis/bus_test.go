package redis

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// node is a bus with its ear.
type node struct {
	name string
	bus  *Bus
	ear  *chattest.Recorder
}

func openNode(t testing.TB, url, name string) *node {
	t.Helper()
	n := &node{name: name, bus: openBus(t, url, BusOptions{}), ear: chattest.NewRecorder()}
	n.bus.Attach(name, n.ear)
	return n
}

func (n *node) subscribe(t *testing.T, topics ...chat.Topic) {
	t.Helper()
	if err := n.bus.Subscribe(t.Context(), topics...); err != nil {
		t.Fatalf("%s: subscribe: %v", n.name, err)
	}
}

func (n *node) publish(t testing.TB, events ...chat.Event) {
	t.Helper()
	if err := n.bus.Publish(t.Context(), events); err != nil {
		t.Fatalf("%s: publish: %v", n.name, err)
	}
}

func event(topic chat.Topic, seq int) chat.Event {
	return chat.Event{Topic: topic, Kind: chat.EventEntry, Seq: chat.Seq(seq), Data: fmt.Appendf(nil, `{"seq":%d}`, seq)}
}

func rooms(n int) []chat.Topic {
	all := make([]chat.Topic, n)
	for i := range all {
		all[i] = chattest.RoomTopic(i)
	}
	return all
}

func TestNodesHearOneAnother(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url = apart(url)
		a, b, c := openNode(t, url, "a"), openNode(t, url, "b"), openNode(t, url, "c")
		const topics, each = 30, 40
		for _, n := range []*node{a, b} {
			n.subscribe(t, rooms(topics)...)
		}
		for i := range each {
			var events []chat.Event
			for _, topic := range rooms(topics) {
				events = append(events, event(topic, i+1))
			}
			c.publish(t, events...)
		}
		a.publish(t, event(chattest.RoomTopic(0), each+1))
		for _, n := range []*node{a, b} {
			n.ear.Wait(t, topics*each+1, 0, 0)
			last := make(map[chat.Topic]chat.Seq)
			for _, e := range n.ear.Events() {
				if e.Seq == each+1 {
					continue // from another publisher, so not in one order with the rest
				}
				if e.Seq != last[e.Topic]+1 || string(e.Data) != fmt.Sprintf(`{"seq":%d}`, e.Seq) {
					t.Fatalf("%s: got seq %d %s after %d", n.name, e.Seq, e.Data, last[e.Topic])
				}
				last[e.Topic] = e.Seq
			}
		}
		// Nobody hears anything twice, nor what it did not ask for.
		c.subscribe(t, chattest.RoomTopic(99))
		b.publish(t, event(chattest.RoomTopic(99), 7))
		c.ear.Wait(t, 1, 0, 0)
		for _, n := range []*node{a, b} {
			if got := len(n.ear.Events()); got != topics*each+1 {
				t.Errorf("%s: got %d events, want %d", n.name, got, topics*each+1)
			}
		}
		if got := len(c.ear.Events()); got != 1 {
			t.Errorf("c: got %d events, want 1", got)
		}
	})
}

func TestOutcomesFindTheirNode(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url = apart(url)
		a, b := openNode(t, url, "a"), openNode(t, url, "b")
		var outcomes []chat.Outcome
		for i := range 100 {
			outcomes = append(outcomes, chat.Outcome{RecordID: chattest.RecordID(i), Node: []string{"a", "b", "nobody"}[i%3], Repeated: true})
		}
		if err := a.bus.Reply(t.Context(), outcomes); err != nil {
			t.Fatal(err)
		}
		for i, n := range []*node{a, b} {
			n.ear.Wait(t, 0, 33, 0)
			for j, o := range n.ear.Answers() {
				if want := chattest.RecordID(3*j + i); o.RecordID != want || o.Node != n.name || !o.Repeated {
					t.Errorf("%s: outcome %d is %+v, want %s", n.name, j, o, want)
				}
			}
		}
	})
}

func TestResyncReachesAllNodes(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url = apart(url)
		a, b, c := openNode(t, url, "a"), openNode(t, url, "b"), openNode(t, url, "c")
		if err := b.bus.Resync(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*node{a, b, c} {
			n.ear.Wait(t, 0, 0, 1)
		}
		// A storm of them is a few: no more than there is time for.
		began := time.Now()
		for range 1000 {
			if err := a.bus.Resync(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		b.ear.Wait(t, 0, 0, 2)
		got := b.bus.Stats().Resyncs
		if most := 5 + int64(time.Since(began)/resyncPause); got > most {
			t.Errorf("got %d resyncs, want %d at most", got, most)
		}
	})
}

// What a newer program says in another form is lost for this one. It counts that, and
// looks at the heads at once, for the lost may have been the last entry.
func TestMessagesOfAnotherVersion(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url = apart(url)
		a, b := openNode(t, url, "a"), openNode(t, url, "b")
		topic := chattest.RoomTopic(0)
		a.subscribe(t, topic)
		c, err := b.bus.client.conn()
		if err != nil {
			t.Fatal(err)
		}
		say := func(text string) {
			t.Helper()
			if err := c.Do(t.Context(), c.B().Spublish().Channel(b.bus.channel(topic)).Message(text).Build()).Error(); err != nil {
				t.Fatal(err)
			}
		}
		header := string(appendHeader(nil, 7))
		say("\x02" + header[1:] + "whatever")
		a.ear.Wait(t, 0, 0, 1)
		good, odd := event(topic, 1), event(topic, 2)
		newer := appendEvent(nil, &odd)
		newer[1] |= 1 << 6
		say(header + string(appendEvent(nil, &good)) + string(newer))
		a.ear.Wait(t, 1, 0, 2)
		if got := a.bus.Stats().Unreadable; got != 2 {
			t.Errorf("got %d messages that could not be read, want 2", got)
		}
		b.publish(t, event(topic, 3))
		a.ear.Wait(t, 2, 0, 2)
	})
}

// TestManyTopicsCostNoGoroutines subscribes as a node of many people does.
func TestManyTopicsCostNoGoroutines(t *testing.T) {
	const topics = 20_000
	onEach(t, func(t *testing.T, url string) {
		url = apart(url)
		a, b := openNode(t, url, "a"), openNode(t, url, "b")
		before := runtime.NumGoroutine()
		all := rooms(topics)
		var wait sync.WaitGroup
		for part := range 20 {
			wait.Go(func() {
				if err := a.bus.Subscribe(t.Context(), all[part*topics/20:(part+1)*topics/20]...); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		eventually(t, "all topics confirmed", func() bool { return a.confirmed() >= topics })
		if after := runtime.NumGoroutine(); after > before+20 {
			t.Errorf("got %d goroutines after %d topics, %d before", after, topics, before)
		}
		if got := a.bus.Stats().Topics; got != topics {
			t.Errorf("got %d topics, want %d", got, topics)
		}
		b.publish(t, event(all[0], 1), event(all[topics/2], 2), event(all[topics-1], 3))
		a.ear.Wait(t, 3, 0, 0)
		if err := a.bus.Unsubscribe(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		eventually(t, "no topics left", func() bool {
			a.bus.mu.RLock()
			defer a.bus.mu.RUnlock()
			return len(a.bus.topics) == 2 // the bus's own
		})
	})
}

// confirmed counts the topics that Redis has confirmed.
func (n *node) confirmed() int {
	n.bus.mu.RLock()
	defer n.bus.mu.RUnlock()
	on := 0
	for t, s := range n.bus.topics {
		if s.on && t.Kind < topicNode {
			on++
		}
	}
	return on
}

// eventually waits for something that others bring about; a minute and a half is far
// more than any of it takes, so that a slow machine fails nothing.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("within 90 s: got nothing of it, want %s", what)
}

// TestASlowSinkIsToldToResync: what waits for it is bounded.
func TestASlowSinkIsToldToResync(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url = apart(url)
		slow := &node{name: "slow", bus: openBus(t, url, BusOptions{Lanes: 1, Bound: 100}), ear: chattest.NewRecorder()}
		held := make(chan struct{})
		release := sync.OnceFunc(func() { close(held) })
		t.Cleanup(release) // before the bus is closed, which waits for its sink
		slow.ear.OnDeliver = func([]chat.Event) { <-held }
		slow.bus.Attach("slow", slow.ear)
		fast := openNode(t, url, "fast")
		slow.subscribe(t, chattest.RoomTopic(0))
		fast.subscribe(t, chattest.RoomTopic(0))
		sent := 0
		eventually(t, "events dropped", func() bool {
			for range 60 {
				sent++
				fast.publish(t, event(chattest.RoomTopic(0), sent))
			}
			return slow.bus.Stats().DroppedIn > 0
		})
		release()
		fast.ear.Wait(t, sent, 0, 0)
		slow.ear.Wait(t, 1, 0, 1)
		last := chat.Seq(0)
		for _, e := range slow.ear.Events() {
			if e.Seq <= last {
				t.Errorf("got seq %d after %d", e.Seq, last)
			}
			last = e.Seq
		}
	})
}

func TestSlotOf(t *testing.T) {
	for name, want := range map[string]uint16{"123456789": 12739, "foo": 12182, "": 0} { // the first is the specification's example
		if got := slotOf(name); got != want {
			t.Errorf("%q: got slot %d, want %d", name, got, want)
		}
	}
}

func TestChannelsAreNamedBothWays(t *testing.T) {
	b := &Bus{client: &Client{cfg: &Config{Prefix: "p:q"}}}
	for kind := range channelKinds {
		want := chat.Topic{Kind: kind, ID: [16]byte{1, 2, 3, 15: 4}}
		if got, ok := b.topicOf(b.channel(want)); !ok || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", b.channel(want), got, ok, want)
		}
	}
	for _, bad := range []string{"", "p:q", "p:q:", "p:q:c", "p:q:c:", "p:q:c:x", "p:q:z:01020300-0000-0000-0000-000000000004", "other:c:01020300-0000-0000-0000-000000000004"} {
		if got, ok := b.topicOf(bad); ok {
			t.Errorf("%q: got %+v, want nothing", bad, got)
		}
	}
}
