package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// brokersTimeout bounds the waiting for brokers that are named and not there yet,
// before a topic is made.
const brokersTimeout = 5 * time.Second

// topicSpec is a topic as it should be born.
type topicSpec struct {
	name       string
	partitions int32
	replicas   int16 // 0: three, or as many as there are brokers
	named      int   // brokers in the configuration
	retention  time.Duration
	flush      bool // write each record to the disk before it counts
}

// ensureTopic looks at a topic, makes it if it is missing, and waits until all
// of it is known. It changes nothing of a topic that exists.
func ensureTopic(ctx context.Context, admin *kadm.Client, spec topicSpec) (kadm.TopicDetail, error) {
	made := false
	for {
		topics, err := admin.ListTopics(ctx, spec.name)
		if err != nil {
			return kadm.TopicDetail{}, fmt.Errorf("look at topic %s: %w", spec.name, err)
		}
		t := topics[spec.name]
		switch {
		case t.Err == nil && len(t.Partitions) > 0:
			return t, nil
		case t.Err != nil && !errors.Is(t.Err, kerr.UnknownTopicOrPartition) && !kerr.IsRetriable(t.Err):
			return t, fmt.Errorf("look at topic %s: %w", spec.name, t.Err)
		case !made && errors.Is(t.Err, kerr.UnknownTopicOrPartition):
			if err := createTopic(ctx, admin, spec); err != nil {
				return t, err
			}
			made = true
			continue
		}
		select { // a topic that was just made takes a moment to be known
		case <-ctx.Done():
			return t, fmt.Errorf("look at topic %s: %w", spec.name, errors.Join(t.Err, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// createTopic makes a topic that keeps what it acknowledged: with three copies or
// more, two must have a record before it counts. A broker has it in the memory of
// its machine then, which outlives the process; where one machine's power is all
// there is, flush makes a record count when it is on the disk.
func createTopic(ctx context.Context, admin *kadm.Client, spec topicSpec) error {
	if spec.replicas == 0 {
		brokers, err := countBrokers(ctx, admin, min(3, spec.named))
		if err != nil {
			return err
		}
		spec.replicas = int16(min(3, max(1, brokers)))
	}
	configs := map[string]string{
		"cleanup.policy":                 "delete",
		"retention.ms":                   "-1",
		"retention.bytes":                "-1",
		"max.message.bytes":              strconv.Itoa(maxRecordBytes + 4096),
		"unclean.leader.election.enable": "false",
	}
	if spec.retention > 0 {
		configs["retention.ms"] = strconv.FormatInt(spec.retention.Milliseconds(), 10)
		// What is too old goes with its segment, so segments must end in time.
		configs["segment.ms"] = strconv.FormatInt(max(spec.retention/7, time.Hour).Milliseconds(), 10)
	}
	configs["min.insync.replicas"] = "1"
	if spec.replicas >= 3 {
		configs["min.insync.replicas"] = "2"
	}
	if spec.flush {
		configs["flush.messages"] = "1"
	}
	pointers := make(map[string]*string, len(configs))
	for key, value := range configs {
		pointers[key] = &value
	}
	_, err := admin.CreateTopic(ctx, spec.partitions, spec.replicas, pointers, spec.name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // another node was faster
		return fmt.Errorf("make topic %s: %w", spec.name, err)
	}
	return nil
}

// countBrokers waits a while for so many brokers as are expected: brokers that start
// together take some seconds to know one another, and a topic keeps the number of
// copies it was born with.
func countBrokers(ctx context.Context, admin *kadm.Client, expected int) (int, error) {
	late := time.After(brokersTimeout)
	for {
		brokers, err := admin.ListBrokers(ctx)
		if err != nil {
			return 0, fmt.Errorf("count brokers: %w", err)
		}
		if len(brokers) >= expected {
			return len(brokers), nil
		}
		select {
		case <-ctx.Done():
			return len(brokers), nil
		case <-late:
			return len(brokers), nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// checkPlain refuses a topic that may lose records by design, for their absence
// would look like damage. It asks again until the broker knows the topic: one that
// was just made is not known to all at once.
func checkPlain(ctx context.Context, admin *kadm.Client, name string) error {
	for {
		policy, err := cleanupPolicy(ctx, admin, name)
		switch {
		case err == nil && strings.Contains(policy, "compact"):
			return fmt.Errorf("topic %s is compacted: that would take records out of the log", name)
		case err == nil, errors.Is(err, kerr.TopicAuthorizationFailed): // not ours to see: whoever made the topic answers for it
			return nil
		case !errors.Is(err, kerr.UnknownTopicOrPartition):
			return fmt.Errorf("look at the settings of topic %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("look at the settings of topic %s: %w", name, errors.Join(err, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func cleanupPolicy(ctx context.Context, admin *kadm.Client, name string) (string, error) {
	all, err := admin.DescribeTopicConfigs(ctx, name)
	if err != nil {
		return "", err
	}
	settings, err := all.On(name, nil)
	if err = errors.Join(err, settings.Err); err != nil {
		return "", err
	}
	for _, c := range settings.Configs {
		if c.Key == "cleanup.policy" && c.Value != nil {
			return *c.Value, nil
		}
	}
	return "", nil
}

// Reach asks the brokers what is there, without making anything, and says it in
// a few words. It waits for them as long as ctx lasts.
func Reach(ctx context.Context, cfg *Config) (string, error) {
	client, err := kgo.NewClient(cfg.client()...)
	if err != nil {
		return "", fmt.Errorf("reach the log: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		return "", fmt.Errorf("no broker of %s answers: %w", strings.Join(cfg.Brokers, ", "), err)
	}
	topics, err := admin.ListTopics(ctx, cfg.Topic)
	if err != nil {
		return "", fmt.Errorf("reach the log: look at topic %s: %w", cfg.Topic, err)
	}
	t := topics[cfg.Topic]
	found := fmt.Sprintf("Kafka with %d broker(s), topic %s", len(brokers), cfg.Topic)
	switch {
	case errors.Is(t.Err, kerr.UnknownTopicOrPartition):
		return found + " is made by the first start", nil
	case t.Err != nil:
		return "", fmt.Errorf("reach the log: look at topic %s: %w", cfg.Topic, t.Err)
	case cfg.Partitions != 0 && len(t.Partitions) != int(cfg.Partitions):
		return "", fmt.Errorf("topic %s has %d partitions, the configuration says %d: the number is fixed when the topic is made",
			cfg.Topic, len(t.Partitions), cfg.Partitions)
	}
	return fmt.Sprintf("%s of %d partitions", found, len(t.Partitions)), nil
}
