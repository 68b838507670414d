package history

import (
	"fmt"
	"slices"
)

// fold computes the messages that a log says, in the plainest way.
func (c *conversation) fold() []Message {
	var messages []Message
	index := map[int64]int{}
	for i := range c.log {
		e := &c.log[i]
		if e.Kind == KindMessage {
			index[e.Seq] = len(messages)
			messages = append(messages, Message{Seq: e.Seq, Sender: e.Sender, ClientID: e.ClientID, Text: e.Text, Reactions: map[string][]string{}})
			continue
		}
		at, ok := index[e.Target]
		if !ok {
			continue
		}
		m := &messages[at]
		switch e.Kind {
		case KindEdit:
			if m.DeletedAt == "" {
				m.Text, m.EditedAt = e.Text, e.At
			}
		case KindDelete:
			m.Text, m.EditedAt, m.DeletedAt, m.Reactions = "", "", e.At, map[string][]string{}
		case KindReact:
			users := slices.DeleteFunc(m.Reactions[e.Emoji], func(u string) bool { return u == e.Sender })
			if e.On {
				users = append(users, e.Sender)
			}
			if m.Reactions[e.Emoji] = users; len(users) == 0 {
				delete(m.Reactions, e.Emoji)
			}
		}
	}
	return messages
}

// checkMessages compares the server's folded messages with the log's.
func (c *conversation) checkMessages(got []Message) {
	want := c.fold()
	if len(got) != len(want) {
		c.note("state-diverge", fmt.Sprintf("the server folds the log to %d messages, want %d", len(got), len(want)))
	}
	for i := range min(len(got), len(want)) {
		g, w := &got[i], &want[i]
		if w.DeletedAt != "" && (g.DeletedAt == "" || g.Text != "") {
			c.note("resurrect", fmt.Sprintf("message %d was deleted and is shown", w.Seq), c.around(w.Seq)...)
			continue
		}
		if why := g.differs(w); why != "" {
			c.note("state-diverge", fmt.Sprintf("message %d differs from the log: %s", w.Seq, why), c.around(w.Seq)...)
		}
	}
}

func (m *Message) differs(w *Message) string {
	switch {
	case m.Seq != w.Seq:
		return fmt.Sprintf("seq %d", m.Seq)
	case m.Sender != w.Sender, m.ClientID != w.ClientID:
		return "who sent it"
	case m.Text != w.Text:
		return fmt.Sprintf("text %.40q, want %.40q", m.Text, w.Text)
	case m.EditedAt != w.EditedAt, m.DeletedAt != w.DeletedAt:
		return fmt.Sprintf("edited %q deleted %q, want %q and %q", m.EditedAt, m.DeletedAt, w.EditedAt, w.DeletedAt)
	case len(m.Reactions) != len(w.Reactions):
		return fmt.Sprintf("reactions %v, want %v", m.Reactions, w.Reactions)
	}
	for emoji, users := range w.Reactions {
		got := slices.Sorted(slices.Values(m.Reactions[emoji]))
		if !slices.Equal(got, slices.Sorted(slices.Values(users))) {
			return fmt.Sprintf("reactions %v, want %v", m.Reactions, w.Reactions)
		}
	}
	return ""
}
