package history

import (
	"strings"
	"testing"
	"time"
)

// tell makes a history of words. A word is an entry that is acknowledged at once:
//
//	z, a, b …        a message of anna's, from device 1; in this order unless they were begun
//	a? or a!         anna begins to send a: what follows a? is in doubt, a! has its answer later
//	a- or a/         it is refused: as forbidden, or as if there were no such thing
//	ben, ben2        messages of ben's
//	block, end       ben blocks anna, and ends it; Block and End are anna's
//	out, in          anna is removed and taken in again; Out and In are about cleo
func tell(words string) *told {
	w := &told{h: New(time.Now()), ops: map[string]*Op{}}
	w.f.Logs = map[string][]Entry{room: nil}
	w.append(Entry{Kind: KindCreated, Sender: ben, Users: []string{anna, ben, cleo}})
	order, ordinal := 0, int64(0)
	begin := func(key string) {
		order++
		w.op(key, Op{Verb: Send, User: anna, Device: 1, Order: order, Body: Hash("text " + key)}, nil)
	}
	message := func(user, key string) {
		ordinal++
		w.ack(key, w.append(Entry{Kind: KindMessage, Sender: user, ClientID: key, Ordinal: ordinal, Text: "text " + key}))
	}
	for _, word := range strings.Fields(words) {
		key := strings.TrimRight(word, "?!-/")
		switch word {
		case "block", "end", "Block", "End":
			user, on := map[bool]string{true: ben, false: anna}[word == strings.ToLower(word)], strings.EqualFold(word, "block")
			w.op(word, Op{Verb: Block, User: user, On: on}, nil)
			w.append(Entry{Kind: KindBlock, Sender: user, On: on})
			w.ack(word, nil)
		case "out", "Out", "in", "In":
			user := map[bool]string{true: anna, false: cleo}[word == strings.ToLower(word)]
			verb, kind := Add, KindAdded
			if strings.EqualFold(word, "out") {
				verb, kind = Remove, KindRemoved
			}
			w.op(word, Op{Verb: verb, User: ben, Subject: user}, nil)
			w.ack(word, w.append(Entry{Kind: kind, Sender: ben, Users: []string{user}}))
		case "ben", "ben2":
			w.op(word, Op{Verb: Send, User: ben, Device: 3, Body: Hash("text " + word)}, nil)
			message(ben, word)
		case key:
			if w.ops[key] == nil {
				begin(key)
			}
			message(anna, key)
		case key + "-", key + "/":
			if w.ops[key] == nil {
				begin(key)
			}
			w.clock += 10 * time.Millisecond
			op := w.ops[key]
			op.Settled, op.Code = w.clock, map[string]string{"-": "forbidden", "/": "not_found"}[word[len(key):]]
			if !op.Doubt {
				op.Outcome = Failed
			}
		default:
			begin(key)
			w.ops[key].Doubt = strings.HasSuffix(word, "?")
		}
	}
	return w
}

func (w *told) append(e Entry) *Entry {
	e.Conversation, e.Seq = room, int64(len(w.log())+1)
	w.f.Logs[room] = append(w.log(), e)
	return &e
}

func (w *told) ack(key string, e *Entry) {
	w.clock += 10 * time.Millisecond
	op := w.ops[key]
	op.Outcome, op.Settled = OK, w.clock
	if e != nil {
		op.Seq = e.Seq
	}
}

// shown has a device show the whole log, and the first entries before a was sent.
func (w *told) shown(device int, first int) {
	w.h.Device(device, map[int]string{1: anna, 3: ben}[device])
	key := deviceLog{device, room}
	for i := range w.log() {
		when := w.ops["a"].Invoked - 1
		if i >= first {
			when = w.clock
		}
		w.h.seen[key] = append(w.h.seen[key], SeenOf(&w.log()[i], when))
	}
}

// finds checks, and demands one anomaly, or none.
func (w *told) finds(t *testing.T, want string) {
	t.Helper()
	w.h.Check(w.f)
	found, counts := w.h.Anomalies()
	if want == "" && len(found) > 0 || want != "" && (counts[want] != 1 || len(found) != 1) {
		t.Errorf("got %v, want %q in\n%v", found, want, w.log())
	}
}

func TestTheCheckerCountsWhatARefusalMoved(t *testing.T) {
	for words, want := range map[string]int{"z a? b a": 0, "z a? block end a b": 0, "z a? block end b c a": 1, "y? a? block end b y a": 2} {
		w := tell(words)
		if got := w.h.Check(w.f).Moved; got != want {
			t.Errorf("%q: got %d, want %d", words, got, want)
		}
	}
}

// A send that was refused has no place in its stream, even if nobody heard of the refusal: its
// place is that of the next try. It may have been refused only if the log has a reason for it
// between what was known when it was sent and what came before it.
func TestASendThatWasRefusedUnheardHasThePlaceOfItsNextTry(t *testing.T) {
	const inversion = "fifo-inversion"
	for _, test := range []struct{ name, words, want string }{
		{"in order", "z a b c", ""},
		{"in order, in doubt", "z? a? block end z a b", ""},
		{"blocked", "z a? block end b a c", ""},
		{"blocking", "z a? Block End b a", ""},
		{"both block each other", "z a? block Block end End b a", ""},
		{"blocked twice", "a? block end ben block end b a", ""},
		{"the block was there before", "z block a? end b a", ""},
		{"the block was there before, and others were heard since", "z block end ben block a? end b a", ""},
		{"two were refused", "z y? a? block end b y a c", ""},
		{"two were refused, and their next tries were too", "y? a? block end b block end c y a", ""},
		{"removed", "z a? out in b a", ""},
		{"removed before", "z out a? in b a", ""},

		{"no block", "z a? ben ben2 b a", inversion},
		{"the block had ended", "z block end ben a? b a", inversion},
		{"the block began behind the later one", "z a? b block end a", inversion},
		{"the block began behind the later one, as one before had ended", "block end ben a? b block end a", inversion},
		{"it has its first answer late", "z a! block end b a", inversion},
		{"the later one is in doubt", "z a! b? block end b a", inversion},
		{"one that was answered, around one that was refused", "z! a? block end b z a", inversion},
		{"one that is not there is between", "a! x? block end b a", inversion},
		{"others were removed", "z a? Out In b a", inversion},
		{"they had been taken in again", "z out in a? b a", inversion},
		{"removed behind the later one", "z a? b out in a", inversion},
	} {
		t.Run(test.name, func(t *testing.T) { tell(test.words).finds(t, test.want) })
	}
}

// What a device showed is known, too.
func TestWhatWasShownBeforeASendIsBeforeIt(t *testing.T) {
	for _, test := range []struct {
		name, want    string
		device, first int
	}{
		{"the block", "", 1, 3},
		{"its end", "fifo-inversion", 1, 4},
		{"its end, to the other", "fifo-inversion", 3, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := tell("z block end a? b a")
			w.shown(test.device, test.first)
			w.finds(t, test.want)
		})
	}
}

// A block is of one conversation.
func TestABlockExcusesNothingElsewhere(t *testing.T) {
	w, other := tell("z a? ben ben2 b a"), tell("a? block end b a")
	w.f.Logs["another"] = other.log()
	for i := range other.log() {
		other.log()[i].Conversation = "another"
	}
	for _, op := range other.h.ops {
		op.Conversation = "another"
		w.h.ops = append(w.h.ops, op)
	}
	w.finds(t, "fifo-inversion")
	if found, _ := w.h.Anomalies(); found[0].Conversation != room {
		t.Errorf("got %v, want it in %s", found, room)
	}
}

// A refusal that came before an entry changes nothing of real time: whoever was acknowledged
// before is before.
func TestABlockExcusesNothingInRealTime(t *testing.T) {
	w := tell("z block end ben a b")
	w.ops["z"].Invoked = w.ops["ben"].Settled + 1 // it stands before what was known
	w.ops["z"].Settled = w.ops["z"].Invoked + 1
	w.ops["z"].Doubt, w.ops["z"].Order = true, 0
	w.finds(t, "realtime-inversion")
}

// A try that is in doubt may be done behind another's refusal, and the send keeps its place: the
// log says whether it could be refused.
func TestARefusalBesideATryInDoubt(t *testing.T) {
	h, op, sure := New(time.Now()), &Op{Verb: Send, Order: 1}, &Op{Verb: Send, Order: 2}
	h.Begin(op)
	h.InDoubt(op, false) // its connection was lost
	h.Fail(op, "forbidden")
	if op.Outcome != Unknown || op.Order != 1 || op.Code != "forbidden" {
		t.Errorf("got %v with place %d, want it in doubt in its place", op, op.Order)
	}
	h.Begin(sure)
	h.Fail(sure, "forbidden")
	if sure.Outcome != Failed || sure.Code != "forbidden" {
		t.Errorf("got %v, want it refused", sure)
	}

	w := tell("z a? block a- end b a")
	w.ops["a"].Outcome, w.ops["a"].Seq, w.ops["a"].Settled = Unknown, 0, w.ops["end"].Invoked-1 // nobody heard that it was done
	w.finds(t, "")
}

// What was acknowledged is there again when it is repeated, block or not; but who is no member
// any more is told nothing, and the refusal of one try may come behind the answer to another.
func TestARefusalBehindAnAck(t *testing.T) {
	for _, test := range []struct{ name, words, want string }{
		{"nothing stands in the way", "z a b", "limbo"},
		{"a block stood before it was sent", "z block end ben a b", "limbo"},
		{"a block came behind it", "z a block end b", "limbo"},
		{"another try was refused before it by a block", "z a? block end a b", ""},
		{"removed behind it", "z a out in b", ""},
		{"removed before it was sent", "out in a b", "limbo"},
		{"another try was refused before it by the removal", "a? out in a b", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := tell(test.words)
			w.h.Fail(w.ops["a"], "forbidden")
			w.h.Fail(w.ops["a"], "not_found") // one anomaly for each send is enough
			w.finds(t, test.want)
		})
	}
}

// A refusal needs a reason in the log, between what was known when the send was begun and what
// was sent after the refusal.
func TestARefusalNeedsAReason(t *testing.T) {
	const groundless = "groundless"
	for _, test := range []struct{ name, words, want string }{
		{"blocked", "z block a- end b", ""},
		{"blocking", "z Block a- End b", ""},
		{"blocked while it was on its way", "z a! block end b a-", ""},
		{"blocked, and never again not", "z block a-", ""},
		{"removed", "z out a/ in b", ""},
		{"removed while it was on its way", "z a! out in b a/", ""},
		{"one try of it is in doubt", "z a? block a- end b a c", ""},

		{"no block", "z a- b", groundless},
		{"the block had ended", "z block end ben a- b", groundless},
		{"the block began later", "z a- b block end", groundless},
		{"one try of it is in doubt, and no block", "z a? a- b", groundless},
		{"no block, but a removal", "z out a- in b", groundless},
		{"not removed", "z a/ b", groundless},
		{"another was removed", "z Out a/ In b", groundless},
		{"they had been taken in again", "z out in ben a/ b", groundless},
		{"removed later", "z a/ b out in", groundless},
		{"not removed, but a block", "z block a/ end b", groundless},
	} {
		t.Run(test.name, func(t *testing.T) { tell(test.words).finds(t, test.want) })
	}
}
