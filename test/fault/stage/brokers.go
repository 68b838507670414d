package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// groupsTopic is where brokers keep consumer groups: the leader of a group's partition
// is its coordinator.
const groupsTopic = "__consumer_offsets"

const (
	brokersTimeout = 20 * time.Second
	brokersPause   = 100 * time.Millisecond
)

// await waits until all brokers know of each other: topics that are made before that
// get fewer copies.
func (e *Engines) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(e.kafka, ",")...))
	if err != nil {
		return fmt.Errorf("wait for the brokers: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for {
		brokers, err := admin.ListBrokers(ctx)
		if err == nil && len(brokers) >= len(e.Brokers) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d brokers know of each other: %w", len(brokers), len(e.Brokers), errors.Join(err, ctx.Err()))
		}
		wait(ctx, brokersPause)
	}
}

// MoveLeaders has other brokers lead every partition of the log; nobody dies.
func (e *Engines) MoveLeaders(ctx context.Context) error { return e.move(ctx, e.topic) }

// MoveCoordinators has other brokers coordinate every consumer group; nobody dies.
func (e *Engines) MoveCoordinators(ctx context.Context) error { return e.move(ctx, groupsTopic) }

// move makes the next broker of each partition's replicas the preferred one, and has
// the preferred ones elected.
func (e *Engines) move(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, brokersTimeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(e.kafka, ",")...))
	if err != nil {
		return fmt.Errorf("move leaders: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopicsWithInternal(ctx, topic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return fmt.Errorf("move leaders: %w", err)
	}
	order, all := kadm.AlterPartitionAssignmentsReq{}, kadm.TopicsSet{}
	for id, p := range topics[topic].Partitions {
		if next, ok := following(p); ok {
			others := slices.DeleteFunc(slices.Clone(p.Replicas), func(b int32) bool { return b == next })
			order.Assign(topic, id, append([]int32{next}, others...))
			all.Add(topic, id)
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("move leaders of %s: no partition has a second broker in sync", topic)
	}
	// The same brokers in another order: there is nothing to copy.
	altered, err := admin.AlterPartitionAssignments(ctx, order)
	if err == nil {
		err = altered.Error()
	}
	if err != nil {
		return fmt.Errorf("move leaders: %w", err)
	}
	elected, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, all)
	if err != nil {
		return fmt.Errorf("move leaders: %w", err)
	}
	for id, r := range elected[topic] {
		if r.Err != nil && !errors.Is(r.Err, kerr.ElectionNotNeeded) && !errors.Is(r.Err, kerr.PreferredLeaderNotAvailable) {
			return fmt.Errorf("move the leader of %s %d: %w", topic, id, r.Err)
		}
	}
	return nil
}

// following gives the broker after a partition's leader, of those that are in sync.
func following(p kadm.PartitionDetail) (int32, bool) {
	insync := slices.Sorted(slices.Values(p.ISR))
	at := slices.Index(insync, p.Leader)
	if at < 0 || len(insync) < 2 {
		return 0, false
	}
	return insync[(at+1)%len(insync)], true
}
