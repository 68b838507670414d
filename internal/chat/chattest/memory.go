package chattest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// Memory is a journal in memory: the twin of the stores, for tests that are
// about what stands on one. It keeps what it is told and nothing else. Safe for
// concurrent use.
type Memory struct {
	mu            sync.Mutex // guards what follows
	positions     map[chat.PartitionID][2]int64
	conversations map[chat.ConversationID]*memoryConversation
}

type memoryConversation struct {
	head     chat.Conversation
	members  map[chat.UserID]chat.Member
	messages map[chat.Seq]chat.MessageState
	entries  []chat.Entry
	sent     map[chat.SentKey]chat.Seq
}

var _ chat.Journal = (*Memory)(nil)

// NewMemory makes an empty journal.
func NewMemory() *Memory {
	return &Memory{
		positions:     make(map[chat.PartitionID][2]int64),
		conversations: make(map[chat.ConversationID]*memoryConversation),
	}
}

// Position implements chat.Journal.
func (m *Memory) Position(_ context.Context, p chat.PartitionID) (next, prev int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.positions[p]
	return at[0], at[1], nil
}

// Load implements chat.Journal.
func (m *Memory) Load(_ context.Context, states []*chat.State, wants []chat.Needs) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, st := range states {
		c := m.conversations[st.ID]
		if c == nil {
			c = &memoryConversation{}
		} else if st.Head == nil {
			head := c.head
			st.Head = &head
		}
		missing := st.Missing(wants[i])
		if wants[i].Likely {
			c.likely(st, &missing)
		}
		for _, u := range missing.Members {
			st.Members[u] = found(c.members, u)
			if m := st.Members[u]; m != nil {
				m.LastClientID = ""
				for key := range c.sent {
					if key.SenderID == u && !key.Call {
						m.LastClientID = max(m.LastClientID, key.ClientID)
					}
				}
			}
		}
		for _, seq := range missing.Messages {
			st.Messages[seq] = found(c.messages, seq)
		}
		for _, key := range missing.Sent {
			st.Sent[key] = nil
			if seq := c.sent[key]; seq > 0 {
				e := c.entries[seq-1]
				st.Sent[key] = &e
			}
		}
	}
	return nil
}

// likely adds what later commands will probably need.
func (c *memoryConversation) likely(st *chat.State, missing *chat.Needs) {
	var more chat.Needs
	if len(c.members) <= chat.LikelyMembers {
		more.Members = slices.Collect(maps.Keys(c.members))
	}
	for seq := range c.messages {
		if seq > c.head.Seq-chat.LikelyEntries {
			more.Messages = append(more.Messages, seq)
		}
	}
	more = st.Missing(more)
	missing.Members = append(missing.Members, more.Members...)
	missing.Messages = append(missing.Messages, more.Messages...)
}

func found[K comparable, V any](m map[K]V, key K) *V {
	if v, ok := m[key]; ok {
		return &v
	}
	return nil
}

// Commit implements chat.Journal.
func (m *Memory) Commit(_ context.Context, b *chat.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.positions[b.Partition][0] != b.From {
		return fmt.Errorf("commit: %w", chat.ErrFenced)
	}
	if len(b.JSON) != len(b.Changes) {
		return fmt.Errorf("commit: %d changes with %d entries", len(b.Changes), len(b.JSON))
	}
	after := make(map[chat.ConversationID]*memoryConversation)
	for _, ch := range b.Changes {
		id := ch.Entry.ConversationID
		if after[id] == nil {
			after[id] = m.conversations[id].clone()
		}
		if err := after[id].change(ch); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	maps.Copy(m.conversations, after)
	m.positions[b.Partition] = [2]int64{b.Next, b.From}
	return nil
}

func (c *memoryConversation) clone() *memoryConversation {
	if c == nil {
		c = &memoryConversation{}
	}
	out := &memoryConversation{
		head: c.head, members: maps.Clone(c.members), messages: maps.Clone(c.messages),
		entries: slices.Clone(c.entries), sent: maps.Clone(c.sent),
	}
	if out.members == nil {
		out.members = make(map[chat.UserID]chat.Member)
		out.messages = make(map[chat.Seq]chat.MessageState)
		out.sent = make(map[chat.SentKey]chat.Seq)
	}
	return out
}

func (c *memoryConversation) change(ch *chat.Change) error {
	e := *ch.Entry
	if e.Seq != chat.Seq(len(c.entries))+1 || ch.Head.Seq != e.Seq {
		return fmt.Errorf("seq %d (head %d) after %d entries", e.Seq, ch.Head.Seq, len(c.entries))
	}
	c.head = ch.Head
	c.entries = append(c.entries, e)
	if key := e.SentKey(); key.Call || e.Kind == chat.KindMessage {
		if c.sent[key] != 0 {
			return fmt.Errorf("%s is sent already", e.ClientID)
		}
		c.sent[key] = e.Seq
	}
	if e.Kind == chat.KindMessage {
		c.messages[e.Seq] = chat.MessageState{Seq: e.Seq, SenderID: e.SenderID, Ordinal: e.Ordinal}
	}
	for _, member := range ch.PutMembers {
		c.members[member.UserID] = member
	}
	for _, u := range ch.RemoveMembers {
		delete(c.members, u)
	}
	if ch.PutMessage != nil {
		c.messages[ch.PutMessage.Seq] = *ch.PutMessage
	}
	for _, seq := range ch.Redact {
		c.entries[seq-1].Redact()
	}
	return nil
}

// Entries is chat.Views.Entries.
func (m *Memory) Entries(_ context.Context, id chat.ConversationID, after chat.Seq, limit, maxBytes int) ([]chat.RawEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.conversations[id]
	if c == nil {
		return nil, nil
	}
	var out []chat.RawEntry
	for i := int(after); i < len(c.entries) && len(out) < limit; i++ {
		body := c.entries[i].AppendJSON(nil)
		if maxBytes -= len(body); maxBytes < 0 && len(out) > 0 {
			break
		}
		out = append(out, chat.RawEntry{Seq: c.entries[i].Seq, JSON: body})
	}
	return out, nil
}
