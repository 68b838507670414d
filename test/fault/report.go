package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-chat/parley/test/fault/history"
	"github.com/parley-chat/parley/test/fault/timeline"
)

// shownAnomalies bounds what is printed of a round.
const shownAnomalies = 10

// report tells what a round came to and keeps what the timeline needs.
func (r *run) report(h *history.History, result history.Result, round int, offset time.Duration) {
	found, counts := h.Anomalies()
	for name, n := range counts {
		r.counts[name] += n
	}
	for i, a := range found {
		if i < shownAnomalies {
			logf("ANOMALY %s", a)
			for _, line := range a.Excerpt {
				logf("    %s", line)
			}
		}
		r.found = append(r.found, timeline.Anomaly{At: offset + a.At, Title: a.String(), Excerpt: a.Excerpt})
	}
	if len(found) > shownAnomalies {
		logf("… %d more; all by name: %v", len(found)-shownAnomalies, counts)
	}
	r.latencies(h, offset)
	s := r.crowd.Stats()
	logf("round %d: %d sends, %d acked, %d without an answer there and %d absent, %d refused, %d moved by a refusal that nobody heard; %d other operations; %d entries, applied %d times; anomalies %v",
		round, result.Sends, result.Acked, result.Present, result.Lost, result.Failed, result.Moved, result.Others, result.Entries, result.Applied, counts)
	logf("so far: %d connects, %d refused, %d unavailable, %d internal, %d resyncs, %d given up for dead; %d sessions revoked, %d ghosts looked for",
		s.Connects.Load(), s.Refused.Load(), s.Unavailable.Load(), s.Internal.Load(), s.Resyncs.Load(), s.Timeouts.Load(), s.Revoked.Load(), s.Ghosts.Load())
	logf("so far: %d pages of messages read, %d files; %d times somebody asked for what is not theirs; %d blocks, %d times whoever is blocked looked for who blocks",
		s.Pages.Load(), s.Files.Load(), s.Pried.Load(), s.Blocks.Load(), s.Hidden.Load())
}

// latencies adds a round's acks to the seconds of the run.
func (r *run) latencies(h *history.History, offset time.Duration) {
	bySecond := map[int][]time.Duration{}
	last := 0
	h.Acks(func(invoked, settled time.Duration) {
		second := int((offset + settled).Seconds())
		bySecond[second] = append(bySecond[second], settled-invoked)
		last = max(last, second)
	})
	for len(r.seconds) <= last {
		r.seconds = append(r.seconds, timeline.Second{})
	}
	for second, took := range bySecond {
		slices.Sort(took)
		r.seconds[second] = timeline.Second{Acked: len(took), P50: took[len(took)/2], P99: took[len(took)*99/100]}
	}
}

// draw writes the timeline.
func (r *run) draw(target string) error {
	path := filepath.Join(r.o.out, fmt.Sprintf("%s-%d.html", target, r.seed))
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the timeline: %w", err)
	}
	err = timeline.Write(f, timeline.Run{
		Title: "Fault suite, " + target,
		Facts: [][2]string{
			{"seed", fmt.Sprint(r.seed)},
			{"commit", r.o.commit},
			{"again", fmt.Sprintf("fault -target %s -seed %d -acked %d -windows %d -only %q", target, r.seed, r.o.acked, r.o.windows, strings.Join(r.o.only, ","))},
			{"began", r.began.UTC().Format(time.RFC3339)},
			{"acked", fmt.Sprint(r.acked)},
			{"windows", fmt.Sprint(len(r.windows))},
		},
		Seconds: r.seconds, Windows: r.windows, Anomalies: r.found,
	})
	if cerr := f.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("write the timeline: %w", cerr)
	}
	logf("timeline: %s", path)
	return err //nolint:wrapcheck // says all
}
