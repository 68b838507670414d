package service

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/blob"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/sequencer"
	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/worker"
)

// house is a service on the real store, log, bus and owner.
type house struct {
	*Service
	t     *testing.T
	store *sqlstore.Store
	bus   *inproc.Bus
	ahead atomic.Int64 // of the clock
	owner *chattest.Behind
	n     atomic.Int64

	deafen atomic.Bool // answers of the owner get lost
}

func newHouse(t *testing.T, change ...func(*Deps)) *house {
	t.Helper()
	return openHouse(t, false, change...)
}

// openHouse makes a house whose owner may run ahead of the store.
func openHouse(t *testing.T, runsAhead bool, change ...func(*Deps)) *house {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &house{t: t}
	clock := func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }
	logger := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	var err error
	if h.store, err = sqlstore.Open(ctx, filepath.Join(dir, "data"), sqlstore.Options{}); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(ctx, blob.Options{Dir: filepath.Join(dir, "blobs"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	h.bus = inproc.NewBus(1, 4096)
	var log chat.Log = inproc.NewLog("test", 4096)
	h.owner = &chattest.Behind{Journal: h.store}
	if runsAhead {
		log = chattest.NewShelf()
	}
	receipts := worker.NewReceipts(h.store, h.bus, clock, logger)
	deps := Deps{
		Log: log, Bus: h.bus, Views: h.store, Accounts: h.store, Sessions: h.store, Files: h.store, Searcher: h.store, People: h.store, Pushes: h.store, Push: PushPort{PublicKey: "key", CheckEndpoint: func(string) *chat.Error { return nil }}, Limiter: inproc.NewLimiter(clock, 10_000),
		Receipts: receipts, Blobs: blobs, Clock: clock, Rand: rand.Reader, Node: "test", Secret: bytes.Repeat([]byte("s"), 32),
		Signup: SignupOpen, Limits: DefaultLimits(), Logger: logger,
	}
	deps.Limits.SendsPerSecond, deps.Limits.LoginsPerMinute = 0, 0
	if runsAhead {
		deps.Told = NewTold(h.store)
	}
	for _, f := range change {
		f(&deps)
	}
	if h.Service, err = New(deps); err != nil {
		t.Fatal(err)
	}
	h.bus.Attach("test", ear{h.Service})
	var running sync.WaitGroup
	owner := sequencer.New(h.owner, mutedBus{h.bus, &h.deafen}, sequencer.Options{Now: clock, Logger: logger, Ahead: runsAhead})
	running.Go(func() { _ = log.Own(ctx, owner.Own) })
	running.Go(func() { _ = receipts.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		for _, err := range []error{h.bus.Close(), blobs.Close(), h.store.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return h
}

// ear is the service's sink without the resync that the owner asks for when it
// begins: tests of the cache call Resync when they mean it.
type ear struct{ *Service }

func (ear) Resync() {}

// mutedBus loses answers when it is told to, as where the owner is on another node
// and the bus is cut.
type mutedBus struct {
	chat.Bus
	muted *atomic.Bool
}

func (b mutedBus) Reply(ctx context.Context, outcomes []chat.Outcome) error {
	if b.muted.Load() {
		return nil
	}
	return b.Bus.Reply(ctx, outcomes)
}

// account makes somebody without hashing a password.
func (h *house) account(name string) chat.UserID {
	h.t.Helper()
	id, err := h.newID()
	if err != nil {
		h.t.Fatal(err)
	}
	name = fmt.Sprint(name, h.n.Add(1))
	err = h.store.CreateAccount(h.t.Context(), &chat.Account{
		User:   chat.User{ID: id, Username: name, DisplayName: name, CreatedAt: h.now()},
		Folded: skeleton(name), PasswordHash: h.hashes.dummy, Settings: []byte(`{}`),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) group(owner chat.UserID, members ...chat.UserID) chat.ConversationID {
	h.t.Helper()
	view, created, err := h.Create(h.t.Context(), CreateRequest{UserID: owner, Kind: chat.Group, Title: "g", UserIDs: members})
	if err != nil || !created {
		h.t.Fatal(created, err)
	}
	return view.ID
}

func (h *house) say(user chat.UserID, id chat.ConversationID, text string) chat.Seq {
	h.t.Helper()
	o, err := h.Await(h.t.Context(), func(done func(chat.Outcome)) {
		h.Send(h.t.Context(), SendRequest{UserID: user, ConversationID: id, ClientID: fmt.Sprint("c", h.n.Add(1)), Text: text}, done)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return o.Entry.Seq
}
