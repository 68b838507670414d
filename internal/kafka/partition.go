package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// bufferedPerPartition bounds the records read ahead of an owner, give or take
	// one fetch.
	bufferedPerPartition = 4096
	// seekTries is how often a first record beyond the offset that was asked for is
	// taken for one that was under way before the seek; after that it is a hole.
	seekTries = 3
)

// partition implements chat.Partition. Its owner's goroutine calls the exported
// methods; the reader's goroutine calls feed and fail.
type partition struct {
	reader   *reader
	id       int32
	wake     chan struct{}
	began    bool // the owner's: Fetch was called
	first    int64
	advanced bool // the owner's: Fetch was called for more than where it began

	mu     sync.Mutex
	next   int64 // offset of the next record that the client will bring; -1: not reading
	end    int64 // the log's end, as far as known
	buf    []*kgo.Record
	err    error
	doubt  bool // the first record after a seek was not the one asked for
	fresh  bool // no record came since the seek
	paused bool
}

// ID implements chat.Partition.
func (p *partition) ID() chat.PartitionID {
	return chat.PartitionID{Log: p.reader.log.Identity(), Partition: p.id}
}

// Start implements chat.Partition. It fails when the log is not the one that was
// opened, when records that the store still needs are gone from it, and when it
// ends before what the store has applied: then acknowledged records were lost.
func (p *partition) Start(ctx context.Context, next, prev int64) (int64, error) {
	l := p.reader.log
	if err := l.checkIdentity(ctx); err != nil {
		return 0, fmt.Errorf("start partition %d: %w", p.id, err)
	}
	first, err := p.offset(l.admin.ListStartOffsets(ctx, l.cfg.Topic))
	if err != nil {
		return 0, fmt.Errorf("find the start of partition %d: %w", p.id, err)
	}
	end, err := p.offset(l.admin.ListEndOffsets(ctx, l.cfg.Topic))
	if err != nil {
		return 0, fmt.Errorf("find the end of partition %d: %w", p.id, err)
	}
	switch {
	case first > next:
		return 0, fmt.Errorf("partition %d: records %d to %d are not in the log any more", p.id, next, first-1)
	case end < next:
		return 0, fmt.Errorf("partition %d: the log ends at %d, the store has applied it up to %d: records were lost", p.id, end, next)
	}
	return max(prev, first), nil
}

func (p *partition) offset(all kadm.ListedOffsets, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	o, ok := all.Lookup(p.reader.log.cfg.Topic, p.id)
	if !ok {
		return 0, errors.New("the brokers do not know it")
	}
	return o.Offset, o.Err
}

// Fetch implements chat.Partition.
func (p *partition) Fetch(ctx context.Context, from int64, limit int) ([]*chat.Record, error) {
	if !p.began {
		p.began, p.first = true, from
	}
	p.advanced = p.advanced || from > p.first
	p.seek(from)
	for tries := 1; ; {
		records, doubt, err := p.take(limit)
		switch {
		case len(records) > 0:
			return p.decode(records), nil
		case err != nil:
			return nil, err
		case doubt && tries == seekTries:
			return nil, fmt.Errorf("partition %d: no record at offset %d, but later ones: records are missing", p.id, from)
		case doubt:
			tries++
			p.move(from)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.wake:
		}
	}
}

// seek makes the client read from an offset, unless it does already.
func (p *partition) seek(from int64) {
	p.mu.Lock()
	at := p.next
	if len(p.buf) > 0 {
		at = p.buf[0].Offset
	}
	p.mu.Unlock()
	if at != from {
		p.move(from)
	}
}

func (p *partition) move(from int64) {
	p.mu.Lock()
	p.next, p.buf, p.err, p.doubt, p.fresh, p.paused = from, nil, nil, false, true, false
	p.mu.Unlock()
	client, target := p.reader.client, p.reader.target(p.id)
	client.RemoveConsumePartitions(target)
	client.ResumeFetchPartitions(p.reader.target(p.id))
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{p.reader.log.cfg.Topic: {p.id: kgo.NewOffset().At(from)}})
}

// feed gets what the client brought. Records below next came twice, around a
// seek, and are the same. One beyond next shows a hole, unless it is the first
// after a seek and was under way before it: then Fetch asks again.
func (p *partition) feed(records []*kgo.Record, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = max(end, p.next)
	for _, rec := range records {
		switch {
		case p.next < 0 || rec.Offset < p.next || p.doubt || p.err != nil:
		case rec.Offset == p.next:
			p.buf = append(p.buf, rec)
			p.next++
			p.fresh = false
		case p.fresh:
			p.doubt = true
		default:
			p.err = fmt.Errorf("partition %d: offset %d follows %d: records are missing", p.id, rec.Offset, p.next-1)
		}
	}
	if len(p.buf) >= bufferedPerPartition {
		p.paused = true
		p.reader.client.PauseFetchPartitions(p.reader.target(p.id))
	}
	p.nudge()
}

// fail ends the reading: the owner gives the partition up when it has taken what
// came before.
func (p *partition) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next >= 0 && p.err == nil {
		p.err = fmt.Errorf("read partition %d: %w", p.id, err)
	}
	p.nudge()
}

func (p *partition) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *partition) take(limit int) (records []*kgo.Record, doubt bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(limit, len(p.buf))
	if n == 0 {
		return nil, p.doubt, p.err
	}
	records = p.buf[:n:n]
	p.buf = p.buf[n:]
	if len(p.buf) == 0 {
		p.buf = nil
	}
	if p.paused && len(p.buf) < bufferedPerPartition/2 {
		p.paused = false
		p.reader.client.ResumeFetchPartitions(p.reader.target(p.id))
	}
	return records, false, nil
}

// decode reads the records. One that cannot be read is put aside and stands as an
// empty command, which Apply refuses: offsets stay dense.
func (p *partition) decode(in []*kgo.Record) []*chat.Record {
	out := make([]*chat.Record, len(in))
	for i, rec := range in {
		r, err := decodeRecord(rec)
		if err != nil {
			p.reader.log.bury(rec, err)
			r = new(chat.Record)
		}
		r.Offset = rec.Offset
		out[i] = r
	}
	return out
}

// decodeRecord reads a record. Of one that was accepted under rules which this program
// does not know nothing but that has to be readable: its owner leaves it to newer nodes.
func decodeRecord(rec *kgo.Record) (*chat.Record, error) {
	r := new(chat.Record)
	if err := json.Unmarshal(rec.Value, r); err != nil {
		if newer := newerRules(rec.Value); newer > 0 {
			return &chat.Record{Rules: newer}, nil
		}
		return nil, fmt.Errorf("not a command: %w", err)
	}
	if r.Rules > chat.RulesVersion {
		return r, nil
	}
	if string(rec.Key) != string(r.Command.ConversationID[:]) {
		return nil, errors.New("the key is not the command's conversation")
	}
	return r, nil
}

// newerRules gives the rules of a record if this program does not know them; else zero.
func newerRules(value []byte) int {
	var r struct {
		Rules int `json:"rules"`
	}
	if err := json.Unmarshal(value, &r); err != nil || r.Rules <= chat.RulesVersion {
		return 0
	}
	return r.Rules
}

func (p *partition) close() {
	r := p.reader
	r.mu.Lock()
	if r.parts[p.id] == p {
		delete(r.parts, p.id)
	}
	r.mu.Unlock()
	r.client.RemoveConsumePartitions(r.target(p.id))
}
