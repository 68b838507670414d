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
	samples   []metrics.Sample
	allocated uint64 // so far, when it was last looked at
	release   func()
}

func newReclaimer() *reclaimer {
	return &reclaimer{
		samples: []metrics.Sample{
			{Name: "/gc/heap/allocs:bytes"},
			{Name: "/gc/heap/live:bytes"},
			{Name: "/memory/classes/heap/objects:bytes"},
			{Name: "/memory/classes/heap/free:bytes"},
			{Name: "/memory/classes/heap/unused:bytes"},
		},
		release: debug.FreeOSMemory,
	}
}

// look releases memory if the node was quiet since the last look and holds much
// more than it uses.
func (r *reclaimer) look(context.Context) error {
	metrics.Read(r.samples)
	allocated, live := r.samples[0].Value.Uint64(), r.samples[1].Value.Uint64()
	held := r.samples[2].Value.Uint64() + r.samples[3].Value.Uint64() + r.samples[4].Value.Uint64()
	quiet := allocated-r.allocated < quietBytes
	r.allocated = allocated
	if quiet && held > live+live/4+reclaimBytes {
		r.release()
	}
	return nil
}
