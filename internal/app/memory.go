package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// reclaimEvery is how often the node looks whether a busy time is over.
	reclaimEvery = time.Second
	// quietBytes is what a node may allocate in that time and still be called quiet.
	quietBytes = 2 << 20
	// reclaimBytes is how much has to be there to be worth giving back.
	reclaimBytes = 8 << 20
)

// reclaimer gives memory back to the system when a busy time is over. A burst, say
// thousands of people who connect at once, leaves garbage and free pages behind; a
// silent process collects the one every two minutes and returns the other slowly, and
// its neighbours pay for it meanwhile.
type reclaimer struct {
	read      func() memory
	allocated uint64 // so far, when it was last looked at
	release   func()
}

// memory is what the Go runtime says of its heap, in bytes.
type memory struct {
	allocated uint64 // since the process began
	live      uint64 // when garbage was last collected
	held      uint64 // taken from the system and not given back
}

func newReclaimer() *reclaimer {
	return &reclaimer{read: readMemory(), release: debug.FreeOSMemory}
}

// readMemory gives a reader that reuses its samples; it is not safe for concurrent use.
func readMemory() func() memory {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	return func() memory {
		metrics.Read(samples)
		return memory{
			allocated: samples[0].Value.Uint64(),
			live:      samples[1].Value.Uint64(),
			held:      samples[2].Value.Uint64() + samples[3].Value.Uint64() + samples[4].Value.Uint64(),
		}
	}
}

// look releases memory if the node was quiet since the last look and holds much
// more than it uses.
func (r *reclaimer) look(context.Context) error {
	m := r.read()
	quiet := m.allocated-r.allocated < quietBytes
	r.allocated = m.allocated
	if quiet && m.held > m.live+m.live/4+reclaimBytes {
		r.release()
	}
	return nil
}
