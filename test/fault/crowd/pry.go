package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"github.com/parley-chat/parley/internal/program"
)

// pry has somebody ask for a conversation that they were never in, by its id. All that
// they may be told is that there is no such thing.
func (d *device) pry(ctx context.Context, rng *rand.Rand, _ string, _ *room) {
	id := d.foreign()
	if id == "" {
		return
	}
	if rng.IntN(4) == 0 {
		d.prySocket(id)
		return
	}
	seq := 1 + rng.IntN(50)
	in := "/conversations/" + id
	asks := []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, in, nil},
		{http.MethodGet, in + "/entries?after=0", nil},
		{http.MethodGet, in + "/messages", nil},
		{http.MethodGet, fmt.Sprintf("%s/messages?around=%d", in, seq), nil},
		{http.MethodGet, fmt.Sprintf("%s/messages/%d", in, seq), nil},
		{http.MethodGet, fmt.Sprintf("%s/messages/%d/receipts", in, seq), nil},
		{http.MethodGet, in + "/files", nil},
		{http.MethodGet, in + "/pins", nil},
		{http.MethodGet, "/search?q=message&conversation_id=" + id, nil},
		{http.MethodPost, in + "/messages", map[string]any{"client_id": fmt.Sprintf("pry-%d", d.crowd.made.Add(1)), "text": "let me in"}},
		{http.MethodPatch, fmt.Sprintf("%s/messages/%d", in, seq), map[string]any{"text": "let me in"}},
		{http.MethodDelete, fmt.Sprintf("%s/messages/%d", in, seq), nil},
		{http.MethodPost, in + "/read", map[string]any{"seq": seq}},
		{http.MethodPatch, in, map[string]any{"title": "Mine"}},
		{http.MethodPost, in + "/members", map[string]string{"user_id": d.me()}},
		{http.MethodDelete, in + "/members/" + d.me(), nil},
	}
	if file := d.crowd.files.of(id); file != "" {
		in = "/files/" + file
		asks = append(asks, asks[0], asks[0])
		asks[len(asks)-1].path, asks[len(asks)-2].path = in, in+"?thumb=1"
	}
	a := asks[rng.IntN(len(asks))]
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := d.crowd.api(rng).As(d.person.login).Do(ctx, a.method, a.path, a.body, nil)
	d.crowd.stats.Pried.Add(1)
	switch status := program.Status(err); {
	case err == nil:
		d.crowd.History().Note("leak", id, fmt.Sprintf("%s, who was never a member, was answered %s %s", d.me(), a.method, a.path))
	case status != 0 && status < http.StatusInternalServerError && status != http.StatusNotFound && status != http.StatusTooManyRequests:
		d.crowd.History().Note("leak", id, fmt.Sprintf("%s, who was never a member, was told more of %s %s than that it does not exist", d.me(), a.method, a.path), err.Error())
	}
}

// foreign gives the id of a conversation that the person was never in.
func (d *device) foreign() string {
	for id, cv := range *d.crowd.round.Load() { // in any order
		if !slices.Contains(cv.members, d.person) {
			return id
		}
	}
	return ""
}

// prySocket asks over the socket.
func (d *device) prySocket(id string) {
	h := d.crowd.History()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil {
		return
	}
	d.crowd.stats.Pried.Add(1)
	d.call(d.line, "entries.after", map[string]any{"conversation_id": id, "seq": 0, "limit": pageSize}, func(a answer, err error) {
		if err == nil && (a.OK || final(a.Error.Code) && a.Error.Code != "not_found") {
			h.Note("leak", id, fmt.Sprintf("%s, who was never a member, asked for entries and was told %q", d.me(), a.Error.Code))
		}
	})
}
