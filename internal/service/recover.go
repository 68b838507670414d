package service

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// recoverBatch bounds the messages of one question.
const recoverBatch = 500

// Facts is the part of chat.Journal that knows which messages were applied.
type Facts interface {
	Load(ctx context.Context, states []*chat.State, wants []chat.Needs) error
}

// sent is what a message that waits for its outcome can be found by.
type sent struct {
	conversation chat.ConversationID
	key          chat.SentKey
	at           chat.Time
}

// Recover finds the outcomes of messages that have waited for a while in the store, for
// the time that the bus does not bring the answers of owners on other nodes: a message
// that is there was accepted. Of one that is not, nothing is known yet. It gives how
// many it settled.
func (s *Service) Recover(ctx context.Context, facts Facts, after time.Duration) (settled int, err error) {
	waiting := s.pending.sends(s.Clock().Add(s.Limits.SubmitTimeout-after), recoverBatch)
	if len(waiting) == 0 {
		return 0, nil
	}
	states := make(map[chat.ConversationID]*chat.State)
	needs := make(map[chat.ConversationID]*chat.Needs)
	for _, w := range waiting {
		id := w.sent.conversation
		if states[id] == nil {
			states[id], needs[id] = chat.NewState(id), &chat.Needs{}
		}
		needs[id].Sent = append(needs[id].Sent, w.sent.key)
	}
	var list []*chat.State
	var wants []chat.Needs
	for id, st := range states {
		list, wants = append(list, st), append(wants, *needs[id])
	}
	if err := facts.Load(ctx, list, wants); err != nil {
		return 0, fmt.Errorf("look for messages without an answer: %w", err)
	}
	for _, w := range waiting {
		entry := states[w.sent.conversation].Sent[w.sent.key]
		if entry == nil {
			continue
		}
		if w, ok := s.pending.take(w.id); ok {
			settled++
			w.done(chat.Outcome{RecordID: w.id, Entry: entry, JSON: entry.AppendJSON(nil), Repeated: entry.At != w.sent.at})
		}
	}
	return settled, nil
}

// sends gives messages, at most most, whose deadline is no later than this.
func (p *pendingSet) sends(deadline time.Time, most int) []waiter {
	if p.n.Load() == 0 {
		return nil
	}
	var out []waiter
	for i := range p.shards {
		sh := &p.shards[i]
		sh.mu.Lock()
		for _, w := range sh.waiters {
			if w.sent.key.ClientID != "" && !w.deadline.After(deadline) && len(out) < most {
				out = append(out, w)
			}
		}
		sh.mu.Unlock()
	}
	return out
}
