package service

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// soon lets the store catch up while a reader waits.
func (h *house) soon() {
	h.t.Helper()
	timer := time.AfterFunc(20*time.Millisecond, func() { h.owner.Hold(false) })
	h.t.Cleanup(func() { timer.Stop() })
}

func behind(t *testing.T, what string, err error) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeUnavailable || e.RetryAfter <= 0 {
		t.Errorf("%s: got %v, want unavailable, to be tried again", what, err)
	}
}

// What was acknowledged is read at once, although the store has it a moment later.
func TestReadersWaitForAStoreThatLags(t *testing.T) {
	h := openHouse(t, true)
	alice, bob := h.account("alice"), h.account("bob")
	ctx := t.Context()
	room := h.group(alice, bob)
	reads := map[string]func(want chat.Seq) (bool, error){
		"entries": func(want chat.Seq) (bool, error) {
			page, err := h.EntriesAfter(ctx, EntriesRequest{UserID: bob, ConversationID: room, After: want - 1})
			return err == nil && len(page.Items) == 1 && page.Items[0].Seq == want && page.Head == want, err
		},
		"history": func(want chat.Seq) (bool, error) {
			page, err := h.History(ctx, MessagesRequest{UserID: bob, ConversationID: room})
			return err == nil && page.Items[len(page.Items)-1].Seq == want, err
		},
		"message": func(want chat.Seq) (bool, error) {
			m, err := h.Message(ctx, MessageRef{UserID: bob, ConversationID: room, Seq: want})
			return err == nil && m.Seq == want, err
		},
		"conversation": func(want chat.Seq) (bool, error) {
			view, err := h.Conversation(ctx, bob, room)
			return err == nil && view.LastSeq == want && view.Unread > 0, err
		},
		"list": func(want chat.Seq) (bool, error) {
			page, err := h.Conversations(ctx, bob, "", 0)
			return err == nil && len(page.Items) == 1 && page.Items[0].LastSeq == want, err
		},
	}
	for name, read := range reads {
		h.owner.Hold(true)
		want := h.say(alice, room, name)
		h.soon()
		if ok, err := read(want); !ok {
			t.Errorf("%s: entry %d was not read: %v", name, want, err)
		}
	}
	if n := h.Told.Last(room); n != 0 {
		t.Errorf("%d is in the store and still waited for", n)
	}
}

// What a store that lags for longer cannot tell is not said not to be there.
func TestReadersOfAStoreThatStaysBehind(t *testing.T) {
	h := openHouse(t, true)
	alice, bob, carol := h.account("alice"), h.account("bob"), h.account("carol")
	ctx := t.Context()
	room := h.group(alice, bob)
	first := h.say(alice, room, "first")
	if _, err := h.Conversation(ctx, alice, room); err != nil {
		t.Fatal(err)
	}
	h.owner.Hold(true)
	last := h.say(alice, room, "last")
	page, err := h.EntriesAfter(ctx, EntriesRequest{UserID: bob, ConversationID: room, After: first - 1})
	if err != nil || len(page.Items) != 1 || page.Head != last {
		t.Errorf("got %+v, %v, want what there is, and the true head", page, err)
	}
	_, err = h.EntriesAfter(ctx, EntriesRequest{UserID: bob, ConversationID: room, After: first})
	behind(t, "entries", err)
	_, err = h.Message(ctx, MessageRef{UserID: bob, ConversationID: room, Seq: last})
	behind(t, "message", err)
	if _, err := h.Message(ctx, MessageRef{UserID: bob, ConversationID: room, Seq: last + 1}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("a message that nobody sent: got %v", err)
	}
	if messages, err := h.History(ctx, MessagesRequest{UserID: bob, ConversationID: room}); err != nil || len(messages.Items) != 1 {
		t.Errorf("history: got %+v, %v, want what there is", messages, err)
	}
	if unstored, err := h.Unstored(ctx, []chat.ConversationID{room}); err != nil || unstored[room] != last {
		t.Errorf("unstored: got %v, %v", unstored, err)
	}
	// Somebody is made a member, and the store does not know.
	if _, err := h.alter(ctx, &chat.Command{Kind: chat.CmdAddMembers, ConversationID: room, ActorID: alice, UserIDs: []chat.UserID{carol}}); err != nil {
		t.Fatal(err)
	}
	_, err = h.Conversation(ctx, carol, room)
	behind(t, "conversation", err)
	_, err = h.History(ctx, MessagesRequest{UserID: carol, ConversationID: room})
	behind(t, "history of who was added", err)
	_, _, err = h.Direct(ctx, alice, bob)
	behind(t, "a conversation that was made just now", err)
	h.owner.Hold(false)
	for end := time.Now().Add(time.Minute); ; {
		_, _, err := h.Direct(ctx, bob, alice)
		if err == nil {
			break
		}
		behind(t, "until it has caught up", err)
		if time.Now().After(end) {
			t.Fatal("the store does not catch up")
		}
	}
	if members, err := h.Members(ctx, carol, room, "", 0); err != nil || len(members.Items) != 3 {
		t.Errorf("members afterwards: got %+v, %v", members, err)
	}
}

// What is remembered of conversations is bounded, and forgotten when the store has it.
func TestToldIsBounded(t *testing.T) {
	h := openHouse(t, true)
	var ids []chat.ConversationID
	for i := range 200_000 {
		id := chat.ConversationID{1, byte(i >> 16), byte(i >> 8), byte(i)}
		id[15] = byte(i)
		h.Told.Heard(id, 3)
		ids = append(ids, id)
	}
	n := 0
	for i := range h.Told.shards {
		n += len(h.Told.shards[i].last)
	}
	if n == 0 || n > toldShards*toldPerShard {
		t.Errorf("%d conversations are remembered", n)
	}
	kept := ids[slices.IndexFunc(ids, func(id chat.ConversationID) bool { return h.Told.Last(id) > 0 })]
	h.Told.stored(kept, 2)
	if h.Told.Last(kept) != 3 {
		t.Error("forgotten although the store is behind")
	}
	h.Told.stored(kept, 3)
	if h.Told.Last(kept) != 0 {
		t.Error("remembered although the store has it")
	}
}

// hooked is the store with something that happens before it is read.
type hooked struct {
	chat.Views
	before func()
}

func (h *hooked) Entries(ctx context.Context, id chat.ConversationID, after chat.Seq, limit, maxBytes int) ([]chat.RawEntry, error) {
	h.before()
	return h.Views.Entries(ctx, id, after, limit, maxBytes)
}

func (h *hooked) Messages(ctx context.Context, id chat.ConversationID, q chat.MessageQuery) ([]chat.Message, error) {
	h.before()
	return h.Views.Messages(ctx, id, q)
}

// Somebody is removed between the moment they were found to be a member and the
// reading: nothing that was written after that is shown to them.
func TestNothingIsReadAfterARemoval(t *testing.T) {
	for _, back := range []bool{false, true} {
		views := &hooked{before: func() {}}
		h := newHouse(t, func(d *Deps) { views.Views, d.Views = d.Views, views })
		alice, bob := h.account("alice"), h.account("bob")
		ctx := t.Context()
		room := h.group(alice, bob)
		first := h.say(alice, room, "for bob")
		var secret chat.Seq
		removal := func() {
			views.before = func() {}
			if _, err := h.RemoveMember(ctx, MemberRef{UserID: alice, ConversationID: room, MemberID: bob}); err != nil {
				t.Error(err)
			}
			secret = h.say(alice, room, "not for bob")
			if back {
				if _, err := h.AddMembers(ctx, alice, room, []chat.UserID{bob}); err != nil {
					t.Error(err)
				}
			}
		}
		for name, read := range map[string]func() error{
			"entries": func() error {
				page, err := h.EntriesAfter(ctx, EntriesRequest{UserID: bob, ConversationID: room, After: first})
				if page != nil {
					t.Errorf("got %+v", page)
				}
				return err
			},
			"history": func() error {
				_, err := h.History(ctx, MessagesRequest{UserID: bob, ConversationID: room})
				return err
			},
			"message": func() error {
				_, err := h.Message(ctx, MessageRef{UserID: bob, ConversationID: room, Seq: secret + 2})
				return err
			},
		} {
			if _, err := h.AddMembers(ctx, alice, room, []chat.UserID{bob}); err != nil {
				t.Fatal(err)
			}
			last := h.say(alice, room, "for bob")
			secret = last
			views.before = removal
			err := read()
			if views.before = func() {}; err == nil {
				t.Errorf("%s: bob read on after his removal (back: %v)", name, back)
			}
		}
	}
}
