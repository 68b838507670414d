package service

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
)

// Several nodes note the end of a call: one entry, which is no message, and moves the conversation up.
func TestACallIsLoggedOnce(t *testing.T) {
	h := newHouse(t)
	ann, bob, eve := h.account("ann"), h.account("bob"), h.account("eve")
	v, _, err := h.Direct(t.Context(), ann, bob)
	if err != nil {
		t.Fatal(err)
	}
	call := CallLog{
		ConversationID: v.ID, CallID: chat.CallID{1}, CallerID: ann, UserIDs: []chat.UserID{ann, bob},
		Summary: chat.CallSummary{Video: true, Outcome: chat.CallAnswered, DurationMS: 61_000},
	}
	first, err := h.LogCall(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	call.Summary.DurationMS++
	again, err := h.LogCall(t.Context(), call)
	if err != nil || again.Seq != first.Seq || again.Call == nil || again.Call.DurationMS != 61_000 {
		t.Errorf("got %+v, %v, want the entry %+v", again, err, first)
	}
	after, err := h.Conversation(t.Context(), bob, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	last, err := chat.DecodeEntry(after.LastEntry)
	if err != nil || last.Kind != chat.KindCall || last.Seq != first.Seq || *last.Call != *first.Call {
		t.Errorf("got last entry %s, %v", after.LastEntry, err)
	}
	if after.ActiveAt != first.At || after.Unread != 0 || after.Messages != 0 || after.LastSeq != v.LastSeq+1 {
		t.Errorf("got %+v, want no message, and active at %s", after, first.At)
	}
	call.CallerID, call.CallID = eve, chat.CallID{2}
	if _, err := h.LogCall(t.Context(), call); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("a stranger: got %v, want not_found", err)
	}
}

// K3: many people of a group cannot by turns ring somebody in it without an end.
func TestCallsOfAConversationAreLimited(t *testing.T) {
	h := newHouse(t)
	h.Limits.CallsPerMinute, h.Limits.CallBurst, h.Limits.RingsPerMinute = 1e-6, 10, 0
	owner := h.account("owner")
	people := []chat.UserID{owner}
	for range 9 {
		people = append(people, h.account("member"))
	}
	id := h.group(owner, people[1:]...)
	began := 0
	for range 10 {
		for _, u := range people {
			_, err := h.Calling(t.Context(), u, id)
			if err == nil {
				began++
			} else if !errors.Is(err, chat.ErrRateLimited) {
				t.Fatal(err)
			}
		}
	}
	if want := 10 + chat.MaxCallMembers; began != want {
		t.Errorf("%d of 100 calls rang, want %d", began, want)
	}
}

// Many who call somebody over and over are stopped, and keep nobody away who seldom calls them.
func TestWhoIsCalledTooOftenIsLeftAlone(t *testing.T) {
	h := newHouse(t)
	now := chattest.Epoch.Std()
	h.Limiter = inproc.NewLimiter(func() time.Time { return now }, 1_000)
	bob, friend := h.account("bob"), h.account("friend")
	direct := func(caller chat.UserID) chat.ConversationID {
		t.Helper()
		v, _, err := h.Direct(t.Context(), caller, bob)
		if err != nil {
			t.Fatal(err)
		}
		return v.ID
	}
	crowd := make([]chat.UserID, 5)
	rooms := make([]chat.ConversationID, len(crowd))
	for i := range crowd {
		crowd[i] = h.account("crowd")
		rooms[i] = direct(crowd[i])
	}
	home, group := direct(friend), h.group(friend, bob)
	rang := 0
	for range 6 {
		for i, caller := range crowd {
			_, err := h.Calling(t.Context(), caller, rooms[i])
			var refused *chat.Error
			switch {
			case err == nil:
				rang++
			case !errors.As(err, &refused) || refused.Code != chat.CodeRateLimited || refused.Reason != "called_too_often" || refused.RetryAfter <= 0:
				t.Fatalf("got %v", err)
			}
		}
	}
	// Twelve of all, and two of each who was refused then.
	if want := int(h.Limits.RingsPerMinute) + 2*len(crowd); rang != want {
		t.Errorf("it rang %d times of 30, want %d", rang, want)
	}
	for range 2 {
		if _, err := h.Calling(t.Context(), friend, home); err != nil {
			t.Errorf("who did not call before: got %v", err)
		}
	}
	if _, err := h.Calling(t.Context(), friend, group); !errors.Is(err, chat.ErrRateLimited) {
		t.Errorf("where only they are called: got %v, want it refused", err)
	}
	// For others it rings as before, and they are in the call if they come.
	other := h.account("other")
	wide := h.group(friend, bob, other)
	room, err := h.Calling(t.Context(), friend, wide)
	if err != nil || !slices.Equal(room.Spared, []chat.UserID{bob}) || len(room.Members) != 3 {
		t.Errorf("got %+v, %v, want %s spared", room, err, bob)
	}
	// A refusal costs nothing: after a while it rings again.
	now = now.Add(10 * time.Minute)
	for i, caller := range crowd {
		if _, err := h.Calling(t.Context(), caller, rooms[i]); err != nil {
			t.Errorf("after ten minutes: %v", err)
		}
	}
}

// The answer of the owner got lost: the store tells that the call is logged.
func TestALoggedCallIsFoundAgain(t *testing.T) {
	h := newHouse(t, func(d *Deps) { d.Limits.SubmitTimeout = time.Hour })
	ann, bob := h.account("ann"), h.account("bob")
	v, _, err := h.Direct(t.Context(), ann, bob)
	if err != nil {
		t.Fatal(err)
	}
	h.deafen.Store(true)
	done := make(chan error, 1)
	go func() {
		_, err := h.LogCall(t.Context(), CallLog{
			ConversationID: v.ID, CallID: chat.CallID{1}, CallerID: ann, Summary: chat.CallSummary{Outcome: chat.CallMissed},
		})
		done <- err
	}()
	settled := 0
	for end := time.Now().Add(time.Minute); settled == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		h.ahead.Add(int64(time.Second))
		if settled, err = h.Recover(t.Context(), h.store, 150*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; settled != 1 || err != nil {
		t.Errorf("got %d, %v, want the call found", settled, err)
	}
}
