package gateway_test

import (
	"context"
	mathrand "math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// flakyViews is the store as the gateway reads it, with faults that tests switch on.
type flakyViews struct {
	*sqlstore.Store
	fail        atomic.Bool
	onMembers   atomic.Pointer[func(chat.UserID)] // called after memberships were read
	memberships atomic.Int64
	reads       atomic.Int64 // of one conversation
	jitter      atomic.Int64 // longest pause between reading and using what was read
}

// pause makes what was read old.
func (v *flakyViews) pause() {
	if most := v.jitter.Load(); most > 0 {
		time.Sleep(mathrand.N(time.Duration(most)))
	}
}

func (v *flakyViews) Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error) {
	if v.fail.Load() {
		return nil, chat.ErrUnavailable
	}
	v.memberships.Add(1)
	list, err := v.Store.Memberships(ctx, user)
	v.pause()
	if hook := v.onMembers.Load(); hook != nil {
		(*hook)(user)
	}
	return list, err
}

func (v *flakyViews) LastSeen(ctx context.Context, ids []chat.UserID) (map[chat.UserID]chat.Time, error) {
	if v.fail.Load() {
		return nil, chat.ErrUnavailable
	}
	return v.Store.LastSeen(ctx, ids)
}

func (v *flakyViews) Entries(ctx context.Context, id chat.ConversationID, after chat.Seq, limit, maxBytes int) ([]chat.RawEntry, error) {
	if v.fail.Load() {
		return nil, chat.ErrUnavailable
	}
	page, err := v.Store.Entries(ctx, id, after, limit, maxBytes)
	v.pause()
	return page, err
}

func (v *flakyViews) Conversation(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.ConversationView, error) {
	if v.fail.Load() {
		return nil, chat.ErrUnavailable
	}
	v.reads.Add(1)
	view, err := v.Store.Conversation(ctx, user, id)
	v.pause()
	return view, err
}

// flakyBus loses what tests tell it to lose.
type flakyBus struct {
	chat.Bus
	lose  atomic.Pointer[func(*chat.Event) bool]
	peers atomic.Pointer[[]chat.Bus] // of other nodes: see calls_test.go
}

func (b *flakyBus) Publish(ctx context.Context, events []chat.Event) error {
	if lose := b.lose.Load(); lose != nil {
		events = slices.DeleteFunc(slices.Clone(events), func(e chat.Event) bool { return (*lose)(&e) })
	}
	if peers := b.peers.Load(); peers != nil {
		for _, peer := range *peers {
			if err := peer.Publish(ctx, events); err != nil {
				return err
			}
		}
	}
	return b.Bus.Publish(ctx, events)
}

// faultyService is the service with a fault that tests switch on.
type faultyService struct {
	*service.Service
	panics atomic.Bool
	fail   atomic.Bool                   // the store cannot be asked what moved
	hung   atomic.Pointer[chan struct{}] // the store does not say what files there are before this is closed
}

func (s *faultyService) Sync(ctx context.Context, user chat.UserID, cursor string) (*service.Moved, error) {
	if s.fail.Load() {
		return nil, chat.ErrUnavailable
	}
	return s.Service.Sync(ctx, user, cursor)
}

func (s *faultyService) Send(ctx context.Context, r service.SendRequest, done func(chat.Outcome)) {
	if s.panics.Load() {
		panic("a fault")
	}
	if hung := s.hung.Load(); hung != nil && len(r.Attachments) > 0 {
		select {
		case <-*hung:
		case <-ctx.Done():
			done(chat.Outcome{Err: chat.ErrUnavailable})
			return
		}
	}
	s.Service.Send(ctx, r, done)
}

func (s *faultyService) EntriesAfter(ctx context.Context, r service.EntriesRequest) (*service.Entries, error) {
	if s.panics.Load() {
		panic("a fault")
	}
	return s.Service.EntriesAfter(ctx, r)
}
