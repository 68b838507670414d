package gateway_test

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
)

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
	fail   atomic.Bool // the store cannot be asked what moved
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
	s.Service.Send(ctx, r, done)
}

func (s *faultyService) EntriesAfter(ctx context.Context, r service.EntriesRequest) (*service.Entries, error) {
	if s.panics.Load() {
		panic("a fault")
	}
	return s.Service.EntriesAfter(ctx, r)
}
