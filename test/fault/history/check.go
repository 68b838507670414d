package history

import (
	"fmt"
	"math"
	"slices"
)

// Final is what is there in the end, after everything was healed.
type Final struct {
	// Logs are the conversations as the store tells them to somebody who was a member
	// from the beginning to the end.
	Logs map[string][]Entry
	// Fresh are the logs as new devices read them, by user and conversation.
	Fresh map[string]map[string][]Seen
	// Messages are the folded messages of a conversation as the server tells them,
	// ascending, to the same member as the log.
	Messages map[string][]Message
	// Views are the conversations as the server lists them, by user and conversation.
	Views map[string]map[string]View
}

// Message is a message as the server folds it.
type Message struct {
	Seq       int64               `json:"seq"`
	Sender    string              `json:"sender_id"`
	ClientID  string              `json:"client_id"`
	Text      string              `json:"text"`
	EditedAt  string              `json:"edited_at"`
	DeletedAt string              `json:"deleted_at"`
	Reactions map[string][]string `json:"reactions"`
}

// View is what the server says of a conversation to one member.
type View struct {
	LastSeq   int64 `json:"last_seq"`
	Delivered int64 `json:"delivered_seq"`
	Read      int64 `json:"read_seq"`
	Unread    int64 `json:"unread"`
	Members   int   `json:"members_count"`
}

// Result counts what became of the sends.
type Result struct {
	Sends, Acked   int
	Present, Lost  int // of those without an answer: in the log, or not
	Failed, Others int // refused for good; operations other than sends that were acked
	Moved          int // sends behind later ones of their device, for a try that nobody heard of may have been refused
	Entries        int
	Applied        int // by devices
}

// Check compares the history with the end. What it finds is added to the anomalies.
func (h *History) Check(f Final) Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	var r Result
	byConversation := map[string][]*Op{}
	for _, op := range h.ops {
		byConversation[op.Conversation] = append(byConversation[op.Conversation], op)
	}
	logs := make([]string, 0, len(f.Logs))
	for id := range f.Logs {
		logs = append(logs, id)
	}
	slices.Sort(logs)
	for _, id := range logs {
		c := newConversation(h, id, f.Logs[id], byConversation[id])
		r.Entries += len(c.log)
		c.checkLog()
		c.checkOps(&r)
		c.checkRealTime()
		r.Moved += c.checkStreams()
		c.checkBlocks()
		c.checkRefused()
		r.Applied += c.checkDevices()
		c.checkFresh(f.Fresh)
		c.checkReceipts()
		c.checkPages()
		c.checkFiles()
		c.checkViews(f.Views)
		if messages, ok := f.Messages[id]; ok {
			c.checkMessages(messages)
		}
	}
	for id, ops := range byConversation {
		if _, ok := f.Logs[id]; !ok {
			h.note("lost", id, fmt.Sprintf("a conversation with %d operations cannot be read", len(ops)))
		}
	}
	return r
}

// span is a part of a log that a member may see: both ends count.
type span struct{ from, to int64 }

const open = math.MaxInt64

// conversation is the checker's work on one log.
type conversation struct {
	h      *History
	id     string
	log    []Entry
	ops    []*Op
	spans  map[string][]span // by user
	slots  map[string]*Op    // sends by user and client_id
	edits  map[uint64]*Op    // by text
	others map[string][]*Op  // the rest, by what they ask for
	// changes are the operations that put somebody in or out, by whom they are about.
	changes map[string][]*Op
	found   map[*Op][]int64 // seqs that sends and edits are at
	gone    map[int64]int64 // deleted messages: seq of the deletion
	ids     []uint64        // of the log's entries
	// blocking says who blocks the other, as far as the log was walked.
	blocking map[string]bool
	bars     []span // while the log ended with these seqs somebody did
}

func newConversation(h *History, id string, log []Entry, ops []*Op) *conversation {
	c := &conversation{
		h: h, id: id, log: log, ops: ops, spans: map[string][]span{}, slots: map[string]*Op{}, edits: map[uint64]*Op{},
		others: map[string][]*Op{}, changes: map[string][]*Op{}, found: map[*Op][]int64{}, gone: map[int64]int64{}, ids: make([]uint64, len(log)),
		blocking: map[string]bool{},
	}
	for _, op := range ops {
		switch op.Verb {
		case Send:
			c.slots[op.User+" "+op.ClientID] = op
		case Edit:
			c.edits[op.Body] = op
		default:
			key := op.asks()
			c.others[key] = append(c.others[key], op)
			if op.Subject != "" {
				c.changes[op.Subject] = append(c.changes[op.Subject], op)
			}
		}
	}
	for i := range log {
		c.ids[i] = log[i].Identity()
	}
	return c
}

// asks is what an operation other than a send or an edit wants, and what an entry that
// fulfils it says.
func (o *Op) asks() string {
	return fmt.Sprint(o.Verb, o.User, o.Target, o.Emoji, o.On, o.Subject)
}

func (c *conversation) note(name, text string, excerpt ...string) {
	c.h.note(name, c.id, text, excerpt...)
}

// at gives the entry at a seq, or nil.
func (c *conversation) at(seq int64) *Entry {
	if seq < 1 || seq > int64(len(c.log)) {
		return nil
	}
	return &c.log[seq-1]
}

// around is an excerpt of the log.
func (c *conversation) around(seq int64) []string {
	var lines []string
	for s := seq - 1; s <= seq+1; s++ {
		if e := c.at(s); e != nil {
			lines = append(lines, e.String())
		}
	}
	return lines
}

// checkLog walks the log once: numbers, members, and whether each entry was asked for.
func (c *conversation) checkLog() {
	ordinal := int64(0)
	for i := range c.log {
		e := &c.log[i]
		if e.Seq != int64(i+1) {
			c.note("gap", fmt.Sprintf("seq %d is at place %d", e.Seq, i+1), e.String())
		}
		if e.Kind == KindMessage {
			if ordinal++; e.Ordinal != ordinal {
				c.note("gap", fmt.Sprintf("seq %d has ordinal %d, want %d", e.Seq, e.Ordinal, ordinal), c.around(e.Seq)...)
			}
		}
		if e.Kind != KindCreated && !c.sees(e.Sender, int64(i+1)) {
			c.note("phantom", fmt.Sprintf("seq %d is by %s, who was no member", e.Seq, short(e.Sender)), c.around(e.Seq)...)
		}
		c.refers(e)
		c.members(e, int64(i+1))
		c.origin(e, int64(i+1))
		c.final(e)
		c.blocks(e)
	}
}

// members keeps the spans.
func (c *conversation) members(e *Entry, seq int64) {
	for _, u := range e.Users {
		spans := c.spans[u]
		in := len(spans) > 0 && spans[len(spans)-1].to == open
		switch {
		case (e.Kind == KindCreated || e.Kind == KindAdded) && !in:
			c.spans[u] = append(spans, span{seq, open})
		case e.Kind == KindRemoved && in:
			spans[len(spans)-1].to = seq
		}
	}
}

// sees reports whether a person may see the entry at seq, as far as the log was walked.
func (c *conversation) sees(user string, seq int64) bool {
	for _, s := range c.spans[user] {
		if seq >= s.from && seq <= s.to {
			return true
		}
	}
	return false
}

// origin finds the operation that an entry came of.
func (c *conversation) origin(e *Entry, seq int64) {
	var op *Op
	switch e.Kind {
	case KindCreated:
		return
	case KindMessage:
		op = c.slots[e.Sender+" "+e.ClientID]
	case KindEdit:
		if e.Redacted {
			return // its text, by which it is known, is gone
		}
		op = c.edits[e.Body()]
	default:
		c.originOther(e)
		return
	}
	if op == nil || op.Outcome == Failed {
		text := fmt.Sprintf("seq %d was never asked for", seq)
		var excerpt []string
		if op != nil {
			text, excerpt = fmt.Sprintf("seq %d was refused and is there", seq), []string{op.String()}
		}
		c.note("phantom", text, append(excerpt, c.around(seq)...)...)
		return
	}
	if why := op.differs(e); why != "" {
		c.note("phantom", fmt.Sprintf("seq %d is not as it was asked for: %s", seq, why), op.String(), e.String())
	}
	c.found[op] = append(c.found[op], seq)
	if n := len(c.found[op]); n > 1 {
		c.note("dup-slot", fmt.Sprintf("one %s is there %d times: seqs %d", op.Verb, n, c.found[op]), op.String(), e.String())
	}
}

// originOther looks for somebody who asked for an entry that has no key of its own.
func (c *conversation) originOther(e *Entry) {
	o := Op{User: e.Sender, Target: e.Target, Emoji: e.Emoji, On: e.On}
	subjects := []string{""}
	switch e.Kind {
	case KindDelete:
		o.Verb = Delete
	case KindReact:
		o.Verb = React
	case KindAdded:
		o.Verb, subjects = Add, e.Users
	case KindRemoved:
		o.Verb, subjects = Remove, e.Users
	case KindBlock:
		o.Verb = Block
	default:
		c.note("phantom", fmt.Sprintf("seq %d is of a kind that nobody asked for", e.Seq), e.String())
		return
	}
	for _, s := range subjects {
		o.Subject = s
		if !slices.ContainsFunc(c.others[o.asks()], func(op *Op) bool { return op.Outcome != Failed }) {
			c.note("phantom", fmt.Sprintf("seq %d was never asked for", e.Seq), c.around(e.Seq)...)
		}
	}
}

// final watches that a deletion is.
func (c *conversation) final(e *Entry) {
	switch e.Kind {
	case KindDelete:
		if before := c.gone[e.Target]; before != 0 {
			c.note("resurrect", fmt.Sprintf("seq %d deletes %d, which seq %d had deleted", e.Seq, e.Target, before), c.around(e.Seq)...)
		}
		c.gone[e.Target] = e.Seq
		if m := c.at(e.Target); m != nil && m.Text != "" {
			c.note("resurrect", fmt.Sprintf("the text of %d is told although seq %d deleted it", e.Target, e.Seq), m.String(), e.String())
		}
	case KindEdit, KindReact:
		if by := c.gone[e.Target]; by != 0 {
			c.note("resurrect", fmt.Sprintf("seq %d changes %d, which seq %d had deleted", e.Seq, e.Target, by), c.around(e.Seq)...)
		}
	}
}

// checkOps compares what was answered with the log.
func (c *conversation) checkOps(r *Result) {
	for _, op := range c.ops {
		if op.Verb == Send {
			r.Sends++
		}
		switch op.Outcome {
		case OK:
			if op.Verb == Send {
				r.Acked++
			} else {
				r.Others++
			}
			c.checkAcked(op)
			c.checkDenied(op)
		case Failed:
			r.Failed++
		case Unknown:
			if at := c.found[op]; len(at) > 0 {
				r.Present++
				op.Seq = at[0]
			} else if op.Verb == Send {
				r.Lost++
			}
		}
	}
}

func (c *conversation) checkAcked(op *Op) {
	if op.Seq == 0 {
		if op.Verb == Send {
			c.note("lost", "a send was acked without an entry", op.String())
		}
		return
	}
	e := c.at(op.Seq)
	if e != nil && op.differs(e) == "" {
		return
	}
	if at := c.found[op]; len(at) > 0 {
		c.note("dup-slot", fmt.Sprintf("acked at seq %d, the log has it at %d", op.Seq, at[0]), append([]string{op.String()}, c.around(at[0])...)...)
		return
	}
	c.note("lost", fmt.Sprintf("acked at seq %d and not in the log of %d", op.Seq, len(c.log)), append([]string{op.String()}, c.around(op.Seq)...)...)
}
