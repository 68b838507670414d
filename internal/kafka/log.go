package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// maxBuffered and maxBufferedBytes bound the records that wait for the
	// brokers; beyond either Append answers ErrOverloaded.
	maxBuffered      = 20_000
	maxBufferedBytes = 64 << 20
	// lostAfter is how long a record may at least wait for brokers that do not
	// answer; sliceLength more at most. So its sender is told within 2.5 s.
	lostAfter   = 2200 * time.Millisecond
	sliceLength = 100 * time.Millisecond
	// keptFor is how long the client keeps a record of which that was told: the brokers
	// may be late, and giving it up costs all that wait for the same partition their
	// place, and the producer its epoch.
	keptFor = 10 * time.Second
	// leadersAge is how old what a producer knows of leaders may be. One that hangs does
	// not say that another has taken its place.
	leadersAge = 3 * time.Second
	// maxRecordBytes bounds one record; a command is bounded far below it.
	maxRecordBytes = 1 << 20
)

// Options are what a Log needs besides its Config.
type Options struct {
	Logger *slog.Logger
	// Lost is told of records that Append accepted and the brokers then did not
	// take within 2.5 s: their outcome is ErrUnavailable. (They may be in the log
	// all the same, if only the answer was lost.) It must not block.
	Lost func([]chat.Outcome)
	// Alone is not empty when no other program may own partitions of this log, for
	// what the others need is not shared: it tells this program, across restarts,
	// from all others. Own then gives ErrNotAlone where there is another one, and so
	// it does for the others.
	Alone string
}

// ErrNotAlone is returned by Own when another program owns partitions of the log,
// and one of the two has to be the only one.
var ErrNotAlone = errors.New("another node uses the same log")

// Log implements chat.Log. Safe for concurrent use.
type Log struct {
	cfg      *Config
	opts     Options
	dead     string // topic of records that nobody can read
	entries  string // topic of the feed for other services
	producer *kgo.Client
	feed     *kgo.Client // of its own connections: a broker answers one request of each at a time
	admin    *kadm.Client
	topicID  kadm.TopicID
	count    int32 // partitions of the topic

	base context.Context // ends with the log; deadlines derive from it
	stop context.CancelFunc

	found   chan struct{}         // closed when the brokers were reached and topicID and count are known
	missing atomic.Pointer[error] // why they are not

	appending func() func() // nil, or what Measure was given

	pending      atomic.Int64 // records that Append accepted and the client holds
	pendingBytes atomic.Int64
	awaited      atomic.Int64 // those of them whose senders have not been told anything yet
	failing      atomic.Bool  // the last record was not taken
	lost         atomic.Int64
	unreadable   atomic.Int64

	mu     sync.Mutex
	slice  *slice  // of the records that are accepted now; nil when it is over
	reader *reader // while Own runs
}

// slice is the records that were accepted within one stretch of time. They share
// their deadlines, for a timer each would cost more than the rest of Append.
type slice struct {
	ctx     context.Context // ends when the client is to give up
	records []*waiting      // guarded by Log.mu while the slice is Log.slice
}

// waiting is a record that Append accepted. Whoever settles it first, the answer
// of the brokers or the deadline, decides what its sender is told.
type waiting struct {
	id      chat.RecordID
	node    string
	settled atomic.Bool
}

func (w *waiting) outcome() chat.Outcome {
	return chat.Outcome{RecordID: w.id, Node: w.node, Err: chat.ErrUnavailable}
}

// Open reaches the brokers, makes the topics that do not exist, and checks them.
// It waits for the brokers as long as ctx lasts.
func Open(ctx context.Context, cfg *Config, opts Options) (*Log, error) {
	l, err := newLog(ctx, cfg, opts)
	if err != nil {
		return nil, err
	}
	if err := l.prepare(ctx); err != nil {
		l.discard()
		return nil, err
	}
	close(l.found)
	return l, nil
}

// newLog makes a log that has not reached its brokers.
func newLog(ctx context.Context, cfg *Config, opts Options) (*Log, error) {
	l := &Log{cfg: cfg, opts: opts, dead: cfg.sibling("dead"), entries: cfg.sibling("entries"), found: make(chan struct{})}
	producer, err := l.newProducer(0, keptFor)
	if err != nil {
		return nil, err
	}
	feed, err := l.newProducer(feedLinger, lostAfter)
	if err != nil {
		producer.Close()
		return nil, err
	}
	l.producer, l.feed, l.admin = producer, feed, kadm.NewClient(producer)
	l.base, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	return l, nil
}

// newProducer makes a client that writes, and gives up what the brokers have not taken
// for as long as kept. It connects when it is first used.
func (l *Log) newProducer(linger, kept time.Duration) (*kgo.Client, error) {
	producer, err := kgo.NewClient(l.cfg.client(
		kgo.RequiredAcks(kgo.AllISRAcks()), // with the idempotent writes that are the default
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(l.partitioner)),
		kgo.ProducerLinger(linger),
		// Append keeps its own count, and the feed's is that of the owners' batches.
		kgo.MaxBufferedRecords(2*maxBuffered),
		kgo.MaxBufferedBytes(2*maxBufferedBytes),
		// A record that was sent and not answered may be given up too: client_id makes
		// the sender's repeat harmless.
		kgo.AllowIdempotentProduceCancellation(),
		kgo.RecordDeliveryTimeout(kept),
		kgo.ProduceRequestTimeout(lostAfter),
		kgo.MetadataMaxAge(leadersAge),
		kgo.UnknownTopicRetries(-1),
		kgo.ProducerBatchMaxBytes(maxRecordBytes),
		// Batches are small: lz4 and zstd would spend more on their buffers than on them.
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
	)...)
	if err != nil {
		return nil, fmt.Errorf("make producer: %w", err)
	}
	return producer, nil
}

// discard ends the log and what it has under way.
func (l *Log) discard() {
	l.stop()
	l.producer.Close()
	l.feed.Close()
}

// prepare makes the topics and learns the identity of the log.
func (l *Log) prepare(ctx context.Context) error {
	born := topicSpec{name: l.cfg.Topic, partitions: l.cfg.Partitions, replicas: l.cfg.Replicas, named: len(l.cfg.Brokers), retention: l.cfg.Retention, flush: l.cfg.Flush}
	if born.partitions == 0 {
		born.partitions = defaultPartitions
	}
	topic, err := ensureTopic(ctx, l.admin, born)
	if err != nil {
		return err
	}
	if l.topicID = topic.ID; l.topicID == (kadm.TopicID{}) {
		return errors.New("the brokers give topics no id; Kafka 2.8 or later is needed")
	}
	l.count = int32(len(topic.Partitions)) //nolint:gosec // bounded by the broker
	if l.cfg.Partitions != 0 && l.count != l.cfg.Partitions {
		return fmt.Errorf("topic %s has %d partitions, the configuration says %d: the number is fixed when the topic is made",
			l.cfg.Topic, l.count, l.cfg.Partitions)
	}
	if err := checkPlain(ctx, l.admin, l.cfg.Topic); err != nil {
		return err
	}
	if copies := len(topic.Partitions[0].Replicas); copies < 3 {
		l.opts.Logger.Warn("the log has fewer than three copies: one machine's loss of power may lose acknowledged messages",
			"topic", l.cfg.Topic, "copies", copies, "flush", l.cfg.Flush)
	}
	born.flush = false // what can be had again from the store
	born.named = 0     // who was missing has been waited for
	feed, dead := born, born
	feed.name, feed.partitions = l.entries, l.count
	dead.name, dead.partitions = l.dead, 1
	for _, spec := range []topicSpec{feed, dead} {
		if _, err := ensureTopic(ctx, l.admin, spec); err != nil {
			return err
		}
	}
	return nil
}

// partitioner places a record by its key. For the log itself the number of
// partitions is the one that was found at the start: should somebody add
// partitions, conversations must not move while nodes run.
func (l *Log) partitioner(topic string) func(*kgo.Record, int) int {
	return func(r *kgo.Record, n int) int {
		if topic == l.cfg.Topic && l.count > 0 {
			n = int(l.count)
		}
		return int(place(r.Key, int32(n))) //nolint:gosec // a number of partitions
	}
}

// place maps a key to one of n partitions.
func place(key []byte, n int32) int32 {
	h := fnv.New32a()
	_, _ = h.Write(key) // a hash does not fail
	return int32(h.Sum32()&0x7fffffff) % n
}

// Identity names the log; positions are kept under it. A topic that was deleted
// and made anew is another log. It is known to owners, and to whoever Opened the log.
func (l *Log) Identity() string { return "kafka:" + l.topicID.String() }

// Partitions is the number of partitions, fixed for the life of the topic. It is known
// to owners, and to whoever Opened the log.
func (l *Log) Partitions() int32 { return l.count }

// Measure has appending called with each record that is appended; what it gives is
// called when the brokers have the record, and not if they do not take it. Neither may
// block. Call it before the first Append.
func (l *Log) Measure(appending func() (appended func())) { l.appending = appending }

// Durable reports that an appended record survives the death of all nodes.
func (l *Log) Durable() bool { return true }

// Append implements chat.Log. The record is on its way when Append returns; if the
// brokers then do not take it, Options.Lost is told. Where they were never reached
// there is no way to send it on: ErrUnavailable.
func (l *Log) Append(ctx context.Context, r *chat.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	if l.away() != nil {
		return chat.ErrUnavailable
	}
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	if len(value) > maxRecordBytes/2 {
		return chat.ErrTooLarge
	}
	size := int64(len(value))
	if !l.reserve(size) {
		return chat.ErrOverloaded
	}
	key := r.Command.ConversationID
	record := &kgo.Record{Topic: l.cfg.Topic, Key: key[:], Value: value}
	w := &waiting{id: r.ID, node: r.Node}
	l.awaited.Add(1)
	appended := func() {}
	if l.appending != nil {
		appended = l.appending()
	}
	l.producer.TryProduce(l.enlist(w), record, func(_ *kgo.Record, err error) {
		l.release(size)
		switch first := l.settle(w); {
		case err == nil:
			appended()
			l.appended()
		case first:
			l.notAppended(err, w.outcome())
		}
	})
	return nil
}

// enlist puts a record into the present slice and gives the slice's context.
func (l *Log) enlist(w *waiting) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.slice
	if s == nil {
		ctx, cancel := context.WithTimeout(l.base, keptFor+sliceLength)
		s = &slice{ctx: ctx}
		l.slice = s
		time.AfterFunc(sliceLength, func() {
			l.mu.Lock()
			if l.slice == s {
				l.slice = nil
			}
			l.mu.Unlock()
		})
		late := time.AfterFunc(lostAfter+sliceLength, func() { l.expire(s) })
		context.AfterFunc(ctx, func() {
			cancel()
			if late.Stop() { // the log ends
				l.expire(s)
			}
		})
	}
	s.records = append(s.records, w)
	return s.ctx
}

// expire tells the senders of what is not settled at the slice's deadline, though the
// client has not given it up.
func (l *Log) expire(s *slice) {
	l.mu.Lock()
	if l.slice == s { // the process stood still for so long that nothing ended it
		l.slice = nil
	}
	records := s.records
	s.records = nil
	l.mu.Unlock()
	var outcomes []chat.Outcome
	for _, w := range records {
		if l.settle(w) {
			outcomes = append(outcomes, w.outcome())
		}
	}
	if len(outcomes) > 0 {
		l.notAppended(context.DeadlineExceeded, outcomes...)
	}
}

// settle reports whether it is the caller who decides what the sender is told.
func (l *Log) settle(w *waiting) bool {
	first := !w.settled.Swap(true)
	if first {
		l.awaited.Add(-1)
	}
	return first
}

// reserve takes room for one record, if there is some.
func (l *Log) reserve(size int64) bool {
	records, bytes := l.pending.Add(1), l.pendingBytes.Add(size)
	if records > maxBuffered || bytes > maxBufferedBytes {
		l.release(size)
		return false
	}
	return true
}

func (l *Log) release(size int64) {
	l.pending.Add(-1)
	l.pendingBytes.Add(-size)
}

func (l *Log) appended() {
	if l.failing.Load() && l.failing.CompareAndSwap(true, false) {
		l.opts.Logger.Info("the log takes records again", "lost", l.lost.Load())
	}
}

func (l *Log) notAppended(err error, outcomes ...chat.Outcome) {
	l.lost.Add(int64(len(outcomes)))
	if !l.failing.Swap(true) { // once an outage, not once a record
		l.opts.Logger.Error("the log does not take records", "error", err)
	}
	l.opts.Lost(outcomes)
}

// Ping reports whether a broker answers and the log is the one that was opened.
func (l *Log) Ping(ctx context.Context) error {
	if err := l.away(); err != nil {
		return err
	}
	if err := l.checkIdentity(ctx); err != nil {
		return fmt.Errorf("reach the log: %w", err)
	}
	return nil
}

// checkIdentity asks a broker whether the topic is still the one that was opened.
func (l *Log) checkIdentity(ctx context.Context) error {
	topics, err := l.admin.ListTopics(ctx, l.cfg.Topic)
	if err != nil {
		return fmt.Errorf("look at topic %s: %w", l.cfg.Topic, err)
	}
	t := topics[l.cfg.Topic]
	switch {
	case t.Err != nil:
		return fmt.Errorf("look at topic %s: %w", l.cfg.Topic, t.Err)
	case t.ID != l.topicID:
		return fmt.Errorf("topic %s was made anew: it is another log now; start the nodes again", l.cfg.Topic)
	case len(t.Partitions) != int(l.count):
		return fmt.Errorf("topic %s has %d partitions now, it had %d: the number must not change", l.cfg.Topic, len(t.Partitions), l.count)
	}
	return nil
}

// Close hands what was accepted to the brokers, for at most as long as ctx lasts,
// and ends the log. Own must have returned.
func (l *Log) Close(ctx context.Context) error {
	err := l.producer.Flush(ctx)
	l.discard()
	if err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}
