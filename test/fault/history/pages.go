package history

import (
	"fmt"
	"slices"
	"time"
)

// Page is what somebody was given who read folded messages, or looked for some.
type Page struct {
	User, Conversation string
	How                string // it was asked for
	Invoked, Settled   time.Duration
	// Refused: there was none, for whoever asked is no member.
	Refused bool
	// Whole: nothing may be missing between the first message and the last.
	Whole bool
	// Prompt: what was acknowledged before the page was asked for had taken effect.
	// It is not so where the store may lag.
	Prompt bool
	Items  []PageItem
}

// PageItem is one message of a page.
type PageItem struct {
	Seq              int64
	Sender, ClientID string
	Body             uint64 // 0: deleted
}

// Items keeps of messages what is compared.
func Items(messages []Message) []PageItem {
	items := make([]PageItem, len(messages))
	for i := range messages {
		m := &messages[i]
		items[i] = PageItem{Seq: m.Seq, Sender: m.Sender, ClientID: m.ClientID}
		if m.DeletedAt == "" {
			items[i].Body = Hash(m.Text)
		}
	}
	return items
}

// Read records a page that was answered.
func (h *History) Read(p *Page) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pages[p.Conversation] = append(h.pages[p.Conversation], p)
}

// checkPages holds what people read against the log: no message of a time when they
// were no members, nothing that was written to one after they had gone, none left out.
func (c *conversation) checkPages() {
	for _, p := range c.h.pages[c.id] {
		if p.Prompt {
			c.checkPrompt(p)
		}
		if len(p.Items) == 0 {
			continue
		}
		s, one := c.spanOf(p)
		if !one {
			c.note("member-leak", fmt.Sprintf("%s %s with seqs %d to %d, which are not all for them (they may see %s)",
				short(p.User), p.words(), p.Items[0].Seq, p.Items[len(p.Items)-1].Seq, c.visible(p.User)))
			continue
		}
		for i := range p.Items {
			c.checkItem(p, &p.Items[i], s)
		}
		if p.Whole {
			c.checkWhole(p)
		}
	}
}

func (p *Page) words() string {
	return fmt.Sprintf("got a page (%s, asked for at %s, answered at %s)", p.How, at(p.Invoked), at(p.Settled))
}

// spanOf gives the membership that a page is of.
func (c *conversation) spanOf(p *Page) (span, bool) {
	for _, s := range c.spans[p.User] {
		if !slices.ContainsFunc(p.Items, func(i PageItem) bool { return i.Seq < s.from || i.Seq > s.to }) {
			return s, true
		}
	}
	return span{}, false
}

// checkItem compares one message of a page: whose it is, and whether its text had been
// given to it while the reader was a member.
func (c *conversation) checkItem(p *Page, i *PageItem, s span) {
	e := c.at(i.Seq)
	switch {
	case e == nil || e.Kind != KindMessage:
		c.note("phantom", fmt.Sprintf("%s %s with message %d, which the log does not have", short(p.User), p.words(), i.Seq), c.around(i.Seq)...)
		return
	case e.Sender != i.Sender || e.ClientID != i.ClientID:
		c.note("divergent-slot", fmt.Sprintf("%s %s with another message at seq %d than the log", short(p.User), p.words(), i.Seq), c.around(i.Seq)...)
		return
	}
	since, known := c.version(e, i.Body)
	switch {
	case !known:
		c.note("phantom", fmt.Sprintf("%s %s with a text of message %d that nobody gave it", short(p.User), p.words(), i.Seq), c.around(i.Seq)...)
	case since > s.to:
		c.note("member-leak", fmt.Sprintf("%s %s with message %d as seq %d made it, and had been removed by seq %d",
			short(p.User), p.words(), i.Seq, since, s.to), c.around(since)...)
	}
}

// version gives the seq of the entry that gave a message its text, or that took it
// away; 0 where that is known to nobody any more.
func (c *conversation) version(e *Entry, body uint64) (seq int64, known bool) {
	if body == 0 {
		return c.gone[e.Seq], c.gone[e.Seq] != 0
	}
	if op := c.slots[e.Sender+" "+e.ClientID]; op == nil || op.Body == body {
		return e.Seq, op != nil
	}
	op := c.edits[body]
	if op == nil || op.Target != e.Seq {
		return 0, false
	}
	return op.Seq, true
}

// checkWhole finds messages that a page leaves out.
func (c *conversation) checkWhole(p *Page) {
	for i := 1; i < len(p.Items); i++ {
		last, next := p.Items[i-1].Seq, p.Items[i].Seq
		if next <= last {
			c.note("state-diverge", fmt.Sprintf("%s %s with message %d after %d", short(p.User), p.words(), next, last))
			return
		}
		for seq := last + 1; seq < next; seq++ {
			if e := c.at(seq); e != nil && e.Kind == KindMessage {
				c.note("silent-gap", fmt.Sprintf("%s %s without message %d, between %d and %d", short(p.User), p.words(), seq, last, next), c.around(seq)...)
				return
			}
		}
	}
}

// checkPrompt finds a page given to somebody whose removal had been acknowledged, and
// one refused to a member.
func (c *conversation) checkPrompt(p *Page) {
	var last *Op // acknowledged before the page was asked for
	for _, op := range c.changes[p.User] {
		if op.Invoked > p.Settled || op.Outcome == Failed || op.Outcome == OK && op.Seq == 0 {
			continue // later, or it changed nothing
		}
		if op.Outcome != OK || op.Settled >= p.Invoked {
			return // either may be true
		}
		if last == nil || op.Seq > last.Seq {
			last = op
		}
	}
	switch {
	case last != nil && last.Verb == Remove && !p.Refused:
		c.note("late-revoke", fmt.Sprintf("%s %s after their removal had been acknowledged", short(p.User), p.words()), last.String())
	case (last == nil && c.sees(p.User, 1) || last != nil && last.Verb == Add) && p.Refused:
		c.note("member-miss", fmt.Sprintf("%s was refused a page (%s, asked for at %s) and was a member", short(p.User), p.How, at(p.Invoked)))
	}
}
