package redis

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// publishTimeout is how long one batch may take; what Redis has not taken then is dropped.
	publishTimeout = time.Second
	// maxOutboxBytes bounds the data that waits to be published in one lane.
	maxOutboxBytes = 32 << 20
)

// outbox publishes the events of some topics: one batch at a time, so that a
// topic's order is kept, and whatever came meanwhile makes the next batch. What
// cannot be sent is dropped and counted, and all nodes are told to resync when
// Redis answers again.
type outbox struct {
	bus  *Bus
	wake chan struct{}
	busy atomic.Bool

	mu       sync.Mutex
	events   []chat.Event
	outcomes []chat.Outcome
	bytes    int
}

func newOutbox(b *Bus) *outbox { return &outbox{bus: b, wake: make(chan struct{}, 1)} }

func (out *outbox) put(events []chat.Event, outcomes []chat.Outcome) {
	if len(events)+len(outcomes) == 0 {
		return
	}
	size := 0
	for i := range events {
		size += len(events[i].Data)
	}
	for i := range outcomes {
		size += len(outcomes[i].JSON)
	}
	out.mu.Lock()
	n := len(out.events) + len(out.outcomes)
	full := n > 0 && (n+len(events)+len(outcomes) > out.bus.o.Bound || out.bytes+size > maxOutboxBytes)
	if full {
		out.events, out.outcomes, out.bytes = nil, nil, 0
	}
	out.events = append(out.events, events...)
	out.outcomes = append(out.outcomes, outcomes...)
	out.bytes += size
	out.mu.Unlock()
	if full {
		out.drop(n)
	}
	select {
	case out.wake <- struct{}{}:
	default:
	}
}

func (out *outbox) drop(n int) {
	out.bus.droppedOut.Add(int64(n))
	out.bus.owe()
}

func (out *outbox) empty() bool {
	out.mu.Lock()
	defer out.mu.Unlock()
	return len(out.events)+len(out.outcomes) == 0 && !out.busy.Load()
}

// drain waits until everything is published, and reports false if it is too late.
func (out *outbox) drain(late <-chan time.Time) bool {
	for !out.empty() {
		select {
		case <-late:
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return true
}

func (out *outbox) run(ctx context.Context) {
	var events []chat.Event
	var outcomes []chat.Outcome
	batch := newBatch(out.bus)
	for {
		select {
		case <-ctx.Done():
			return
		case <-out.wake:
		}
		out.mu.Lock()
		events, out.events = out.events, events[:0]
		outcomes, out.outcomes = out.outcomes, outcomes[:0]
		out.bytes = 0
		out.busy.Store(true)
		out.mu.Unlock()
		batch.build(events, outcomes)
		if failed := out.send(ctx, batch); failed > 0 {
			out.drop(failed)
		}
		out.busy.Store(false)
		batch.reset()
		clear(events)
		clear(outcomes)
	}
}

// send publishes a batch and gives how many events and outcomes did not get through.
func (out *outbox) send(ctx context.Context, batch *batch) (failed int) {
	if len(batch.messages) == 0 {
		return 0
	}
	client, err := out.bus.client.conn()
	if err != nil {
		return batch.count()
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	commands := make(rueidis.Commands, len(batch.messages))
	for i := range batch.messages {
		m := &batch.messages[i]
		commands[i] = client.B().Spublish().Channel(m.channel).Message(rueidis.BinaryString(m.body)).Build()
	}
	var first error
	for i, answer := range client.DoMulti(ctx, commands...) {
		if err := answer.Error(); err != nil {
			failed += batch.messages[i].count
			first = errors.Join(first, err)
		}
	}
	if first != nil && ctx.Err() == nil && !out.bus.owed.Load() { // once an outage
		out.bus.o.Logger.Warn("bus: not published", "messages", failed, "error", first)
	}
	return failed
}

// batch is messages for channels: the events of a topic share one.
type batch struct {
	bus      *Bus
	messages []message
	index    map[chat.Topic]int // of the message that a topic's next event goes into
}

type message struct {
	channel string
	body    []byte
	count   int
}

func newBatch(b *Bus) *batch { return &batch{bus: b, index: make(map[chat.Topic]int)} }

func (b *batch) reset() {
	clear(b.messages)
	b.messages = b.messages[:0]
	clear(b.index)
}

// count gives how many events and outcomes the messages hold.
func (b *batch) count() (n int) {
	for i := range b.messages {
		n += b.messages[i].count
	}
	return n
}

func (b *batch) build(events []chat.Event, outcomes []chat.Outcome) {
	for i := range events {
		e := &events[i]
		m := b.to(e.Topic, len(e.Data))
		m.body = appendEvent(m.body, e)
		m.count++
	}
	for i := range outcomes {
		o := &outcomes[i]
		m := b.to(nodeTopic(o.Node), len(o.JSON))
		body, err := appendOutcome(m.body, o)
		if err != nil {
			b.bus.o.Logger.Error("bus: outcome not sent", "error", err)
			continue
		}
		m.body = body
		m.count++
	}
}

// to gives the message on a topic's channel that has room for more.
func (b *batch) to(t chat.Topic, more int) *message {
	if i, ok := b.index[t]; ok && len(b.messages[i].body)+more <= maxMessage {
		return &b.messages[i]
	}
	b.index[t] = len(b.messages)
	b.messages = append(b.messages, message{
		channel: b.bus.channel(t), body: appendHeader(make([]byte, 0, headerBytes+48+more), b.bus.origin),
	})
	return &b.messages[len(b.messages)-1]
}
