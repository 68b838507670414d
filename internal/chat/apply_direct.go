package chat

var (
	errBlocked  = &Error{Code: CodeForbidden, Reason: "blocked", Message: "This person does not take messages from you."}
	errBlocking = &Error{Code: CodeForbidden, Reason: "blocking", Message: "You have blocked this person; unblock them first."}
)

// blocked says whether a block stands against what the actor wants to say.
// Who blocks somebody may change what they said before, and sends nothing new.
func (s *State) blocked(actor *Member, sends bool) *Error {
	err := s.Head.Barred(actor.UserID)
	if err == errBlocking && !sends {
		return nil
	}
	return err
}

// Barred says which block stands against something new that a member wants to say to
// the other of a direct conversation, or a call; nil if none does.
func (c *Conversation) Barred(user UserID) *Error {
	switch {
	case c.Blocks == 0:
		return nil
	case c.Blocked(user):
		return errBlocked
	}
	return errBlocking
}

func applyBlock(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	if err := May(s.Head.Kind, actor, ActBlock); err != nil {
		return nil, AsError(err)
	}
	if s.Head.Members < 2 {
		return nil, Invalid("user_id", "is oneself")
	}
	if s.Head.Blocking(actor.UserID) == cmd.On {
		return nil, nil
	}
	s.Head.Blocks ^= s.Head.blockOf(actor.UserID)
	return &Change{Entry: &Entry{Kind: KindBlock, On: cmd.On}}, nil
}

func applyPin(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	m, err := s.target(cmd, actor)
	if err != nil {
		return nil, err
	}
	if err := May(s.Head.Kind, actor, ActPin); err != nil {
		return nil, AsError(err)
	}
	if err := s.blocked(actor, false); err != nil {
		return nil, err
	}
	switch {
	case m.DeletedAt != 0:
		return nil, errDeleted
	case (m.PinnedAt != 0) == cmd.On:
		return nil, nil
	case cmd.On && s.Head.Pins >= MaxPins:
		return nil, &Error{Code: CodeTooLarge, Reason: "limit_exceeded", Message: "A conversation holds at most 100 pinned messages."}
	}
	next := m.clone()
	if next.PinnedAt = 0; cmd.On {
		next.PinnedAt = cmd.At
		s.Head.Pins++
	} else {
		s.Head.Pins--
	}
	s.Messages[m.Seq] = next
	return &Change{Entry: &Entry{Kind: KindPin, Target: cmd.Target, On: cmd.On}, PutMessage: next.clone()}, nil
}
