package history

import "fmt"

// unread is a file that somebody could not read who had been shown its message.
type unread struct {
	user, conversation string
	seq                int64
	why                string
}

// Unread records that somebody was shown a message with a file, and did not get the
// file however often they asked.
func (h *History) Unread(user, conversation string, seq int64, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unread = append(h.unread, unread{user: user, conversation: conversation, seq: seq, why: why})
}

// refers finds an entry that points to nothing: what is answered or changed has to be a
// message that was there before. The log was walked up to the entry.
func (c *conversation) refers(e *Entry) {
	switch e.Kind {
	case KindMessage:
		if e.ReplyTo == 0 {
			return
		}
		if m := c.at(e.ReplyTo); e.ReplyTo >= e.Seq || m == nil || m.Kind != KindMessage {
			c.note("dangling", fmt.Sprintf("seq %d answers %d, which is no message before it", e.Seq, e.ReplyTo), c.around(e.ReplyTo)...)
		} else if !c.sees(e.Sender, e.ReplyTo) {
			c.note("dangling", fmt.Sprintf("seq %d answers %d, which its sender may not see (they may see %s)", e.Seq, e.ReplyTo, c.visible(e.Sender)), c.around(e.ReplyTo)...)
		}
	case KindEdit, KindDelete, KindReact:
		if m := c.at(e.Target); e.Target >= e.Seq || m == nil || m.Kind != KindMessage {
			c.note("dangling", fmt.Sprintf("seq %d changes %d, which is no message before it", e.Seq, e.Target), e.String())
		}
	}
	if e.Sender == "" {
		c.note("dangling", fmt.Sprintf("seq %d is by nobody", e.Seq), e.String())
	}
}

// checkFiles finds files that could not be read by members: not those of messages that
// were deleted, or of people who were removed.
func (c *conversation) checkFiles() {
	for _, u := range c.h.unread {
		if u.conversation != c.id || c.gone[u.seq] != 0 {
			continue
		}
		spans := c.spans[u.user]
		if n := len(spans); n == 0 || spans[n-1].to != open || spans[n-1].from > u.seq {
			continue
		}
		c.note("dangling", fmt.Sprintf("%s cannot read the file of message %d: %s", short(u.user), u.seq, u.why), c.around(u.seq)...)
	}
}
