package call

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

const epoch = chattest.Epoch

var (
	ann, bob, eve = chattest.User(0), chattest.User(1), chattest.User(2)
	room          = chattest.Room(1)
	first         = chat.CallID{15: 1}
)

func device(n byte) chat.DeviceID { return chat.DeviceID{15: n} }

// step is an action with what it is to come to.
type step struct {
	at   chat.Time // after the start, in milliseconds
	do   Action
	want string // the refusal's reason or code; "" for none
}

func act(verb Verb, user chat.UserID, dev byte) Action {
	return Action{Verb: verb, Conversation: room, CallID: first, UserID: user, DeviceID: device(dev)}
}

func begin(members ...chat.UserID) Action {
	a := act(Start, ann, 1)
	a.Members, a.Direct, a.Video = members, len(members) == 2, true
	return a
}

func busy(a Action) Action { a.Busy = true; return a }

func keep(devices []chat.DeviceID, gone ...chat.UserID) Action {
	return Action{Verb: Keep, Conversation: room, CallID: first, Devices: devices, Users: gone}
}

func TestNext(t *testing.T) {
	direct, group := begin(ann, bob), begin(ann, bob, eve)
	other := begin(ann, bob)
	other.CallID, other.UserID, other.DeviceID = chat.CallID{15: 2}, bob, device(3)
	for _, c := range []struct {
		name    string
		steps   []step
		state   chat.CallState
		outcome chat.CallOutcome
		took    []chat.UserID
		lasted  int64
		seats   int
		ringing int
	}{
		{name: "it rings", steps: []step{{0, direct, ""}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "started twice", steps: []step{{0, direct, ""}, {1, direct, ""}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "both start", steps: []step{{0, direct, ""}, {1, other, ""}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "nobody else is there", steps: []step{{0, begin(ann), "nobody_to_call"}}},
		{name: "answered", steps: []step{{0, direct, ""}, {1, act(Answer, bob, 3), ""}}, state: chat.CallLive, seats: 2},
		{
			name: "hung up", steps: []step{{0, direct, ""}, {1_000, act(Answer, bob, 3), ""}, {5_000, act(End, bob, 3), ""}, {6_000, act(End, ann, 1), ""}},
			state: chat.CallEnded, outcome: chat.CallAnswered, took: []chat.UserID{ann, bob}, lasted: 4_000,
		},
		{
			name:  "a second device is too late",
			steps: []step{{0, direct, ""}, {1, act(Answer, bob, 3), ""}, {2, act(Answer, bob, 4), "answered_elsewhere"}, {3, act(Decline, bob, 4), "answered_elsewhere"}},
			state: chat.CallLive, seats: 2,
		},
		{name: "another device of the caller", steps: []step{{0, direct, ""}, {1, act(Answer, ann, 2), "answered_elsewhere"}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "another's device", steps: []step{{0, direct, ""}, {1, act(Answer, bob, 1), "device_taken"}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "the caller gives up", steps: []step{{0, direct, ""}, {9, act(End, ann, 1), ""}}, state: chat.CallEnded, outcome: chat.CallMissed},
		{name: "who is called cannot end it", steps: []step{{0, direct, ""}, {9, act(End, bob, 3), ""}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "another's device ends nothing", steps: []step{{0, direct, ""}, {9, act(End, bob, 1), ""}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "declined", steps: []step{{0, direct, ""}, {9, act(Decline, bob, 3), ""}, {10, act(Decline, bob, 3), ""}, {11, act(Answer, bob, 3), "call_ended"}}, state: chat.CallEnded, outcome: chat.CallDeclined},
		{name: "busy", steps: []step{{0, direct, ""}, {9, busy(act(Decline, bob, 3)), ""}}, state: chat.CallEnded, outcome: chat.CallBusy},
		{name: "one of two declines", steps: []step{{0, group, ""}, {9, act(Decline, bob, 3), ""}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "two of two", steps: []step{{0, group, ""}, {9, busy(act(Decline, bob, 3)), ""}, {9, act(Decline, eve, 5), ""}}, state: chat.CallEnded, outcome: chat.CallDeclined},
		{name: "who declined may join later", steps: []step{{0, group, ""}, {9, act(Decline, bob, 3), ""}, {10, act(Answer, bob, 4), ""}}, state: chat.CallLive, seats: 2, ringing: 1},
		{name: "missed", steps: []step{{0, direct, ""}, {20_000, keep([]chat.DeviceID{device(1)}), ""}, {45_000, keep(nil), ""}}, state: chat.CallEnded, outcome: chat.CallMissed},
		{name: "missed, seen by who answers too late", steps: []step{{0, direct, ""}, {45_000, act(Answer, bob, 3), "call_ended"}, {45_000, keep(nil), ""}}, state: chat.CallEnded, outcome: chat.CallMissed},
		{name: "the caller vanishes", steps: []step{{0, direct, ""}, {26_999, keep(nil), ""}, {27_000, keep(nil), ""}}, state: chat.CallEnded, outcome: chat.CallFailed},
		{name: "a lenient look", steps: []step{{0, direct, ""}, {27_000, Action{Verb: Keep, Lenient: true}, ""}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{
			name:  "one vanishes from a call of two",
			steps: []step{{0, direct, ""}, {1, act(Answer, bob, 3), ""}, {20_000, keep([]chat.DeviceID{device(1)}), ""}, {27_001, keep([]chat.DeviceID{device(1)}), ""}},
			state: chat.CallEnded, outcome: chat.CallAnswered, took: []chat.UserID{ann, bob}, lasted: 27_000,
		},
		{
			name:  "who comes back in time stays",
			steps: []step{{0, direct, ""}, {1, act(Answer, bob, 3), ""}, {20_000, keep([]chat.DeviceID{device(1)}), ""}, {26_000, act(Answer, bob, 3), ""}, {30_000, keep([]chat.DeviceID{device(1)}), ""}},
			state: chat.CallLive, seats: 2,
		},
		{
			name:  "one of three leaves, then the second",
			steps: []step{{0, group, ""}, {1, act(Answer, bob, 3), ""}, {2, act(Answer, eve, 5), ""}, {3, act(End, ann, 1), ""}, {1_001, act(End, eve, 5), ""}},
			state: chat.CallEnded, outcome: chat.CallAnswered, took: []chat.UserID{ann, bob, eve}, lasted: 1_000,
		},
		{
			name:  "who does not answer rings no longer than others",
			steps: []step{{0, group, ""}, {1, act(Answer, bob, 3), ""}, {30_000, keep([]chat.DeviceID{device(1), device(3)}), ""}, {45_000, keep([]chat.DeviceID{device(1), device(3)}), ""}},
			state: chat.CallLive, seats: 2,
		},
		{name: "who is called is removed", steps: []step{{0, group, ""}, {9, keep(nil, bob), ""}, {10, keep(nil, eve), ""}}, state: chat.CallEnded, outcome: chat.CallMissed},
		{
			name:  "who talks is removed",
			steps: []step{{0, group, ""}, {1, act(Answer, bob, 3), ""}, {2, act(Answer, eve, 5), ""}, {3, keep(nil, bob), ""}, {4, act(Update, bob, 3), "not_found"}},
			state: chat.CallLive, seats: 2,
		},
		{name: "the caller is removed", steps: []step{{0, group, ""}, {9, keep(nil, ann), ""}}, state: chat.CallEnded, outcome: chat.CallMissed},
		{name: "another call", steps: []step{{0, direct, ""}, {1, Action{Verb: Answer, CallID: chat.CallID{9}, UserID: bob, DeviceID: device(3)}, "not_found"}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "no call", steps: []step{{0, act(Answer, bob, 3), "not_found"}, {0, act(End, bob, 3), "not_found"}, {0, act(Update, bob, 3), "not_found"}, {0, act(Decline, bob, 3), "not_found"}, {0, keep(nil, bob), ""}}},
		{name: "the camera of who is not in it", steps: []step{{0, direct, ""}, {1, act(Update, bob, 3), "not_found"}}, state: chat.CallRinging, seats: 1, ringing: 1},
		{name: "ended and started again", steps: []step{{0, direct, ""}, {9, act(End, ann, 1), ""}, {10, direct, ""}}, state: chat.CallEnded, outcome: chat.CallMissed},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s State
			for i, step := range c.steps {
				before, err := s.encode()
				if err != nil {
					t.Fatal(err)
				}
				next, err := Next(s, step.do, epoch+step.at)
				var refused *chat.Error
				if errors.As(err, &refused); step.want == "" && err != nil || step.want != "" && (refused == nil || refused.Reason != step.want && string(refused.Code) != step.want) {
					t.Fatalf("step %d: got %v, want %q", i, err, step.want)
				}
				after, err := s.encode()
				if err != nil || !bytes.Equal(before, after) {
					t.Fatalf("step %d changed what it was given: %s became %s (%v)", i, before, after, err)
				}
				if next.Call.Version < s.Call.Version {
					t.Errorf("step %d: the version went from %d to %d", i, s.Call.Version, next.Call.Version)
				}
				s = next
			}
			if s.Call.State != c.state || s.Call.Outcome != c.outcome || len(s.Call.Participants) != c.seats || len(s.Call.Ringing) != c.ringing {
				t.Errorf("got %+v", s.Call)
			}
			if c.state != chat.CallEnded {
				return
			}
			if len(s.Owed) != 1 || s.Owed[0].Call.ID != first || !slices.Equal(s.Owed[0].Took, c.took) || s.Owed[0].Duration() != c.lasted {
				t.Errorf("got %+v owed, want %v for %d ms", s.Owed, c.took, c.lasted)
			}
			logged, err := Next(s, Action{Verb: Logged, CallID: first}, epoch+99_999)
			if err != nil || len(logged.Owed) != 0 || logged.Call.Version != s.Call.Version {
				t.Errorf("once it is logged: got %+v, %v", logged, err)
			}
		})
	}
}

// A device whose session has ended is out of the call at once: of one of two people that
// is its end. Who is spared is not rung for, but may come.
func TestDevicesThatLeaveAndPeopleWhoAreSpared(t *testing.T) {
	left := keep([]chat.DeviceID{device(1), device(3)})
	left.Left = []chat.DeviceID{device(3)}
	spared := begin(ann, bob, eve)
	spared.Spared = []chat.UserID{bob}
	for _, c := range []struct {
		name    string
		steps   []Action
		state   chat.CallState
		outcome chat.CallOutcome
		seats   int
		ringing []chat.UserID
	}{
		{"of two", []Action{begin(ann, bob), act(Answer, bob, 3), left}, chat.CallEnded, chat.CallAnswered, 0, nil},
		{"of three", []Action{begin(ann, bob, eve), act(Answer, bob, 3), act(Answer, eve, 5), left}, chat.CallLive, "", 2, nil},
		{"another device", []Action{begin(ann, bob), act(Answer, bob, 4), left}, chat.CallLive, "", 2, nil},
		{"spared", []Action{spared}, chat.CallRinging, "", 1, []chat.UserID{eve}},
		{"spared, and comes", []Action{spared, act(Answer, bob, 3)}, chat.CallLive, "", 2, []chat.UserID{eve}},
	} {
		var s State
		var err error
		for i, a := range c.steps {
			if s, err = Next(s, a, epoch+chat.Time(i)); err != nil {
				t.Fatalf("%s: step %d: %v", c.name, i, err)
			}
		}
		if s.Call.State != c.state || s.Call.Outcome != c.outcome || len(s.Call.Participants) != c.seats || !slices.Equal(s.Call.Ringing, c.ringing) {
			t.Errorf("%s: got %+v", c.name, s.Call)
		}
	}
}

func TestACallIsFull(t *testing.T) {
	people := chattest.Users(10)
	s, err := Next(State{}, begin(people...), epoch)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range people[1:] {
		next, err := Next(s, act(Answer, u, byte(i+2)), epoch+1)
		if full := i+2 > chat.MaxCallParticipants; full != errors.Is(err, errCrowded) || !full && err != nil {
			t.Fatalf("participant %d: got %v", i+2, err)
		}
		s = next
	}
}

func TestABacklogEnds(t *testing.T) {
	var s State
	for i := range maxOwed + 1 {
		a := begin(ann, bob)
		a.CallID = chat.CallID{14: 1, 15: byte(i)}
		next, err := Next(s, a, epoch+chat.Time(i))
		if i == maxOwed {
			if !errors.Is(err, errBacklog) {
				t.Fatalf("got %v after %d calls, want a refusal", err, i)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		a.Verb = End
		if s, err = Next(next, a, epoch+chat.Time(i)); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := s.encode()
	if err != nil || len(doc) > chat.MaxCallDoc {
		t.Errorf("got %d bytes, %v", len(doc), err)
	}
}

// A start that comes late, or is said again on purpose, rings nobody for a call that is over:
// the log would not tell of it, having told of its id before.
func TestACallIsNotBegunAgain(t *testing.T) {
	start := func(i byte) Action { a := begin(ann, bob); a.CallID = chat.CallID{15: i}; return a }
	next := func(s State, a Action) State {
		t.Helper()
		s, err := Next(s, a, epoch)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	hangUp := start(1)
	hangUp.Verb = End
	s := next(next(State{}, start(1)), hangUp)
	if again := next(s, start(1)); again.Call.State != chat.CallEnded {
		t.Errorf("the last call: got %+v", again.Call)
	}
	hangUp.CallID = chat.CallID{15: 2}
	s = next(next(s, start(2)), hangUp)
	if _, err := Next(s, start(1), epoch); !errors.Is(err, errOver) {
		t.Errorf("a call that is owed to the log: got %v", err)
	}
	s = next(s, Action{Verb: Logged, CallID: chat.CallID{15: 1}})
	if _, err := Next(s, start(1), epoch); !errors.Is(err, errOver) {
		t.Errorf("a call that is in the log: got %v", err)
	}
}

// However many people come and go, as members may who came after it began: what is
// kept of the call has room on the board.
func TestManyComeAndGo(t *testing.T) {
	people := chattest.Users(400)
	s, err := Next(State{}, begin(people[:3]...), epoch)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Next(s, act(Answer, people[1], 2), epoch+1); err != nil {
		t.Fatal(err)
	}
	for _, u := range people[2:] {
		for _, verb := range []Verb{Answer, End} {
			if s, err = Next(s, act(verb, u, 3), epoch+2); err != nil {
				t.Fatal(err)
			}
		}
	}
	if doc, err := s.encode(); err != nil || len(doc) > chat.MaxCallDoc {
		t.Errorf("got %d bytes, %v, want at most %d", len(doc), err, chat.MaxCallDoc)
	}
	if s, err = Next(s, act(End, people[1], 2), epoch+3); err != nil {
		t.Fatal(err)
	}
	if took := s.Owed[0].Took; len(took) != maxTook || took[0] != people[0] || took[maxTook-1] != people[maxTook-1] {
		t.Errorf("%d people took part, want the first %d", len(took), maxTook)
	}
}

// TestTheLargestStateFits fills everything that has a bound.
func TestTheLargestStateFits(t *testing.T) {
	people := chattest.Users(chat.MaxCallMembers)
	s, err := Next(State{}, begin(people...), epoch)
	if err != nil {
		t.Fatal(err)
	}
	for i := range chat.MaxCallParticipants - 1 {
		if s, err = Next(s, act(Answer, people[i+1], byte(i+2)), epoch+1); err != nil {
			t.Fatal(err)
		}
	}
	s.Declined = append(s.Declined, people[chat.MaxCallParticipants:]...)
	s.Took = people
	s.rings(append(people, eve, chattest.User(99))) // of more than there may be
	for i := range maxOwed {
		e := s.clone()
		e.Call.ID = chat.CallID{15: byte(100 + i)}
		e.finish(chat.CallAnswered, epoch+100_000)
		s.owe(e.Owed[len(e.Owed)-1])
	}
	last := s.Owed[0].Call
	s.Last = &last
	s.NamedAt = epoch
	for i := range 2 * maxOwed {
		s.note(chat.CallID{15: byte(200 + i)})
	}
	s.Call.AnsweredAt = epoch + 1
	doc, err := s.encode()
	if err != nil || len(doc) > chat.MaxCallDoc {
		t.Errorf("got %d bytes, %v, want at most %d", len(doc), err, chat.MaxCallDoc)
	}
}

func TestWhatTwoKnowIsMerged(t *testing.T) {
	ring, err := Next(State{}, begin(ann, bob), epoch)
	if err != nil {
		t.Fatal(err)
	}
	live, err := Next(ring, act(Answer, bob, 3), epoch+1)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := Next(live, act(End, bob, 3), epoch+2)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Next(ended, func() Action { a := begin(ann, bob); a.CallID = chat.CallID{15: 2}; return a }(), epoch+3)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		known, board State
		want         State
		version      int64
	}{
		{"nothing", State{}, State{}, State{}, 0},
		{"not known here", State{}, live, live, 2},
		{"forgotten", live, State{}, live, 2},
		{"forgotten when it had ended", ended, State{}, ended, 3},
		{"newer there", ring, live, live, 2},
		{"newer here", live, ring, live, 2},
		{"ended there", live, ended, ended, 3},
		{"ended here", ended, live, ended, 3},
		{"the next one there", live, again, again, 1},
		{"the next one here", again, ended, again, 1},
	} {
		got := merge(c.known, c.board, epoch+10)
		if got.Call.ID != c.want.Call.ID || got.Call.State != c.want.Call.State || got.Call.Version != c.version {
			t.Errorf("%s: got %+v", c.name, got.Call)
		}
	}
	if got := merge(live, State{}, epoch+26_000); got.Leases[device(1)] != epoch+26_000+grace || got.Leases[device(3)] != epoch+26_000+grace {
		t.Errorf("put back: got leases %v, want time to renew them", got.Leases)
	}
	higher := live
	higher.Call.Version = 9
	if got := merge(ended, higher, epoch+10); got.Call.State != chat.CallEnded || got.Call.Version <= 9 {
		t.Errorf("what came back to life: got %+v", got.Call)
	}
}

func TestDocumentsAreRead(t *testing.T) {
	s, err := Next(State{}, begin(ann, bob), epoch)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.encode()
	if err != nil || !bytes.Equal(doc, again) {
		t.Errorf("got %s, %v, want %s", again, err, doc)
	}
	var shown map[string]any
	if err := json.Unmarshal(doc, &shown); err != nil || shown["call"] == nil {
		t.Errorf("got %s, %v", doc, err)
	}
	if _, err := decode([]byte(`{"call":7}`)); err == nil {
		t.Error("what is no document was read")
	}
}
