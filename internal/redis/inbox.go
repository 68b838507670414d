package redis

import (
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// maxInboxBytes bounds the data that waits for the sink in one lane.
const maxInboxBytes = 32 << 20

// inbox is a bounded queue in front of the sink, with a goroutine of its own, so
// that neither publishers nor connections wait for sockets. One that overflows is
// emptied and the sink told to resync: heads tell it what it missed.
type inbox struct {
	bus  *Bus
	wake chan struct{}

	mu       sync.Mutex
	events   []chat.Event
	outcomes []chat.Outcome
	bytes    int
	lost     bool // the sink is to be told to resync
	resting  bool // it was a moment ago
	closed   bool
}

func newInbox(b *Bus) *inbox { return &inbox{bus: b, wake: make(chan struct{}, 1)} }

func (in *inbox) put(events []chat.Event, outcomes []chat.Outcome) {
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
	in.mu.Lock()
	defer in.mu.Unlock()
	n := len(in.events) + len(in.outcomes)
	if n > 0 && (n+len(events)+len(outcomes) > in.bus.o.Bound || in.bytes+size > maxInboxBytes) {
		in.bus.droppedIn.Add(int64(n))
		in.events, in.outcomes, in.bytes, in.lost = nil, nil, 0, true
	}
	in.events = append(in.events, events...)
	in.outcomes = append(in.outcomes, outcomes...)
	in.bytes += size
	in.signal()
}

func (in *inbox) resync() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lost = true
	in.signal()
}

// owes reports whether the sink is still to be told to resync.
func (in *inbox) owes() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.lost
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.signal()
}

func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// run hands over what comes, until the inbox is closed and empty. The buffers
// take turns, so that a busy lane does not allocate.
func (in *inbox) run(sink chat.Sink) {
	var events []chat.Event
	var outcomes []chat.Outcome
	for range in.wake {
		in.mu.Lock()
		events, in.events = in.events, events[:0]
		outcomes, in.outcomes = in.outcomes, outcomes[:0]
		in.bytes = 0
		resync := in.lost && !in.resting
		if resync {
			in.lost, in.resting = false, true
		}
		closed := in.closed
		in.mu.Unlock()
		if resync {
			in.bus.resyncs.Add(1)
			sink.Resync()
			time.AfterFunc(resyncPause, in.rested)
		}
		if len(events) > 0 {
			sink.Deliver(events)
		}
		if len(outcomes) > 0 {
			sink.Outcomes(outcomes)
		}
		clear(events)
		clear(outcomes)
		if closed {
			return
		}
	}
}

func (in *inbox) rested() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.resting = false
	in.signal()
}
