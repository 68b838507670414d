package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/test/fault/history"
)

const (
	pageOfMessages = 20
	// How whoever is put in or out reads meanwhile.
	peepers   = 2
	peeps     = 6
	peepPause = 20 * time.Millisecond
)

// scroll reads a page of folded messages, as somebody does who scrolls.
func (d *device) scroll(ctx context.Context, rng *rand.Rand, id string, r *room) {
	d.crowd.readPage(ctx, rng, d.person, id, d.pick(rng, recent, r))
}

// readPage reads a page of messages, any of those that can be asked for: about a
// message, if one is given.
func (c *Crowd) readPage(ctx context.Context, rng *rand.Rand, p *person, id string, about int64) {
	how := "newest"
	path := fmt.Sprintf("/conversations/%s/messages?limit=%d", id, pageOfMessages)
	if about != 0 && rng.IntN(4) > 0 {
		how = fmt.Sprintf("%s=%d", [...]string{"before", "after", "around"}[rng.IntN(3)], about)
		path += "&" + how
	}
	var page struct {
		Items []history.Message `json:"items"`
	}
	c.ask(ctx, rng, p, &history.Page{Conversation: id, How: how, Whole: true}, path, &page, func() []history.Message { return page.Items })
}

// seek looks for messages of a conversation by a word that all have.
func (d *device) seek(ctx context.Context, rng *rand.Rand, id string, _ *room) {
	d.crowd.search(ctx, rng, d.person, id)
}

func (c *Crowd) search(ctx context.Context, rng *rand.Rand, p *person, id string) {
	word := [...]string{"message", "edit", "device"}[rng.IntN(3)]
	var found struct {
		Items []struct {
			Message history.Message `json:"message"`
		} `json:"items"`
	}
	path := fmt.Sprintf("/search?q=%s&conversation_id=%s&limit=%d", url.QueryEscape(word), id, pageOfMessages)
	c.ask(ctx, rng, p, &history.Page{Conversation: id, How: "search"}, path, &found, func() []history.Message {
		messages := make([]history.Message, len(found.Items))
		for i := range found.Items {
			messages[i] = found.Items[i].Message
		}
		return messages
	})
}

// ask asks a node for a page and records what it said, if it said anything certain.
func (c *Crowd) ask(ctx context.Context, rng *rand.Rand, p *person, page *history.Page, path string, into any, items func() []history.Message) {
	h := c.History()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	page.User, page.Prompt, page.Invoked = p.login.User.ID, c.opt.Prompt, h.Now()
	err := c.api(rng).As(p.login).Do(ctx, http.MethodGet, path, nil, into)
	page.Settled = h.Now()
	switch {
	case program.Status(err) == http.StatusNotFound:
		page.Refused = true
	case err != nil:
		return // faults are at work
	default:
		page.Items = history.Items(items())
	}
	c.stats.Pages.Add(1)
	h.Read(page)
}

// peep has somebody read pages of a conversation, again and again, while they are put
// into it or out of it.
func (c *Crowd) peep(p *person, id string) {
	for range peepers {
		c.work.Go(func() {
			rng := rand.New(rand.NewPCG(c.opt.Seed, rand.Uint64()))
			d := p.devices[rng.IntN(len(p.devices))]
			for range peeps {
				d.mu.Lock()
				about := int64(0)
				if r := d.rooms[id]; r != nil {
					about = r.applied
				}
				d.mu.Unlock()
				if rng.IntN(4) == 0 {
					c.search(context.Background(), rng, p, id)
				} else {
					c.readPage(context.Background(), rng, p, id, about)
				}
				select {
				case <-c.over:
					return
				case <-time.After(rand.N(peepPause)):
				}
			}
		})
	}
}
