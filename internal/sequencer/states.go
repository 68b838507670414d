package sequencer

import "github.com/parley-chat/parley/internal/chat"

// maxFacts bounds the facts of one sort that a state keeps between batches.
const maxFacts = 1024

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
		if len(st.Members) > maxFacts {
			clear(st.Members)
		}
		if len(st.Messages) > maxFacts {
			clear(st.Messages)
		}
		if len(st.Sent) > maxFacts {
			clear(st.Sent)
		}
	}
	clear(s.touched)
	s.touched = s.touched[:0]
	if len(s.young) > s.most/2 {
		s.old, s.young = s.young, make(map[chat.ConversationID]*chat.State)
	}
}
