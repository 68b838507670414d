package sequencer

import (
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// slotBytes is about what a record and what it made hold in memory beside its text.
	slotBytes = 2 << 10
	// commitBytes bounds one commit of a window that lags.
	commitBytes = 16 << 20
)

// slot is the place of one record in the window.
type slot struct {
	record  *chat.Record
	warm    *warm        // nil: the command names no conversation
	change  *chat.Change // nil: it changes nothing
	body    []byte       // canonical JSON of the change's entry
	refused bool         // deciding it panicked
	since   time.Time    // when it came into the window
	size    int64
	told    bool // decided, published and answered; guarded by window.mu
}

// window holds the records from the store's position on, in order: those that
// are decided and told, and those that are parked because a fact is missing. The
// decider puts in and tells, the committer takes out. Safe for concurrent use.
type window struct {
	budget *budget
	most   int           // records of one commit
	told   chan struct{} // holds a token when there may be more to commit
	moved  chan struct{} // holds a token when slots were settled

	mu      sync.Mutex // guards what follows
	slots   []*slot
	base    int64   // offset of slots[0]: what is below is committed
	ready   int     // so many slots from the start are told
	bytes   int64   // of all slots
	untold  int     // slots that are parked, or being decided
	settled []*slot // committed, and not yet seen by the decider
}

func newWindow(base int64, most int, b *budget) *window {
	return &window{base: base, most: most, budget: b, told: make(chan struct{}, 1), moved: make(chan struct{}, 1)}
}

// push puts records in at the end.
func (w *window) push(slots []*slot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slots = append(w.slots, slots...)
	w.untold += len(slots)
	for _, s := range slots {
		w.grow(s, sizeOf(&s.record.Command))
	}
}

func (w *window) grow(s *slot, n int64) {
	s.size += n
	w.bytes += n
	w.budget.take(n)
}

// tell marks slots whose outcome everybody has been told: they may be committed
// once all before them may be.
func (w *window) tell(slots []*slot) {
	w.mu.Lock()
	for _, s := range slots {
		s.told = true
		if s.change != nil && s.change.PutMessage != nil {
			w.grow(s, sizeOfMessage(s.change.PutMessage))
		}
	}
	w.untold -= len(slots)
	w.advance()
	w.mu.Unlock()
	signal(w.told)
}

func (w *window) advance() {
	for w.ready < len(w.slots) && w.slots[w.ready].told {
		w.ready++
	}
}

// due gives the slots of the next commit, in order, and the offset of the first:
// those before the first that is not told, as many as one commit may have.
func (w *window) due() (from int64, slots []*slot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, bytes := 0, int64(0)
	for n < min(w.ready, w.most) {
		if bytes += w.slots[n].size; bytes > commitBytes && n > 0 {
			break
		}
		n++
	}
	return w.base, w.slots[:n:n]
}

// settle takes out what is below next: it is committed.
func (w *window) settle(next int64) {
	w.mu.Lock()
	n := int(next - w.base)
	for i, s := range w.slots[:n] {
		w.bytes -= s.size
		w.budget.take(-s.size)
		w.settled = append(w.settled, s)
		w.slots[i] = nil
	}
	w.slots = w.slots[n:]
	w.ready -= n
	w.base = next
	w.mu.Unlock()
	signal(w.moved)
}

// takeSettled gives what was committed since the last call.
func (w *window) takeSettled() []*slot {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.settled
	w.settled = nil
	return out
}

// committed gives the store's position, as far as this owner knows.
func (w *window) committed() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.base
}

// has reports whether an offset is the end of some slots that were told.
func (w *window) has(next int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return next > w.base && next <= w.base+int64(w.ready)
}

// small reports whether a commit now would be of few records.
func (w *window) small() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ready < maxBatch
}

func (w *window) len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.slots)
}

// close gives back what the window holds of the budget.
func (w *window) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.budget.take(-w.bytes)
	w.bytes, w.slots, w.ready, w.untold = 0, nil, 0, 0
}

// measure adds the window's figures to those of the node.
func (w *window) measure(l *Lag, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.Records += len(w.slots)
	l.Parked += w.untold
	l.Bytes += w.bytes
	if len(w.slots) > 0 {
		l.Oldest = max(l.Oldest, now.Sub(w.slots[0].since))
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// budget bounds the memory of all windows of a node.
type budget struct {
	mu   sync.Mutex
	used int64
	most int64
}

func (b *budget) take(n int64) {
	b.mu.Lock()
	b.used += n
	b.mu.Unlock()
}

func (b *budget) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used >= b.most
}

// sizeOf is about what a command holds: in the record, the entry and its JSON.
func sizeOf(c *chat.Command) int64 {
	n := slotBytes + 3*len(c.Text) + 128*len(c.UserIDs)
	for i := range c.Attachments {
		n += 512 + 3*len(c.Attachments[i].Name)
	}
	return int64(n)
}

func sizeOfMessage(m *chat.MessageState) int64 {
	n := len(m.Text) + 8*len(m.Edits)
	for i := range m.Reactions {
		n += 64 + 16*len(m.Reactions[i].UserIDs)
	}
	return int64(n)
}
