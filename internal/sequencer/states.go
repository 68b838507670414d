package sequencer

import "github.com/parley-chat/parley/internal/chat"

// What a state keeps between batches. Entries that were sent are kept by none:
// a member's greatest client id tells which others need to be looked up at all.
const (
	maxMembers  = 1024
	maxMessages = 64
)

// states keeps the states of conversations between batches, in two generations:
// what was not used while the young one filled up is forgotten.
type states struct {
	young, old map[chat.ConversationID]*chat.State
	touched    []*chat.State // by the present batch, some more than once
	most       int
}

func newStates(most int) *states {
	return &states{young: make(map[chat.ConversationID]*chat.State), most: most}
}

// get gives the state of a conversation; a fresh one has nothing loaded.
func (s *states) get(id chat.ConversationID) (st *chat.State, fresh bool) {
	if st = s.young[id]; st != nil {
		s.touched = append(s.touched, st)
		return st, false
	}
	if st = s.old[id]; st == nil {
		st, fresh = chat.NewState(id), true
	}
	s.young[id] = st
	s.touched = append(s.touched, st)
	return st, fresh
}

// trim keeps the bounds; it is called between batches only, for within one no
// fact may go.
func (s *states) trim() {
	for _, st := range s.touched {
		clear(st.Sent)
		if len(st.Messages) > maxMessages {
			clear(st.Messages)
		}
		if len(st.Members) > maxMembers {
			clear(st.Members)
		}
	}
	clear(s.touched)
	s.touched = s.touched[:0]
	if len(s.young) > s.most/2 {
		s.old, s.young = s.young, make(map[chat.ConversationID]*chat.State)
	}
}
