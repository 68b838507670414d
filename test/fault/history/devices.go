package history

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// checkDevices compares what each device applied with the log, and gives how much it was.
func (c *conversation) checkDevices() (applied int) {
	devices := make([]int, 0, len(c.h.users))
	for d := range c.h.users {
		devices = append(devices, d)
	}
	sort.Ints(devices)
	for _, d := range devices {
		key := deviceLog{d, c.id}
		seen := c.h.seen[key]
		applied += len(seen)
		c.checkRun(fmt.Sprintf("device %d of %s", d, short(c.h.users[d])), c.h.users[d], seen)
		c.checkStrays(d, c.h.strays[key])
	}
	return applied
}

// checkFresh compares what new devices read with the log.
func (c *conversation) checkFresh(fresh map[string]map[string][]Seen) {
	users := make([]string, 0, len(fresh))
	for u := range fresh {
		users = append(users, u)
	}
	sort.Strings(users)
	for _, u := range users {
		seen, read := fresh[u][c.id]
		if !read {
			continue
		}
		c.checkRun("a fresh device of "+short(u), u, seen)
		spans := c.spans[u]
		if n := len(spans); n > 0 && spans[n-1].to == open && len(seen) > 0 && seen[0].Seq > spans[n-1].from {
			c.note("member-miss", fmt.Sprintf("a fresh device of %s begins at seq %d, want %d", short(u), seen[0].Seq, spans[n-1].from))
		}
	}
}

// checkRun checks one device's applied log: contiguous from a join, each seq once, the
// same as the log, only what the person may see, and up to the end if they still may.
func (c *conversation) checkRun(who, user string, seen []Seen) {
	last := int64(0)
	for i := range seen {
		s := &seen[i]
		if !c.sees(user, s.Seq) {
			c.note("member-leak", fmt.Sprintf("%s has seq %d, which is not for them (they may see %s)", who, s.Seq, c.visible(user)), c.shown(s)...)
		}
		switch joined := c.joins(user, s.Seq); {
		case s.Seq == last+1 && (last > 0 || joined):
		case s.Seq <= last:
			c.note("dup-apply", fmt.Sprintf("%s applied seq %d after %d", who, s.Seq, last), c.shown(s)...)
		case !joined:
			c.note("hole-shown", fmt.Sprintf("%s applied seq %d after %d", who, s.Seq, last), c.shown(s)...)
		}
		last = max(last, s.Seq)
		c.compare(who, s)
	}
	spans := c.spans[user]
	if n := len(spans); n > 0 && spans[n-1].to == open && last < int64(len(c.log)) {
		c.note("member-miss", fmt.Sprintf("%s ends at seq %d of %d", who, last, len(c.log)), c.around(last+1)...)
	}
}

func (c *conversation) visible(user string) string {
	text := ""
	for _, s := range c.spans[user] {
		if s.to == open {
			text += fmt.Sprintf("[%d…]", s.from)
		} else {
			text += fmt.Sprintf("[%d…%d]", s.from, s.to)
		}
	}
	if text == "" {
		return "nothing"
	}
	return text
}

// joins reports whether a person's membership began with the entry at seq.
func (c *conversation) joins(user string, seq int64) bool {
	return slices.ContainsFunc(c.spans[user], func(s span) bool { return s.from == seq })
}

func (c *conversation) shown(s *Seen) []string {
	return append([]string{fmt.Sprintf("applied seq %d at %s", s.Seq, at(s.At))}, c.around(s.Seq)...)
}

// compare holds one applied entry against the log.
func (c *conversation) compare(who string, s *Seen) {
	e := c.at(s.Seq)
	if e == nil {
		c.note("lost", fmt.Sprintf("%s has seq %d, which is not in the log of %d", who, s.Seq, len(c.log)), c.shown(s)...)
		return
	}
	if s.Identity != c.ids[s.Seq-1] {
		c.note("divergent-slot", fmt.Sprintf("%s has another entry at seq %d than the log", who, s.Seq), c.shown(s)...)
	} else if b := e.Body(); s.Body != 0 && b != 0 && s.Body != b {
		c.note("divergent-slot", fmt.Sprintf("%s has another text at seq %d than the log", who, s.Seq), c.shown(s)...)
	}
}

// checkStrays looks at what reached a device that did not expect it.
func (c *conversation) checkStrays(device int, strays []stray) {
	user := c.h.users[device]
	for i := range strays {
		s := &strays[i].Seen
		if !c.sees(user, s.Seq) {
			c.note("member-leak", fmt.Sprintf("device %d of %s was sent seq %d %s, which is not for them (they may see %s)",
				device, short(user), s.Seq, strays[i].how, c.visible(user)), c.shown(s)...)
		}
		c.compare(fmt.Sprintf("device %d of %s", device, short(user)), s)
	}
}

// once gives the only span of a person who was a member all the time; false for others,
// whose receipts begin anew with each membership.
func (c *conversation) once(user string) (span, bool) {
	spans := c.spans[user]
	if len(spans) != 1 || spans[0].to != open {
		return span{}, false
	}
	return spans[0], true
}

// checkReceipts finds pointers that went back: below what had been acknowledged before
// they were sent.
func (c *conversation) checkReceipts() {
	for key, marks := range c.h.receipts {
		if _, ok := c.once(key.user); key.conversation != c.id || !ok {
			continue
		}
		byAck := slices.Clone(marks)
		sort.Slice(byAck, func(i, j int) bool { return byAck[i].at < byAck[j].at })
		byInvoke := slices.Clone(marks)
		sort.Slice(byInvoke, func(i, j int) bool { return byInvoke[i].invoked < byInvoke[j].invoked })
		var floor mark
		i := 0
		for _, m := range byInvoke {
			for ; i < len(byAck) && byAck[i].at < m.invoked; i++ {
				floor = mark{at: byAck[i].at, delivered: max(floor.delivered, byAck[i].delivered), read: max(floor.read, byAck[i].read)}
			}
			if m.delivered < floor.delivered || m.read < floor.read {
				c.regress(key.user, m, floor.delivered, floor.read, floor.at)
			}
			if m.read > m.delivered || m.delivered > int64(len(c.log)) {
				c.note("receipt-regress", fmt.Sprintf("%s: read %d, delivered %d, head %d: want them in this order", short(key.user), m.read, m.delivered, len(c.log)))
			}
		}
	}
}

func (c *conversation) regress(user string, m mark, delivered, read int64, when time.Duration) {
	c.note("receipt-regress", fmt.Sprintf("%s: delivered %d read %d, after delivered %d read %d had been acked at %s",
		short(user), m.delivered, m.read, delivered, read, at(when)))
}

// checkViews compares the counters that members are told with a recount.
func (c *conversation) checkViews(views map[string]map[string]View) {
	for user, mine := range views {
		v, told := mine[c.id]
		s, member := c.once(user)
		if !told || !member {
			continue
		}
		if v.LastSeq != int64(len(c.log)) {
			c.note("state-diverge", fmt.Sprintf("%s is told the head %d, the log has %d", short(user), v.LastSeq, len(c.log)))
		}
		if v.Read > v.Delivered || v.Delivered > v.LastSeq {
			c.note("receipt-regress", fmt.Sprintf("%s: read %d, delivered %d, head %d: want them in this order", short(user), v.Read, v.Delivered, v.LastSeq))
		}
		for _, m := range c.h.receipts[memberKey{user, c.id}] {
			if v.Read < m.read || v.Delivered < m.delivered {
				c.regress(user, mark{delivered: v.Delivered, read: v.Read}, m.delivered, m.read, m.at)
				break
			}
		}
		unread := int64(0)
		for i := range c.log {
			e := &c.log[i]
			if e.Kind == KindMessage && e.Seq > v.Read && e.Seq >= s.from && e.Sender != user && c.gone[e.Seq] == 0 {
				unread++
			}
		}
		if v.Unread != unread {
			c.note("receipt-regress", fmt.Sprintf("%s: unread %d, a recount gives %d (read %d of %d)", short(user), v.Unread, unread, v.Read, len(c.log)))
		}
		if n := c.count(); v.Members != n {
			c.note("state-diverge", fmt.Sprintf("%s is told of %d members, the log has %d", short(user), v.Members, n))
		}
	}
}

// count gives the members at the end.
func (c *conversation) count() int {
	n := 0
	for _, spans := range c.spans {
		if len(spans) > 0 && spans[len(spans)-1].to == open {
			n++
		}
	}
	return n
}
