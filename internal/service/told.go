package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	toldShards = 64
	// toldPerShard bounds the conversations of which something was heard.
	toldPerShard = 2048
	// catchUp is how long a reader waits for a store that does not have yet what
	// this node has heard. It is behind by some 20 ms when all is well.
	catchUp      = 500 * time.Millisecond
	firstCatchUp = 8 * time.Millisecond
	// maxChangedPeople bounds the people whose memberships changed just now, and
	// maxChanged about those of each.
	maxChangedPeople = 16_384
	maxChanged       = 8
	// headsPerQuery bounds the conversations of one question to the store.
	headsPerQuery = 500
)

// Told is what this node has heard of the logs of conversations and the store
// may not show yet, where entries are told before they are stored. With it people
// read what they, or others here, have just written. A nil *Told knows of nothing: that
// is right where the store always has what was told. Safe for concurrent use.
//
// It is bounded: of many thousands of conversations some are forgotten, and their
// readers may see what the store has, which is older by as much as it lags.
type Told struct {
	views  HeadReader
	shards [toldShards]toldShard

	mu     sync.Mutex
	people map[chat.UserID][]chat.ConversationID // whose memberships changed just now
}

// HeadReader is the part of chat.Views that tells where the store is.
type HeadReader interface {
	Heads(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID]chat.Seq, error)
}

type toldShard struct {
	mu   sync.Mutex
	last map[chat.ConversationID]chat.Seq
}

// NewTold makes one that has heard of nothing.
func NewTold(views HeadReader) *Told {
	t := &Told{views: views, people: make(map[chat.UserID][]chat.ConversationID)}
	for i := range t.shards {
		t.shards[i].last = make(map[chat.ConversationID]chat.Seq)
	}
	return t
}

func (t *Told) shard(id chat.ConversationID) *toldShard { return &t.shards[id[15]%toldShards] }

// Heard notes an entry that was told.
func (t *Told) Heard(id chat.ConversationID, seq chat.Seq) {
	if t == nil {
		return
	}
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.last[id]
	if !ok && len(s.last) >= toldPerShard {
		for other := range s.last { // any: most of them are in the store by now
			delete(s.last, other)
			break
		}
	}
	s.last[id] = max(before, seq)
}

// changed notes an entry that changes people's memberships.
func (t *Told) changed(e *chat.Entry) {
	if t == nil {
		return
	}
	switch e.Kind {
	case chat.KindCreated, chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole:
	case chat.KindMessage, chat.KindEdit, chat.KindDelete, chat.KindReaction, chat.KindUpdated, chat.KindPin, chat.KindBlock,
		chat.KindCall:
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, user := range e.UserIDs {
		list := t.people[user]
		if list == nil && len(t.people) >= maxChangedPeople {
			for other := range t.people { // any: it is for the moment only
				delete(t.people, other)
				break
			}
		}
		if slices.Contains(list, e.ConversationID) {
			continue
		}
		t.people[user] = append(list[max(0, len(list)-maxChanged):], e.ConversationID)
	}
}

// AwaitPerson waits, for half a second at most, until the store shows the changes
// of somebody's memberships that this node has heard of.
func (t *Told) AwaitPerson(ctx context.Context, user chat.UserID) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	ids := slices.Clone(t.people[user])
	t.mu.Unlock()
	behind, err := t.Await(ctx, ids...)
	if err != nil || len(behind) > 0 {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Equal(t.people[user], ids) {
		delete(t.people, user)
	}
	return nil
}

// Last gives the last entry of a conversation that this node heard of and has not
// seen in the store; zero if there is none.
func (t *Told) Last(id chat.ConversationID) chat.Seq {
	if t == nil {
		return 0
	}
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[id]
}

// stored notes that the store has a conversation up to a head.
func (t *Told) stored(id chat.ConversationID, head chat.Seq) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.last[id]; ok && last <= head {
		delete(s.last, id)
	}
}

// Await waits, for half a second at most, until the store shows what this node has
// heard of some conversations. It gives those that it does not show even then,
// with the last entry that was heard. What the store was asked in vain is an error.
func (t *Told) Await(ctx context.Context, ids ...chat.ConversationID) (behind map[chat.ConversationID]chat.Seq, err error) {
	if t == nil {
		return nil, nil
	}
	// What is told from now on is not waited for: somebody may write without end.
	want := make(map[chat.ConversationID]chat.Seq)
	for _, id := range ids {
		if last := t.Last(id); last > 0 {
			want[id] = last
		}
	}
	waited := time.Duration(0)
	for pause := firstCatchUp; len(want) > 0; pause *= 2 {
		if err := t.look(ctx, want); err != nil {
			return nil, err
		}
		if len(want) == 0 || waited >= catchUp {
			break
		}
		pause = min(pause, catchUp-waited)
		waited += pause
		if err := rest(ctx, pause); err != nil {
			return nil, err
		}
	}
	return want, nil
}

// Look asks the store once how far it is with some conversations, so that what it
// has is not waited for any more.
func (t *Told) Look(ctx context.Context, ids ...chat.ConversationID) error {
	want := make(map[chat.ConversationID]chat.Seq, len(ids))
	for _, id := range ids {
		want[id] = t.Last(id)
	}
	return t.look(ctx, want)
}

// look asks the store once, and leaves in want what it is behind in.
func (t *Told) look(ctx context.Context, want map[chat.ConversationID]chat.Seq) error {
	for part := range slices.Chunk(slices.Collect(maps.Keys(want)), headsPerQuery) {
		heads, err := t.views.Heads(ctx, part)
		if err != nil {
			return fmt.Errorf("read heads: %w", err)
		}
		for _, id := range part {
			t.stored(id, heads[id])
			if heads[id] >= want[id] {
				delete(want, id)
			}
		}
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return chat.ErrUnavailable
	case <-timer.C:
		return nil
	}
}

// errBehind is told to a reader of what the store does not show yet.
func errBehind() *chat.Error {
	return &chat.Error{
		Code: chat.CodeUnavailable, Reason: "behind", RetryAfter: catchUp,
		Message: "The history is a moment behind; try again soon.",
	}
}

// fresh waits for the store to show what this node has heard of a conversation.
// It reports whether it does not even so. A store that cannot be asked will say so
// to whoever reads it next.
func (s *Service) fresh(ctx context.Context, id chat.ConversationID) (behind chat.Seq) {
	left, err := s.Told.Await(ctx, id)
	if err != nil {
		return s.Told.Last(id)
	}
	return left[id]
}

// Settled waits a moment until the store shows somebody's memberships as far as this
// node has heard of them.
func (s *Service) Settled(ctx context.Context, user chat.UserID) error {
	return s.shown(ctx, "read heads", s.Told.AwaitPerson(ctx, user))
}

// Unstored gives those of some conversations of which this node has heard more
// than the store shows, even after a moment of waiting: the last entry of each.
func (s *Service) Unstored(ctx context.Context, ids []chat.ConversationID) (map[chat.ConversationID]chat.Seq, error) {
	behind, err := s.Told.Await(ctx, ids...)
	return behind, s.shown(ctx, "read heads", err)
}
