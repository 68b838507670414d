package history

import (
	"fmt"
	"slices"
	"sort"
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
