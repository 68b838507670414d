package kill

import (
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/program"
)

// send is one message that a stream means to send, under one client_id, however often.
type send struct {
	stream       int
	order        int // in its stream; a message that was refused by name and is sent again comes later
	conversation string
	sender       string
	clientID     string
	text         string
	invoked      time.Duration // first sent under this order, since the history began; 0: never
	acked        time.Duration // answered ok; 0: the outcome is unknown
	seq          int64         // that the ack gave
	uncertain    bool          // a try ended without an answer
	unordered    bool          // has no place in its stream
}

// history is what clients saw from outside. It is safe for concurrent use; the sends in
// it are guarded by its lock too.
type history struct {
	mu        sync.Mutex
	began     time.Time
	sends     []*send
	acked     int                         // of them
	delivered map[string]map[int64]string // conversation and seq: what a socket was given there
	anomalies []string
}

func newHistory() *history {
	return &history{began: time.Now(), delivered: map[string]map[int64]string{}}
}

// now is the time since the history began, by the monotonic clock; never 0.
func (h *history) now() time.Duration { return time.Since(h.began) + 1 }

// anomaly notes something that must not happen.
func (h *history) anomaly(name, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.anomalyLocked(name, format, args...)
}

func (h *history) anomalyLocked(name, format string, args ...any) {
	h.anomalies = append(h.anomalies, name+": "+fmt.Sprintf(format, args...))
}

// ack notes an answer ok. A second answer for the same message has to be the same entry.
func (h *history) ack(s *send, e program.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.ClientID != s.clientID || e.Text != s.text || e.SenderID != s.sender || e.Seq <= 0 {
		h.anomalyLocked("phantom", "the ack of %s holds the entry %+v", s.clientID, e)
	}
	if s.seq != 0 && s.seq != e.Seq {
		h.anomalyLocked("dup-slot", "%s was acked at %d and again at %d", s.clientID, s.seq, e.Seq)
		return
	}
	if s.acked == 0 {
		s.acked, s.seq = h.now(), e.Seq
		h.acked++
	}
}

// acks gives how many messages were acked so far.
func (h *history) acks() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acked
}

// content is what must not differ between two views of one seq.
func content(e program.Entry) string { return e.Kind + " " + e.ClientID + " " + e.Text }

// deliver notes an entry that a socket received.
func (h *history) deliver(conversation string, e program.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	slots := h.delivered[conversation]
	if slots == nil {
		slots = map[int64]string{}
		h.delivered[conversation] = slots
	}
	if had, ok := slots[e.Seq]; ok && had != content(e) {
		h.anomalyLocked("divergent-slot", "%s %d was delivered as %q and as %q", conversation, e.Seq, had, content(e))
	}
	slots[e.Seq] = content(e)
}

// outcome counts what became of the sends.
type outcome struct {
	acked, there, absent int // unacked ones are there or absent
}

// check compares the history with the logs as they finally are, and gives every
// anomaly by the name that docs and reports use for it.
func (h *history) check(logs map[string][]program.Entry) (outcome, []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	bySlot := map[string]map[string][]program.Entry{} // conversation, sender and client_id
	for conversation, log := range logs {
		bySlot[conversation] = h.checkLog(conversation, log)
	}
	var o outcome
	for _, s := range h.sends {
		h.checkSend(s, bySlot[s.conversation][s.sender+" "+s.clientID], &o)
	}
	for conversation := range logs {
		h.checkRealTime(conversation)
	}
	h.checkStreams()
	return o, slices.Clone(h.anomalies)
}

// checkLog checks one log by itself and against what was delivered, and indexes it.
func (h *history) checkLog(conversation string, log []program.Entry) map[string][]program.Entry {
	known := map[string]bool{}
	for _, s := range h.sends {
		if s.conversation == conversation {
			known[s.sender+" "+s.clientID] = true
		}
	}
	index := map[string][]program.Entry{}
	ordinal := int64(0)
	for i, e := range log {
		if e.Seq != int64(i+1) {
			h.anomalyLocked("gap", "%s holds seq %d at place %d", conversation, e.Seq, i+1)
		}
		if e.Kind != "message" {
			continue
		}
		ordinal++
		if e.Ordinal != ordinal {
			h.anomalyLocked("gap", "%s %d has ordinal %d, want %d", conversation, e.Seq, e.Ordinal, ordinal)
		}
		slot := e.SenderID + " " + e.ClientID
		if !known[slot] {
			h.anomalyLocked("phantom", "%s %d was never sent: %+v", conversation, e.Seq, e)
		}
		index[slot] = append(index[slot], e)
	}
	for seq, got := range h.delivered[conversation] {
		if seq > int64(len(log)) {
			h.anomalyLocked("lost", "%s %d was delivered as %q and is not in the log", conversation, seq, got)
		} else if want := content(log[seq-1]); got != want {
			h.anomalyLocked("divergent-slot", "%s %d was delivered as %q, the log has %q", conversation, seq, got, want)
		}
	}
	return index
}

func (h *history) checkSend(s *send, entries []program.Entry, o *outcome) {
	if len(entries) > 1 {
		h.anomalyLocked("dup-slot", "%s is in the log %d times", s.clientID, len(entries))
	}
	switch {
	case s.acked != 0:
		o.acked++
		if len(entries) == 0 {
			h.anomalyLocked("lost", "%s was acked at %s %d and is not in the log", s.clientID, s.conversation, s.seq)
			return
		}
		if entries[0].Seq != s.seq {
			h.anomalyLocked("dup-slot", "%s was acked at %d, the log has it at %d", s.clientID, s.seq, entries[0].Seq)
		}
	case len(entries) == 0:
		o.absent++
	default:
		o.there++
		s.seq = entries[0].Seq
		if s.invoked == 0 {
			h.anomalyLocked("phantom", "%s is in the log and was never sent", s.clientID)
		}
	}
	if len(entries) > 0 && entries[0].Text != s.text {
		h.anomalyLocked("phantom", "%s has the text %q, want %q", s.clientID, entries[0].Text, s.text)
	}
}

// checkRealTime finds a message that was sent after another's ack and is before it.
func (h *history) checkRealTime(conversation string) {
	var byAck, byInvoke []*send
	for _, s := range h.sends {
		if s.conversation != conversation || s.seq == 0 {
			continue
		}
		byInvoke = append(byInvoke, s)
		if s.acked != 0 {
			byAck = append(byAck, s)
		}
	}
	sort.Slice(byAck, func(i, j int) bool { return byAck[i].acked < byAck[j].acked })
	sort.Slice(byInvoke, func(i, j int) bool { return byInvoke[i].invoked < byInvoke[j].invoked })
	var newest *send // the highest seq that had been acked
	i := 0
	for _, s := range byInvoke {
		for ; i < len(byAck) && byAck[i].acked < s.invoked; i++ {
			if newest == nil || byAck[i].seq > newest.seq {
				newest = byAck[i]
			}
		}
		if newest != nil && newest.seq > s.seq {
			h.anomalyLocked("realtime-inversion", "%s %d was acked before %s was sent, which is at %d", newest.clientID, newest.seq, s.clientID, s.seq)
		}
	}
}

// checkStreams finds messages of one stream that changed places.
func (h *history) checkStreams() {
	streams := map[int][]*send{}
	for _, s := range h.sends {
		if s.seq != 0 && !s.unordered {
			streams[s.stream] = append(streams[s.stream], s)
		}
	}
	for stream, sends := range streams {
		sort.Slice(sends, func(i, j int) bool { return sends[i].order < sends[j].order })
		for i := 1; i < len(sends); i++ {
			if sends[i-1].seq >= sends[i].seq {
				h.anomalyLocked("fifo-inversion", "stream %d: %s is at %d, %s, sent after it, at %d",
					stream, sends[i-1].clientID, sends[i-1].seq, sends[i].clientID, sends[i].seq)
			}
		}
	}
}
