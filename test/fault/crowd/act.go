package crowd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/test/fault/history"
)

// deed is something that people do, and how often: out of the sum of all weights.
type deed struct {
	weight int
	do     func(d *device, ctx context.Context, rng *rand.Rand, id string, r *room)
}

// deeds is what a device chooses from, besides sending.
func deeds() []deed {
	return []deed{
		{30, (*device).edit},
		{15, (*device).remove},
		{35, (*device).react},
		{90, (*device).receipt},
		{5, (*device).typing},
		{6, (*device).changeMembers},
		{8, (*device).scroll},
		{3, (*device).seek},
		{8, (*device).pry},
		{10, (*device).file},
		{4, (*device).reconnect},
	}
}

// sends is the weight of sending beside those of deeds.
const sends = 800

// act does what people do, turn by turn.
func (d *device) act(ctx context.Context) {
	rng := rand.New(rand.NewPCG(d.crowd.opt.Seed, uint64(d.n)<<8|2))
	all := deeds()
	total := sends
	for _, x := range all {
		total += x.weight
	}
	for {
		if d.crowd.pace.wait(ctx) != nil {
			return
		}
		for !d.crowd.acting.Load() {
			if sleep(ctx, tick/2) != nil {
				return
			}
		}
		id, r, room4 := d.choose(rng)
		if r == nil {
			continue
		}
		n := rng.IntN(total)
		if n < sends {
			if room4 {
				d.send(rng, id, r)
			}
			continue
		}
		n -= sends
		for _, x := range all {
			if n < x.weight {
				x.do(d, ctx, rng, id, r)
				break
			}
			n -= x.weight
		}
	}
}

// choose picks a conversation, direct ones most often, and says whether another send
// may be under way.
func (d *device) choose(rng *rand.Rand) (id string, r *room, mayWrite bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ids []string
	var weights []int
	total := 0
	for id, r := range d.rooms {
		if !r.member && rng.IntN(50) > 0 { // now and then somebody tries although they are out
			continue
		}
		w := 60
		if r.cv.group {
			w = 12 * groupSize / max(groupSize, len(r.cv.members))
		}
		ids, weights, total = append(ids, id), append(weights, w), total+w
	}
	if total == 0 {
		return "", nil, false
	}
	// The order of a map is random already; the seed's part is in the plan of faults.
	n := rng.IntN(total)
	for i, w := range weights {
		if n < w {
			return ids[i], d.rooms[ids[i]], len(d.outbox) < window
		}
		n -= w
	}
	return "", nil, false
}

// pick gives one of a room's messages.
func (d *device) pick(rng *rand.Rand, list func(*room) []int64, r *room) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	seqs := list(r)
	if len(seqs) == 0 {
		return 0
	}
	return seqs[rng.IntN(len(seqs))]
}

func mine(r *room) []int64   { return r.mine }
func recent(r *room) []int64 { return r.recent }

// once tries an operation one time.
func (d *device) once(op *history.Op, event string, payload map[string]any) {
	h := d.crowd.History()
	payload["conversation_id"], payload["seq"] = op.Conversation, op.Target
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil {
		return
	}
	h.Begin(op)
	d.call(d.line, event, payload, func(a answer, err error) {
		switch {
		case err != nil:
			h.InDoubt(op, true)
		case a.OK:
			h.Ack(op, a.Data.Entry)
		case final(a.Error.Code) || a.Error.Code == "rate_limited" || a.Error.Code == "overloaded":
			h.Fail(op, a.Error.Code)
		default:
			d.refused(a.Error.Code)
			h.InDoubt(op, true)
		}
	})
}

func (d *device) edit(_ context.Context, rng *rand.Rand, id string, r *room) {
	seq := d.pick(rng, mine, r)
	if seq == 0 {
		return
	}
	text := fmt.Sprintf("edit %d by device %d, %016x", d.crowd.made.Add(1), d.n, rng.Uint64())
	d.once(&history.Op{Verb: history.Edit, Conversation: id, User: d.me(), Device: d.n, Target: seq, Body: history.Hash(text)},
		"message.edit", map[string]any{"text": text})
}

func (d *device) remove(_ context.Context, rng *rand.Rand, id string, r *room) {
	if seq := d.pick(rng, mine, r); seq != 0 {
		d.once(&history.Op{Verb: history.Delete, Conversation: id, User: d.me(), Device: d.n, Target: seq}, "message.delete", map[string]any{})
	}
}

func (d *device) react(_ context.Context, rng *rand.Rand, id string, r *room) {
	seq := d.pick(rng, recent, r)
	if seq == 0 {
		return
	}
	op := &history.Op{Verb: history.React, Conversation: id, User: d.me(), Device: d.n, Target: seq, Emoji: []string{"👍", "🎉", "❤️"}[rng.IntN(3)], On: rng.IntN(4) > 0}
	d.once(op, "reaction.set", map[string]any{"emoji": op.Emoji, "on": op.On})
}

// receipt tells how far the person has read; one in twenty is an old number.
func (d *device) receipt(_ context.Context, rng *rand.Rand, id string, r *room) {
	h := d.crowd.History()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil || r.applied == 0 || !r.member {
		return
	}
	seq := r.applied
	if rng.IntN(20) == 0 {
		seq = 1 + rng.Int64N(seq)
	}
	event := "conversation.read"
	if rng.IntN(3) == 0 {
		event = "conversation.delivered"
	}
	invoked := h.Now()
	d.call(d.line, event, map[string]any{"conversation_id": id, "seq": seq}, func(a answer, err error) {
		if err == nil && a.OK {
			h.Receipt(d.me(), id, invoked, a.Data.Delivered, a.Data.Read)
		}
	})
}

func (d *device) typing(_ context.Context, rng *rand.Rand, _ string, r *room) {
	d.types(r.cv, rng.IntN(2) == 0)
}

// reconnect leaves and comes back: cut, or half-open for a while first.
func (d *device) reconnect(ctx context.Context, rng *rand.Rand, _ string, _ *room) {
	switch rng.IntN(3) {
	case 0:
		d.drop()
	case 1:
		d.mu.Lock()
		d.away = time.Now().Add(time.Duration(rng.IntN(2000)) * time.Millisecond)
		d.mu.Unlock()
		d.drop()
	case 2:
		d.link.Reset()
	}
	_ = sleep(ctx, time.Duration(rng.IntN(200))*time.Millisecond) // the caller sees the end
}

// changeMembers has the owner of a group remove somebody or take them in again, or
// has somebody leave.
func (d *device) changeMembers(ctx context.Context, rng *rand.Rand, id string, r *room) {
	if !r.cv.group {
		return
	}
	op := &history.Op{Conversation: id, User: d.me(), Device: d.n}
	method, path, body := http.MethodDelete, "/conversations/"+id+"/members/", any(nil)
	subject := r.cv.pick(d.person, rng)
	switch {
	case subject == nil:
		return
	case subject == d.person, !r.cv.isOut(subject):
		op.Verb, op.Subject = history.Remove, subject.login.User.ID
		path += op.Subject
	default:
		op.Verb, op.Subject = history.Add, subject.login.User.ID
		method, path, body = http.MethodPost, "/conversations/"+id+"/members", map[string]string{"user_id": op.Subject}
	}
	h := d.crowd.History()
	d.crowd.peep(subject, id)
	h.Begin(op)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var got struct {
		history.Entry
		Unchanged bool `json:"unchanged"`
	}
	err := d.crowd.api(rng).As(d.person.login).Do(ctx, method, path, body, &got)
	var status *program.StatusError
	switch {
	case err == nil && got.Unchanged:
		h.Ack(op, nil)
	case err == nil:
		h.Ack(op, &got.Entry)
	case errors.As(err, &status) && status.Status < http.StatusInternalServerError:
		h.Fail(op, fmt.Sprint(status.Status))
		return
	default:
		h.InDoubt(op, true)
		r.cv.doubt(subject)
		return
	}
	r.cv.set(subject, op.Verb == history.Remove)
}

// pick chooses whom a change of members is about: nobody when the caller may not.
func (cv *conversation) pick(by *person, rng *rand.Rand) *person {
	cv.mu.Lock()
	defer cv.mu.Unlock()
	if by != cv.members[0] {
		if cv.out[by] || len(cv.out) > len(cv.members)/2 {
			return nil
		}
		return by
	}
	others := cv.members[1:]
	if len(cv.out) > len(cv.members)/3 {
		others = slices.DeleteFunc(slices.Clone(others), func(p *person) bool { return !cv.out[p] })
	}
	return others[rng.IntN(len(others))]
}

func (cv *conversation) isOut(p *person) bool {
	cv.mu.Lock()
	defer cv.mu.Unlock()
	return cv.out[p]
}

// unsure reports whether a person may be out, as far as the crowd knows.
func (cv *conversation) unsure(p *person) bool {
	cv.mu.Lock()
	defer cv.mu.Unlock()
	return cv.out[p] || cv.doubts[p]
}

// doubt notes that nobody knows whether a person is a member.
func (cv *conversation) doubt(p *person) {
	cv.mu.Lock()
	defer cv.mu.Unlock()
	cv.doubts[p] = true
}

func (cv *conversation) set(p *person, out bool) {
	cv.mu.Lock()
	defer cv.mu.Unlock()
	delete(cv.doubts, p)
	if out {
		cv.out[p] = true
	} else {
		delete(cv.out, p)
	}
}
