package history

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

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

// checkRefused finds sends that were refused for a block, or as a stranger's, without there
// being one between what had been acknowledged when the send was begun and what was sent
// after the refusal.
func (c *conversation) checkRefused() {
	acked, begun := c.acked(), c.begun()
	for _, op := range c.ops {
		if op.Verb != Send || op.Outcome == OK {
			continue
		}
		from, to := acked(op.Invoked), begun(op.Settled)
		if op.Code == "forbidden" && !c.barred(from, to) || op.Code == "not_found" && !c.absent(op.User, from, to) {
			c.note("groundless", fmt.Sprintf("a send was refused with %q at a head from %d to %d, where nothing stood in its way", op.Code, from, to), op.String())
		}
	}
}

// acked gives what gives the highest seq that had been acknowledged before a time.
func (c *conversation) acked() func(before time.Duration) int64 {
	var ops []*Op
	for _, op := range c.ops {
		if op.Outcome == OK && op.Seq != 0 {
			ops = append(ops, op)
		}
	}
	sort.Slice(ops, func(i, j int) bool { return ops[i].Settled < ops[j].Settled })
	highest := make([]int64, len(ops)+1)
	for i, op := range ops {
		highest[i+1] = max(highest[i], op.Seq)
	}
	return func(before time.Duration) int64 {
		return highest[sort.Search(len(ops), func(i int) bool { return ops[i].Settled >= before })]
	}
}

// begun gives what gives the head before the first entry of what was sent after a time: what
// was answered until then was decided no later.
func (c *conversation) begun() func(after time.Duration) int64 {
	var ops []*Op
	for _, op := range c.ops {
		if op.Seq != 0 {
			ops = append(ops, op)
		}
	}
	sort.Slice(ops, func(i, j int) bool { return ops[i].Invoked < ops[j].Invoked })
	head := make([]int64, len(ops)+1)
	head[len(ops)] = int64(len(c.log))
	for i, op := range slices.Backward(ops) {
		head[i] = min(head[i+1], op.Seq-1)
	}
	return func(after time.Duration) int64 {
		return head[sort.Search(len(ops), func(i int) bool { return ops[i].Invoked > after })]
	}
}

// known gives the highest seq that anybody had been told of before a time, or been shown.
func (c *conversation) known(before time.Duration) int64 {
	seq := c.acked()(before)
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
	return slices.ContainsFunc(c.bars, func(s span) bool { return from <= s.to && s.from <= to })
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
