package chat

import "slices"

// Valid reports whether o is one of the outcomes.
func (o CallOutcome) Valid() bool {
	switch o {
	case CallAnswered, CallMissed, CallDeclined, CallBusy, CallFailed:
		return true
	}
	return false
}

// CallSummary is what remains of a call in the log.
type CallSummary struct {
	Video   bool        `json:"video"` // it began with a camera
	Outcome CallOutcome `json:"outcome"`
	// DurationMS is how long people talked, in milliseconds; zero if nobody answered.
	DurationMS int64 `json:"duration_ms"`
}

func (c *Command) validateCall() *Error {
	if err := firstError(validClientID(c.ClientID), c.validUsers(0, MaxMembersPerCommand)); err != nil {
		return err
	}
	for i, id := range c.UserIDs {
		if slices.Contains(c.UserIDs[:i], id) {
			return Invalid("user_ids", "somebody is named twice")
		}
	}
	switch {
	case c.Call == nil:
		return Invalid("call", "is missing")
	case !c.Call.Outcome.Valid():
		return Invalid("call", "has no outcome that is known")
	case c.Call.DurationMS < 0 || c.Call.DurationMS > MaxSeq:
		return Invalid("call", "has no duration")
	}
	return nil
}

// applyCall notes a call that has ended. It is noted once, whoever of several says it
// first: what others say about the same call later changes nothing. Who took part
// need not be a member any more.
func applyCall(s *State, cmd *Command, actor *Member) (*Change, *Entry, *Error) {
	if err := May(s.Head.Kind, actor, ActCall); err != nil {
		return nil, nil, AsError(err)
	}
	key, _ := cmd.SentKey()
	if first := s.Sent[key]; first != nil {
		return nil, first, nil
	}
	call := *cmd.Call
	return &Change{Entry: &Entry{Kind: KindCall, ClientID: cmd.ClientID, UserIDs: slices.Clone(cmd.UserIDs), Call: &call}}, nil, nil
}
