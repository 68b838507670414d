package crowd

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parley-chat/parley/test/fault/history"
)

// window is how many sends a device has under way at a time.
const window = 4

// item is a send that is not settled.
type item struct {
	op      *history.Op
	h       *history.History
	payload map[string]any
	sent    bool // on the present connection
	began   time.Time
	deaf    bool // the next answer is thrown away, as if it had been lost
	retry   time.Time
}

// unsettled gives how many sends have no answer yet, of others' too.
func (d *device) unsettled() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.outbox) + d.copies
}

// send sends a new message: twice says over two connections at once. One in ten
// answers another.
func (d *device) send(rng *rand.Rand, id string, r *room) {
	var answers int64
	if rng.IntN(10) == 0 {
		answers = d.pick(rng, recent, r)
	}
	d.say(rng, id, answers, "")
}

// say sends a new message that answers another and holds a file, if any.
func (d *device) say(rng *rand.Rand, id string, answers int64, file string) {
	n := d.crowd.made.Add(1)
	h := d.crowd.History()
	it := &item{h: h, began: time.Now(), deaf: rng.IntN(20) == 0}
	it.op = &history.Op{
		Verb: history.Send, Conversation: id, User: d.me(), Device: d.n,
		ClientID: fmt.Sprintf("%x-%d", d.crowd.run, n), ReplyTo: answers, File: file,
	}
	text := fmt.Sprintf("message %d by device %d, %016x", n, d.n, rng.Uint64())
	it.op.Body = history.Hash(text)
	it.payload = map[string]any{"conversation_id": id, "client_id": it.op.ClientID, "text": text}
	if answers != 0 {
		it.payload["reply_to"] = answers
	}
	if file != "" {
		it.payload["attachments"] = []string{file}
	}
	twice := rng.IntN(10) == 0
	d.mu.Lock()
	d.orders++
	// Over two connections there is no order, nor where the store is asked first.
	if !twice && file == "" {
		it.op.Order = d.orders
	}
	h.Begin(it.op)
	d.outbox = append(d.outbox, it)
	if d.line != nil {
		d.transmit(d.line, it)
	}
	d.mu.Unlock()
	if twice {
		d.other().copy(it)
	}
}

// other is another device of the same person.
func (d *device) other() *device {
	for _, o := range d.person.devices {
		if o != d {
			return o
		}
	}
	return d
}

// copy sends somebody else's item as well, once.
func (d *device) copy(it *item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil {
		return
	}
	d.copies++
	d.call(d.line, "message.send", it.payload, func(a answer, err error) {
		defer d.copied()
		switch {
		case err == nil && a.OK && a.Data.Entry != nil:
			it.h.Ack(it.op, a.Data.Entry)
		case err == nil && final(a.Error.Code):
			it.h.Fail(it.op, a.Error.Code)
		default:
			it.h.InDoubt(it.op, true)
		}
	})
}

func (d *device) copied() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.copies--
}

// resend sends on a new connection what is not settled, in order. mu is held.
func (d *device) resend() {
	for _, it := range d.outbox {
		it.sent = false
	}
	for _, it := range d.outbox {
		d.transmit(d.line, it)
	}
}

// transmit puts an item on a connection. mu is held.
func (d *device) transmit(l *line, it *item) {
	it.sent = true
	d.call(l, "message.send", it.payload, func(a answer, err error) { d.answered(l, it, a, err) })
}

// answered takes the answer to a send.
func (d *device) answered(l *line, it *item, a answer, err error) {
	if err != nil {
		it.h.InDoubt(it.op, false) // the next connection sends it again
		return
	}
	code := a.Error.Code
	d.mu.Lock()
	defer d.mu.Unlock()
	if it.deaf && a.OK {
		it.deaf = false
		it.h.InDoubt(it.op, false)
		if d.line == l {
			d.transmit(l, it)
		}
		return
	}
	switch {
	case a.OK:
		if a.Data.Entry == nil {
			it.h.Note("lost", it.op.Conversation, "a send was acked without an entry", it.op.String())
		}
		it.h.Ack(it.op, a.Data.Entry)
		d.crowd.answers.Add(1)
	case final(code):
		it.h.Fail(it.op, code)
		// Who was away and is back may not see what they wanted to answer.
		answer := code == "invalid" && it.op.ReplyTo != 0
		if code != "not_found" && code != "forbidden" && !answer {
			it.h.Note("limbo", it.op.Conversation, fmt.Sprintf("a send was refused with %q: %s", code, a.Error.Message), it.op.String())
		}
	default:
		d.refused(code)
		if code == "rate_limited" || code == "overloaded" {
			d.orders++
			it.h.Again(it.op, d.orders)
		} else {
			it.h.InDoubt(it.op, true)
		}
		it.sent = false
		it.retry = time.Now().Add(min(time.Second, max(50*time.Millisecond, time.Duration(a.Error.RetryAfterMS)*time.Millisecond)))
		return
	}
	d.settle(it)
}

// final says whether a refusal is a definite one.
func final(code string) bool {
	switch code {
	case "rate_limited", "overloaded", "unavailable", "internal", "unauthenticated":
		return false
	}
	return true
}

// settle takes an item out. mu is held.
func (d *device) settle(it *item) {
	for i, o := range d.outbox {
		if o == it {
			d.outbox = append(d.outbox[:i], d.outbox[i+1:]...)
			return
		}
	}
}

// oldest is when the oldest send began that has no answer; now if there is none.
func (d *device) oldest() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	oldest := time.Now()
	for _, it := range d.outbox {
		if it.began.Before(oldest) {
			oldest = it.began
		}
	}
	return oldest
}
