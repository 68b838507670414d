package gateway

import "sync/atomic"

// counters are what the gateway counts.
type counters struct {
	sockets, rooms                           atomic.Int64
	requests, refusedRequests                atomic.Int64
	refusedConnects, revoked, slowCuts       atomic.Int64
	eventsIn, eventsOut, duplicates, dropped atomic.Int64
	gaps, filled, resyncs, behind, refused   atomic.Int64
	panics, signals, unknown                 atomic.Int64
}

// Stats is a reading of the gateway's counters and gauges.
type Stats struct {
	Sockets, Users, Rooms int64 // now
	PendingCommands       int64 // now: outcome not known
	PendingWork           int64 // now: requests that wait for a worker

	Requests, RefusedRequests int64
	RefusedConnects           int64
	Revoked                   int64 // sockets ended because their session was
	SlowCuts                  int64 // sockets cut because they did not read
	Behind                    int64 // times a socket fell behind
	EventsIn                  int64 // from the bus
	EventsOut                 int64 // to sockets
	Duplicates                int64 // entries that had been delivered before
	Dropped                   int64 // typing that there was no room for
	Gaps                      int64 // holes seen in a room's entries
	Filled                    int64 // entries read from the store to fill them
	Resyncs                   int64 // times the bus may have lost events
	Overloaded                int64 // jobs refused because too many waited
	Panics                    int64
	Signals                   int64 // between devices in calls, sent on
	// Unknown counts what the bus brought of kinds that this program does not know, from
	// nodes of a newer version: entries were passed on as they are, the rest was left out.
	Unknown int64
}

// Stats reads the counters.
func (g *Gateway) Stats() Stats {
	users := int64(0)
	for i := range g.users {
		s := &g.users[i]
		s.mu.Lock()
		users += int64(len(s.users))
		s.mu.Unlock()
	}
	c := &g.stats
	return Stats{
		Sockets: c.sockets.Load(), Users: users, Rooms: c.rooms.Load(),
		PendingCommands: g.pending.Load(), PendingWork: int64(len(g.work)),
		Requests: c.requests.Load(), RefusedRequests: c.refusedRequests.Load(),
		RefusedConnects: c.refusedConnects.Load(), Revoked: c.revoked.Load(), SlowCuts: c.slowCuts.Load(),
		Behind: c.behind.Load(), EventsIn: c.eventsIn.Load(), EventsOut: c.eventsOut.Load(),
		Duplicates: c.duplicates.Load(), Dropped: c.dropped.Load(), Gaps: c.gaps.Load(), Filled: c.filled.Load(),
		Resyncs: c.resyncs.Load(), Overloaded: c.refused.Load(), Panics: c.panics.Load(),
		Signals: c.signals.Load(), Unknown: c.unknown.Load(),
	}
}
