package sequencer

import "github.com/parley-chat/parley/internal/chat"

// SetApply replaces the deciding function, so that a test can make it panic.
func (s *Sequencer) SetApply(f func(*chat.State, *chat.Command) (*chat.Change, *chat.Entry, *chat.Error)) {
	s.apply = f
}

// KeepLittle makes the sequencer forget whatever it may, so that it has to look up much.
func (s *Sequencer) KeepLittle() {
	s.limits = limits{warm: 2, members: 2, messages: 3, recent: 3, recentBytes: 1 << 20, commit: 3}
}
