package service

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Submit sends a command on its way and returns at once. It fixes the command's
// time, so cmd must not be used by the caller afterwards. done is called exactly
// once, from any goroutine, perhaps before Submit returns, and must not block:
// with the outcome, whose Err is set when the command was refused. Err
// ErrOverloaded means that it was not taken; ErrUnavailable that the outcome is
// not known, so that the same command (same client_id) can be sent again.
//
// The caller has authenticated cmd.ActorID and has counted the command against
// the limits; Send and its like do.
func (s *Service) Submit(ctx context.Context, cmd *chat.Command, done func(chat.Outcome)) {
	now := s.Clock()
	cmd.At = chat.TimeOf(now)
	if err := cmd.Validate(); err != nil {
		done(chat.Outcome{Err: err})
		return
	}
	id, err := s.newID()
	if err != nil {
		s.Logger.ErrorContext(ctx, "submit", "error", err)
		done(chat.Outcome{Err: chat.ErrInternal})
		return
	}
	record := &chat.Record{ID: chat.RecordID(id), Rules: chat.RulesVersion, Node: s.Node, Command: *cmd}
	w := waiter{done: done, deadline: now.Add(s.Limits.SubmitTimeout)}
	if key, ok := cmd.SentKey(); ok {
		w.sent = sent{cmd.ConversationID, key, cmd.At}
	}
	if !s.pending.add(record.ID, w) {
		done(chat.Outcome{Err: chat.ErrOverloaded})
		return
	}
	if err := s.Log.Append(ctx, record); err != nil {
		if w, ok := s.pending.take(record.ID); ok {
			w.done(chat.Outcome{RecordID: record.ID, Err: s.appendError(ctx, err)})
		}
	}
}

// appendError maps what the log says. An unknown error may have left the record
// in the log, which unavailable means too: send it again.
func (s *Service) appendError(ctx context.Context, err error) *chat.Error {
	switch {
	case errors.Is(err, chat.ErrOverloaded), errors.Is(err, chat.ErrUnavailable), errors.Is(err, chat.ErrTooLarge):
		return chat.AsError(err)
	}
	s.Logger.ErrorContext(ctx, "append to the log", "error", err)
	return chat.ErrUnavailable
}

// Await makes a blocking call of an asynchronous one. It returns when start's
// done was called, or with ErrUnavailable when ctx ends first; the command may
// take effect all the same.
func (s *Service) Await(ctx context.Context, start func(done func(chat.Outcome))) (chat.Outcome, error) {
	result := make(chan chat.Outcome, 1)
	start(func(o chat.Outcome) { result <- o })
	select {
	case o := <-result:
		if o.Err != nil {
			return o, o.Err
		}
		return o, nil
	case <-ctx.Done():
		return chat.Outcome{}, chat.ErrUnavailable
	}
}

// do submits and waits.
func (s *Service) do(ctx context.Context, cmd *chat.Command) (chat.Outcome, error) {
	return s.Await(ctx, func(done func(chat.Outcome)) { s.Submit(ctx, cmd, done) })
}

// ExpirePending reports every record whose outcome did not come in time as
// unavailable, and gives how many. A worker calls it several times a second.
func (s *Service) ExpirePending(now time.Time) int {
	late := s.pending.expired(now)
	for i := range late {
		late[i].done(chat.Outcome{RecordID: late[i].id, Err: chat.ErrUnavailable})
	}
	return len(late)
}

// Pending gives how many records wait for their outcome, for metrics.
func (s *Service) Pending() int { return int(s.pending.n.Load()) }

// Hashed gives how many passwords have been hashed, and how many wait for it, for metrics.
func (s *Service) Hashed() (done, waiting int64) {
	return s.hashes.done.Load(), s.hashes.waiting.Load()
}

const pendingShards = 32

// pendingSet holds who waits for which record. It is bounded: a full one refuses.
type pendingSet struct {
	n      atomic.Int64
	most   int64
	shards [pendingShards]pendingShard
}

type pendingShard struct {
	mu      sync.Mutex
	waiters map[chat.RecordID]waiter
}

type waiter struct {
	id       chat.RecordID
	done     func(chat.Outcome)
	deadline time.Time
	sent     sent // of a message or a call; zero of other commands
}

func newPendingSet(most int) *pendingSet {
	p := &pendingSet{most: int64(most)}
	for i := range p.shards {
		p.shards[i].waiters = make(map[chat.RecordID]waiter)
	}
	return p
}

func (p *pendingSet) shard(id chat.RecordID) *pendingShard { return &p.shards[id[15]%pendingShards] }

func (p *pendingSet) add(id chat.RecordID, w waiter) bool {
	if p.n.Add(1) > p.most {
		p.n.Add(-1)
		return false
	}
	w.id = id
	sh := p.shard(id)
	sh.mu.Lock()
	sh.waiters[id] = w
	sh.mu.Unlock()
	return true
}

// take removes a waiter; only one caller gets it.
func (p *pendingSet) take(id chat.RecordID) (waiter, bool) {
	sh := p.shard(id)
	sh.mu.Lock()
	w, ok := sh.waiters[id]
	delete(sh.waiters, id)
	sh.mu.Unlock()
	if ok {
		p.n.Add(-1)
	}
	return w, ok
}

func (p *pendingSet) expired(now time.Time) []waiter {
	if p.n.Load() == 0 {
		return nil
	}
	var late []waiter
	for i := range p.shards {
		sh := &p.shards[i]
		sh.mu.Lock()
		for id, w := range sh.waiters {
			if now.After(w.deadline) {
				delete(sh.waiters, id)
				late = append(late, w)
			}
		}
		sh.mu.Unlock()
	}
	p.n.Add(-int64(len(late)))
	return late
}
