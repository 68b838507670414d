package history

import (
	"testing"
	"time"
)

// feudHistory is a direct conversation of anna and ben, in which ben blocks anna for a while.
func feudHistory() *told {
	log := []Entry{
		{Seq: 1, Kind: KindCreated, Sender: anna, Users: []string{anna, ben}},
		{Seq: 2, Kind: KindMessage, Sender: anna, ClientID: "a", Ordinal: 1, Text: "text a"},
		{Seq: 3, Kind: KindMessage, Sender: ben, ClientID: "b", Ordinal: 2, Text: "text b", At: "then"},
		{Seq: 4, Kind: KindBlock, Sender: ben, On: true},
		{Seq: 5, Kind: KindEdit, Sender: ben, Target: 3, Text: "text b2"},
		{Seq: 6, Kind: KindBlock, Sender: ben},
		{Seq: 7, Kind: KindMessage, Sender: anna, ClientID: "c", Ordinal: 3, Text: "text c"},
	}
	for i := range log {
		log[i].Conversation = room
	}
	w := &told{h: New(time.Now()), ops: map[string]*Op{}, f: Final{Logs: map[string][]Entry{room: log}}}
	w.op("a", Op{Verb: Send, User: anna, Device: 1, Body: Hash("text a")}, &log[1])
	w.op("b", Op{Verb: Send, User: ben, Device: 3, Body: Hash("text b")}, &log[2])
	w.op("block", Op{Verb: Block, User: ben, Device: 3, On: true}, nil)
	w.op("edit", Op{Verb: Edit, User: ben, Device: 3, Target: 3, Body: Hash("text b2")}, &log[4])
	w.op("refused", Op{Verb: Send, User: anna, Device: 1, Body: Hash("no")}, nil)
	w.ops["refused"].Outcome, w.ops["refused"].Code, w.ops["refused"].Settled = Failed, "forbidden", w.clock+1
	w.op("unblock", Op{Verb: Block, User: ben, Device: 3}, nil)
	w.op("c", Op{Verb: Send, User: anna, Device: 1, Body: Hash("text c")}, &log[6])
	for _, key := range []string{"block", "unblock"} { // acked, without an entry
		op := w.ops[key]
		op.Outcome, op.Settled = OK, op.Invoked+1
	}
	return w
}

func TestTheCheckerKnowsBlocks(t *testing.T) {
	between := func(w *told) {
		op := w.ops["c"]
		op.Invoked, op.Settled = w.ops["block"].Settled+1, w.ops["unblock"].Invoked-1
	}
	for _, test := range []struct {
		name, want string // no name: nothing is wrong
		spoil      func(w *told)
	}{
		{"nothing is wrong", "", func(*told) {}},
		{"the blocked deletes what they said", "", func(w *told) {
			w.entry(5, Entry{Kind: KindDelete, Sender: anna, Target: 2})
			w.log()[1].Text, w.log()[1].Redacted = "", true
			w.ops["edit"].Verb, w.ops["edit"].User, w.ops["edit"].Target, w.ops["edit"].Body = Delete, anna, 2, 0
		}},
		{"it is not known when a send was accepted", "", func(w *told) { w.ops["c"].Invoked = w.ops["block"].Settled + 1 }},
		{"the end of an earlier block may come yet", "", func(w *told) {
			between(w)
			earlier := *w.ops["unblock"]
			earlier.Outcome, earlier.Invoked, earlier.Settled = Unknown, w.ops["block"].Invoked-1, 0
			w.h.ops = append([]*Op{&earlier}, w.h.ops...)
		}},
		{"the blocked sends", "late-revoke", func(w *told) {
			w.entry(5, Entry{Kind: KindMessage, Sender: anna, ClientID: "refused", Ordinal: 3})
		}},
		{"who blocks sends", "late-revoke", func(w *told) {
			w.entry(5, Entry{Kind: KindMessage, Sender: ben, ClientID: "b", Ordinal: 3})
		}},
		{"the blocked edits", "late-revoke", func(w *told) { w.entry(5, Entry{Kind: KindEdit, Sender: anna, Target: 2}) }},
		{"the blocked reacts", "late-revoke", func(w *told) { w.entry(5, Entry{Kind: KindReact, Sender: anna, Target: 3}) }},
		{"a send was accepted meanwhile", "late-revoke", between},
		{"the same again", "dup-slot", func(w *told) { w.log()[5].On = true }},
		{"nobody wished for it", "phantom", func(w *told) { w.ops["block"].On = false }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := feudHistory()
			test.spoil(w)
			w.h.Check(w.f)
			found, counts := w.h.Anomalies()
			if test.want == "" && len(found) > 0 {
				t.Errorf("got %v, want nothing", found)
			}
			if test.want != "" && counts[test.want] == 0 {
				t.Errorf("got %v, want %s", found, test.want)
			}
		})
	}
}
