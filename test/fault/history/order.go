package history

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// checkRealTime finds an operation that was invoked after another's ack and came before it.
func (c *conversation) checkRealTime() {
	var byAck, byInvoke []*Op
	for _, op := range c.ops {
		if op.Seq == 0 {
			continue
		}
		byInvoke = append(byInvoke, op)
		if op.Outcome == OK {
			byAck = append(byAck, op)
		}
	}
	sort.Slice(byAck, func(i, j int) bool { return byAck[i].Settled < byAck[j].Settled })
	sort.Slice(byInvoke, func(i, j int) bool { return byInvoke[i].Invoked < byInvoke[j].Invoked })
	var newest *Op // of the highest seq that had been acked
	i := 0
	for _, op := range byInvoke {
		for ; i < len(byAck) && byAck[i].Settled < op.Invoked; i++ {
			if newest == nil || byAck[i].Seq > newest.Seq {
				newest = byAck[i]
			}
		}
		if newest != nil && newest.Seq > op.Seq {
			c.note("realtime-inversion", fmt.Sprintf("seq %d had been acked before what became %d was sent", newest.Seq, op.Seq), newest.String(), op.String())
		}
	}
}

// checkStreams finds sends of one device that changed places, and gives how many had reason to.
func (c *conversation) checkStreams() (moved int) {
	streams := map[int][]*Op{}
	for _, op := range c.ops {
		if op.Seq != 0 && op.Order != 0 {
			streams[op.Device] = append(streams[op.Device], op)
		}
	}
	for _, ops := range streams {
		sort.Slice(ops, func(i, j int) bool { return ops[i].Order < ops[j].Order })
		moved += c.checkStream(ops)
	}
	return moved
}

// checkStream takes sends as they were sent, and tells of each at most once that it is
// behind a later one, or before an earlier one. It gives how many may be behind later ones.
func (c *conversation) checkStream(ops []*Op) int {
	bySeq := make([]*Op, 0, len(ops)) // of those before
	told, moved := map[*Op]bool{}, map[*Op]bool{}
	for _, op := range ops {
		at := len(bySeq)
		for ; at > 0 && bySeq[at-1].Seq >= op.Seq; at-- {
			earlier := bySeq[at-1]
			switch {
			case c.refusedBefore(earlier, op.Seq):
				moved[earlier] = true
			case !told[earlier] && !told[op]:
				told[earlier], told[op] = true, true
				c.note("fifo-inversion", fmt.Sprintf("seq %d was sent before %d", earlier.Seq, op.Seq), earlier.String(), op.String())
			}
		}
		bySeq = slices.Insert(bySeq, at, op)
	}
	return len(moved)
}

// refusedBefore reports whether a try of a send that nobody had the answer to may have been
// refused before a seq, which was sent behind it. Then the send's place is that of a later
// try: for the order of a log what was refused does not exist. A conversation decides in the
// order of its log, so that its entries say whether there was a reason; the try came behind
// all that was known when the send was begun.
func (c *conversation) refusedBefore(op *Op, seq int64) bool {
	if !op.Doubt {
		return false
	}
	from := c.known(op.Invoked)
	return c.barred(from, seq-1) || c.absent(op.User, from, seq-1)
}

// checkDenied finds a send that was refused when it was repeated though nothing allowed that:
// who is no member is told nothing. A block is no reason, but for a try before the one that
// was acknowledged, whose answer came later.
func (c *conversation) checkDenied(op *Op) {
	if op.Denied == "" {
		return
	}
	if from := c.known(op.Invoked); !c.absent(op.User, from, int64(len(c.log))) && !c.barred(from, op.Seq-1) {
		c.note("limbo", "an acked operation was refused when it was repeated: "+op.Denied, op.String())
	}
}

// known gives the highest seq that anybody had been told of before a time.
func (c *conversation) known(before time.Duration) int64 {
	seq := int64(0)
	for _, op := range c.ops {
		if op.Outcome == OK && op.Settled < before {
			seq = max(seq, op.Seq)
		}
	}
	for device := range c.h.users {
		for _, s := range c.h.seen[deviceLog{device, c.id}] {
			if s.At < before {
				seq = max(seq, s.Seq)
			}
		}
	}
	return seq
}

// barred reports whether, at some time while the log ended with a seq from one to another, a
// block kept two people from sending: either of them, whoever it is that blocks.
func (c *conversation) barred(from, to int64) bool {
	blocking := map[string]bool{}
	for i := range c.log[:min(max(0, to), int64(len(c.log)))] {
		e := &c.log[i]
		if e.Kind == KindBlock {
			blocking[e.Sender] = e.On
		}
		for _, on := range blocking {
			if on && int64(i+1) >= from {
				return true
			}
		}
	}
	return false
}

// absent reports whether, at some time while the log ended with a seq from one to another,
// somebody was no member. The whole log has been walked.
func (c *conversation) absent(user string, from, to int64) bool {
	for seq := max(1, from); seq <= to; seq++ {
		if !slices.ContainsFunc(c.spans[user], func(s span) bool { return s.from <= seq && seq < s.to }) {
			return true
		}
	}
	return false
}
