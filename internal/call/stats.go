package call

import (
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
)

// counters are what a coordinator counts.
type counters struct {
	started, answered                             atomic.Int64
	ended                                         [5]atomic.Int64 // in the order of Outcomes
	conflicts, failures, logFailures, notFollowed atomic.Int64
}

// Outcomes are those of Stats.Ended, in its order.
func Outcomes() [5]chat.CallOutcome {
	return [5]chat.CallOutcome{chat.CallAnswered, chat.CallMissed, chat.CallDeclined, chat.CallBusy, chat.CallFailed}
}

// Stats is a reading of the counters and gauges of one node.
type Stats struct {
	Known int64 // now: calls that are followed, those that ended a moment ago included
	Bound int64 // now: devices in calls whose sockets are here
	Owed  int64 // now: calls that are not in the log yet, as far as this node knows

	Started, Answered int64 // by requests to this node
	Ended             [5]int64
	Conflicts         int64 // changes that met another one and were made again
	Failures          int64 // times the board did not answer
	LogFailures       int64 // times the log did not take a call
	NotFollowed       int64 // calls that there was no room for
}

// Stats reads them.
func (c *Coordinator) Stats() Stats {
	out := Stats{
		Started: c.stats.started.Load(), Answered: c.stats.answered.Load(), Conflicts: c.stats.conflicts.Load(),
		Failures: c.stats.failures.Load(), LogFailures: c.stats.logFailures.Load(), NotFollowed: c.stats.notFollowed.Load(),
	}
	for i := range out.Ended {
		out.Ended[i] = c.stats.ended[i].Load()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out.Known = int64(len(c.known))
	for _, k := range c.known {
		out.Bound += int64(len(k.bound))
		out.Owed += int64(len(k.state.Owed))
	}
	return out
}

// count counts what this node did to a call.
func (c *Coordinator) count(verb Verb, before, after *State) {
	if verb == Start && before.Call.ID != after.Call.ID {
		c.stats.started.Add(1)
	}
	if after.Call.State == chat.CallLive && (before.Call.ID != after.Call.ID || before.Call.State != chat.CallLive) {
		c.stats.answered.Add(1)
	}
	if after.Call.State != chat.CallEnded || before.Call.ID == after.Call.ID && before.Call.State == chat.CallEnded {
		return
	}
	for i, outcome := range Outcomes() {
		if after.Call.Outcome == outcome {
			c.stats.ended[i].Add(1)
		}
	}
}
