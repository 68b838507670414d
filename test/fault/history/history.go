package history

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxKept bounds the anomalies of one name that are kept; further ones are counted.
const maxKept = 20

// Anomaly is a broken promise.
type Anomaly struct {
	Name         string
	Conversation string // empty: of none
	At           time.Duration
	Text         string
	Excerpt      []string // what shows it, as little as possible
}

// String is the anomaly on one line, without its excerpt.
func (a Anomaly) String() string {
	where := ""
	if a.Conversation != "" {
		where = short(a.Conversation) + " "
	}
	return fmt.Sprintf("%s: %s%s", a.Name, where, a.Text)
}

type deviceLog struct {
	device       int
	conversation string
}

// History records. It is safe for concurrent use.
type History struct {
	began time.Time

	mu        sync.Mutex
	ops       []*Op
	users     map[int]string // of devices
	seen      map[deviceLog][]Seen
	strays    map[deviceLog][]stray
	receipts  map[memberKey][]mark // as they were acknowledged
	pages     map[string][]*Page   // by conversation
	unread    []unread
	anomalies []Anomaly
	counts    map[string]int
}

// stray is an entry that a device did not expect.
type stray struct {
	Seen
	how string // it came
}

type memberKey struct{ user, conversation string }

// mark is a receipt that was acknowledged, and when.
type mark struct {
	invoked, at     time.Duration
	delivered, read int64
}

// New begins a history: times count from began.
func New(began time.Time) *History {
	return &History{
		began: began, users: map[int]string{}, seen: map[deviceLog][]Seen{}, strays: map[deviceLog][]stray{},
		receipts: map[memberKey][]mark{}, pages: map[string][]*Page{}, counts: map[string]int{},
	}
}

// Now is the time since the history began, by the monotonic clock; never 0.
func (h *History) Now() time.Duration { return time.Since(h.began) + 1 }

// Device says whose device a number is. It must be called before the device applies.
func (h *History) Device(device int, user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users[device] = user
}

// Note reports an anomaly that was seen when it happened.
func (h *History) Note(name, conversation, text string, excerpt ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(name, conversation, text, excerpt...)
}

func (h *History) note(name, conversation, text string, excerpt ...string) {
	h.counts[name]++
	if h.counts[name] <= maxKept {
		h.anomalies = append(h.anomalies, Anomaly{Name: name, Conversation: conversation, At: h.Now(), Text: text, Excerpt: excerpt})
	}
}

// Begin records that an operation is about to be tried for the first time.
func (h *History) Begin(op *Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	op.Invoked = h.Now()
	h.ops = append(h.ops, op)
}

// Again gives an operation a new place in its stream: it was refused by name and is
// tried once more, while what came after it may have been accepted. If an earlier try
// is in doubt, it has no place any more.
func (h *History) Again(op *Op, order int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if op.Doubt {
		op.Order = 0
		return
	}
	op.Order, op.Invoked = order, h.Now()
}

// InDoubt records that a try ended without an answer, or with one that leaves the
// outcome open. unordered says that it lost its place in the stream.
func (h *History) InDoubt(op *Op, unordered bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	op.Doubt = true
	if op.Outcome == Failed { // another try of it was refused; this one may have been done
		op.Outcome = Unknown
	}
	if unordered {
		op.Order = 0
	}
}

// Fail records a definite refusal.
func (h *History) Fail(op *Op, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch op.Outcome {
	case OK:
		if code == "not_found" || code == "forbidden" {
			op.Denied = code // they were removed in between, as the log has to say
			return
		}
		h.note("limbo", op.Conversation, "an acked operation was refused when it was repeated: "+code, op.String())
	case Failed:
	case Unknown:
		op.Settled, op.Code = h.Now(), code
		if !op.Doubt {
			op.Outcome = Failed
		}
	}
}

// Ack records an answer ok with the entry it came with; nil when nothing changed. Every
// answer to one operation has to be the same entry.
func (h *History) Ack(op *Op, e *Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e == nil {
		if op.Outcome == Unknown {
			op.Outcome, op.Settled = OK, h.Now()
		}
		return
	}
	if why := op.differs(e); why != "" {
		h.note("phantom", op.Conversation, "an ack holds an entry that was not asked for: "+why, op.String(), e.String())
	}
	if op.Seq != 0 && op.Seq != e.Seq {
		h.note("dup-slot", op.Conversation, fmt.Sprintf("acked at seq %d and again at %d", op.Seq, e.Seq), op.String(), e.String())
		return
	}
	if op.Outcome != OK {
		op.Outcome, op.Settled, op.Seq = OK, h.Now(), e.Seq
	}
}

// differs says what of an entry is not as the operation asked; empty when all is.
func (o *Op) differs(e *Entry) string {
	kind := map[Verb]string{Send: KindMessage, Edit: KindEdit, Delete: KindDelete, React: KindReact, Add: KindAdded, Remove: KindRemoved, Block: KindBlock}[o.Verb]
	switch {
	case e.Kind != kind:
		return "the kind"
	case e.Sender != o.User:
		return "the sender"
	case e.ClientID != o.ClientID:
		return "the client_id"
	case e.Target != o.Target:
		return "the target"
	case e.Emoji != o.Emoji, e.On != o.On:
		return "the reaction"
	case o.Body != 0 && e.Body() != 0 && e.Body() != o.Body:
		return "the text"
	case e.ReplyTo != o.ReplyTo:
		return "the message that it answers"
	case e.Kind == KindMessage && !e.Redacted && !e.holds(o.File):
		return "the file"
	case o.Subject != "" && !slices.Contains(e.Users, o.Subject):
		return "the person"
	case e.Seq <= 0:
		return "the seq"
	}
	return ""
}

// Apply records that a device shows an entry from now on.
func (h *History) Apply(device int, e *Entry) {
	s := SeenOf(e, h.Now())
	h.mu.Lock()
	defer h.mu.Unlock()
	key := deviceLog{device, e.Conversation}
	h.seen[key] = append(h.seen[key], s)
}

// Stray records an entry that reached a device which did not think its person a member,
// and how it came.
func (h *History) Stray(device int, e *Entry, how string) {
	s := stray{SeenOf(e, h.Now()), how}
	h.mu.Lock()
	defer h.mu.Unlock()
	key := deviceLog{device, e.Conversation}
	h.strays[key] = append(h.strays[key], s)
}

// Receipt records the answer to a receipt that was sent at invoked.
func (h *History) Receipt(user, conversation string, invoked time.Duration, delivered, read int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := memberKey{user, conversation}
	h.receipts[key] = append(h.receipts[key], mark{invoked: invoked, at: h.Now(), delivered: delivered, read: read})
}

// Anomalies gives what was found so far, and how often each name was.
func (h *History) Anomalies() ([]Anomaly, map[string]int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := make(map[string]int, len(h.counts))
	for name, n := range h.counts {
		counts[name] = n
	}
	return slices.Clone(h.anomalies), counts
}

// Open gives the operations that were invoked and whose outcome is not known, of
// those that keep says.
func (h *History) Open(keep func(*Op) bool) []*Op {
	h.mu.Lock()
	defer h.mu.Unlock()
	var open []*Op
	for _, op := range h.ops {
		if op.Settled == 0 && keep(op) {
			open = append(open, op)
		}
	}
	return open
}

// Acks gives when each acknowledged send was invoked and answered.
func (h *History) Acks(each func(invoked, settled time.Duration)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, op := range h.ops {
		if op.Verb == Send && op.Outcome == OK {
			each(op.Invoked, op.Settled)
		}
	}
}
