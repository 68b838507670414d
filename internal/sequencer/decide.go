package sequencer

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
)

var errNoRules = &chat.Error{Code: chat.CodeInvalid, Message: "The record does not say under which rules it was accepted."}

// decide applies the records in order to the states, and gives what is to be
// committed and told. A record whose deciding panics leaves a state that nobody
// can trust, so everything is decided again from the store, with that record refused.
func (c *claim) decide(ctx context.Context, records []*chat.Record) (*turn, error) {
	for {
		if err := c.load(ctx, records); err != nil {
			return nil, err
		}
		t, failed := c.applyAll(records)
		if failed == nil {
			return t, nil
		}
		c.refused[failed.ID] = true
		c.states = newStates(maxStates)
	}
}

// load asks the journal for the facts that the records need and the states do not have.
func (c *claim) load(ctx context.Context, records []*chat.Record) error {
	var states []*chat.State
	var wants []chat.Needs
	var begun []*chat.State
	index := make(map[*chat.State]int)
	for _, r := range records {
		if r.Command.ConversationID.IsZero() {
			continue // Apply refuses it
		}
		st, fresh := c.states.get(r.Command.ConversationID)
		if sabotage.ReuseSeq && fresh {
			begun = append(begun, st)
		}
		missing := st.Missing(r.Command.Needs())
		if !fresh && missing.Empty() {
			continue
		}
		i, ok := index[st]
		if !ok {
			i = len(states)
			index[st] = i
			states, wants = append(states, st), append(wants, chat.Needs{})
		}
		w := &wants[i]
		w.Members = append(w.Members, missing.Members...)
		w.Messages = append(w.Messages, missing.Messages...)
		w.Sent = append(w.Sent, missing.Sent...)
	}
	if len(states) == 0 {
		return nil
	}
	if err := c.s.journal.Load(ctx, states, wants); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	for _, st := range begun {
		if sabotage.ReuseSeq && st.Head != nil && st.Head.Seq > 1 {
			st.Head.Seq--
		}
	}
	return nil
}

// applyAll gives the turn, or the record whose deciding panicked.
func (c *claim) applyAll(records []*chat.Record) (*turn, *chat.Record) {
	n := len(records)
	t := &turn{
		batch:    chat.Batch{Changes: make([]*chat.Change, 0, n), JSON: make([][]byte, 0, n)},
		events:   make([]chat.Event, 0, n),
		outcomes: make([]chat.Outcome, 0, n),
	}
	for _, r := range records {
		st, _ := c.states.get(r.Command.ConversationID)
		ch, o, ok := c.s.decideOne(st, r, c.refused[r.ID])
		if !ok {
			return nil, r
		}
		if ch != nil {
			t.add(ch, o.JSON)
		}
		t.outcomes = append(t.outcomes, o)
	}
	return t, nil
}

// decideOne decides one record on the state of its conversation. It is not ok
// when that panicked: then nobody can trust the state any more.
func (s *Sequencer) decideOne(st *chat.State, r *chat.Record, refused bool) (ch *chat.Change, o chat.Outcome, ok bool) {
	o = chat.Outcome{RecordID: r.ID, Node: r.Node}
	switch {
	case refused:
		o.Err = chat.ErrInternal
		return nil, o, true
	case r.Rules < 1:
		o.Err = errNoRules
		return nil, o, true
	}
	defer func() {
		if p := recover(); p != nil {
			ok = false
			s.o.Logger.Error("deciding a command panicked, it is refused", "record", r.ID, "kind", r.Command.Kind,
				"panic", p, "stack", string(debug.Stack()))
			if s.o.Metrics.Panicked != nil {
				s.o.Metrics.Panicked()
			}
		}
	}()
	if sabotage.EditDeleted && r.Command.Kind == chat.CmdEdit {
		if m := st.Messages[r.Command.Target]; m != nil {
			m.DeletedAt = 0
		}
	}
	ch, first, err := s.apply(st, &r.Command)
	switch {
	case err != nil:
		o.Err = err
	case ch != nil:
		o.Entry = ch.Entry
	default:
		o.Entry, o.Repeated = first, true
	}
	if o.Entry != nil {
		o.JSON = o.Entry.AppendJSON(make([]byte, 0, 320+len(o.Entry.Text)))
	}
	return ch, o, true
}

// add puts a change into the batch and its entry on the topics of those whom it concerns.
func (t *turn) add(ch *chat.Change, body []byte) {
	e := ch.Entry
	t.batch.Changes = append(t.batch.Changes, ch)
	t.batch.JSON = append(t.batch.JSON, body)
	t.events = append(t.events, chat.Event{
		Topic: chat.Topic{Kind: chat.TopicConversation, ID: e.ConversationID}, Kind: chat.EventEntry, Seq: e.Seq, Data: body,
	})
	switch e.Kind {
	case chat.KindCreated, chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole:
		for _, user := range e.UserIDs {
			t.events = append(t.events, chat.Event{
				Topic: chat.Topic{Kind: chat.TopicUser, ID: user}, Kind: chat.EventMember, Seq: e.Seq, Data: body,
			})
		}
	case chat.KindMessage, chat.KindEdit, chat.KindDelete, chat.KindReaction, chat.KindUpdated, chat.KindPin, chat.KindBlock,
		chat.KindCall:
	}
}
