// Package wheel is one timing wheel for very many coarse deadlines: an entry costs
// three words inside its owner and no timer, goroutine or allocation of its own.
// Deadlines are kept to one tick.
package wheel

import (
	"sync"
	"time"
)

// slots is the size of the wheel; deadlines further away than slots ticks stay in
// their slot for another round.
const slots = 512

// A Node ties its owner T to a wheel. It is embedded in the owner; all its fields
// belong to the wheel's lock.
type Node[T any] struct {
	prev, next *Node[T]
	owner      *T
	due        int64 // nanoseconds on the wheel's clock; 0 when not in the wheel
}

// A Wheel calls a function for each owner whose deadline has passed. It is safe for
// use by many goroutines.
type Wheel[T any] struct {
	mu   sync.Mutex
	tick int64
	at   int64 // the last tick handled, in ticks
	ring [slots]Node[T]
	n    int
}

// New returns a wheel with the given resolution whose clock stands at now (ns).
func New[T any](tick time.Duration, now int64) *Wheel[T] {
	w := &Wheel[T]{tick: int64(tick), at: now / int64(tick)}
	for i := range w.ring {
		head := &w.ring[i]
		head.prev, head.next = head, head
	}
	return w
}

// Tick is the resolution.
func (w *Wheel[T]) Tick() time.Duration { return time.Duration(w.tick) }

// Set gives owner, whose embedded node is n, the deadline due (ns), earlier or later
// than the one it had. Times already past fire at the next tick.
func (w *Wheel[T]) Set(n *Node[T], owner *T, due int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(n)
	w.link(n, owner, due)
}

// Advance moves the deadline of owner to due when that is earlier than the present one.
func (w *Wheel[T]) Advance(n *Node[T], owner *T, due int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.due != 0 && n.due <= due {
		return
	}
	w.unlink(n)
	w.link(n, owner, due)
}

// Remove takes n out; it is harmless when n is not in.
func (w *Wheel[T]) Remove(n *Node[T]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(n)
}

// Len is the number of owners in the wheel.
func (w *Wheel[T]) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// Drain takes all owners out, whatever their deadlines.
func (w *Wheel[T]) Drain() []*T {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*T, 0, w.n)
	for i := range w.ring {
		for head := &w.ring[i]; head.next != head; {
			all = append(all, head.next.owner)
			w.unlink(head.next)
		}
	}
	return all
}

func (w *Wheel[T]) link(n *Node[T], owner *T, due int64) {
	due = max(due, 1)
	// Rounded up: nothing fires before its time.
	at := max((due+w.tick-1)/w.tick, w.at+1)
	head := &w.ring[at%slots]
	n.owner, n.due = owner, due
	n.prev, n.next = head.prev, head
	head.prev.next, head.prev = n, n
	w.n++
}

func (w *Wheel[T]) unlink(n *Node[T]) {
	if n.due == 0 {
		return
	}
	n.prev.next, n.next.prev = n.next, n.prev
	n.prev, n.next, n.owner, n.due = nil, nil, nil, 0
	w.n--
}

// Collect moves the wheel's clock to now (ns) and appends the owners whose deadline
// has passed to dst; they are no longer in the wheel.
func (w *Wheel[T]) Collect(dst []*T, now int64) []*T {
	w.mu.Lock()
	defer w.mu.Unlock()
	target := now / w.tick
	from := w.at + 1
	if target-w.at > slots { // a long pause: every slot once is enough
		from = target - slots + 1
	}
	for at := from; at <= target; at++ {
		head := &w.ring[at%slots]
		for n := head.next; n != head; {
			next := n.next
			if n.due <= now {
				dst = append(dst, n.owner)
				w.unlink(n)
			}
			n = next
		}
	}
	w.at = max(w.at, target)
	return dst
}
