package inproc

import (
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// maxLaneBytes bounds what the events of a lane hold, whatever their number.
const maxLaneBytes = 64 << 20

// lane is a bounded queue in front of the sink, with a goroutine of its own.
type lane struct {
	bound int
	wake  chan struct{} // holds one token when there may be something to do

	mu       sync.Mutex // guards what follows
	events   []chat.Event
	outcomes []chat.Outcome
	bytes    int  // that the events and outcomes hold, about
	lost     bool // tell the sink to resync
	closed   bool
}

func newLane(bound int) *lane {
	return &lane{bound: bound, wake: make(chan struct{}, 1)}
}

// put adds to the lane. If it is full it is emptied first, and the number of
// what was dropped is returned: the newest is worth more, and the sink compares
// heads anyway.
func (l *lane) put(events []chat.Event, outcomes []chat.Outcome) (dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := len(l.events) + len(l.outcomes)
	if held > 0 && (held+len(events)+len(outcomes) > l.bound || l.bytes > maxLaneBytes) {
		dropped = held
		l.events, l.outcomes, l.bytes, l.lost = nil, nil, 0, true
	}
	for i := range events {
		l.bytes += len(events[i].Data)
	}
	for i := range outcomes {
		l.bytes += len(outcomes[i].JSON)
	}
	l.events = append(l.events, events...)
	l.outcomes = append(l.outcomes, outcomes...)
	l.signal()
	return dropped
}

func (l *lane) resync() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
	l.signal()
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
}

func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run hands over what comes, until the lane is closed and empty. The two
// buffers of each sort take turns, so that a busy lane does not allocate.
func (l *lane) run(sink chat.Sink) {
	var events []chat.Event
	var outcomes []chat.Outcome
	for range l.wake {
		l.mu.Lock()
		events, l.events = l.events, events[:0]
		outcomes, l.outcomes = l.outcomes, outcomes[:0]
		lost, closed := l.lost, l.closed
		l.lost, l.bytes = false, 0
		l.mu.Unlock()
		if lost {
			sink.Resync()
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
