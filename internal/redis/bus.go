package redis

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// subscribeWait is how long Subscribe waits for Redis to confirm.
	subscribeWait = time.Second
	// resyncPause is the least time between two calls of Sink.Resync: a cluster
	// that hands its partitions around asks for many at once.
	resyncPause = 200 * time.Millisecond

	// The kinds of topics that the bus itself uses.
	topicNode chat.TopicKind = 100 // outcomes for one node
	topicAll  chat.TopicKind = 101 // "resync", to all nodes
)

// BusOptions are what a Bus needs besides its Client.
type BusOptions struct {
	Logger *slog.Logger
	// Lanes is the number of goroutines that call the sink, and of those that
	// publish; topics are spread over them. Default 2, at most 64.
	Lanes int
	// Bound is how many events a lane holds before it is emptied and the sink told
	// to resync. Default 65,536.
	Bound int
}

// Bus implements chat.Bus. Events reach the sink of their own node without Redis,
// and other nodes through sharded pub/sub, one channel a topic. While Redis cannot
// be reached, Publish, Reply, Resync and Subscribe succeed and count for this node
// alone; afterwards everything is subscribed again and every sink told to resync.
// Close it before its Client. Safe for concurrent use.
type Bus struct {
	client *Client
	o      BusOptions
	origin uint64 // marks messages of this process, which come back to it

	node  string
	sink  chat.Sink
	inbox []*inbox
	out   []*outbox

	look    time.Duration // between two looks at the topology that nothing asked for
	base    context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	owed    atomic.Bool   // other nodes must be told to resync
	prompt  chan struct{} // asks keep to look at owed and at the topology
	stale   atomic.Bool   // the topology may have changed

	droppedIn, droppedOut, resyncs, lostLinks, unreadable atomic.Int64

	mu     sync.RWMutex // guards what follows, and what links say of it
	topics map[chat.Topic]*subscription
	slots  []*link // of each slot; of one Redis: one link
	links  map[string]*link
}

var _ chat.Bus = (*Bus)(nil)

// NewBus makes a bus, which lives until Close, whatever becomes of ctx. Nothing
// runs before Attach.
func NewBus(ctx context.Context, client *Client, o BusOptions) (*Bus, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, fmt.Errorf("make bus: %w", err)
	}
	if o.Lanes <= 0 {
		o.Lanes = 2
	}
	o.Lanes = min(o.Lanes, 64)
	if o.Bound <= 0 {
		o.Bound = 1 << 16
	}
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	return &Bus{
		client: client, o: o, origin: binary.BigEndian.Uint64(b[:]), base: base, stop: stop, look: topologyPause, prompt: make(chan struct{}, 1),
		topics: make(map[chat.Topic]*subscription), links: make(map[string]*link),
	}, nil
}

// Attach implements chat.Bus. It starts the bus's goroutines, and waits for at most
// two seconds until the node can be heard and hears.
func (b *Bus) Attach(node string, sink chat.Sink) {
	ctx := b.base
	b.node, b.sink = node, sink
	for range b.o.Lanes {
		in, out := newInbox(b), newOutbox(b)
		b.inbox, b.out = append(b.inbox, in), append(b.out, out)
		b.running.Go(func() { in.run(sink) })
		b.running.Go(func() { out.run(ctx) })
	}
	b.findLinks(ctx)
	b.running.Go(func() { b.keep(ctx) })
	b.awaitLinks()
	if err := b.Subscribe(ctx, nodeTopic(node), chat.Topic{Kind: topicAll}); err != nil {
		b.o.Logger.Error("bus: own channels", "error", err)
	}
}

// awaitLinks waits until the links are up, for at most as long as Subscribe does.
func (b *Bus) awaitLinks() {
	b.mu.RLock()
	links := make([]*link, 0, len(b.links))
	for _, l := range b.links {
		links = append(links, l)
	}
	b.mu.RUnlock()
	late := time.NewTimer(subscribeWait)
	defer late.Stop()
	for _, l := range links {
		select {
		case <-l.risen:
		case <-late.C:
			return
		}
	}
}

// Close hands over what came in, tries for a second to send what is to go out, and
// ends the bus's goroutines. Nothing may be published afterwards.
func (b *Bus) Close() error {
	late := time.NewTimer(publishTimeout)
	defer late.Stop()
	for _, out := range b.out {
		if !out.drain(late.C) {
			break
		}
	}
	b.stop()
	for _, in := range b.inbox {
		in.close()
	}
	b.running.Wait()
	return nil
}

func nodeTopic(node string) chat.Topic {
	sum := sha256.Sum256([]byte(node))
	t := chat.Topic{Kind: topicNode}
	copy(t.ID[:], sum[:])
	return t
}

func (b *Bus) lane(t chat.Topic) int { return int(t.ID[15]) % b.o.Lanes } // an id's end is random or a hash

// Publish implements chat.Bus. It never waits and gives no error.
func (b *Bus) Publish(_ context.Context, events []chat.Event) error {
	if len(events) == 0 {
		return nil
	}
	local := make([][]chat.Event, b.o.Lanes)
	remote := make([][]chat.Event, b.o.Lanes)
	b.mu.RLock()
	for i := range events {
		n := b.lane(events[i].Topic)
		if s := b.topics[events[i].Topic]; s != nil && s.count > 0 {
			local[n] = append(local[n], events[i])
		}
		remote[n] = append(remote[n], events[i])
	}
	b.mu.RUnlock()
	for n := range b.o.Lanes {
		b.inbox[n].put(local[n], nil)
		b.out[n].put(remote[n], nil)
	}
	return nil
}

// Reply implements chat.Bus. It never waits and gives no error: an outcome that
// does not arrive is one that its sender asks for again.
func (b *Bus) Reply(_ context.Context, outcomes []chat.Outcome) error {
	var local, remote []chat.Outcome
	for i := range outcomes {
		if outcomes[i].Node == b.node {
			local = append(local, outcomes[i])
		} else {
			remote = append(remote, outcomes[i])
		}
	}
	b.inbox[0].put(nil, local)
	b.out[0].put(nil, remote)
	return nil
}

// Resync implements chat.Bus. This node's sink is told at once, the others when
// Redis can be reached. It gives no error.
func (b *Bus) Resync(context.Context) error {
	b.inbox[0].resync()
	b.owe()
	return nil
}

// owe notes that other nodes must be told to resync.
func (b *Bus) owe() {
	b.owed.Store(true)
	b.nudge()
}

func (b *Bus) nudge() {
	select {
	case b.prompt <- struct{}{}:
	default:
	}
}

// subscription is a topic that somebody wants to hear, or is being left. Bus.mu guards it.
type subscription struct {
	count   int
	at      *link         // where it is heard or being asked for
	on      bool          // the server confirmed it
	leaving bool          // the link is giving it up just now
	lost    bool          // the server took it away while it was being asked for
	missed  bool          // it was not heard at some time when it should have been
	queued  bool          // in at's list
	ready   chan struct{} // closed when on; nil if nobody waits
}

// Subscribe implements chat.Bus. It waits until Redis confirms, for at most a
// second; if Redis does not, the topics are heard as soon as it can be reached,
// and the sink is told to resync then. The only error is that of ctx.
func (b *Bus) Subscribe(ctx context.Context, topics ...chat.Topic) error {
	waits := b.want(topics)
	if len(waits) == 0 {
		return nil
	}
	late := time.NewTimer(subscribeWait)
	defer late.Stop()
	for _, ready := range waits {
		select {
		case <-ready:
		case <-late.C:
			b.miss(topics)
			return nil
		case <-ctx.Done():
			if err := b.Unsubscribe(ctx, topics...); err != nil {
				return err
			}
			return fmt.Errorf("subscribe: %w", ctx.Err())
		}
	}
	return nil
}

// want counts topics and gives what to wait for.
func (b *Bus) want(topics []chat.Topic) []<-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	var waits []<-chan struct{}
	for _, t := range topics {
		s := b.topics[t]
		if s == nil {
			s = new(subscription)
			b.topics[t] = s
		}
		s.count++
		if s.on && !s.leaving {
			continue
		}
		l := b.linkOf(t)
		b.enqueue(l, t, s)
		if l == nil || !l.up {
			s.missed = true
			continue
		}
		if s.ready == nil {
			s.ready = make(chan struct{})
		}
		waits = append(waits, s.ready)
	}
	return waits
}

// miss notes that the topics which are not confirmed were not waited for.
func (b *Bus) miss(topics []chat.Topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range topics {
		if s := b.topics[t]; s != nil && !s.on {
			s.missed = true
		}
	}
}

// Unsubscribe implements chat.Bus. It does not wait and gives no error.
func (b *Bus) Unsubscribe(_ context.Context, topics ...chat.Topic) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range topics {
		s := b.topics[t]
		if s == nil || s.count == 0 {
			continue
		}
		if s.count--; s.count == 0 {
			b.enqueue(s.at, t, s)
		}
	}
	return nil
}

// deliver takes what a link brought from the channel of a topic.
func (b *Bus) deliver(t chat.Topic, text string) {
	origin, body, err := readHeader(text)
	if err != nil {
		b.misread(t, err)
		return
	}
	if origin == b.origin {
		return
	}
	switch t.Kind {
	case topicAll:
		b.inbox[0].resync()
	case topicNode:
		outcomes, err := readOutcomes(b.node, body)
		if err != nil {
			b.misread(t, err)
		}
		b.inbox[0].put(nil, outcomes)
	default:
		events, err := readEvents(t, body)
		if err != nil {
			b.misread(t, err)
		}
		if b.heard(t) {
			b.inbox[b.lane(t)].put(events, nil)
		}
	}
}

// misread takes note of a message that cannot be read, as those of a newer version may
// be: what it said is lost here, and heads will tell.
func (b *Bus) misread(t chat.Topic, err error) {
	n := b.unreadable.Add(1)
	if n&(n-1) == 0 { // rarer and rarer
		b.o.Logger.Warn("bus: message not understood", "kind", int(t.Kind), "error", err, "until_now", n)
	}
	b.inbox[0].resync()
}

func (b *Bus) heard(t chat.Topic) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.topics[t]
	return s != nil && s.count > 0
}

// BusStats are figures for metrics.
type BusStats struct {
	Topics     int   // heard by this node
	Links      int   // connections to nodes of Redis that there should be
	LinksUp    int   // and are
	DroppedIn  int64 // events and outcomes that the sink was too slow for, ever
	DroppedOut int64 // events and outcomes that Redis did not take, ever
	Resyncs    int64 // calls of Sink.Resync, ever
	LostLinks  int64 // connections that were lost, ever
	Unreadable int64 // messages that this program could not read, ever
}

// Stats tells how the bus does.
func (b *Bus) Stats() BusStats {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := BusStats{
		Links: len(b.links), DroppedIn: b.droppedIn.Load(), DroppedOut: b.droppedOut.Load(),
		Resyncs: b.resyncs.Load(), LostLinks: b.lostLinks.Load(), Unreadable: b.unreadable.Load(),
	}
	for t, sub := range b.topics {
		if sub.count > 0 && t.Kind < topicNode {
			s.Topics++
		}
	}
	for _, l := range b.links {
		if l.up {
			s.LinksUp++
		}
	}
	if s.Links == 0 { // Redis has not been reached yet
		s.Links = len(b.client.cfg.Hosts)
	}
	return s
}

// Whole reports whether this node hears everything that others publish: it has all
// its connections, every topic is confirmed, and the sink has been told of whatever was
// missed before. A connection that went dumb is noticed within four seconds.
func (b *Bus) Whole() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if len(b.links) == 0 || b.stale.Load() {
		return false
	}
	for _, l := range b.links {
		if !l.up || l.owes || l.behind {
			return false
		}
	}
	return !b.inbox[0].owes()
}
