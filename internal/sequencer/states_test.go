package sequencer

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

func TestStatesAreForgottenByGenerations(t *testing.T) {
	s := newStates(8)
	touch := func(n int) bool {
		t.Helper()
		st, fresh := s.get(chattest.Room(n))
		if st.ID != chattest.Room(n) {
			t.Fatalf("got the state of %s", st.ID)
		}
		return fresh
	}
	for n := range 5 {
		if !touch(n) {
			t.Errorf("%d: not fresh", n)
		}
	}
	s.trim() // 5 are more than half of 8: they are the old ones now
	for n := range 2 {
		if touch(n) {
			t.Errorf("%d was forgotten too early", n)
		}
	}
	s.trim()
	for n := 5; n < 8; n++ {
		touch(n)
	}
	s.trim() // 0, 1, 5, 6, 7 are the old ones; 2, 3, 4 are gone
	for n, fresh := range map[int]bool{0: false, 5: false, 2: true, 3: true} {
		if touch(n) != fresh {
			t.Errorf("%d: fresh is %v, want %v", n, !fresh, fresh)
		}
	}
	if n := len(s.young) + len(s.old); n > 2*8 {
		t.Errorf("%d states are kept", n)
	}
}

// Within a batch nothing is forgotten, however much it is.
func TestFactsAreTrimmedBetweenBatches(t *testing.T) {
	s := newStates(8)
	st, _ := s.get(chattest.Room(0))
	st.Head = &chat.Conversation{}
	for n := range maxMembers {
		st.Members[chattest.User(n)] = nil
	}
	for n := range maxMessages {
		st.Messages[chat.Seq(n)] = nil
	}
	st.Sent[chat.SentKey{ClientID: "k"}] = nil
	s.trim()
	if len(st.Members) != maxMembers || len(st.Messages) != maxMessages || len(st.Sent) != 0 || st.Head == nil {
		t.Errorf("just full: got %d members, %d messages, %d sent, head %v", len(st.Members), len(st.Messages), len(st.Sent), st.Head)
	}
	s.get(chattest.Room(0))
	st.Members[chattest.User(maxMembers)], st.Messages[maxMessages] = nil, nil
	if len(st.Members) != maxMembers+1 {
		t.Fatalf("%d members before the end of the batch", len(st.Members))
	}
	s.trim()
	if len(st.Members) != 0 || len(st.Messages) != 0 || st.Head == nil {
		t.Errorf("too many: got %d members, %d messages, head %v", len(st.Members), len(st.Messages), st.Head)
	}
}
