package sequencer

import "github.com/parley-chat/parley/internal/chat"

// SetApply replaces the deciding function, so that a test can make it panic.
func (s *Sequencer) SetApply(f func(*chat.State, *chat.Command) (*chat.Change, *chat.Entry, *chat.Error)) {
	s.apply = f
}
