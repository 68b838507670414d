package call

import (
	"reflect"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Verb is what somebody does to a call.
type Verb uint8

// The verbs.
const (
	Start   Verb = iota + 1 // UserID calls Members from DeviceID
	Answer                  // UserID joins, or comes back, with DeviceID
	Decline                 // UserID says no, or is Busy
	Update                  // the camera of DeviceID is on or off
	End                     // DeviceID hangs up
	Keep                    // a node says that Devices are there and Users are no members, and ends what is due
	Logged                  // the call is in the log
	Rang                    // a node is about to have closed browsers of Users ring
)

// Action is one thing that happens to the call of a conversation.
type Action struct {
	Verb         Verb
	Conversation chat.ConversationID
	CallID       chat.CallID
	UserID       chat.UserID
	DeviceID     chat.DeviceID
	Video, Busy  bool
	Direct       bool            // of Start
	Members      []chat.UserID   // of Start
	Spared       []chat.UserID   // of Start: members for whom it does not ring
	Devices      []chat.DeviceID // of Keep
	Users        []chat.UserID   // of Keep and Rang
	Left         []chat.DeviceID // of Keep: devices that are there no more
	// Lenient has Keep leave those in the call whose lease has run out: for a while
	// after nobody could renew any.
	Lenient bool
}

// The refusals that are not plain ones.
var (
	errOver      = &chat.Error{Code: chat.CodeConflict, Reason: "call_ended", Message: "This call has ended."}
	errElsewhere = &chat.Error{Code: chat.CodeConflict, Reason: "answered_elsewhere", Message: "You are in this call with another device."}
	errDevice    = &chat.Error{Code: chat.CodeConflict, Reason: "device_taken", Message: "Somebody else is in this call with this device."}
	errCrowded   = &chat.Error{Code: chat.CodeTooLarge, Reason: "call_full", Message: "A call holds at most 8 people."}
	errNobody    = &chat.Error{Code: chat.CodeConflict, Reason: "nobody_to_call", Message: "There is nobody else in this conversation."}
	errBacklog   = &chat.Error{Code: chat.CodeUnavailable, Reason: "calls_not_logged", RetryAfter: chat.ErrUnavailable.RetryAfter, Message: "Earlier calls could not be noted yet; try again soon."}
)

// Next gives the state after an action at a moment, or why it is refused. It is
// pure: s is not changed, and the same arguments give the same answer. An action that
// was done already changes nothing and is no error, so that whoever does not know
// whether it was done does it again.
func Next(s State, a Action, now chat.Time) (State, error) {
	out := s.clone()
	if !out.over() {
		out.missed(now)
	}
	if err := out.apply(&a, now); err != nil {
		return s, err
	}
	if out.Call.ID == s.Call.ID && !out.none() {
		same := out.Call
		same.Version = s.Call.Version
		if !reflect.DeepEqual(same, s.Call) {
			out.Call.Version = s.Call.Version + 1
		}
	}
	return out, nil
}

// missed ends the ringing when its time is over.
func (s *State) missed(now chat.Time) {
	if now < s.RingsUntil || len(s.Call.Ringing) == 0 {
		return
	}
	if s.Call.State == chat.CallRinging {
		s.finish(chat.CallMissed, now)
		return
	}
	s.Call.Ringing = []chat.UserID{}
}

func (s *State) apply(a *Action, now chat.Time) *chat.Error {
	switch a.Verb {
	case Start:
		return s.start(a, now)
	case Answer:
		return s.answer(a, now)
	case Decline:
		return s.decline(a, now)
	case Update:
		return s.update(a)
	case End:
		return s.end(a, now)
	case Keep:
		s.keep(a, now)
	case Logged:
		s.note(a.CallID)
	case Rang:
		return s.rang(a)
	}
	return nil
}

// How long somebody is there without a sign of life, and how long a call rings, in
// milliseconds; grace is what those get whose nodes could not say that they are there.
const (
	lease = chat.Time(chat.CallLease / time.Millisecond)
	rings = chat.Time(chat.CallRings / time.Millisecond)
	grace = chat.Time((chat.CallRenewal + chat.CallRenewal/2) / time.Millisecond)
	// fresh is what is left of a lease that is not worth renewing.
	fresh = lease - chat.Time(chat.CallRenewal/2/time.Millisecond)
)

// start calls the others, unless a call is under way.
func (s *State) start(a *Action, now chat.Time) *chat.Error {
	switch {
	case s.Call.ID == a.CallID: // again
		if s.Holds(a.UserID, a.DeviceID) {
			s.renew(a.DeviceID, now+lease)
		}
		return nil
	case !s.over():
		return nil
	case s.past(a.CallID): // whoever says so again rings nobody again
		return errOver
	case len(s.Owed) >= maxOwed:
		return errBacklog
	}
	ringing := slices.DeleteFunc(slices.Clone(a.Members), func(u chat.UserID) bool {
		return u == a.UserID || slices.Contains(a.Spared, u)
	})
	if len(ringing) == 0 {
		return errNobody
	}
	owed, noted := s.Owed, s.Noted
	var last *chat.Call
	if !s.none() {
		call := s.Call
		last = &call
	}
	*s = State{
		Call: chat.Call{
			ID: a.CallID, ConversationID: a.Conversation, CallerID: a.UserID, Video: a.Video, State: chat.CallRinging, Version: 1,
			StartedAt: now, Ringing: ringing,
		},
		Direct: a.Direct, Members: slices.Clone(a.Members), RingsUntil: now + rings, Owed: owed, Noted: noted, Last: last,
	}
	s.sit(chat.CallPresent{UserID: a.UserID, DeviceID: a.DeviceID, Video: a.Video}, now+lease)
	return nil
}

// find refuses what is about another call than the one that is there.
func (s *State) find(a *Action) *chat.Error {
	if s.none() || s.Call.ID != a.CallID {
		return chat.ErrNotFound
	}
	return nil
}

func (s *State) answer(a *Action, now chat.Time) *chat.Error {
	if err := s.find(a); err != nil {
		return err
	}
	if s.over() {
		return errOver
	}
	if i := s.seatOf(a.UserID); i >= 0 {
		if s.Call.Participants[i].DeviceID != a.DeviceID {
			return errElsewhere
		}
		s.Call.Participants[i].Video = a.Video
		s.renew(a.DeviceID, now+lease)
		return nil
	}
	if s.seat(a.DeviceID) >= 0 {
		return errDevice
	}
	if len(s.Call.Participants) >= chat.MaxCallParticipants {
		return errCrowded
	}
	s.unring(a.UserID)
	s.sit(chat.CallPresent{UserID: a.UserID, DeviceID: a.DeviceID, Video: a.Video}, now+lease)
	if s.Call.State == chat.CallRinging {
		s.Call.State, s.Call.AnsweredAt = chat.CallLive, now
	}
	return nil
}

func (s *State) decline(a *Action, now chat.Time) *chat.Error {
	if err := s.find(a); err != nil {
		return err
	}
	if s.seatOf(a.UserID) >= 0 {
		return errElsewhere
	}
	if !s.unring(a.UserID) {
		return nil
	}
	if a.Busy {
		s.Busy = append(s.Busy, a.UserID)
	} else {
		s.Declined = append(s.Declined, a.UserID)
	}
	s.settle(false, now)
	return nil
}

func (s *State) update(a *Action) *chat.Error {
	if err := s.find(a); err != nil {
		return err
	}
	if s.over() {
		return errOver
	}
	if !s.Holds(a.UserID, a.DeviceID) {
		return chat.ErrNotFound
	}
	s.Call.Participants[s.seat(a.DeviceID)].Video = a.Video
	return nil
}

// rang notes whose closed browsers ring: whichever node ends that has to tell them.
func (s *State) rang(a *Action) *chat.Error {
	if err := s.find(a); err != nil {
		return err
	}
	s.rings(a.Users)
	return nil
}

// rings adds people to those whose closed browsers ring.
func (s *State) rings(users []chat.UserID) {
	for _, u := range users {
		if len(s.Rang) < chat.MaxCallMembers && !slices.Contains(s.Rang, u) {
			s.Rang = append(s.Rang, u)
		}
	}
}

// end takes a device out: of a call of two that means its end.
func (s *State) end(a *Action, now chat.Time) *chat.Error {
	if err := s.find(a); err != nil {
		return err
	}
	if !s.Holds(a.UserID, a.DeviceID) { // it has left before
		return nil
	}
	s.rise(func(p chat.CallPresent) bool { return p.DeviceID == a.DeviceID })
	if s.Direct && s.Call.State == chat.CallLive {
		s.finish(chat.CallAnswered, now)
		return nil
	}
	if s.Call.State == chat.CallRinging { // only the caller is in it
		s.finish(chat.CallMissed, now)
		return nil
	}
	s.settle(false, now)
	return nil
}

func (s *State) keep(a *Action, now chat.Time) {
	if s.over() {
		return
	}
	for _, d := range a.Devices {
		if s.seat(d) >= 0 && !slices.Contains(a.Left, d) && s.Leases[d] < now+fresh {
			s.renew(d, now+lease)
		}
	}
	for _, u := range a.Users {
		s.unring(u)
		s.Members = slices.DeleteFunc(s.Members, func(m chat.UserID) bool { return m == u })
	}
	s.rise(func(p chat.CallPresent) bool {
		return slices.Contains(a.Users, p.UserID) || slices.Contains(a.Left, p.DeviceID)
	})
	s.settle(false, now)
	if a.Lenient {
		return
	}
	s.rise(func(p chat.CallPresent) bool { return s.Leases[p.DeviceID] <= now })
	s.settle(true, now)
}

// merge gives what is true when this node knows one thing and the board another:
// what has ended has ended, of the rest what is newer counts, and nothing that is owed
// to the log is lost. A board that forgot everything is told again.
func merge(known, board State, now chat.Time) State {
	out := board.clone()
	switch {
	case known.none():
		return out
	case board.none():
		return known.revived(now)
	case known.Call.ID == board.Call.ID && board.over():
	case known.Call.ID == board.Call.ID && known.over():
		out = known.clone()
		out.Call.Version = max(known.Call.Version, board.Call.Version+1)
	case known.Call.ID == board.Call.ID && board.Call.Version < known.Call.Version:
		out = known.revived(now)
	case known.Call.ID == board.Call.ID:
	case known.Call.StartedAt > board.Call.StartedAt && board.over():
		out = known.revived(now)
	}
	out.debts(&board)
	out.debts(&known)
	for _, s := range []*State{&board, &known} {
		if s.Call.ID == out.Call.ID {
			out.rings(s.Rang)
		}
	}
	return out
}

// revived is a state that the board did not have: nobody could renew a lease on it.
func (s *State) revived(now chat.Time) State {
	out := s.clone()
	for _, p := range out.Call.Participants {
		out.renew(p.DeviceID, now+grace)
	}
	return out
}
