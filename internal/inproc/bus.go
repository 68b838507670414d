package inproc

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
)

// Bus is a chat.Bus of one process. Each topic belongs to one of a few lanes,
// and each lane is one goroutine that calls the sink, so that events of a topic
// keep their order and the publisher does not wait for sockets. A lane that
// falls too far behind is emptied and the sink told to resync. Structs pass
// through as they are; nothing is encoded. Safe for concurrent use.
type Bus struct {
	lanes    []*lane
	outcomes *lane
	running  sync.WaitGroup
	dropped  atomic.Int64

	mu     sync.RWMutex // guards topics
	topics map[chat.Topic]int
}

var _ chat.Bus = (*Bus)(nil)

// NewBus makes a bus of so many lanes (at least 1), each of which holds at most
// bound events and 64 MiB. The caller must Close it.
func NewBus(lanes, bound int) *Bus {
	b := &Bus{outcomes: newLane(bound), topics: make(map[chat.Topic]int)}
	for range max(1, lanes) {
		b.lanes = append(b.lanes, newLane(bound))
	}
	return b
}

// Attach implements chat.Bus. It starts the lanes.
func (b *Bus) Attach(_ string, sink chat.Sink) {
	for _, l := range append([]*lane{b.outcomes}, b.lanes...) {
		b.running.Go(func() { l.run(sink) })
	}
}

// Close stops the lanes when they have handed over what they hold. Nothing may
// be published afterwards.
func (b *Bus) Close() error {
	for _, l := range append([]*lane{b.outcomes}, b.lanes...) {
		l.close()
	}
	b.running.Wait()
	return nil
}

// Dropped gives how many events and outcomes were dropped by full lanes, for metrics.
func (b *Bus) Dropped() int64 { return b.dropped.Load() }

// Publish implements chat.Bus.
func (b *Bus) Publish(_ context.Context, events []chat.Event) error {
	if len(b.lanes) == 1 {
		b.put(b.lanes[0], b.heard(events, nil))
		return nil
	}
	for i, l := range b.lanes {
		b.put(l, b.heard(events, func(t chat.Topic) bool { return b.laneOf(t) == i }))
	}
	return nil
}

func (b *Bus) laneOf(t chat.Topic) int {
	// The last bytes of an id are random or a hash.
	return int(t.ID[15]) % len(b.lanes)
}

// heard gives the events that somebody here subscribed to.
func (b *Bus) heard(events []chat.Event, only func(chat.Topic) bool) []chat.Event {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var out []chat.Event
	for i := range events {
		t := events[i].Topic
		if b.topics[t] == 0 || only != nil && !only(t) {
			continue
		}
		if out == nil {
			out = make([]chat.Event, 0, len(events)-i)
		}
		out = append(out, events[i])
	}
	return out
}

func (b *Bus) put(l *lane, events []chat.Event) {
	if len(events) > 0 {
		b.dropped.Add(int64(l.put(events, nil)))
	}
}

// Reply implements chat.Bus.
func (b *Bus) Reply(_ context.Context, outcomes []chat.Outcome) error {
	b.dropped.Add(int64(b.outcomes.put(nil, outcomes)))
	return nil
}

// Subscribe implements chat.Bus.
func (b *Bus) Subscribe(_ context.Context, topics ...chat.Topic) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range topics {
		b.topics[t]++
	}
	return nil
}

// Unsubscribe implements chat.Bus.
func (b *Bus) Unsubscribe(_ context.Context, topics ...chat.Topic) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range topics {
		if b.topics[t] <= 1 {
			delete(b.topics, t)
			continue
		}
		b.topics[t]--
	}
	return nil
}

// Subscriptions gives how many topics are heard, for metrics.
func (b *Bus) Subscriptions() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.topics)
}

// Resync implements chat.Bus.
func (b *Bus) Resync(context.Context) error {
	b.lanes[0].resync()
	return nil
}
