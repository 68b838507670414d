package service

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// ownersTime is what the owner has for its answer, far longer than a machine stands still.
const ownersTime = 10 * time.Second

// Without the bus the store tells that a message was accepted.
func TestAnswersAreRecoveredFromTheStore(t *testing.T) {
	h := newHouse(t, func(d *Deps) { d.Limits.SubmitTimeout = time.Minute })
	ann, bob := h.account("ann"), h.account("bob")
	room := h.group(ann, bob)
	h.deafen.Store(true)
	outcomes := make(chan chat.Outcome, 3)
	send := func(user chat.UserID, clientID string) {
		h.Send(t.Context(), SendRequest{UserID: user, ConversationID: room, ClientID: clientID, Text: "x"}, func(o chat.Outcome) { outcomes <- o })
	}
	stranger := h.account("eve")
	send(ann, "1")
	send(bob, "2")
	send(stranger, "3") // refused; there is nothing to be found
	if n, err := h.Recover(t.Context(), h.store, ownersTime); n != 0 || err != nil {
		t.Errorf("at once: got %d, %v, want the owner to have its time", n, err)
	}
	h.ahead.Store(int64(2 * ownersTime))
	settled := 0
	for end := time.Now().Add(time.Minute); settled < 2 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		n, err := h.Recover(t.Context(), h.store, ownersTime)
		if err != nil {
			t.Fatal(err)
		}
		settled += n
	}
	for range 2 {
		o := <-outcomes
		if o.Err != nil || o.Entry == nil || o.Repeated || string(o.JSON) != string(o.Entry.AppendJSON(nil)) {
			t.Errorf("got %+v, want the entry that was made", o)
		}
	}
	send(ann, "1") // again
	h.ahead.Store(int64(4 * ownersTime))
	if n, err := h.Recover(t.Context(), h.store, ownersTime); n != 1 || err != nil {
		t.Fatalf("got %d, %v, want 1", n, err)
	}
	if o := <-outcomes; !o.Repeated || o.Entry.ClientID != "1" {
		t.Errorf("got %+v, want the first entry, repeated", o)
	}
	if h.Pending() != 1 {
		t.Errorf("got %d pending, want the refused one", h.Pending())
	}
	broken := errors.New("no store")
	if _, err := h.Recover(t.Context(), brokenFacts{broken}, 0); !errors.Is(err, broken) {
		t.Errorf("got %v, want the store's error", err)
	}
}

type brokenFacts struct{ err error }

func (b brokenFacts) Load(context.Context, []*chat.State, []chat.Needs) error { return b.err }
