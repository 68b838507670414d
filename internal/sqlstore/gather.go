package sqlstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
)

// writes is a batch, sorted by table: the parameters of each multi-row
// statement. Of several changes to one thing only the last is written.
type writes struct {
	messages, others, calls, refs, mentions, heads, removed, departures, members, reads, states []any
	// redact are messages and edits that were deleted and are older than the
	// batch, and the rest is what was found of them.
	redact, redactedMessages, redactedOthers, unmentioned []any
}

type membership struct {
	conversation chat.ConversationID
	user         chat.UserID
}

type address struct {
	conversation chat.ConversationID
	seq          chat.Seq
}

// put is a member to write; ordinal is the number of messages when they joined.
type put struct {
	member  *chat.Member // nil: not a member any more
	ordinal int64
}

// read is how far a sender has read, by having sent.
type read struct {
	seq     chat.Seq
	ordinal int64
}

var errUnordered = errors.New("the entries of a batch do not follow one another")

// gathering remembers where the last word on each thing stands.
type gathering struct {
	w       *writes
	b       *chat.Batch
	first   map[chat.ConversationID]chat.Seq
	heads   map[chat.ConversationID]*chat.Conversation
	members map[membership]put
	reads   map[membership]read
	states  map[address]*chat.MessageState
	redact  map[address]bool
	// Maps have no order; these have.
	headOrder   []chat.ConversationID
	memberOrder []membership
	readOrder   []membership
	stateOrder  []address
}

func gather(b *chat.Batch) (*writes, error) {
	n := len(b.Changes)
	if len(b.JSON) != n {
		return nil, fmt.Errorf("%d changes, %d entries: %w", n, len(b.JSON), errUnordered)
	}
	g := gathering{
		w: &writes{messages: make([]any, 0, 6*n)}, b: b,
		first:   make(map[chat.ConversationID]chat.Seq, n),
		heads:   make(map[chat.ConversationID]*chat.Conversation, n),
		members: make(map[membership]put),
		reads:   make(map[membership]read, n),
		states:  make(map[address]*chat.MessageState),
	}
	g.findRedacted()
	for i, ch := range b.Changes {
		if err := g.change(ch, b.JSON[i]); err != nil {
			return nil, err
		}
	}
	return g.w, g.finish()
}

func (g *gathering) change(ch *chat.Change, body []byte) error {
	e := ch.Entry
	c := e.ConversationID
	if last := g.heads[c]; last == nil {
		g.first[c] = e.Seq - 1
		g.headOrder = append(g.headOrder, c)
	} else if e.Seq != last.Seq+1 {
		return fmt.Errorf("seq %d after %d: %w", e.Seq, last.Seq, errUnordered)
	}
	if ch.Head.Seq != e.Seq {
		return fmt.Errorf("seq %d with head %d: %w", e.Seq, ch.Head.Seq, errUnordered)
	}
	g.heads[c] = &ch.Head
	if g.redact[address{c, e.Seq}] { // said and deleted within the batch
		body = redacted(e)
	}
	if e.Kind == chat.KindMessage {
		g.message(e, body)
	} else {
		g.w.others = append(g.w.others, c[:], int64(e.Seq), body)
	}
	if e.Kind == chat.KindCall {
		g.w.calls = append(g.w.calls, c[:], e.SenderID[:], e.ClientID, int64(e.Seq))
	}
	for i := range ch.PutMembers {
		m := &ch.PutMembers[i]
		g.member(membership{c, m.UserID}, put{m, ch.Head.Messages})
	}
	for _, user := range ch.RemoveMembers {
		g.member(membership{c, user}, put{})
	}
	if m := ch.PutMessage; m != nil {
		key := address{c, m.Seq}
		if g.states[key] == nil {
			g.stateOrder = append(g.stateOrder, key)
		}
		g.states[key] = m
	}
	for _, seq := range ch.Redact {
		if seq <= g.first[c] {
			g.w.redact = append(g.w.redact, c[:], int64(seq))
		}
	}
	return nil
}

// findRedacted notes which entries are deleted by the batch.
func (g *gathering) findRedacted() {
	for _, ch := range g.b.Changes {
		for _, seq := range ch.Redact {
			if g.redact == nil {
				g.redact = make(map[address]bool)
			}
			g.redact[address{ch.Entry.ConversationID, seq}] = true
		}
	}
}

func (g *gathering) message(e *chat.Entry, body []byte) {
	c := e.ConversationID
	clientID := e.ClientID
	if sabotage.DedupeInMemory {
		clientID += fmt.Sprint("#", e.Seq)
	}
	g.w.messages = append(g.w.messages, c[:], int64(e.Seq), e.Ordinal, e.SenderID[:], clientID, body)
	if !g.redact[address{c, e.Seq}] {
		for i := range e.Attachments {
			g.w.refs = append(g.w.refs, e.Attachments[i].ID[:], c[:], int64(e.Seq), string(chat.SortOf(e.Attachments[i].MIME)))
		}
		for i := range e.Mentions {
			g.w.mentions = append(g.w.mentions, e.Mentions[i][:], c[:], int64(e.Seq))
		}
	}
	key := membership{c, e.SenderID}
	if _, ok := g.reads[key]; !ok {
		g.readOrder = append(g.readOrder, key)
	}
	g.reads[key] = read{e.Seq, e.Ordinal}
}

func (g *gathering) member(key membership, p put) {
	before, ok := g.members[key]
	if !ok {
		g.memberOrder = append(g.memberOrder, key)
	}
	if p.member != nil && before.member != nil && p.member.JoinedSeq == before.member.JoinedSeq {
		p.ordinal = before.ordinal // a new role is not a new joining
	}
	g.members[key] = p
}

// finish lists the last word on each thing.
func (g *gathering) finish() error {
	w, at := g.w, int64(g.b.At)
	// Rows that others write too are written, and so locked, in one order.
	slices.SortFunc(g.headOrder, func(a, b chat.ConversationID) int { return bytes.Compare(a[:], b[:]) })
	slices.SortFunc(g.memberOrder, compareMemberships)
	slices.SortFunc(g.readOrder, compareMemberships)
	for _, id := range g.headOrder {
		c := g.heads[id]
		w.heads = append(w.heads, c.ID[:], string(c.Kind), c.Title, nullID(c.AvatarID), c.CreatedBy[:], int64(c.CreatedAt),
			int64(c.Seq), int64(g.first[id]), c.Messages, int64(c.LastMessage), int64(c.ActiveAt), at, int64(c.Members), int64(c.Owners),
			int64(c.Pins), int64(c.Blocks))
	}
	for _, key := range g.memberOrder {
		p := g.members[key]
		if p.member == nil {
			w.removed = append(w.removed, key.conversation[:], key.user[:])
			w.departures = append(w.departures, key.user[:], key.conversation[:], at)
			continue
		}
		m := p.member
		w.members = append(w.members, key.conversation[:], key.user[:], string(m.Role), roleOrder(m.Role), int64(m.VisibleFrom),
			int64(m.JoinedSeq), int64(m.JoinedAt), int64(m.JoinedSeq), int64(m.JoinedSeq), p.ordinal, at)
	}
	for _, key := range g.readOrder {
		// Who sent and then left has no receipts; who also came back starts anew there.
		if p, ok := g.members[key]; ok && (p.member == nil || p.member.JoinedSeq > g.reads[key].seq) {
			continue
		}
		r := g.reads[key]
		w.reads = append(w.reads, key.conversation[:], key.user[:], int64(r.seq), r.ordinal)
	}
	for _, key := range g.stateOrder {
		m := g.states[key]
		reactions, rerr := toJSON(m.Reactions)
		edits, eerr := toJSON(m.Edits)
		if err := errors.Join(rerr, eerr); err != nil {
			return err
		}
		w.states = append(w.states, key.conversation[:], int64(key.seq), m.Text, int64(m.EditedAt), int64(m.DeletedAt), int64(m.PinnedAt), flag(m.DeletedAt != 0), reactions, edits)
	}
	return nil
}

func compareMemberships(a, b membership) int {
	if c := bytes.Compare(a.conversation[:], b.conversation[:]); c != 0 {
		return c
	}
	return bytes.Compare(a.user[:], b.user[:])
}

func roleOrder(r chat.Role) int64 {
	switch r {
	case chat.RoleOwner:
		return 0
	case chat.RoleAdmin:
		return 1
	case chat.RoleMember:
		return 2
	}
	return 3
}
