package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/parley-chat/parley/internal/chat"
)

// The fake stands below the adapter: it speaks Kafka's protocol on loopback.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	t.Parallel() // most of a test's time is waiting
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func urlOf(c *kfake.Cluster, rest string) string {
	return "kafka://" + strings.Join(c.ListenAddrs(), ",") + rest
}

// lost collects the outcomes of records that the brokers did not take.
type lost struct {
	mu  sync.Mutex
	all map[chat.RecordID]*chat.Error
}

func (l *lost) add(outcomes []chat.Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[chat.RecordID]*chat.Error)
	}
	for _, o := range outcomes {
		l.all[o.RecordID] = o.Err
	}
}

func (l *lost) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

func (l *lost) has(id chat.RecordID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[id] != nil
}

func openLog(t testing.TB, url string) (*Log, *lost) {
	t.Helper()
	l, gone, err := tryOpen(t, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = l.Close(ctx) // some tests leave no broker to close with
	})
	return l, gone
}

func tryOpen(t testing.TB, url string) (*Log, *lost, error) {
	t.Helper()
	cfg, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	gone := new(lost)
	l, err := Open(ctx, cfg, Options{Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil)), Lost: gone.add})
	return l, gone, err
}

// testWriter shows the log's words with the test they belong to, while it runs.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", b)
	}
	return len(b), nil
}

func conversation(n int) chat.ConversationID {
	var id chat.ConversationID
	binary.BigEndian.PutUint64(id[8:], uint64(n)*0x9e3779b97f4a7c15)
	id[0] = 1
	return id
}

// record makes the n-th record of a conversation.
func record(c chat.ConversationID, n int) *chat.Record {
	var id chat.RecordID
	copy(id[:8], c[8:])
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return &chat.Record{ID: id, Rules: chat.RulesVersion, Node: "test", Command: chat.Command{
		Kind: chat.CmdSend, ConversationID: c, ActorID: chat.UserID{1}, At: chat.Time(n), ClientID: fmt.Sprint(n), Text: fmt.Sprintf("text %d", n),
	}}
}

// table keeps positions and what was applied, as a store does: all or nothing,
// and only for the owner that knows where the partition stands.
type table struct {
	mu       sync.Mutex
	next     map[chat.PartitionID]int64
	prev     map[chat.PartitionID]int64
	applied  map[chat.PartitionID][]*chat.Record
	fenced   int
	byConv   map[chat.ConversationID][]*chat.Record
	distinct map[chat.RecordID]bool
}

func newTable() *table {
	return &table{
		next: make(map[chat.PartitionID]int64), prev: make(map[chat.PartitionID]int64), applied: make(map[chat.PartitionID][]*chat.Record),
		byConv: make(map[chat.ConversationID][]*chat.Record), distinct: make(map[chat.RecordID]bool),
	}
}

func (s *table) position(p chat.PartitionID) (next, prev int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next[p], s.prev[p]
}

func (s *table) commit(p chat.PartitionID, from int64, records []*chat.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next[p] != from {
		s.fenced++
		return chat.ErrFenced
	}
	s.prev[p], s.next[p] = from, from+int64(len(records))
	s.applied[p] = append(s.applied[p], records...)
	for _, r := range records {
		if s.distinct[r.ID] {
			continue // an Append that was repeated; Apply knows it by its client id
		}
		s.distinct[r.ID] = true
		s.byConv[r.Command.ConversationID] = append(s.byConv[r.Command.ConversationID], r)
	}
	return nil
}

func (s *table) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.distinct)
}

// own is what an owner does, without the rules of chat.
func (s *table) own(ctx context.Context, p chat.Partition) error {
	next, prev := s.position(p.ID())
	start, err := p.Start(ctx, next, prev)
	if err != nil {
		return err
	}
	if start < next { // the last batch again, to be published once more
		for at := start; at < next; {
			records, err := p.Fetch(ctx, at, int(next-at))
			if err != nil {
				return err
			}
			at += int64(len(records))
		}
	}
	for {
		records, err := p.Fetch(ctx, next, 100)
		if err != nil {
			return err
		}
		for i, r := range records {
			if r.Offset != next+int64(i) {
				return fmt.Errorf("record %d of a fetch from %d has offset %d", i, next, r.Offset)
			}
		}
		if err := s.commit(p.ID(), next, records); err != nil {
			return err
		}
		next += int64(len(records))
	}
}

// run starts an owner in a goroutine of its own and gives a function that ends it.
func run(t testing.TB, l *Log, own func(context.Context, chat.Partition) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Own(ctx, own) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("own: %v", err)
				}
			case <-time.After(time.Minute):
				t.Error("own did not return within a minute of its end")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits for something that others bring about; two minutes are far
// more than any of it takes, so that a slow machine fails nothing.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("within 2 minutes: got nothing of it, want %s", what)
}

// mustAppend appends as a sender does: again, when the log cannot take it now.
func mustAppend(t *testing.T, l *Log, r *chat.Record) {
	t.Helper()
	if err := l.Append(t.Context(), r); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// wantAll checks that each conversation's records were applied, in order.
func (s *table) wantAll(t *testing.T, conversations []int, records int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range conversations {
		got := s.byConv[conversation(c)]
		if len(got) != records {
			t.Errorf("conversation %d: got %d records, want %d", c, len(got), records)
			continue
		}
		for i, r := range got {
			if r.ID != record(conversation(c), i).ID {
				t.Errorf("conversation %d: record %d is %s, want %s", c, i, r.ID, record(conversation(c), i).ID)
				break
			}
		}
	}
}

// authority is a certificate authority that lives as long as a test.
type authority struct {
	cert *x509.Certificate
	der  []byte
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, der: der, key: key}
}

func (a *authority) issue(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// write puts the authority's certificate and one that it issued into files.
func (a *authority) write(t *testing.T, caFile, certFile, keyFile string) {
	t.Helper()
	cert := a.issue(t)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		caFile: {Type: "CERTIFICATE", Bytes: a.der}, certFile: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, keyFile: {Type: "PRIVATE" + " KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
