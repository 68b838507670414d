package kafka

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/parley-chat/parley/internal/chat"
)

func TestOpenMakesTheTopics(t *testing.T) {
	c := fake(t)
	l, _ := openLog(t, urlOf(c, "?partitions=5"))
	if l.Partitions() != 5 || !l.Durable() || !strings.HasPrefix(l.Identity(), "kafka:") {
		t.Errorf("got %d partitions, durable %v, identity %s", l.Partitions(), l.Durable(), l.Identity())
	}
	for name, partitions := range map[string]int{"parley.commands": 5, "parley.entries": 5, "parley.dead": 1} {
		info := c.TopicInfo(name)
		if info == nil {
			t.Errorf("topic %s was not made", name)
		} else if got := len(c.PartitionInfos(name)); got != partitions {
			t.Errorf("topic %s: got %d partitions, want %d", name, got, partitions)
		}
	}
	settings := c.TopicInfo("parley.commands").Configs
	for key, want := range map[string]string{
		"cleanup.policy": "delete", "retention.ms": "604800000", "min.insync.replicas": "2", "unclean.leader.election.enable": "false",
	} {
		if got := settings[key]; got == nil || *got != want {
			t.Errorf("%s: got %v, want %s", key, got, want)
		}
	}
	if err := l.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if again, _ := openLog(t, urlOf(c, "")); again.Identity() != l.Identity() || again.Partitions() != 5 {
		t.Errorf("opened again: got %s of %d, want %s of 5", again.Identity(), again.Partitions(), l.Identity())
	}
}

func TestOpenOnOneBroker(t *testing.T) {
	for options, want := range map[string]string{"?partitions=1": "", "?partitions=1&flush=true": "1"} {
		t.Run(options, func(t *testing.T) {
			c := fake(t, kfake.NumBrokers(1))
			openLog(t, urlOf(c, options))
			settings := c.TopicInfo("parley.commands").Configs
			got := ""
			if p := settings["flush.messages"]; p != nil {
				got = *p
			}
			if least := settings["min.insync.replicas"]; got != want || least == nil || *least != "1" {
				t.Errorf("got flush.messages %q, want %q, with one replica in sync", got, want)
			}
		})
	}
}

// Brokers that start together take a while to know one another; the log keeps the
// number of copies it is born with.
func TestOpenWaitsForTheBrokersThatAreNamed(t *testing.T) {
	c := fake(t, kfake.NumBrokers(1))
	first := c.ListenAddrs()[0]
	var later []int
	for range 2 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at, err := netip.ParseAddrPort(free.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		later = append(later, int(at.Port()))
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	c.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if asked++; asked == 3 {
			go func() { // a control function must not wait for the cluster
				for _, port := range later {
					if _, _, err := c.AddNode(-1, port); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		return nil, nil, false
	})
	openLog(t, fmt.Sprintf("kafka://%s,127.0.0.1:%d,127.0.0.1:%d?partitions=2", first, later[0], later[1]))
	if least := c.TopicInfo("parley.commands").Configs["min.insync.replicas"]; least == nil || *least != "2" {
		t.Errorf("got min.insync.replicas %v, want that of three copies", least)
	}
}

func TestOpenOfSeveralNodesAtOnce(t *testing.T) {
	c := fake(t)
	var wait sync.WaitGroup
	ids := make([]string, 4)
	for i := range ids {
		wait.Go(func() {
			l, _, err := tryOpen(t, urlOf(c, "?partitions=3"))
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = l.Identity()
			_ = l.Close(context.Background())
		})
	}
	wait.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("got identity %s, want %s", id, ids[0])
		}
	}
}

// TestOpenOfATopicThatIsNotKnownEverywhere: brokers learn of a new topic one after the other.
func TestOpenOfATopicThatIsNotKnownEverywhere(t *testing.T) {
	c := fake(t)
	fault := c.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.UnknownTopicOrPartition, Count: 2},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "parley.commands", Err: kerr.LeaderNotAvailable, Count: 2},
	)
	openLog(t, urlOf(c, "?partitions=2"))
	if fault.Hits() < 3 {
		t.Errorf("got %d faults, want some of both", fault.Hits())
	}
}

func TestOpenRefusesAnotherNumberOfPartitions(t *testing.T) {
	c := fake(t)
	openLog(t, urlOf(c, "?partitions=5"))
	if _, _, err := tryOpen(t, urlOf(c, "?partitions=6")); err == nil || !strings.Contains(err.Error(), "has 5 partitions") {
		t.Errorf("got %v, want an error that tells the number", err)
	}
}

func TestOpenRefusesACompactedTopic(t *testing.T) {
	c := fake(t)
	if err := c.CreateTopic("parley.commands", 3, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tryOpen(t, urlOf(c, "")); err == nil || !strings.Contains(err.Error(), "compacted") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestATopicMadeAnewIsAnotherLog(t *testing.T) {
	c := fake(t)
	l, _ := openLog(t, urlOf(c, "?partitions=2"))
	if err := c.DeleteTopic("parley.commands"); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic("parley.commands", 2, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("ping: got %v, want an error", err)
	}
	again, _ := openLog(t, urlOf(c, ""))
	if again.Identity() == l.Identity() {
		t.Errorf("got the same identity %s for another topic", l.Identity())
	}
}

func TestOpenWithoutBrokersEndsWithTheContext(t *testing.T) {
	cfg, err := ParseURL("kafka://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, cfg, Options{}); err == nil {
		t.Error("got a log, want an error")
	}
}

func TestAppendedRecordsComeInOrder(t *testing.T) {
	l, gone := openLog(t, urlOf(fake(t), "?partitions=4"))
	s := newTable()
	run(t, l, s.own)
	var wait sync.WaitGroup
	for c := range 20 {
		wait.Go(func() {
			for i := range 100 {
				if err := l.Append(t.Context(), record(conversation(c), i)); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	wait.Wait()
	eventually(t, "2,000 records applied", func() bool { return s.count() == 2000 })
	s.wantAll(t, upTo(20), 100)
	if gone.count() != 0 || s.fenced != 0 {
		t.Errorf("got %d lost and %d fenced, want none", gone.count(), s.fenced)
	}
	got := s.byConv[conversation(3)][7]
	want := record(conversation(3), 7)
	if got.Command.Text != want.Command.Text || got.Node != want.Node || got.Rules != want.Rules || got.Command.At != want.Command.At {
		t.Errorf("got %+v, want %+v", got, want)
	}
	eventually(t, "no lag", func() bool {
		stats := l.Stats()
		var lag int64
		for _, p := range stats.Owned {
			lag += p.Lag
		}
		return len(stats.Owned) == 4 && lag == 0 && stats.Pending == 0 && stats.PendingBytes == 0
	})
}

func TestAppendingIsMeasured(t *testing.T) {
	l, _ := openLog(t, urlOf(fake(t), ""))
	var began, ended atomic.Int64
	l.Measure(func() func() {
		began.Add(1)
		return func() { ended.Add(1) }
	})
	for range 3 {
		if err := l.Append(t.Context(), record(conversation(1), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.producer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if began.Load() != 3 || ended.Load() != 3 {
		t.Errorf("got %d begun and %d ended, want 3", began.Load(), ended.Load())
	}
}

func TestAppendRefusesWhatIsTooLargeOrTooLate(t *testing.T) {
	l, _ := openLog(t, urlOf(fake(t), "?partitions=1"))
	big := record(conversation(1), 1)
	big.Command.Text = strings.Repeat("x", maxRecordBytes/2)
	if err := l.Append(t.Context(), big); !errors.Is(err, chat.ErrTooLarge) {
		t.Errorf("got %v, want too_large", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(ctx, record(conversation(1), 2)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestAppendRefusesMoreThanItsBound(t *testing.T) {
	l, _ := openLog(t, urlOf(fake(t), "?partitions=1"))
	l.pending.Store(maxBuffered)
	if err := l.Append(t.Context(), record(conversation(1), 1)); !errors.Is(err, chat.ErrOverloaded) {
		t.Errorf("got %v, want overloaded", err)
	}
	if got := l.Stats().Pending; got != maxBuffered {
		t.Errorf("got %d pending after a refusal, want %d", got, maxBuffered)
	}
	l.pending.Store(0)
	mustAppend(t, l, record(conversation(1), 2))
}

func TestLagIsCountedWhileAnOwnerStands(t *testing.T) {
	l, _ := openLog(t, urlOf(fake(t), "?partitions=1"))
	run(t, l, func(ctx context.Context, p chat.Partition) error {
		if _, err := p.Fetch(ctx, 0, 1); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	for i := range 50 {
		mustAppend(t, l, record(conversation(1), i))
	}
	eventually(t, "a lag of 49", func() bool {
		stats := l.Stats()
		return len(stats.Owned) == 1 && stats.Owned[0].Lag == 49
	})
}

func TestReadAheadIsBounded(t *testing.T) {
	l, _ := openLog(t, urlOf(fake(t), "?partitions=1"))
	const all = 3 * bufferedPerPartition
	go func() {
		for i := range all {
			if l.Append(t.Context(), record(conversation(1), i)) != nil {
				return
			}
		}
	}()
	begin := make(chan struct{})
	s := newTable()
	run(t, l, func(ctx context.Context, p chat.Partition) error {
		if next, _ := s.position(p.ID()); next == 0 {
			records, err := p.Fetch(ctx, 0, 1)
			if err != nil {
				return err
			}
			select {
			case <-begin:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := s.commit(p.ID(), 0, records); err != nil {
				return err
			}
		}
		return s.own(ctx, p)
	})
	eventually(t, "a full buffer", func() bool {
		l.mu.Lock()
		r := l.reader
		l.mu.Unlock()
		if r == nil {
			return false
		}
		for _, p := range r.snapshot() {
			p.mu.Lock()
			full := p.paused
			if len(p.buf) > all-1 {
				t.Errorf("%d records are read ahead of their owner, want a bound", len(p.buf))
			}
			p.mu.Unlock()
			if full {
				return true
			}
		}
		return false
	})
	close(begin)
	eventually(t, "all records applied", func() bool { return s.count() == all })
	s.wantAll(t, []int{1}, all)
}

func TestUnreadableRecordsArePutAside(t *testing.T) {
	c := fake(t)
	l, _ := openLog(t, urlOf(c, "?partitions=1"))
	foreign, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("parley.commands"))
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	mustAppend(t, l, record(conversation(1), 0))
	eventually(t, "the first record taken", func() bool { return l.Stats().Pending == 0 })
	moved, err := json.Marshal(record(conversation(1), 9))
	if err != nil {
		t.Fatal(err)
	}
	other := conversation(2)
	for _, junk := range []*kgo.Record{{Value: []byte("{broken")}, {Value: nil}, {Key: other[:], Value: moved}} {
		if err := foreign.ProduceSync(t.Context(), junk).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend(t, l, record(conversation(1), 1))
	s := newTable()
	run(t, l, s.own)
	eventually(t, "the record after the junk", func() bool { next, _ := s.position(chat.PartitionID{Log: l.Identity()}); return next == 5 })
	for i, r := range s.applied[chat.PartitionID{Log: l.Identity()}] {
		if empty := r.ID.IsZero(); empty != (i >= 1 && i <= 3) || r.Offset != int64(i) {
			t.Errorf("record %d: got %+v", i, r)
		}
	}
	if got := l.Stats().Unreadable; got != 3 {
		t.Errorf("got %d unreadable, want 3", got)
	}
	dead := readTopic(t, c, "parley.dead", 3)
	if string(dead[0].Value) != "{broken" || header(dead[0], "reason") == "" || header(dead[0], "source") != "parley.commands/0/1" {
		t.Errorf("got %s with %q of %q", dead[0].Value, header(dead[0], "reason"), header(dead[0], "source"))
	}
	if got := header(dead[2], "reason"); !strings.Contains(got, "key") {
		t.Errorf("got reason %q, want one about the key", got)
	}
}

// A record of a newer program may be of a form that this one cannot read. It is not taken
// for junk, which would lose it: the owner sees the rules, and leaves it to others.
func TestRecordsOfNewerRulesAreNotJunk(t *testing.T) {
	c := fake(t)
	l, _ := openLog(t, urlOf(c, "?partitions=1"))
	other, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic("parley.commands"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	newer := chat.RulesVersion + 1
	form := fmt.Sprintf(`{"id":7,"rules":%d,"command":["another form"]}`, newer)
	key := fmt.Sprintf(`{"id":%q,"rules":%d,"node":"n","command":{"kind":"message.fly"}}`, chat.RecordID{1}, newer)
	junk := fmt.Sprintf(`{"id":7,"rules":%d}`, chat.RulesVersion)
	for _, value := range []string{form, key, junk} {
		if err := other.ProduceSync(t.Context(), &kgo.Record{Key: []byte("k"), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan *chat.Record, 3)
	run(t, l, func(ctx context.Context, p chat.Partition) error {
		for from := int64(0); ; {
			records, err := p.Fetch(ctx, from, 10)
			if err != nil {
				return err
			}
			for _, r := range records {
				got <- r
			}
			from += int64(len(records))
		}
	})
	for i, want := range []int{newer, newer, 0} {
		select {
		case r := <-got:
			if r.Rules != want || r.Offset != int64(i) {
				t.Errorf("record %d: got rules %d at %d, want rules %d", i, r.Rules, r.Offset, want)
			}
		case <-t.Context().Done():
			t.Fatal("the test ended before the records came")
		case <-time.After(time.Minute):
			t.Fatalf("record %d did not come", i)
		}
	}
	if got := l.Stats().Unreadable; got != 1 {
		t.Errorf("got %d put aside, want the one of rules that this program should know", got)
	}
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func readTopic(t *testing.T, c *kfake.Cluster, topic string, n int) []*kgo.Record {
	t.Helper()
	return readRecords(t, c.ListenAddrs(), topic, n)
}

func readRecords(t *testing.T, brokers []string, topic string, n int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n && ctx.Err() == nil {
		out = append(out, client.PollFetches(ctx).Records()...)
	}
	if len(out) != n {
		t.Fatalf("%s: got %d records, want %d", topic, len(out), n)
	}
	return out
}

func TestPublishEntries(t *testing.T) {
	c := fake(t)
	l, _ := openLog(t, urlOf(c, "?partitions=3"))
	var entries []*chat.Entry
	var texts [][]byte
	for i := range 30 {
		e := &chat.Entry{ConversationID: conversation(i % 3), Seq: chat.Seq(1 + i/3), At: chat.Time(1000 * i), Kind: chat.KindMessage, Text: "hello"}
		entries, texts = append(entries, e), append(texts, e.AppendJSON(nil))
	}
	if err := l.PublishEntries(t.Context(), entries, texts); err != nil {
		t.Fatal(err)
	}
	last := make(map[string]chat.Seq)
	for _, r := range readTopic(t, c, "parley.entries", 30) {
		e, err := chat.DecodeEntry(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		if string(r.Key) != e.ConversationID.String() {
			t.Errorf("got key %s, want %s", r.Key, e.ConversationID)
		}
		if e.Seq != last[string(r.Key)]+1 {
			t.Errorf("%s: got seq %d after %d", r.Key, e.Seq, last[string(r.Key)])
		}
		last[string(r.Key)] = e.Seq
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.PublishEntries(ctx, entries, texts); err == nil {
		t.Error("with an ended context: got no error, want one")
	}
}

func TestSecureConnections(t *testing.T) {
	dir := t.TempDir()
	ca, certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	authority := newAuthority(t)
	authority.write(t, ca, certFile, keyFile)
	server := &tls.Config{Certificates: []tls.Certificate{authority.issue(t)}, MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			c := fake(t, kfake.TLS(server), kfake.EnableSASL(), kfake.Superuser(mechanism, "us@er", "pa/ss"))
			base := "kafka://us%40er:pa%2Fss@" + strings.Join(c.ListenAddrs(), ",")
			options := fmt.Sprintf("?partitions=2&tls=true&ca=%s&cert=%s&key=%s&sasl=%s", ca, certFile, keyFile, strings.ToLower(mechanism))
			l, _ := openLog(t, base+options)
			s := newTable()
			run(t, l, s.own)
			mustAppend(t, l, record(conversation(1), 0))
			eventually(t, "the record", func() bool { return s.count() == 1 })

			_, _, err := tryOpen(t, strings.Replace(base, "pa%2Fss", "wrong", 1)+options)
			if err == nil || strings.Contains(err.Error(), "wrong") {
				t.Errorf("with a wrong password: got %v, want an error without it", err)
			}
			other := filepath.Join(t.TempDir(), "other.pem")
			newAuthority(t).write(t, other, other+".cert", other+".key")
			if _, _, err := tryOpen(t, base+strings.Replace(options, ca, other, 1)); err == nil {
				t.Error("with another authority: got a log, want an error")
			}
		})
	}
}
