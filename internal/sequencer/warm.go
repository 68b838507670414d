package sequencer

import (
	"github.com/parley-chat/parley/internal/chat"
)

// limits bound what a partition keeps in memory beside what is in the window.
type limits struct {
	warm     int      // conversations
	members  int      // of a conversation
	messages chat.Seq // how many entries back from the last one messages are kept
	// Messages, and their bytes, that are kept after their commit for those who
	// send them again.
	recent, recentBytes int
	commit              int // records of one commit
}

func defaultLimits() limits {
	return limits{warm: 8192, members: maxMembers, messages: 128, recent: 8192, recentBytes: 4 << 20, commit: 8192}
}

// warm is a conversation in memory, ahead of the store. Everything that the
// window changed is in its state and stays there until it is committed: so a fact that
// the state does not have is in the store as it is now. Only the decider uses it.
type warm struct {
	st      *chat.State
	loaded  bool     // the head was looked up
	broken  bool     // deciding panicked: the state is not to be trusted
	asked   bool     // facts are being loaded
	waiting []*slot  // parked, in order
	pending int      // changes in the window
	stored  chat.Seq // the last entry that is known to be in the store

	// Which members and messages entries of the window changed: the last of them.
	members  map[chat.UserID]chat.Seq
	messages map[chat.Seq]chat.Seq
	// How large the state's maps may become before they are looked through.
	membersAt, messagesAt int
}

func newWarm(id chat.ConversationID, most *limits) *warm {
	return &warm{
		st: chat.NewState(id), members: make(map[chat.UserID]chat.Seq), messages: make(map[chat.Seq]chat.Seq),
		membersAt: most.members, messagesAt: 2 * int(most.messages),
	}
}

func (w *warm) busy() bool { return len(w.waiting) > 0 || w.pending > 0 }

// missing gives the facts that a command needs and the state does not have.
func (w *warm) missing(cmd *chat.Command) (n chat.Needs, lacks bool) {
	n = w.st.Missing(cmd.Needs())
	return n, !w.loaded || !n.Empty()
}

// wants gives what the first parked commands lack.
func (w *warm) wants() chat.Needs {
	all := chat.Needs{Likely: !w.loaded}
	for _, s := range w.waiting[:min(len(w.waiting), maxBatch)] {
		n, _ := w.missing(&s.record.Command)
		all.Members = append(all.Members, n.Members...)
		all.Messages = append(all.Messages, n.Messages...)
		all.Sent = append(all.Sent, n.Sent...)
	}
	return all
}

// merge takes facts from the store that were asked for. What the state has is as
// new, or newer.
func (w *warm) merge(from *chat.State) {
	if !w.loaded {
		w.loaded = true
		if w.st.Head = from.Head; from.Head != nil {
			w.stored = from.Head.Seq
		}
	}
	for user, m := range from.Members {
		if _, ok := w.st.Members[user]; !ok {
			w.st.Members[user] = m
		}
	}
	for seq, m := range from.Messages {
		if _, ok := w.st.Messages[seq]; !ok {
			w.st.Messages[seq] = m
		}
	}
	for key, e := range from.Sent {
		if _, ok := w.st.Sent[key]; ok {
			continue
		}
		if e != nil && !e.Redacted {
			// A deletion in the window is news to the store.
			if m := w.st.Messages[e.Seq]; m != nil && m.DeletedAt != 0 {
				gone := *e
				gone.Redact()
				e = &gone
			}
		}
		w.st.Sent[key] = e
	}
}

// pin keeps the facts that an entry changed.
func (w *warm) pin(e *chat.Entry) {
	w.pending++
	switch e.Kind {
	case chat.KindMessage:
		w.members[e.SenderID] = e.Seq // the greatest client id
	case chat.KindEdit, chat.KindDelete, chat.KindReaction, chat.KindPin:
		w.messages[e.Target] = e.Seq
	case chat.KindCreated, chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole:
		for _, user := range e.UserIDs {
			w.members[user] = e.Seq
		}
	case chat.KindUpdated, chat.KindBlock, chat.KindCall: // of the head, which is kept anyway
	}
}

// unpin says that an entry is committed; entries of a conversation are in order.
func (w *warm) unpin(e *chat.Entry) {
	w.pending--
	w.stored = e.Seq
	switch e.Kind {
	case chat.KindMessage:
		release(w.members, e.SenderID, e.Seq)
	case chat.KindEdit, chat.KindDelete, chat.KindReaction, chat.KindPin:
		release(w.messages, e.Target, e.Seq)
	case chat.KindCreated, chat.KindMemberAdded, chat.KindMemberRemoved, chat.KindRole:
		for _, user := range e.UserIDs {
			release(w.members, user, e.Seq)
		}
	case chat.KindUpdated, chat.KindBlock, chat.KindCall: // of the head, which is kept anyway
	}
}

func release[K comparable](pins map[K]chat.Seq, key K, seq chat.Seq) {
	if pins[key] == seq {
		delete(pins, key)
	}
}

// trim keeps the bounds of what is not pinned. It is not called while commands are
// parked, for facts were loaded for them.
func (w *warm) trim(most *limits) {
	if len(w.waiting) > 0 {
		return
	}
	if len(w.st.Members) > w.membersAt {
		for user := range w.st.Members {
			if _, pinned := w.members[user]; !pinned {
				delete(w.st.Members, user)
			}
		}
		w.membersAt = most.members + 2*len(w.st.Members)
	}
	if len(w.st.Messages) > w.messagesAt {
		var old chat.Seq
		if w.st.Head != nil {
			old = w.st.Head.Seq - most.messages
		}
		for seq, m := range w.st.Messages {
			_, pinned := w.messages[seq]
			if !pinned && (m == nil || seq <= w.stored && seq < old) {
				delete(w.st.Messages, seq)
			}
		}
		w.messagesAt = int(most.messages) + 2*len(w.st.Messages)
	}
}

// cache holds the warm conversations of a partition in two generations: what was
// not used while the young one filled up is forgotten, unless it is in the window.
type cache struct {
	young, old map[chat.ConversationID]*warm
	carried    int // from before the young one began
	most       *limits
}

func newCache(most *limits) *cache {
	return &cache{young: make(map[chat.ConversationID]*warm), most: most}
}

func (c *cache) get(id chat.ConversationID) *warm {
	if w := c.young[id]; w != nil {
		return w
	}
	w := c.old[id]
	if w == nil {
		w = newWarm(id, c.most)
	}
	c.young[id] = w
	return w
}

// turn begins a new generation if the young one is full.
func (c *cache) turn() {
	if len(c.young)-c.carried <= c.most.warm/2 {
		return
	}
	next := make(map[chat.ConversationID]*warm)
	for id, w := range c.old {
		if w.busy() && c.young[id] == nil {
			next[id] = w
		}
	}
	c.old, c.young, c.carried = c.young, next, len(next)
}

// recent keeps the latest messages and calls after their commit, so that those that
// are sent twice cost no look-up.
type recent struct {
	most  *limits
	list  []recentSent
	bytes int
}

type recentSent struct {
	warm *warm
	key  chat.SentKey
	size int
}

// settled is called with each command that is committed, whatever became of it; only
// those of messages and calls count.
func (r *recent) settled(w *warm, cmd *chat.Command) {
	key, ok := cmd.SentKey()
	if !ok {
		return
	}
	if _, ok := w.st.Sent[key]; !ok {
		return
	}
	size := slotBytes/2 + len(cmd.Text)
	r.list = append(r.list, recentSent{w, key, size})
	for r.bytes += size; len(r.list) > r.most.recent || r.bytes > r.most.recentBytes; {
		r.drop()
	}
}

// drop forgets the oldest, unless it came into the window meanwhile: then it is
// in the list once more when that is committed.
func (r *recent) drop() {
	o := r.list[0]
	r.list[0] = recentSent{}
	r.list = r.list[1:]
	r.bytes -= o.size
	if e := o.warm.st.Sent[o.key]; e == nil || e.Seq <= o.warm.stored {
		delete(o.warm.st.Sent, o.key)
	}
}
