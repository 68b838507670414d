package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parley-chat/parley/internal/chat"
)

// feedLinger is how long entries for the feed wait for those of other partitions, whose
// owners commit at the same time. Nobody waits for them but the commit.
const feedLinger = 3 * time.Millisecond

// PublishEntries appends entries that were decided to the feed for other services
// (docs/feeds.md): each one's canonical JSON, in order for each conversation. It
// returns when the brokers have all of them, or with an error, after which some may
// be there: call it again with the same ones. An owner calls it before it commits
// them, so that every entry is in the feed at least once. The two slices have the
// same length.
func (l *Log) PublishEntries(ctx context.Context, entries []*chat.Entry, json [][]byte) error {
	records := make([]*kgo.Record, len(entries))
	for i, e := range entries {
		// The record's own time is when it is published: the client counts the time
		// that a record may take from it, and an entry may be old when the log catches up.
		records[i] = &kgo.Record{Topic: l.entries, Key: []byte(e.ConversationID.String()), Value: json[i]}
	}
	if err := l.feed.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("publish entries: %w", err)
	}
	return nil
}

// bury puts a record that nobody can read aside, with the reason. The original
// stays in the log, so that nothing is lost should this fail.
func (l *Log) bury(r *kgo.Record, reason error) {
	l.unreadable.Add(1)
	l.opts.Logger.Error("unreadable record put aside", "partition", r.Partition, "offset", r.Offset, "error", reason)
	dead := &kgo.Record{Topic: l.dead, Key: r.Key, Value: r.Value, Headers: []kgo.RecordHeader{
		{Key: "reason", Value: []byte(reason.Error())},
		{Key: "source", Value: fmt.Appendf(nil, "%s/%d/%d", r.Topic, r.Partition, r.Offset)},
	}}
	l.producer.TryProduce(l.base, dead, func(_ *kgo.Record, err error) {
		if err != nil {
			l.opts.Logger.Error("dead letter not kept", "partition", r.Partition, "offset", r.Offset, "error", err)
		}
	})
}

// Stats are figures for metrics.
type Stats struct {
	Pending      int64 // records that were accepted and not yet taken by the brokers
	PendingBytes int64
	Awaited      int64 // those of the pending whose senders have not been told that they are late
	Lost         int64 // records that were accepted and not taken in time, ever
	Unreadable   int64 // records that nobody could read, ever
	Owned        []PartitionStats
}

// PartitionStats tells how far the owner of a partition is.
type PartitionStats struct {
	Partition int32
	// Lag is the number of records in the log that the owner has not been given.
	Lag int64
}

// Stats tells how the log does. The partitions are those that this node owns.
func (l *Log) Stats() Stats {
	s := Stats{
		Pending: l.pending.Load(), PendingBytes: l.pendingBytes.Load(), Awaited: l.awaited.Load(),
		Lost: l.lost.Load(), Unreadable: l.unreadable.Load(),
	}
	l.mu.Lock()
	r := l.reader
	l.mu.Unlock()
	if r == nil {
		return s
	}
	for _, p := range r.snapshot() {
		s.Owned = append(s.Owned, PartitionStats{Partition: p.id, Lag: p.lag()})
	}
	return s
}

func (l *Log) setReader(r *reader) {
	l.mu.Lock()
	l.reader = r
	l.mu.Unlock()
}

func (p *partition) lag() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next < 0 {
		return 0
	}
	return max(0, p.end-p.next) + int64(len(p.buf))
}
