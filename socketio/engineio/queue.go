package engineio

import "sync"

// mergeBytes is how much one merged write takes at most.
const mergeBytes = 64 << 10

// outQueue is what waits for one client. A connection has one only while something
// waits; it belongs to the connection's mu.
type outQueue struct {
	entries []queued
	head    int // first entry not wholly written
	offset  int // bytes of it already written
	bytes   int // bytes not yet written
	blocked bool
	behind  bool // Behind was announced
}

// queued is a frame and the time (ns) it began to wait.
type queued struct {
	frame *Frame
	since int64
}

var (
	queuePool = sync.Pool{New: func() any { return &outQueue{entries: make([]queued, 0, 16)} }}
	mergePool = sync.Pool{New: func() any { b := make([]byte, 0, mergeBytes); return &b }}
)

func newQueue() *outQueue {
	return queuePool.Get().(*outQueue) //nolint:errcheck // the pool holds nothing else
}

// release gives the memory of a queue nobody refers to any more back.
func (q *outQueue) release() {
	if cap(q.entries) > 512 {
		return
	}
	clear(q.entries)
	*q = outQueue{entries: q.entries[:0]}
	queuePool.Put(q)
}

func (q *outQueue) len() int {
	if q == nil {
		return 0
	}
	return len(q.entries) - q.head
}

func (q *outQueue) size() int {
	if q == nil {
		return 0
	}
	return q.bytes
}

// first is how many bytes of the first frame have not been written.
func (q *outQueue) first() int {
	if q.len() == 0 {
		return 0
	}
	return len(q.entries[q.head].frame.wire) - q.offset
}

// oldest is the time since when the first frame has been waiting.
func (q *outQueue) oldest() int64 { return q.entries[q.head].since }

func (q *outQueue) push(f *Frame, now int64) {
	if q.head > 32 && q.head*2 > len(q.entries) {
		n := copy(q.entries, q.entries[q.head:])
		clear(q.entries[n:])
		q.entries, q.head = q.entries[:n], 0
	}
	q.entries = append(q.entries, queued{f, now})
	q.bytes += len(f.wire)
}

// batch returns the bytes to write next: those of the only frame, or several frames
// copied into buf, at most its capacity.
func (q *outQueue) batch(buf []byte) []byte {
	first := q.entries[q.head].frame.wire[q.offset:]
	if q.len() == 1 || len(first) >= cap(buf) {
		return first
	}
	buf = append(buf[:0], first...)
	for _, e := range q.entries[q.head+1:] {
		if len(buf)+len(e.frame.wire) > cap(buf) {
			break
		}
		buf = append(buf, e.frame.wire...)
	}
	return buf
}

// advance notes that n bytes have been written.
func (q *outQueue) advance(n int) {
	q.bytes -= n
	for n > 0 {
		left := len(q.entries[q.head].frame.wire) - q.offset
		if n < left {
			q.offset += n
			return
		}
		n -= left
		q.entries[q.head].frame = nil
		q.head, q.offset = q.head+1, 0
	}
}
