package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

// impatient gives up soon. Much later than that is a failure; see bounded.
var impatient = sqlstore.PostgresOptions{Patience: 300 * time.Millisecond, Conns: 1}

// with sets a parameter of an address.
func with(t testing.TB, address string, change func(u *url.URL, q url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	change(u, q)
	u.RawQuery = q.Encode()
	return u.String()
}

// do commits commands, for as long as it takes: a store that is impatient may have
// to try more than once.
func do(t *testing.T, s *sqlstore.Store, w *chattest.World, cmds ...chat.Command) {
	t.Helper()
	w.Next = commit(t, s, decide(t, s, w, cmds...))
}

func decide(t *testing.T, s *sqlstore.Store, w *chattest.World, cmds ...chat.Command) (batch *chat.Batch) {
	t.Helper()
	w.Journal = s
	eventually(t, "decide", func(context.Context) (err error) { batch, _, err = w.Decide(cmds...); return err })
	return batch
}

func commit(t *testing.T, s *sqlstore.Store, batch *chat.Batch) int64 {
	t.Helper()
	eventually(t, "commit", func(ctx context.Context) error {
		err := s.Commit(ctx, batch)
		if errors.Is(err, chat.ErrFenced) {
			return nil // an earlier try was applied
		}
		return err
	})
	return batch.Next
}

// bounded wants ErrUnavailable, and not after a long time.
func bounded(t *testing.T, what string, call func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	err := call(ctx)
	if ctx.Err() != nil || !errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("%s: got %v (%v), want ErrUnavailable before the caller gives up", what, err, ctx.Err())
	}
}

// eventually waits until a call succeeds.
func eventually(t *testing.T, what string, call func(ctx context.Context) error) {
	t.Helper()
	until := time.Now().Add(60 * time.Second)
	for {
		err := call(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%s: still %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Two processes that think they own the same partition.
func TestPostgresZombies(t *testing.T) {
	address := place(t)
	stores := []*sqlstore.Store{openAddress(t, address, patient), openAddress(t, address, patient)}
	const rounds = 30
	for round := range rounds {
		w := chattest.NewWorld(t, stores[round%2])
		w.Next = int64(round)
		cmd := chattest.Create(chat.Group, chattest.Room(0), chattest.User(0))
		if round > 0 {
			cmd = chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprint("k", round), "text")
		}
		batch, _, err := w.Decide(cmd)
		if err != nil {
			t.Fatal(err)
		}
		var won atomic.Int32
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				switch err := stores[i%2].Commit(t.Context(), batch); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, chat.ErrFenced):
					t.Errorf("got %v, want ErrFenced or nil", err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d committed, want 1", round, won.Load())
		}
	}
	chattest.WantLog(t, stores[0], chattest.Room(0), rounds)
}

// A former owner that was stopped in the middle of a transaction does not hold
// up the new one: its statements are sent at once, and what it may hold ends.
func TestPostgresLockedPosition(t *testing.T) {
	address := place(t)
	s, w := impatientWorld(t, address)
	batch := decide(t, s, w, chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	conn := sqltest.Dial(t, address)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "UPDATE positions SET next_offset = 77 WHERE part = 0"); err != nil {
		t.Fatal(err)
	}
	bounded(t, "commit", func(ctx context.Context) error { return s.Commit(ctx, batch) })
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	commit(t, s, batch)
	chattest.WantLog(t, openAddress(t, address, patient), chattest.Room(0), 2)
}

// impatientWorld begins a conversation in a store that gives up soon.
func impatientWorld(t *testing.T, address string) (*sqlstore.Store, *chattest.World) {
	t.Helper()
	var s *sqlstore.Store
	eventually(t, "open", func(ctx context.Context) (err error) {
		s, err = sqlstore.OpenPostgres(ctx, address, impatient)
		return err
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := chattest.NewWorld(t, s)
	do(t, s, w, chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	return s, w
}

func TestPostgresLockedTables(t *testing.T) {
	address := place(t)
	s, w := impatientWorld(t, address)
	batch := decide(t, s, w, chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	tx, err := sqltest.Dial(t, address).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE members, message_entries, conversations, accounts IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	bounded(t, "commit", func(ctx context.Context) error { return s.Commit(ctx, batch) })
	bounded(t, "list", func(ctx context.Context) error {
		_, err := s.Conversations(ctx, chattest.User(0), "", 10)
		return err
	})
	bounded(t, "find", func(ctx context.Context) error { _, err := s.Account(ctx, chattest.User(0)); return err })
	bounded(t, "advance", func(ctx context.Context) error {
		_, err := s.Advance(ctx, 1, []chat.Receipt{{ConversationID: chattest.Room(0), UserID: chattest.User(0), ReadSeq: 1}})
		return err
	})
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	commit(t, s, batch)
}

func TestPostgresNoFreeConnection(t *testing.T) {
	address := place(t)
	if err := openAddress(t, address, patient).CreateAccount(t.Context(), chattest.NewAccount(0)); err != nil {
		t.Fatal(err)
	}
	s, w := impatientWorld(t, address)
	held, let := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var once sync.Once
	for range impatient.Conns {
		wg.Go(func() {
			eventually(t, "hold", func(ctx context.Context) error {
				_, err := s.UpdateAccount(ctx, chattest.User(0), func(*chat.Account) error {
					once.Do(func() { close(held) })
					<-let
					return nil
				})
				return err
			})
		})
	}
	<-held
	bounded(t, "find", func(ctx context.Context) error { _, err := s.Account(ctx, chattest.User(0)); return err })
	bounded(t, "ping", s.Ping)
	// Batches have connections of their own.
	do(t, s, w, chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	// A caller that gives up is told so, and not that the store is out of reach.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Account(ctx, chattest.User(0)); !errors.Is(err, context.Canceled) || errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("got %v, want the caller's own error", err)
	}
	close(let)
	wg.Wait()
	eventually(t, "find", func(ctx context.Context) error { _, err := s.Account(ctx, chattest.User(0)); return err })
}

// The server ends all connections, as when it shuts down or fails over.
func TestPostgresConnectionsEnd(t *testing.T) {
	address := place(t)
	name := "parley-" + address[strings.Index(address, "test_"):][:20]
	s := openAddress(t, with(t, address, func(_ *url.URL, q url.Values) { q.Set("application_name", name) }), patient)
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	conn := sqltest.Dial(t, address)
	for round := range 5 {
		ended, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name)
		if err != nil {
			t.Fatalf("ended %d connections, %v", ended.RowsAffected(), err)
		}
		if _, err := s.Conversation(t.Context(), chattest.User(0), chattest.Room(0)); err != nil && !errors.Is(err, chat.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable or nil", err)
		}
		eventually(t, "load and commit", func(ctx context.Context) error {
			next, _, err := s.Position(ctx, w.Partition)
			if err != nil || next == int64(round+2) {
				return err
			}
			batch, _, err := w.Decide(chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprint("k", round), "text"))
			if err == nil {
				err = s.Commit(ctx, batch)
			}
			if err != nil && !errors.Is(err, chat.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable or nil", err)
			}
			return err
		})
		w.Next = int64(round + 2)
	}
	chattest.WantLog(t, s, chattest.Room(0), 6)
}

// A server that does not answer, though its machine does.
func TestPostgresStalled(t *testing.T) {
	address := place(t)
	p := newProxy(t, address)
	s, w := impatientWorld(t, p.address(t, address))
	batch := decide(t, s, w, chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	p.stall(true, true)
	bounded(t, "read", func(ctx context.Context) error {
		_, err := s.Heads(ctx, []chat.ConversationID{chattest.Room(0)})
		return err
	})
	bounded(t, "create", func(ctx context.Context) error { return s.CreateAccount(ctx, chattest.NewAccount(0)) })
	bounded(t, "ping", s.Ping)
	p.stall(false, false)
	commit(t, s, batch)
	chattest.WantLog(t, openAddress(t, address, patient), chattest.Room(0), 2)
}

// A batch that was committed, of which nobody was told, is there once.
func TestPostgresAnswerLost(t *testing.T) {
	address := place(t)
	p := newProxy(t, address)
	direct := openAddress(t, address, patient)
	s, w := impatientWorld(t, p.address(t, address))
	said := 0
	say := func() chat.Command {
		said++
		return chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprint("k", said), "text")
	}
	for range 3 {
		var batch *chat.Batch
		for lost := false; !lost; {
			do(t, s, w, say()) // on a connection that is open then, and knows the statements
			batch = decide(t, s, w, say())
			if lost = loseAnswer(t, p, s, direct, batch); !lost {
				commit(t, s, batch)
				w.Next = batch.Next
			}
		}
		eventually(t, "commit again", func(ctx context.Context) error {
			if err := s.Commit(ctx, batch); !errors.Is(err, chat.ErrFenced) {
				return fmt.Errorf("want ErrFenced: %w", errors.Join(err, errWait))
			}
			return nil
		})
		w.Next = batch.Next
		chattest.WantLog(t, direct, chattest.Room(0), said+1)
	}
}

// loseAnswer commits a batch whose answer does not arrive. It reports false if the
// batch did not get to the server, for want of a connection that was open already.
func loseAnswer(t *testing.T, p *proxy, s, direct *sqlstore.Store, batch *chat.Batch) bool {
	t.Helper()
	p.stall(false, true)
	defer p.stall(false, false)
	lost := make(chan error, 1)
	go func() { lost <- s.Commit(t.Context(), batch) }()
	cut := false
	for until := time.Now().Add(time.Minute); ; {
		next, _, err := direct.Position(t.Context(), batch.Partition)
		if err != nil || time.Now().After(until) {
			t.Fatalf("the batch did not arrive: position %d, %v", next, err)
		}
		if next == batch.Next && !cut {
			p.cut()
			cut = true
		}
		select {
		case err := <-lost:
			if !errors.Is(err, chat.ErrUnavailable) {
				t.Fatalf("got %v, want ErrUnavailable", err)
			}
			return cut
		case <-time.After(10 * time.Millisecond):
		}
	}
}

var errWait = errors.New("not yet")

// proxy stands between a store and the server, and can stop passing bytes on.
type proxy struct {
	listener net.Listener
	server   string

	mu       sync.Mutex // guards what follows
	changed  *sync.Cond
	up, down bool // what the client says, and the server, is held back
	conns    []net.Conn
}

func newProxy(t *testing.T, address string) *proxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, server: u.Host}
	p.changed = sync.NewCond(&p.mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", p.server)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, server)
			p.mu.Unlock()
			wg.Go(func() { p.copy(server, client, &p.up) })
			wg.Go(func() { p.copy(client, server, &p.down) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.stall(false, false)
		p.cut()
		wg.Wait()
	})
	return p
}

func (p *proxy) address(t *testing.T, direct string) string {
	t.Helper()
	return with(t, direct, func(u *url.URL, _ url.Values) { u.Host = p.listener.Addr().String() })
}

func (p *proxy) copy(to, from net.Conn, held *bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		p.mu.Lock()
		for *held {
			p.changed.Wait()
		}
		p.mu.Unlock()
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

// stall holds back what the client says, and what the server says.
func (p *proxy) stall(up, down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up, p.down = up, down
	p.changed.Broadcast()
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}
