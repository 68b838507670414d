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
	// burstBytes is what has to have been allocated to make giving back worth it.
	burstBytes = 32 << 20
)

// reclaimer gives memory back to the system when a busy time is over. A burst, say
// thousands of people who connect at once, leaves garbage and free pages behind; a
// silent process collects the one every two minutes and returns the other slowly, and
// its neighbours pay for it meanwhile. It belongs to one goroutine.
type reclaimer struct {
	allocated func() uint64 // bytes since the start of the process
	release   func()

	last     uint64 // allocated when it was last looked at
	released uint64 // allocated when memory was last given back
}

func newReclaimer() *reclaimer {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	return &reclaimer{
		allocated: func() uint64 {
			metrics.Read(sample)
			return sample[0].Value.Uint64()
		},
		release: debug.FreeOSMemory,
	}
}

// look gives memory back if the node was quiet since the last look and was busy
// since memory was given back before.
func (r *reclaimer) look(context.Context) error {
	now := r.allocated()
	quiet := now-r.last < quietBytes
	r.last = now
	if quiet && now-r.released > burstBytes {
		r.release()
		r.released = r.allocated()
	}
	return nil
}
