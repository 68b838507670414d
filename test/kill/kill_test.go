// Package kill proves the first promise: what was acknowledged survives kill -9 at any
// moment. Several clients send streams of messages over sockets and REST, the real
// program is killed at random moments and started again on the same data, many times,
// and in the end the logs are held against what the clients saw.
package kill

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/program"
)

var (
	rounds = flag.Int("rounds", 5, "how often the program is killed")
	seed   = flag.Uint64("seed", 0, "of the random moments; 0 takes a new one")
)

// patience bounds every wait of a round; no verdict depends on how long something takes.
const patience = 60 * time.Second

// proof is one run.
type proof struct {
	t       *testing.T
	rng     *rand.Rand
	bin     string
	data    string
	address string
	history *history
	people  []program.Login
	rooms   []string
	streams []*stream
	early   int // killed before it served
}

func TestAckedMessagesSurviveKill9(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (again: go test ./test/kill -rounds %d -seed %d)", *seed, *rounds, *seed)
	address, err := program.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p := &proof{
		t: t, rng: rand.New(rand.NewPCG(*seed, 1)), bin: binary(t), data: filepath.Join(t.TempDir(), "data"),
		address: address, history: newHistory(),
	}
	p.setUp()
	for i := range *rounds {
		p.round(i)
		if t.Failed() {
			break
		}
	}
	logs := p.settle()
	o, anomalies := p.history.check(logs)
	for i, a := range anomalies {
		if i == 20 {
			t.Errorf("… and %d more", len(anomalies)-i)
			break
		}
		t.Error(a)
	}
	t.Logf("%d kills, %d of them before it served; %d messages acked, %d anomalies; %d unanswered: %d there, %d absent",
		*rounds, p.early, o.acked, len(anomalies), o.there+o.absent, o.there, o.absent)
	if o.acked < enough**rounds {
		t.Errorf("got %d acked messages in %d rounds, too few to show anything", o.acked, *rounds)
	}
}

// binary is the program under test: TEST_BINARY, or built here.
func binary(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("TEST_BINARY"); bin != "" {
		path, err := filepath.Abs(bin)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := filepath.Join(t.TempDir(), "parley")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/parley").CombinedOutput(); err != nil {
		t.Fatalf("build parley: %v\n%s", err, out)
	}
	return path
}

func (p *proof) options() program.Options {
	return program.Options{
		Command: []string{p.bin, "serve", "--addr", p.address, "--data-dir", p.data, "--log-level", "warn", "--send-rate", "0"},
		URL:     "http://" + p.address,
		Ready:   "/readyz",
	}
}

func (p *proof) start(wait time.Duration) (*program.Process, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return program.Start(ctx, p.options()) //nolint:wrapcheck // says all
}

// setUp makes four people, a group of all, two direct chats, and seven streams.
func (p *proof) setUp() {
	server, err := p.start(patience)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = server.Kill() }()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	api := program.API{URL: server.URL}
	for _, name := range []string{"anna", "ben", "cleo", "dan"} {
		l, err := api.SignUp(ctx, name, "correct horse battery")
		if err != nil {
			p.t.Fatal(err)
		}
		p.people = append(p.people, l)
	}
	var group string
	p.insist(ctx, func() (err error) {
		group, err = api.As(p.people[0]).Group(ctx, "All of us", p.people[1].User.ID, p.people[2].User.ID, p.people[3].User.ID)
		return err
	})
	p.rooms = []string{group, p.direct(ctx, api, 0, 1), p.direct(ctx, api, 2, 3)}
	for i, s := range []struct{ person, room int }{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {0, 1}, {1, 1}, {2, 2}} {
		p.streams = append(p.streams, &stream{
			id: i, run: *seed, conversation: p.rooms[s.room], login: p.people[s.person], rest: s.person == 3,
			history: p.history, rng: rand.New(rand.NewPCG(*seed, uint64(i+2))),
		})
	}
	if err := server.Stop(ctx); err != nil {
		p.t.Fatal(err)
	}
}

func (p *proof) direct(ctx context.Context, api program.API, a, b int) string {
	var c struct {
		ID string `json:"id"`
	}
	body := map[string]string{"kind": "direct", "user_id": p.people[b].User.ID}
	p.insist(ctx, func() error { return api.As(p.people[a]).Do(ctx, http.MethodPost, "/conversations", body, &c) })
	return c.ID
}

// insist asks again while a machine that stands still lets outcomes come too late.
func (p *proof) insist(ctx context.Context, ask func() error) {
	for {
		err := ask()
		if err == nil {
			return
		}
		if program.Status(err) != http.StatusServiceUnavailable || ctx.Err() != nil {
			p.t.Fatal(err)
		}
		sleep(ctx, 20*time.Millisecond)
	}
}

// enough is how many messages have to be acked in a round, on average, to show anything.
const enough = 10

// round starts the program, lets everybody send and listen, and kills it.
func (p *proof) round(i int) {
	if p.rng.IntN(10) == 0 {
		// Recovery is interrupted too: killed while it starts.
		p.early++
		server, err := p.start(time.Duration(p.rng.IntN(150)) * time.Millisecond)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			p.t.Fatalf("round %d: %v", i, err)
		}
		if err == nil {
			_ = server.Kill()
		}
	}
	server, err := p.start(patience)
	if err != nil {
		p.t.Fatalf("round %d: start after a kill: %v", i, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	var group, talking sync.WaitGroup
	problems := make(chan error, len(p.streams))
	for _, s := range p.streams {
		talking.Go(func() {
			if err := s.work(ctx, server.URL, true); err != nil {
				problems <- err
			}
		})
	}
	silent := make(chan struct{})
	group.Go(func() {
		talking.Wait()
		close(silent)
	})
	for _, l := range p.people {
		group.Go(func() { listen(ctx, server.URL, l, p.history) })
	}
	sleep(ctx, time.Duration(p.rng.IntN(500))*time.Millisecond)
	p.await(ctx, enough*(i+1), server.Done(), silent)
	select {
	case <-server.Done():
		p.t.Errorf("round %d: the program ended by itself: %s", i, server.Tail())
	default:
	}
	if err := server.Kill(); err != nil {
		p.t.Fatalf("round %d: %v", i, err)
	}
	cancel()
	group.Wait()
	close(problems)
	for err := range problems {
		p.t.Errorf("round %d: %v", i, err)
	}
	for _, s := range p.streams {
		s.abandon(0.2)
	}
}

// await waits until so many messages were acked over all, which a slow machine may not
// have done yet, or until nobody sends any more.
func (p *proof) await(ctx context.Context, acks int, ended, silent <-chan struct{}) {
	for p.history.acks() < acks {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-silent:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// settle starts the program a last time, sends again what is neither settled nor given
// up, repeats some of what was acked, and reads the logs as two different members.
func (p *proof) settle() map[string][]program.Entry {
	server, err := p.start(patience)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = server.Kill() }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	defer cancel()
	for _, s := range p.streams {
		for len(s.pending) > 0 {
			if ctx.Err() != nil {
				p.t.Fatalf("stream %d: %d messages could not be settled", s.id, len(s.pending))
			}
			if err := s.work(ctx, server.URL, false); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	p.repeat(ctx, server.URL)
	logs := map[string][]program.Entry{}
	members := map[int][]int{0: {0, 3}, 1: {0, 1}, 2: {2, 3}}
	for room, conversation := range p.rooms {
		for _, member := range members[room] {
			log, err := program.API{URL: server.URL}.As(p.people[member]).Entries(ctx, conversation)
			if err != nil {
				p.t.Fatal(err)
			}
			for _, e := range log {
				p.history.deliver(conversation, e) // two members have to see the same
			}
			logs[conversation] = log
		}
	}
	if err := server.Stop(ctx); err != nil {
		p.t.Error(err)
	}
	return logs
}

// repeat sends some acked messages again: the answer has to be the entry there is.
func (p *proof) repeat(ctx context.Context, url string) {
	p.history.mu.Lock()
	var acked []*send
	for _, s := range p.history.sends {
		if s.acked != 0 {
			acked = append(acked, s)
		}
	}
	p.history.mu.Unlock()
	for range min(len(acked), 50) {
		m := acked[p.rng.IntN(len(acked))]
		s := p.streams[m.stream]
		for {
			v := <-restLine{program.API{URL: url}.As(s.login)}.send(ctx, m)
			if v.err != nil || ctx.Err() != nil {
				p.t.Fatal(fmt.Errorf("repeat %s: unknown %v, %w", m.clientID, v.unknown, v.err))
			}
			if v.refused || v.unknown { // it came too late for its answer, or the like
				sleep(ctx, max(v.pause, 20*time.Millisecond))
				continue
			}
			p.history.ack(m, v.entry)
			break
		}
	}
}
