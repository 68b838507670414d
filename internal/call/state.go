package call

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
)

// State is what the board holds of a conversation: the call that is under way or
// was the last one, what nodes need to end it, and calls that are not in the log yet.
// The zero value means that there has been no call.
type State struct {
	Call chat.Call `json:"call"`
	// Direct says that the conversation is one of two people: who hangs up ends the call.
	Direct bool `json:"direct,omitempty"`
	// Members are those of the conversation when the call began; the caller is one.
	Members []chat.UserID `json:"members,omitempty"`
	// RingsUntil is when the call is missed, Leases until when each device counts as there.
	RingsUntil chat.Time                   `json:"rings_until,omitzero"`
	Leases     map[chat.DeviceID]chat.Time `json:"leases,omitempty"`
	// Took are the people who have been in the call, in the order in which they came: the
	// first maxTook of them.
	Took     []chat.UserID `json:"took,omitempty"`
	Declined []chat.UserID `json:"declined,omitempty"`
	Busy     []chat.UserID `json:"busy,omitempty"`
	// Rang are people whose closed browsers were told that it rings.
	Rang []chat.UserID `json:"rang,omitempty"`
	// Owed are calls that ended and are not known to be in the log.
	Owed []Ended `json:"owed,omitempty"`
	// Noted are the last calls that are in the log, so that no node that knows less
	// owes them again.
	Noted []chat.CallID `json:"noted,omitempty"`
	// Last is the call before this one, as it ended.
	Last *chat.Call `json:"last,omitempty"`
	// NamedAt is when the board was told last whom the call concerns.
	NamedAt chat.Time `json:"named_at,omitzero"`
}

// Ended is a call that is over, as the log is told of it.
type Ended struct {
	Call chat.Call `json:"call"`
	// Took are the people who were in it; the caller alone took part in nothing.
	Took []chat.UserID `json:"took,omitempty"`
}

// Duration is for how long people talked, in milliseconds.
func (e *Ended) Duration() int64 {
	if e.Call.AnsweredAt == 0 {
		return 0
	}
	return int64(max(0, e.Call.EndedAt-e.Call.AnsweredAt))
}

// maxOwed bounds the calls of a conversation that wait for the log; until there is
// room no other begins.
const maxOwed = 8

// maxTook bounds the people of whom it is kept that they were in a call: members may come
// and go while it lasts.
const maxTook = chat.MaxCallMembers

// none reports that there has been no call.
func (s *State) none() bool { return s.Call.ID.IsZero() }

// over reports that no call is under way.
func (s *State) over() bool { return s.none() || s.Call.State == chat.CallEnded }

func (s *State) clone() State {
	out := *s
	out.Call.Ringing, out.Call.Participants = slices.Clone(s.Call.Ringing), slices.Clone(s.Call.Participants)
	out.Leases = maps.Clone(s.Leases)
	out.Members, out.Took = slices.Clone(s.Members), slices.Clone(s.Took)
	out.Declined, out.Busy = slices.Clone(s.Declined), slices.Clone(s.Busy)
	out.Rang, out.Owed, out.Noted = slices.Clone(s.Rang), slices.Clone(s.Owed), slices.Clone(s.Noted)
	return out
}

// people are those whom the call concerns.
func (s *State) people() []chat.UserID {
	if len(s.Members) > 0 {
		return s.Members
	}
	people := slices.Clone(s.Call.Ringing)
	for _, p := range s.Call.Participants {
		people = append(people, p.UserID)
	}
	return people
}

// seat gives where a device is among the participants, or -1.
func (s *State) seat(device chat.DeviceID) int {
	return slices.IndexFunc(s.Call.Participants, func(p chat.CallPresent) bool { return p.DeviceID == device })
}

// seatOf gives where a person is among the participants, or -1.
func (s *State) seatOf(user chat.UserID) int {
	return slices.IndexFunc(s.Call.Participants, func(p chat.CallPresent) bool { return p.UserID == user })
}

// Holds reports whether a device of a person is in the call.
func (s *State) Holds(user chat.UserID, device chat.DeviceID) bool {
	i := s.seat(device)
	return i >= 0 && s.Call.Participants[i].UserID == user
}

// sit puts a device into the call.
func (s *State) sit(p chat.CallPresent, until chat.Time) {
	s.Call.Participants = append(s.Call.Participants, p)
	s.renew(p.DeviceID, until)
	if len(s.Took) < maxTook && !slices.Contains(s.Took, p.UserID) {
		s.Took = append(s.Took, p.UserID)
	}
}

// renew says until when a device counts as there; no lease becomes shorter.
func (s *State) renew(device chat.DeviceID, until chat.Time) {
	if s.Leases == nil {
		s.Leases = make(map[chat.DeviceID]chat.Time)
	}
	s.Leases[device] = max(s.Leases[device], until)
}

// rise takes those participants out for whom gone says so.
func (s *State) rise(gone func(chat.CallPresent) bool) {
	for _, p := range s.Call.Participants {
		if gone(p) {
			delete(s.Leases, p.DeviceID)
		}
	}
	s.Call.Participants = slices.DeleteFunc(s.Call.Participants, gone)
}

// unring takes somebody off those who are called, and reports whether they were.
func (s *State) unring(user chat.UserID) bool {
	i := slices.Index(s.Call.Ringing, user)
	if i >= 0 {
		s.Call.Ringing = slices.Delete(s.Call.Ringing, i, i+1)
	}
	return i >= 0
}

// finish ends the call, for good.
func (s *State) finish(outcome chat.CallOutcome, now chat.Time) {
	s.Call.State, s.Call.Outcome, s.Call.EndedAt = chat.CallEnded, outcome, max(now, s.Call.StartedAt, s.Call.AnsweredAt)
	s.Call.Ringing, s.Call.Participants, s.Leases = []chat.UserID{}, []chat.CallPresent{}, nil
	took := s.Took
	if s.Call.AnsweredAt == 0 {
		took = nil
	}
	s.owe(Ended{Call: s.Call, Took: took})
}

// past reports that a call is one of the last that ended here.
func (s *State) past(id chat.CallID) bool {
	return slices.Contains(s.Noted, id) || slices.ContainsFunc(s.Owed, func(e Ended) bool { return e.Call.ID == id })
}

// owe notes a call for the log, once.
func (s *State) owe(e Ended) {
	if !s.past(e.Call.ID) {
		s.Owed = append(s.Owed, e)
	}
}

// note remembers that a call is in the log.
func (s *State) note(id chat.CallID) {
	s.Owed = slices.DeleteFunc(s.Owed, func(e Ended) bool { return e.Call.ID == id })
	if slices.Contains(s.Noted, id) {
		return
	}
	if s.Noted = append(s.Noted, id); len(s.Noted) > 2*maxOwed {
		s.Noted = slices.Clone(s.Noted[len(s.Noted)-2*maxOwed:])
	}
}

// debts takes over what another state owes to the log, and what it knows to be there.
func (s *State) debts(other *State) {
	for _, e := range other.Owed {
		s.owe(e)
	}
	for _, id := range other.Noted {
		s.note(id)
	}
}

// settle ends the call if too few people are left of it. vanished says that nobody
// said so: leases ran out.
func (s *State) settle(vanished bool, now chat.Time) {
	switch {
	case s.over():
	case s.Call.State == chat.CallLive:
		if len(s.Call.Participants) < 2 {
			s.finish(chat.CallAnswered, now)
		}
	case len(s.Call.Participants) == 0 && vanished:
		s.finish(chat.CallFailed, now)
	case len(s.Call.Participants) == 0:
		s.finish(chat.CallMissed, now)
	case len(s.Call.Ringing) > 0:
	case len(s.Declined) > 0:
		s.finish(chat.CallDeclined, now)
	case len(s.Busy) > 0:
		s.finish(chat.CallBusy, now)
	default: // whoever was called is no member any more
		s.finish(chat.CallMissed, now)
	}
}

// encode gives the document. The same state is the same document.
func (s *State) encode() ([]byte, error) {
	if s.none() {
		return nil, nil
	}
	doc, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode a call: %w", err)
	}
	return doc, nil
}

// decode reads a document; none is the zero State.
func decode(doc []byte) (State, error) {
	var s State
	if len(doc) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(doc, &s); err != nil {
		return State{}, fmt.Errorf("decode a call: %w", err)
	}
	return s, nil
}
