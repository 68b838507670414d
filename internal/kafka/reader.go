package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reader reads all partitions of a node through one client, each from where its
// owner says, so that a fetch of a broker serves all of them.
type reader struct {
	log    *Log
	client *kgo.Client

	mu    sync.Mutex
	parts map[int32]*partition
}

func newReader(l *Log) (*reader, error) {
	client, err := kgo.NewClient(l.cfg.client(
		kgo.FetchMaxWait(250*time.Millisecond), // a partition that is added waits at most so long for the fetch under way
		kgo.FetchMinBytes(1),
		kgo.FetchMaxBytes(16<<20),
		kgo.FetchMaxPartitionBytes(2<<20),
		kgo.BrokerMaxReadBytes(32<<20),
		// An offset that the log does not have is an error, never a reason to jump.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	)...)
	if err != nil {
		return nil, fmt.Errorf("make reader: %w", err)
	}
	return &reader{log: l, client: client, parts: make(map[int32]*partition)}, nil
}

func (r *reader) close() { r.client.Close() }

func (r *reader) open(id int32) *partition {
	p := &partition{reader: r, id: id, next: -1, wake: make(chan struct{}, 1)}
	r.mu.Lock()
	r.parts[id] = p
	r.mu.Unlock()
	return p
}

// snapshot lists the partitions that are read now.
func (r *reader) snapshot() []*partition {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*partition, 0, len(r.parts))
	for _, p := range r.parts {
		all = append(all, p)
	}
	return all
}

// run hands what the brokers send to the partitions, until ctx ends.
func (r *reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := r.client.PollRecords(ctx, 10_000)
		if fetches.IsClientClosed() || ctx.Err() != nil {
			return
		}
		fetches.EachPartition(func(ftp kgo.FetchTopicPartition) { r.hand(&ftp) })
	}
}

func (r *reader) hand(ftp *kgo.FetchTopicPartition) {
	if ftp.Topic != r.log.cfg.Topic || ftp.Partition < 0 { // about the topic or the connection as a whole
		if ftp.Err != nil {
			for _, p := range r.snapshot() {
				p.fail(ftp.Err)
			}
		}
		return
	}
	r.mu.Lock()
	p := r.parts[ftp.Partition]
	r.mu.Unlock()
	switch {
	case p == nil:
	case ftp.Err != nil && !errors.Is(ftp.Err, context.Canceled):
		p.fail(ftp.Err)
	default:
		p.feed(ftp.Records, ftp.HighWatermark)
	}
}

func (r *reader) target(id int32) map[string][]int32 {
	return map[string][]int32{r.log.cfg.Topic: {id}}
}
