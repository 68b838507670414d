package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// rebalanceTimeout is how long an owner may take to end when its partition is
	// taken away; then others start without waiting for it, and the store fences it.
	rebalanceTimeout = 15 * time.Second
	leaveTimeout     = 3 * time.Second
	// heartbeat is how soon a node learns at the latest that others come or go; until
	// all have, the partitions that change hands stand still.
	heartbeat = 250 * time.Millisecond
	// resignation is how long a node that is too old leaves the partitions to others: by
	// then it has been replaced, or they are gone.
	resignation  = 5 * time.Minute
	firstPause   = 20 * time.Millisecond
	longestPause = 2 * time.Second
)

// Own implements chat.Log: it joins the consumer group and runs own for each
// partition that the group gives to this node. When a partition is taken away,
// its own has returned before the group gives it to somebody else. A node whose own met
// newer rules leaves the group to others for some minutes. A log that began without
// brokers is looked for here; that it cannot be used is an error then. Call it once.
func (l *Log) Own(ctx context.Context, own func(context.Context, chat.Partition) error) error {
	if err := l.find(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	reader, err := newReader(l)
	if err != nil {
		return fmt.Errorf("own partitions: %w", err)
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	defer reader.close()
	l.setReader(reader)
	defer l.setReader(nil)
	wait.Go(func() { reader.run(ctx) })
	for ctx.Err() == nil {
		resigned, err := l.serve(ctx, reader, own)
		if err != nil || !resigned {
			return err
		}
		l.opts.Logger.Warn("this program is older than others: its partitions are left to them", "for", resignation)
		select {
		case <-ctx.Done():
		case <-time.After(resignation):
		}
	}
	return nil
}

// serve is a member of the group until ctx ends, or the node resigns, or the group
// cannot be used at all.
func (l *Log) serve(ctx context.Context, reader *reader, own func(context.Context, chat.Partition) error) (resigned bool, err error) {
	// The claims outlive ctx by a moment: they end with it, and are waited for here.
	member, resign := context.WithCancel(ctx)
	defer resign()
	o := &owner{log: l, reader: reader, own: own, resign: resign, claims: make(map[int32]*claim)}
	group, err := l.join(member, o)
	if err != nil {
		return false, fmt.Errorf("own partitions: %w", err)
	}
	err = l.watch(member, group)
	o.loseAll()
	// Leaving makes others take over at once, not after the session's end.
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := group.LeaveGroupContext(leave); err != nil {
		l.opts.Logger.Warn("consumer group not left", "error", err)
	}
	group.Close()
	return member.Err() != nil && ctx.Err() == nil, err
}

// join makes the client whose only task is to tell what this node owns: its
// fetching is paused for good, for the store decides what is read from where.
func (l *Log) join(ctx context.Context, o *owner) (*kgo.Client, error) {
	topic := l.cfg.Topic
	group, err := kgo.NewClient(l.cfg.client(
		kgo.ConsumerGroup(topic),
		kgo.ConsumeTopics(topic),
		kgo.Balancers(balancer(l.opts.Alone)),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(l.cfg.Session),
		kgo.HeartbeatInterval(heartbeat),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { o.gain(ctx, m[topic]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { o.lose(m[topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { o.lose(m[topic]) }),
	)...)
	if err != nil {
		return nil, fmt.Errorf("join consumer group: %w", err)
	}
	group.PauseFetchTopics(topic)
	return group, nil
}

// balancer says how the group shares partitions out. Members of a group have to have
// a way of sharing in common, or the brokers refuse whoever comes later: a program that
// must be alone has one of its own.
func balancer(alone string) kgo.GroupBalancer {
	cooperative := kgo.CooperativeStickyBalancer()
	if alone == "" {
		return cooperative
	}
	return hermit{cooperative, "parley-alone-" + alone}
}

type hermit struct {
	kgo.GroupBalancer
	name string
}

// ProtocolName implements kgo.GroupBalancer.
func (h hermit) ProtocolName() string { return h.name }

// hopeless are the errors of a group that waiting does not mend.
var hopeless = []error{
	kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.SaslAuthenticationFailed,
	kerr.InvalidSessionTimeout, kerr.UnsupportedVersion,
}

// watch waits until ctx ends, or the group cannot be used at all.
func (l *Log) watch(ctx context.Context, group *kgo.Client) error {
	for {
		fetches := group.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end that the caller asked for
		}
		for _, failed := range fetches.Errors() {
			if errors.Is(failed.Err, kerr.InconsistentGroupProtocol) {
				return fmt.Errorf("own partitions: %w", ErrNotAlone)
			}
			for _, fatal := range hopeless {
				if errors.Is(failed.Err, fatal) {
					return fmt.Errorf("own partitions: %w", failed.Err)
				}
			}
			l.opts.Logger.Warn("consumer group", "error", failed.Err)
		}
	}
}

// owner keeps one claim for each partition that this node owns.
type owner struct {
	log    *Log
	reader *reader
	own    func(context.Context, chat.Partition) error
	resign func() // ends the membership; loseAll follows

	mu     sync.Mutex
	claims map[int32]*claim
}

// claim is one partition owned: the goroutine that runs own.
type claim struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func (o *owner) gain(ctx context.Context, partitions []int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range partitions {
		if o.claims[p] != nil {
			continue
		}
		claimCtx, cancel := context.WithCancel(ctx)
		c := &claim{cancel: cancel, done: make(chan struct{})}
		o.claims[p] = c
		go func() {
			defer close(c.done)
			o.hold(claimCtx, p)
		}()
	}
}

// hold runs own again and again until the partition is taken away, with a pause
// that grows as long as own gets nowhere.
func (o *owner) hold(ctx context.Context, id int32) {
	pause := firstPause
	for ctx.Err() == nil {
		p := o.reader.open(id)
		err := o.own(ctx, p)
		p.close()
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, chat.ErrNewerRules) {
			o.log.opts.Logger.Warn("partition given up", "partition", id, "error", err)
			o.resign()
			return
		}
		if p.advanced {
			pause = firstPause
		}
		o.log.opts.Logger.Warn("partition given up; starting again", "partition", id, "pause", pause, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// lose ends claims and waits for their end, so that the next owner starts after
// this one has stopped writing.
func (o *owner) lose(partitions []int32) {
	o.mu.Lock()
	var ended []*claim
	for _, p := range partitions {
		if c := o.claims[p]; c != nil {
			c.cancel()
			ended = append(ended, c)
			delete(o.claims, p)
		}
	}
	o.mu.Unlock()
	for _, c := range ended {
		<-c.done
	}
}

func (o *owner) loseAll() {
	o.mu.Lock()
	all := make([]int32, 0, len(o.claims))
	for p := range o.claims {
		all = append(all, p)
	}
	o.mu.Unlock()
	o.lose(all)
}
