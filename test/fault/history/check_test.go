package history

import (
	"slices"
	"testing"
	"time"
)

// told is a small history by hand: a group of anna (devices 1 and 2), ben (3) and, from
// seq 6 to 9, cleo (4). It holds every kind of entry, and nothing is wrong with it.
type told struct {
	h     *History
	f     Final
	ops   map[string]*Op
	clock time.Duration
}

const (
	anna = "anna"
	ben  = "ben"
	cleo = "cleo"
	room = "room"
)

func (w *told) op(key string, op Op, e *Entry) {
	o := &op
	w.clock += 10 * time.Millisecond
	o.Conversation, o.Invoked = room, w.clock
	if o.Verb == Send {
		o.ClientID = key
	}
	w.ops[key] = o
	w.h.ops = append(w.h.ops, o)
	if e != nil {
		w.clock += 10 * time.Millisecond
		o.Outcome, o.Settled, o.Seq = OK, w.clock, e.Seq
	}
}

func goodHistory() *told {
	log := []Entry{
		{Seq: 1, Kind: KindCreated, Sender: anna, Users: []string{anna, ben}},
		{Seq: 2, Kind: KindMessage, Sender: anna, ClientID: "a", Ordinal: 1, Redacted: true},
		{Seq: 3, Kind: KindMessage, Sender: ben, ClientID: "b", Ordinal: 2, Text: "text b"},
		{Seq: 4, Kind: KindEdit, Sender: anna, Target: 2, Redacted: true},
		{Seq: 5, Kind: KindDelete, Sender: anna, Target: 2, At: "then"},
		{Seq: 6, Kind: KindAdded, Sender: anna, Users: []string{cleo}, Role: "member"},
		{Seq: 7, Kind: KindMessage, Sender: cleo, ClientID: "c", Ordinal: 3, Text: "text c"},
		{Seq: 8, Kind: KindReact, Sender: ben, Target: 7, Emoji: "+", On: true},
		{Seq: 9, Kind: KindRemoved, Sender: anna, Users: []string{cleo}},
		{Seq: 10, Kind: KindMessage, Sender: anna, ClientID: "d", Ordinal: 4, Text: "text d"},
		{Seq: 11, Kind: KindEdit, Sender: anna, Target: 10, Text: "text e", At: "later"},
		{Seq: 12, Kind: KindMessage, Sender: anna, ClientID: "f", Ordinal: 5, Text: "text f", ReplyTo: 10, Files: []File{{ID: "file", Size: 3}}},
	}
	for i := range log {
		log[i].Conversation = room
	}
	w := &told{h: New(time.Now()), ops: map[string]*Op{}}
	at := func(seq int) *Entry { return &log[seq-1] }
	w.op("a", Op{Verb: Send, User: anna, Device: 1, Order: 1, Body: Hash("text a")}, at(2))
	w.op("b", Op{Verb: Send, User: ben, Device: 3, Order: 1, Body: Hash("text b")}, at(3))
	w.op("edit a", Op{Verb: Edit, User: anna, Device: 2, Target: 2, Body: Hash("text a2")}, at(4))
	w.op("delete a", Op{Verb: Delete, User: anna, Device: 2, Target: 2}, at(5))
	w.op("add", Op{Verb: Add, User: anna, Device: 1, Subject: cleo}, at(6))
	w.op("c", Op{Verb: Send, User: cleo, Device: 4, Order: 1, Body: Hash("text c")}, at(7))
	w.op("react", Op{Verb: React, User: ben, Device: 3, Target: 7, Emoji: "+", On: true}, at(8))
	w.op("remove", Op{Verb: Remove, User: anna, Device: 1, Subject: cleo}, at(9))
	w.op("refused", Op{Verb: Send, User: cleo, Device: 4, Order: 2, Body: Hash("no")}, nil)
	w.ops["refused"].Outcome, w.ops["refused"].Code, w.ops["refused"].Settled = Failed, "not_found", w.clock+1
	w.op("d", Op{Verb: Send, User: anna, Device: 1, Order: 2, Body: Hash("text d")}, nil) // no answer, and there
	w.op("absent", Op{Verb: Send, User: ben, Device: 3, Order: 2, Body: Hash("x")}, nil)  // no answer, and not
	w.op("e", Op{Verb: Edit, User: anna, Device: 1, Target: 10, Body: Hash("text e")}, at(11))
	w.op("f", Op{Verb: Send, User: anna, Device: 1, Order: 3, Body: Hash("text f"), ReplyTo: 10, File: "file"}, at(12))

	for device, user := range map[int]string{1: anna, 2: anna, 3: ben, 4: cleo} {
		w.h.Device(device, user)
	}
	w.f = Final{
		Logs:     map[string][]Entry{room: log},
		Fresh:    map[string]map[string][]Seen{anna: {}, ben: {}},
		Messages: map[string][]Message{room: (&conversation{log: log}).fold()},
		Views: map[string]map[string]View{
			anna: {room: {LastSeq: 12, Delivered: 12, Read: 3, Unread: 1, Members: 2}},
			ben:  {room: {LastSeq: 12, Delivered: 12, Read: 12, Members: 2}},
		},
	}
	for _, e := range log {
		then := e // the text as it was before the deletion
		if e.Seq == 2 {
			then.Redacted, then.Text = false, "text a"
		}
		for device := 1; device <= 3; device++ {
			w.h.Apply(device, &then)
		}
		if e.Seq >= 6 && e.Seq <= 9 {
			w.h.Apply(4, &then)
		}
		for _, user := range []string{anna, ben} {
			w.f.Fresh[user][room] = append(w.f.Fresh[user][room], SeenOf(&e, 0))
		}
	}
	w.page(ben, w.ops["f"], item(2, anna, "a", ""), item(3, ben, "b", "text b"), item(7, cleo, "c", "text c"), item(10, anna, "d", "text e"), item(12, anna, "f", "text f"))
	w.page(ben, w.ops["a"], item(2, anna, "a", "text a"))
	w.page(cleo, w.ops["c"], item(7, cleo, "c", "text c"))
	w.refuse(cleo, w.ops["b"])
	w.refuse(cleo, w.ops["remove"])
	w.h.Unread(cleo, room, 7, "removed")
	w.h.Unread(ben, room, 2, "deleted")
	key := memberKey{ben, room}
	w.h.receipts[key] = []mark{{invoked: 1, at: 5, delivered: 3, read: 3}, {invoked: 4, at: 6, delivered: 2, read: 2}, {invoked: 7, at: 8, delivered: 12, read: 3}}
	return w
}

func item(seq int64, sender, key, text string) PageItem {
	i := PageItem{Seq: seq, Sender: sender, ClientID: key}
	if text != "" {
		i.Body = Hash(text)
	}
	return i
}

// page has somebody read a page right after the answer to an operation.
func (w *told) page(user string, after *Op, items ...PageItem) *Page {
	p := &Page{User: user, Conversation: room, How: "newest", Invoked: after.Settled + 1, Settled: after.Settled + 2, Whole: true, Prompt: true, Items: items}
	w.h.Read(p)
	return p
}

func (w *told) refuse(user string, after *Op) { w.page(user, after).Refused = true }

func TestTheCheckerPassesAGoodHistory(t *testing.T) {
	w := goodHistory()
	r := w.h.Check(w.f)
	if found, _ := w.h.Anomalies(); len(found) > 0 {
		t.Errorf("got %v, want nothing", found)
	}
	want := Result{Sends: 7, Acked: 4, Present: 1, Lost: 1, Failed: 1, Others: 6, Entries: 12, Applied: 40}
	if r != want {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func (w *told) log() []Entry           { return w.f.Logs[room] }
func (w *told) device(n int) []Seen    { return w.h.seen[deviceLog{n, room}] }
func (w *told) set(n int, seen []Seen) { w.h.seen[deviceLog{n, room}] = seen }
func (w *told) stray(n int, e *Entry)  { w.h.Stray(n, e, "live") }
func (w *told) entry(seq int, e Entry) { e.Seq, e.Conversation = int64(seq), room; w.log()[seq-1] = e }

func (w *told) view(u string, edit func(*View)) {
	v := w.f.Views[u][room]
	edit(&v)
	w.f.Views[u][room] = v
}

// spoils are histories in which one thing is wrong, and what the checker has to say.
var spoils = []struct { //nolint:gochecknoglobals // a table
	name, want string
	spoil      func(w *told)
}{
	{"an acked message is gone", "lost", func(w *told) { w.f.Logs[room] = w.log()[:11] }},
	{"an acked reaction is gone", "lost", func(w *told) { w.ops["react"].Seq = 9 }},
	{"an applied entry is gone", "lost", func(w *told) { w.h.Apply(3, &Entry{Conversation: room, Seq: 13, Kind: KindMessage}) }},
	{"a conversation is gone", "lost", func(w *told) { delete(w.f.Logs, room) }},
	{"a send was acked without an entry", "lost", func(w *told) { w.ops["f"].Seq = 0 }},
	{"nobody sent it", "phantom", func(w *told) { w.log()[11].ClientID = "x" }},
	{"it was refused and is there", "phantom", func(w *told) { w.ops["d"].Outcome = Failed }},
	{"the text is another", "phantom", func(w *told) { w.log()[6].Text = "other" }},
	{"nobody deleted it", "phantom", func(w *told) { w.ops["delete a"].Target = 3 }},
	{"nobody removed them", "phantom", func(w *told) { w.ops["remove"].Outcome = Failed }},
	{"the sender was no member", "phantom", func(w *told) { w.log()[11].Sender = cleo }},
	{"the ack is another's", "phantom", func(w *told) { w.h.Ack(w.ops["absent"], &w.log()[11]) }},
	{"a message is there twice", "dup-slot", func(w *told) {
		w.entry(12, Entry{Kind: KindMessage, Sender: anna, ClientID: "d", Ordinal: 5, Text: "text d"})
	}},
	{"the log has it at another seq", "dup-slot", func(w *told) { w.ops["f"].Seq = 10 }},
	{"a repeat gave another seq", "dup-slot", func(w *told) {
		e := w.log()[11]
		e.Seq = 13
		w.h.Ack(w.ops["f"], &e)
	}},
	{"a repeat was refused", "limbo", func(w *told) { w.h.Fail(w.ops["f"], "conflict") }},
	{"a seq is missing", "gap", func(w *told) { w.log()[11].Seq = 13 }},
	{"an ordinal is wrong", "gap", func(w *told) { w.log()[11].Ordinal = 6 }},
	{"a device applied twice", "dup-apply", func(w *told) { w.set(1, append(w.device(1), w.device(1)[11])) }},
	{"a device skipped", "hole-shown", func(w *told) { w.set(1, slices.Delete(w.device(1), 5, 6)) }},
	{"a device began late", "hole-shown", func(w *told) { w.set(3, w.device(3)[2:]) }},
	{"a device has another entry", "divergent-slot", func(w *told) { w.device(1)[4].Identity++ }},
	{"a device has another text", "divergent-slot", func(w *told) { w.device(1)[6].Body++ }},
	{"acked before, numbered later", "realtime-inversion", func(w *told) { w.ops["b"].Invoked = w.ops["e"].Settled + 1 }},
	{"a stream changed places", "fifo-inversion", func(w *told) { w.ops["a"].Order, w.ops["d"].Order = 2, 1 }},
	{"a receipt went back", "receipt-regress", func(w *told) {
		key := memberKey{ben, room}
		w.h.receipts[key] = append(w.h.receipts[key], mark{invoked: 9, at: 10, delivered: 12, read: 2})
	}},
	{"a receipt was lost", "receipt-regress", func(w *told) { w.view(ben, func(v *View) { v.Read, v.Unread = 2, 2 }) }},
	{"read beyond delivered", "receipt-regress", func(w *told) { w.view(anna, func(v *View) { v.Delivered = 2 }) }},
	{"the unread count is wrong", "receipt-regress", func(w *told) { w.view(anna, func(v *View) { v.Unread = 2 }) }},
	{"an edit came after the deletion", "resurrect", func(w *told) { w.log()[10].Target = 2; w.ops["e"].Target = 2 }},
	{"a deleted text is told", "resurrect", func(w *told) { w.log()[1].Redacted, w.log()[1].Text = false, "text a" }},
	{"a deleted message is shown", "resurrect", func(w *told) { w.f.Messages[room][0].DeletedAt = "" }},
	{"the removed saw more", "member-leak", func(w *told) { w.h.Apply(4, &w.log()[9]) }},
	{"the removed was sent more", "member-leak", func(w *told) { w.stray(4, &w.log()[9]) }},
	{"the new member saw what was before", "member-leak", func(w *told) { w.stray(4, &w.log()[4]) }},
	{"a device does not get to the end", "member-miss", func(w *told) { w.set(2, w.device(2)[:11]) }},
	{"a fresh device does not get the beginning", "member-miss", func(w *told) { w.f.Fresh[ben][room] = w.f.Fresh[ben][room][1:] }},
	{"a fresh device gets nothing", "member-miss", func(w *told) { w.f.Fresh[ben][room] = nil }},
	{"the server folds otherwise", "state-diverge", func(w *told) { w.f.Messages[room][2].Reactions = nil }},
	{"the server shows the old text", "state-diverge", func(w *told) { w.f.Messages[room][3].Text = "text d" }},
	{"the server has fewer messages", "state-diverge", func(w *told) { w.f.Messages[room] = w.f.Messages[room][:4] }},
	{"the head is wrong", "state-diverge", func(w *told) { w.view(ben, func(v *View) { v.LastSeq = 13 }) }},
	{"the members are miscounted", "state-diverge", func(w *told) { w.view(ben, func(v *View) { v.Members = 3 }) }},
	{"a page shows what is not in the log", "phantom", func(w *told) { w.page(ben, w.ops["f"], item(13, ben, "b", "text b")) }},
	{"a page shows another's", "divergent-slot", func(w *told) { w.page(ben, w.ops["f"], item(3, anna, "b", "text b")) }},
	{"a page shows another text", "phantom", func(w *told) { w.page(ben, w.ops["f"], item(3, ben, "b", "text")) }},
	{"a page shows the text of another's edit", "phantom", func(w *told) { w.page(ben, w.ops["f"], item(3, ben, "b", "text e")) }},
	{"a page shows a deletion that never was", "phantom", func(w *told) { w.page(ben, w.ops["f"], item(3, ben, "b", "")) }},
	{"a page leaves a message out", "silent-gap", func(w *told) {
		w.page(ben, w.ops["f"], item(3, ben, "b", "text b"), item(10, anna, "d", "text e"))
	}},
	{"a page is out of order", "state-diverge", func(w *told) {
		w.page(ben, w.ops["f"], item(7, cleo, "c", "text c"), item(3, ben, "b", "text b"))
	}},
	{"a page shows the removed more", "member-leak", func(w *told) {
		w.page(cleo, w.ops["f"], item(7, cleo, "c", "text c"), item(10, anna, "d", "text d"))
	}},
	{"a page shows the new member what was before", "member-leak", func(w *told) {
		w.page(cleo, w.ops["c"], item(3, ben, "b", "text b"), item(7, cleo, "c", "text c"))
	}},
	{"a page shows the removed a later text", "member-leak", func(w *told) {
		w.op("late", Op{Verb: Edit, User: cleo, Target: 7, Body: Hash("late")}, nil)
		w.ops["late"].Seq = 11
		w.page(cleo, w.ops["c"], item(7, cleo, "c", "late"))
	}},
	{"a page after the removal", "late-revoke", func(w *told) { w.page(cleo, w.ops["remove"], item(7, cleo, "c", "text c")) }},
	{"no page after the joining", "member-miss", func(w *told) { w.refuse(cleo, w.ops["add"]) }},
	{"no page for a member", "member-miss", func(w *told) { w.refuse(ben, w.ops["add"]) }},
	{"it answers what is later", "dangling", func(w *told) { w.log()[9].ReplyTo = 12 }},
	{"it answers no message", "dangling", func(w *told) { w.log()[11].ReplyTo = 9 }},
	{"it answers what its sender cannot see", "dangling", func(w *told) { w.log()[6].ReplyTo = 3 }},
	{"it changes no message", "dangling", func(w *told) { w.log()[7].Target = 6 }},
	{"it answers another message than was asked for", "phantom", func(w *told) { w.log()[11].ReplyTo = 7 }},
	{"it holds another file", "phantom", func(w *told) { w.log()[11].Files[0].ID = "other" }},
	{"it lost its file", "phantom", func(w *told) { w.log()[11].Files = nil }},
	{"a file cannot be read", "dangling", func(w *told) { w.h.Unread(ben, room, 12, "not found") }},
	{"something was noted", "stuck", func(w *told) { w.h.Note("stuck", room, "noted") }},
}

func TestTheCheckerNamesEveryAnomaly(t *testing.T) {
	for _, test := range spoils {
		t.Run(test.name, func(t *testing.T) {
			w := goodHistory()
			test.spoil(w)
			w.h.Check(w.f)
			found, counts := w.h.Anomalies()
			if counts[test.want] == 0 {
				t.Errorf("got %v, want %s", found, test.want)
			}
		})
	}
}
