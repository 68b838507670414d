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
var impatient = sqlstore.PostgresOptions{Patience: 300 * time.Millisecond}

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
	stores := []*sqlstore.Store{openAddress(t, address, sqlstore.PostgresOptions{}), openAddress(t, address, sqlstore.PostgresOptions{})}
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
	s := openAddress(t, address, impatient)
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	batch, _, err := w.Decide(chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	if err != nil {
		t.Fatal(err)
	}
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
	if err := s.Commit(t.Context(), batch); err != nil {
		t.Error(err)
	}
	chattest.WantLog(t, s, chattest.Room(0), 2)
}

func TestPostgresLockedTables(t *testing.T) {
	address := place(t)
	s := openAddress(t, address, impatient)
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	batch, _, err := w.Decide(chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	if err != nil {
		t.Fatal(err)
	}
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
	if err := s.Commit(t.Context(), batch); err != nil {
		t.Error(err)
	}
}

func TestPostgresNoFreeConnection(t *testing.T) {
	address := place(t)
	s := openAddress(t, address, sqlstore.PostgresOptions{Conns: 1, BatchConns: 1, Patience: 300 * time.Millisecond})
	held, let := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	if err := s.CreateAccount(t.Context(), chattest.NewAccount(0)); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		_, err := s.UpdateAccount(t.Context(), chattest.User(0), func(*chat.Account) error {
			close(held)
			<-let
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	bounded(t, "find", func(ctx context.Context) error { _, err := s.Account(ctx, chattest.User(0)); return err })
	bounded(t, "ping", s.Ping)
	// Batches have connections of their own.
	chattest.NewWorld(t, s).Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	// A caller that gives up is told so, and not that the store is out of reach.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Account(ctx, chattest.User(0)); !errors.Is(err, context.Canceled) || errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("got %v, want the caller's own error", err)
	}
	close(let)
	wg.Wait()
	if _, err := s.Account(t.Context(), chattest.User(0)); err != nil {
		t.Error(err)
	}
}

// The server ends all connections, as when it shuts down or fails over.
func TestPostgresConnectionsEnd(t *testing.T) {
	address := place(t)
	name := "parley-" + address[strings.Index(address, "test_"):][:20]
	s := openAddress(t, with(t, address, func(_ *url.URL, q url.Values) { q.Set("application_name", name) }), sqlstore.PostgresOptions{})
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	conn := sqltest.Dial(t, address)
	for round := range 5 {
		ended, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name)
		if err != nil || ended.RowsAffected() == 0 {
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
	s := openAddress(t, p.address(t, address), impatient)
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	batch, _, err := w.Decide(chattest.Send(chattest.Room(0), chattest.User(0), "k", "text"))
	if err != nil {
		t.Fatal(err)
	}
	p.stall(true, true)
	bounded(t, "read", func(ctx context.Context) error {
		_, err := s.Heads(ctx, []chat.ConversationID{chattest.Room(0)})
		return err
	})
	bounded(t, "create", func(ctx context.Context) error { return s.CreateAccount(ctx, chattest.NewAccount(0)) })
	bounded(t, "ping", s.Ping)
	p.stall(false, false)
	eventually(t, "commit", func(ctx context.Context) error {
		err := s.Commit(ctx, batch)
		if errors.Is(err, chat.ErrFenced) {
			return nil // an earlier try was applied
		}
		return err
	})
	chattest.WantLog(t, s, chattest.Room(0), 2)
}

// A batch that was committed, of which nobody was told, is there once.
func TestPostgresAnswerLost(t *testing.T) {
	address := place(t)
	p := newProxy(t, address)
	s, direct := openAddress(t, p.address(t, address), impatient), openAddress(t, address, sqlstore.PostgresOptions{})
	w := chattest.NewWorld(t, s)
	w.Do(chattest.Create(chat.Group, chattest.Room(0), chattest.User(0)))
	for round := range 3 {
		w.Do(chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprint("warm", round), "a connection that is in use")) // not asked whether it lives
		batch, _, err := w.Decide(chattest.Send(chattest.Room(0), chattest.User(0), fmt.Sprint("k", round), "text"))
		if err != nil {
			t.Fatal(err)
		}
		p.stall(false, true)
		lost := make(chan error, 1)
		go func() { lost <- s.Commit(t.Context(), batch) }()
		eventually(t, "arrive", func(ctx context.Context) error {
			if next, _, err := direct.Position(ctx, w.Partition); err != nil || next != batch.Next {
				return fmt.Errorf("position %d: %w", next, errors.Join(err, errWait))
			}
			return nil
		})
		p.cut()
		if err := <-lost; !errors.Is(err, chat.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		p.stall(false, false)
		eventually(t, "commit again", func(ctx context.Context) error {
			if err := s.Commit(ctx, batch); !errors.Is(err, chat.ErrFenced) {
				return fmt.Errorf("want ErrFenced: %w", errors.Join(err, errWait))
			}
			return nil
		})
		w.Next = batch.Next
		chattest.WantLog(t, s, chattest.Room(0), 2*round+3)
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
