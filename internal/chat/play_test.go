package chat_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

var (
	ann, bob, cid, dan = chattest.User(0), chattest.User(1), chattest.User(2), chattest.User(3)
	room               = chattest.Room(0)
)

// stage is one conversation of which everything is known, as if it had been in memory from its start.
type stage struct {
	t       testing.TB
	state   *chat.State
	entries []*chat.Entry
	changes []*chat.Change
	now     chat.Time
}

func newStage(t testing.TB, id chat.ConversationID) *stage {
	return &stage{t: t, state: chat.NewState(id), now: chattest.Epoch}
}

// apply decides a command. What the state does not have does not exist.
func (s *stage) apply(cmd chat.Command) (*chat.Change, *chat.Entry, *chat.Error) {
	s.now += 1000
	cmd.At = s.now
	know(s.state, cmd.Needs())
	ch, first, err := chat.Apply(s.state, &cmd)
	if ch != nil {
		s.entries = append(s.entries, ch.Entry)
		s.changes = append(s.changes, ch)
	}
	return ch, first, err
}

// know says that what a complete state lacks does not exist.
func know(st *chat.State, n chat.Needs) {
	missing := st.Missing(n)
	for _, u := range missing.Members {
		st.Members[u] = nil
	}
	for _, seq := range missing.Messages {
		st.Messages[seq] = nil
	}
	for _, key := range missing.Sent {
		st.Sent[key] = nil
	}
}

// do applies commands that must be accepted.
func (s *stage) do(cmds ...chat.Command) {
	s.t.Helper()
	for _, cmd := range cmds {
		if _, _, err := s.apply(cmd); err != nil {
			s.t.Fatalf("%s: %v", cmd.Kind, err)
		}
	}
}

// group is a stage with a group of ann (owner), bob and cid.
func group(t testing.TB, kind chat.ConversationKind) *stage {
	t.Helper()
	s := newStage(t, room)
	s.do(chattest.Create(kind, room, ann, bob, cid))
	return s
}
