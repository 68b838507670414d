package history

import (
	"fmt"
	"time"
)

// doubtLasts is how long after a change of a block that got no answer it may still be made.
const doubtLasts = time.Minute

// blocks keeps who blocks the other, and watches that whoever is blocked says nothing
// more, nor does who blocks send something. The order of the log decides.
func (c *conversation) blocks(e *Entry) {
	if e.Kind == KindBlock {
		if c.blocking[e.Sender] == e.On {
			c.note("dup-slot", fmt.Sprintf("seq %d changes a block to what it was", e.Seq), c.around(e.Seq)...)
		}
		c.blocking[e.Sender] = e.On
		c.bar(e.Seq)
		return
	}
	for user, on := range c.blocking {
		var refused bool
		switch e.Kind {
		case KindMessage:
			refused = on
		case KindEdit, KindReact:
			refused = on && user != e.Sender
		}
		if refused {
			c.note("late-revoke", fmt.Sprintf("seq %d came though %s blocks the other", e.Seq, short(user)), c.around(e.Seq)...)
		}
	}
}

// bar keeps from when to when a block stood.
func (c *conversation) bar(seq int64) {
	stands := false
	for _, on := range c.blocking {
		stands = stands || on
	}
	switch stood := len(c.bars) > 0 && c.bars[len(c.bars)-1].to == open; {
	case stands && !stood:
		c.bars = append(c.bars, span{seq, open})
	case stood && !stands:
		c.bars[len(c.bars)-1].to = seq - 1
	}
}

// checkBlocks finds sends that were accepted between the answer to a block and the wish to end it.
func (c *conversation) checkBlocks() {
	for i, op := range c.ops {
		if op.Verb != Block || !op.On || op.Outcome != OK || c.unsure(op) {
			continue
		}
		end := time.Duration(open)
		for _, later := range c.ops[i+1:] {
			if later.Verb == Block && later.User == op.User && !later.On {
				end = later.Invoked
				break
			}
		}
		for _, sent := range c.ops {
			if sent.Verb == Send && sent.Outcome == OK && sent.Invoked > op.Settled && sent.Settled < end {
				c.note("late-revoke", "a send was accepted between the two people of a block", op.String(), sent.String())
			}
		}
	}
}

// unsure reports whether an earlier wish to end the block, of which nobody knows what became
// when it was repeated or given up, may be fulfilled after op.
func (c *conversation) unsure(op *Op) bool {
	for _, o := range c.ops {
		if o.Verb == Block && o.User == op.User && !o.On && (o.Doubt || o.Outcome == Unknown) && o.Invoked < op.Invoked &&
			op.Invoked < max(o.Invoked, o.Settled)+doubtLasts {
			return true
		}
	}
	return false
}
