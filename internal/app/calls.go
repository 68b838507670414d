package app

import (
	"context"
	"fmt"

	"github.com/parley-chat/parley/internal/call"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
)

// callBound is how many conversations of one process may have a call under way, or
// had one a moment ago.
const callBound = 100_000

// callLog has the service note calls that have ended.
type callLog struct{ service *service.Service }

// LogCall implements call.Log.
func (l callLog) LogCall(ctx context.Context, e call.Ended) error {
	_, err := l.service.LogCall(ctx, service.CallLog{
		ConversationID: e.Call.ConversationID, CallID: e.Call.ID, CallerID: e.Call.CallerID, UserIDs: e.Took,
		Summary: chat.CallSummary{Video: e.Call.Video, Outcome: e.Call.Outcome, DurationMS: e.Duration()},
	})
	if err != nil {
		return fmt.Errorf("log a call: %w", err)
	}
	return nil
}

// callReadings are the figures of calls.
func callReadings(calls *call.Coordinator) []reading {
	stat := func(value func(call.Stats) int64) func(*readings) float64 {
		return func(*readings) float64 { return float64(value(calls.Stats())) }
	}
	all := []reading{
		gauge("calls_known", "Calls that this node follows, those that ended a moment ago included.", stat(func(s call.Stats) int64 { return s.Known })),
		gauge("calls_devices", "Devices in calls whose sockets are on this node.", stat(func(s call.Stats) int64 { return s.Bound })),
		gauge("calls_owed", "Calls that have ended and are not in the log yet.", stat(func(s call.Stats) int64 { return s.Owed })),
		total("calls_started", "Calls that people on this node began.", stat(func(s call.Stats) int64 { return s.Started })),
		total("calls_joined", "Calls that somebody on this node answered first.", stat(func(s call.Stats) int64 { return s.Answered })),
		total("calls_signals", "Signals between devices that this node sent on.", func(r *readings) float64 { return float64(r.gateway.Signals) }),
		total("calls_conflicts", "Changes of calls that met another one and were made again.", stat(func(s call.Stats) int64 { return s.Conflicts })),
		total("calls_board_failures", "Times the board of calls did not answer.", stat(func(s call.Stats) int64 { return s.Failures })),
		total("calls_log_failures", "Times the log did not take a call that had ended; it is tried again.", stat(func(s call.Stats) int64 { return s.LogFailures })),
		total("calls_not_followed", "Calls that there was no room to follow.", stat(func(s call.Stats) int64 { return s.NotFollowed })),
	}
	for i, outcome := range call.Outcomes() {
		all = append(all, total("calls_"+string(outcome), "Calls that this node saw end as "+string(outcome)+".", stat(func(s call.Stats) int64 { return s.Ended[i] })))
	}
	return all
}
