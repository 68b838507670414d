package crowd

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/parley-chat/parley/test/fault/history"
)

const (
	pageSize   = 500
	fetchPause = 300 * time.Millisecond
	maxHeld    = 2000
	remembered = 16
)

// head is how far a conversation has got.
type head struct {
	ID      string `json:"conversation_id"`
	LastSeq int64  `json:"last_seq"`
}

// event takes what the server says by itself.
func (d *device) event(l *line, name string, data json.RawMessage) {
	switch name {
	case "entry":
		var e history.Entry
		if !d.read(name, data, &e) {
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if r := d.rooms[e.Conversation]; r != nil {
			d.order(l, &e)
			d.take(r, &e, "live")
		}
	case "ready":
		var ready struct {
			Cursor string `json:"cursor"`
			Heads  []head `json:"heads_changed"`
		}
		if !d.read(name, data, &ready) {
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		l.ready = true
		d.older, d.cursor = d.cursor, ready.Cursor
		d.takeHeads(ready.Heads)
	case "conversation":
		var told struct {
			ID          string `json:"id"`
			Gone        bool   `json:"gone"`
			VisibleFrom int64  `json:"visible_from"`
			LastSeq     int64  `json:"last_seq"`
		}
		if !d.read(name, data, &told) {
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if r := d.rooms[told.ID]; r != nil && !told.Gone {
			d.told(r, told.VisibleFrom, told.LastSeq)
		} else if r != nil {
			r.leave()
		}
	case "typing":
		var told struct {
			ID   string `json:"conversation_id"`
			User string `json:"user_id"`
		}
		if d.read(name, data, &told) {
			d.heardTyping(told.ID, told.User)
		}
	case "resync":
		d.crowd.stats.Resyncs.Add(1)
		d.mu.Lock()
		clear(l.holes)
		clear(l.last)
		cursor := d.cursor
		d.mu.Unlock()
		d.crowd.work.Go(func() { d.resync(l, cursor) })
	case "reconnect":
		var after struct {
			MS int64 `json:"after_ms"`
		}
		if !d.read(name, data, &after) {
			return
		}
		pause := time.Duration(min(after.MS, 2000)) * time.Millisecond
		d.crowd.work.Go(func() {
			time.Sleep(pause)
			d.giveUp(l)
		})
	}
}

func (d *device) read(name string, data json.RawMessage, into any) bool {
	if err := json.Unmarshal(data, into); err != nil {
		d.crowd.History().Note("phantom", "", fmt.Sprintf("an event %s that cannot be read: %.200s", name, data))
		return false
	}
	return true
}

// order watches that one connection brings a conversation's entries in order, each
// once, and none left out without a word. mu is held.
func (d *device) order(l *line, e *history.Entry) {
	id := e.Conversation
	last := l.last[id]
	l.last[id] = max(last, e.Seq)
	switch {
	case last == 0, e.Seq == last+1, e.Kind == history.KindAdded && slices.Contains(e.Users, d.me()):
	case e.Seq <= last:
		d.crowd.History().Note("dup-apply", id, fmt.Sprintf("device %d of %s got live seq %d after %d on one connection", d.n, d.me(), e.Seq, last), e.String())
	default:
		if _, known := l.holes[id]; !known {
			l.holes[id] = hole{since: time.Now(), from: last, to: e.Seq}
		}
	}
}

// take shows an entry when its turn has come, and keeps it until then; how it came is
// for the record. mu is held.
func (d *device) take(r *room, e *history.Entry, how string) {
	joins := (e.Kind == history.KindAdded || e.Kind == history.KindCreated) && slices.Contains(e.Users, d.me())
	switch {
	case joins && e.Seq > r.applied:
		// What was between was never this person's to see.
		if !r.member || e.Seq > r.applied+1 && e.Kind == history.KindAdded {
			r.applied = e.Seq - 1
		}
		r.member = true
	case !r.member:
		d.crowd.History().Stray(d.n, e, how)
		return
	}
	r.want = max(r.want, e.Seq)
	if e.Seq <= r.applied {
		return
	}
	if e.Seq > r.applied+1 {
		if len(r.held) < maxHeld {
			r.held[e.Seq] = e
		}
		return
	}
	d.show(r, e)
	for next := r.held[r.applied+1]; next != nil && r.member; next = r.held[r.applied+1] {
		delete(r.held, next.Seq)
		d.show(r, next)
	}
}

// show applies an entry. mu is held.
func (d *device) show(r *room, e *history.Entry) {
	d.crowd.History().Apply(d.n, e)
	r.applied = e.Seq
	switch e.Kind {
	case history.KindMessage:
		r.recent = remember(r.recent, e.Seq)
		if e.Sender == d.me() {
			r.mine = remember(r.mine, e.Seq)
		}
		d.fetchFiles(r, e)
	case history.KindRemoved:
		if slices.Contains(e.Users, d.me()) {
			r.leave()
		}
	}
}

func remember(list []int64, seq int64) []int64 {
	if len(list) == remembered {
		list = slices.Delete(list, 0, 1)
	}
	return append(list, seq)
}

// leave forgets what cannot come any more.
func (r *room) leave() {
	r.member = false
	r.want = r.applied
	r.mine, r.recent = nil, nil
	clear(r.held)
}

// told takes what the server says of a conversation that the person is in. mu is held.
func (d *device) told(r *room, visibleFrom, lastSeq int64) {
	if r.applied < visibleFrom-1 {
		r.applied = visibleFrom - 1
		for seq := range r.held {
			if seq <= r.applied {
				delete(r.held, seq)
			}
		}
	}
	r.member = true
	r.want = max(r.want, lastSeq)
}

// takeHeads notes what moved. mu is held.
func (d *device) takeHeads(heads []head) {
	for _, h := range heads {
		r := d.rooms[h.ID]
		if r == nil {
			continue
		}
		if !r.member { // they are in it again
			r.member = true
		}
		r.want = max(r.want, h.LastSeq)
	}
}

// fetch asks for what follows. mu is held.
func (d *device) fetch(l *line, id string, r *room) {
	r.fetching = true
	asked := r.applied
	d.call(l, "entries.after", map[string]any{"conversation_id": id, "seq": asked, "limit": pageSize}, func(a answer, err error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.rooms[id] != r || d.line != l {
			return // a round has ended, or the connection has
		}
		r.fetching = false
		switch {
		case err != nil:
		case a.OK:
			d.fetched(r, id, asked, &a)
		case a.Error.Code == "not_found":
			r.leave()
		default:
			d.refused(a.Error.Code)
			r.retry = time.Now().Add(fetchPause)
		}
	})
}

// fetched takes a page. mu is held.
func (d *device) fetched(r *room, id string, asked int64, a *answer) {
	next := asked + 1
	for i := range a.Data.Entries {
		e := &a.Data.Entries[i]
		joins := e.Kind == history.KindAdded && slices.Contains(e.Users, d.me())
		if first := i == 0 && e.Seq > next && joins; e.Seq != next && !first {
			d.crowd.History().Note("silent-gap", id, fmt.Sprintf("entries after %d hold seq %d, want %d", asked, e.Seq, next), e.String())
		}
		next = e.Seq + 1
		d.take(r, e, "in a page")
	}
	r.want = max(r.want, a.Data.Head)
	if len(a.Data.Entries) == 0 && a.Data.Head <= asked && r.want > a.Data.Head {
		// Told live, and the store does not have it yet: ask again a little later.
		r.retry = time.Now().Add(fetchPause)
	}
}

// resync asks what moved, because the server says that it may not have told all.
func (d *device) resync(l *line, cursor string) {
	rng := rand.New(rand.NewPCG(d.crowd.opt.Seed, rand.Uint64()))
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	var moved struct {
		Conversations []head `json:"conversations"`
		Cursor        string `json:"cursor"`
	}
	err := d.crowd.api(rng).As(d.person.login).Do(ctx, http.MethodGet, "/sync?cursor="+url.QueryEscape(cursor), nil, &moved)
	if err != nil {
		d.giveUp(l) // connecting again asks the same
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == l {
		d.older, d.cursor = d.cursor, moved.Cursor
		d.takeHeads(moved.Conversations)
	}
}

// refused counts what the server could not do.
func (d *device) refused(code string) {
	switch code {
	case "unavailable":
		d.crowd.stats.Unavailable.Add(1)
	case "internal":
		d.crowd.stats.Internal.Add(1)
	default:
		d.crowd.stats.Refused.Add(1)
	}
}

// giveUp drops a connection, which may still be being made.
func (d *device) giveUp(l *line) {
	d.mu.Lock()
	l.broken = true
	c := l.c
	d.mu.Unlock()
	if c != nil {
		_ = c.Drop() // it is gone either way
	}
}
