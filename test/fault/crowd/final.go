package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/test/fault/history"
)

const (
	// freshReaders is how many members read a conversation anew, as new devices.
	freshReaders = 3
	finalTries   = 60
	hurriedTries = 5
	maxUnread    = 4 // conversations; then nobody can say anything of the rest
	finalPause   = time.Second
	restPage     = 1000
	messagesPage = 200
)

// Final reads what is there in the end: everything as the store tells it to the first
// member of each conversation, and again as new devices of others read it.
func (c *Crowd) Final(ctx context.Context) (history.Final, error) {
	f := history.Final{
		Logs: map[string][]history.Entry{}, Fresh: map[string]map[string][]history.Seen{},
		Messages: map[string][]history.Message{}, Views: map[string]map[string]history.View{},
	}
	rng := rand.New(rand.NewPCG(c.opt.Seed, 3))
	unread := 0
	for id, cv := range *c.round.Load() {
		err := c.insist(ctx, rng, cv.members[0], func(api program.API) error {
			log, err := entries(ctx, api, id)
			if err != nil {
				return err
			}
			f.Messages[id], err = messages(ctx, api, id)
			f.Logs[id] = log
			return err
		})
		if err != nil {
			delete(f.Logs, id)
		}
		switch {
		case ctx.Err() != nil:
			return f, fmt.Errorf("read conversation %s: %w", id, err)
		case err != nil: // it is lost, as far as anybody can tell
			c.unreadable(id, err)
			if unread++; unread >= maxUnread {
				return f, fmt.Errorf("%d conversations cannot be read, such as %s: %w", unread, id, err)
			}
			continue
		}
		if err := c.oldFiles(ctx, rng, cv.members[len(cv.members)-1], f.Logs[id]); err != nil {
			return f, err
		}
		readers := slices.Clone(cv.members)
		rng.Shuffle(len(readers), func(i, j int) { readers[i], readers[j] = readers[j], readers[i] })
		n := 0
		for _, p := range readers {
			if n == freshReaders {
				break
			}
			if cv.isOut(p) {
				continue
			}
			n++
			if err := c.fresh(ctx, rng, p, id, &f, n%2 == 0); err != nil {
				c.unreadable(id, err)
				if unread++; ctx.Err() != nil || unread >= maxUnread {
					return f, fmt.Errorf("read conversation %s anew: %w", id, err)
				}
				break
			}
		}
	}
	return f, nil
}

// unreadable notes that a conversation cannot be read, which it always may be in the end.
func (c *Crowd) unreadable(id string, err error) {
	c.opt.Logf("conversation %s cannot be read: %v", id, err)
	c.History().Note("lost", id, "a conversation cannot be read in the end: "+err.Error())
	c.Hurry()
}

// insist tries a read of somebody's until it works: the end of a run is no fault window.
func (c *Crowd) insist(ctx context.Context, rng *rand.Rand, p *person, read func(program.API) error) error {
	return c.patiently(ctx, func() error { return read(c.api(rng).As(p.login)) })
}

// fresh reads a conversation as a new device of a person does: by REST, or over a socket.
func (c *Crowd) fresh(ctx context.Context, rng *rand.Rand, p *person, id string, f *history.Final, socket bool) error {
	me := p.login.User.ID
	return c.insist(ctx, rng, p, func(api program.API) error {
		var view history.View
		if err := api.Do(ctx, http.MethodGet, "/conversations/"+id, nil, &view); err != nil {
			if program.Status(err) == http.StatusNotFound {
				return nil // removed, with an outcome that nobody was told
			}
			return err //nolint:wrapcheck // says all
		}
		var log []history.Entry
		var err error
		if socket {
			log, err = socketEntries(ctx, api, p, id)
		} else {
			log, err = entries(ctx, api, id)
		}
		if err != nil {
			return err
		}
		seen := make([]history.Seen, len(log))
		for i := range log {
			seen[i] = history.SeenOf(&log[i], 0)
		}
		if f.Fresh[me] == nil {
			f.Fresh[me], f.Views[me] = map[string][]history.Seen{}, map[string]history.View{}
		}
		f.Fresh[me][id], f.Views[me][id] = seen, view
		return nil
	})
}

// oldFiles reads all files of a log as somebody who sees it.
func (c *Crowd) oldFiles(ctx context.Context, rng *rand.Rand, p *person, log []history.Entry) error {
	for i := range log {
		e := &log[i]
		if len(e.Files) == 0 {
			continue
		}
		err := c.patiently(ctx, func() error {
			err := c.readFile(p, rng, c.History(), e)
			if program.Status(err) == http.StatusNotFound {
				c.History().Unread(p.login.User.ID, e.Conversation, e.Seq, err.Error())
				return nil
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read a file: %w", err)
		}
	}
	return nil
}

// entries reads a whole log by REST.
func entries(ctx context.Context, api program.API, id string) ([]history.Entry, error) {
	var all []history.Entry
	for after := int64(0); ; {
		var page struct {
			Items []history.Entry `json:"items"`
			Head  int64           `json:"head"`
		}
		if err := api.Do(ctx, http.MethodGet, fmt.Sprintf("/conversations/%s/entries?after=%d&limit=%d", id, after, restPage), nil, &page); err != nil {
			return nil, err //nolint:wrapcheck // says all
		}
		all = append(all, page.Items...)
		if len(page.Items) == 0 || all[len(all)-1].Seq >= page.Head {
			return all, nil
		}
		after = all[len(all)-1].Seq
	}
}

// socketEntries reads a whole log over a socket.
func socketEntries(ctx context.Context, api program.API, p *person, id string) ([]history.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
	defer cancel()
	s, err := client.Dial(ctx, api.URL, client.Options{Auth: map[string]string{"token": p.login.Token}})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = s.Close() }() // it was read from only
	var all []history.Entry
	for after := int64(0); ; {
		m, err := s.Call(ctx, "entries.after", map[string]any{"conversation_id": id, "seq": after, "limit": pageSize})
		a, err := readAnswer(m, err)
		if err != nil {
			return nil, err
		}
		if !a.OK {
			return nil, fmt.Errorf("entries.after: %s", a.Error.Code)
		}
		all = append(all, a.Data.Entries...)
		if len(a.Data.Entries) == 0 || all[len(all)-1].Seq >= a.Data.Head {
			return all, nil
		}
		after = all[len(all)-1].Seq
	}
}

// messages reads all folded messages by REST.
func messages(ctx context.Context, api program.API, id string) ([]history.Message, error) {
	var all []history.Message
	for after := int64(1); ; { // 0 would mean the newest
		var page struct {
			Items    []history.Message `json:"items"`
			HasAfter bool              `json:"has_after"`
		}
		if err := api.Do(ctx, http.MethodGet, fmt.Sprintf("/conversations/%s/messages?after=%d&limit=%d", id, after, messagesPage), nil, &page); err != nil {
			return nil, err //nolint:wrapcheck // says all
		}
		all = append(all, page.Items...)
		if !page.HasAfter || len(page.Items) == 0 {
			return all, nil
		}
		after = all[len(all)-1].Seq
	}
}

// Repeat sends some acknowledged messages again, to any node: each has to be the entry
// it was.
func (c *Crowd) Repeat(ctx context.Context, f history.Final, n int) error {
	rng := rand.New(rand.NewPCG(c.opt.Seed, 4))
	byUser := map[string]*person{}
	for _, p := range c.people {
		byUser[p.login.User.ID] = p
	}
	ids := make([]string, 0, len(f.Logs))
	for id := range f.Logs {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	for range n {
		id := ids[rng.IntN(len(ids))]
		log := f.Logs[id]
		e := log[rng.IntN(len(log))]
		p := byUser[e.Sender]
		if e.Kind != history.KindMessage || e.Redacted || (*c.round.Load())[id].isOut(p) {
			continue
		}
		body := map[string]any{"client_id": e.ClientID, "text": e.Text}
		if e.ReplyTo != 0 {
			body["reply_to"] = e.ReplyTo
		}
		for _, f := range e.Files {
			body["attachments"] = []string{f.ID}
		}
		var again history.Entry
		err := c.insist(ctx, rng, p, func(api program.API) error {
			err := api.Do(ctx, http.MethodPost, "/conversations/"+id+"/messages", body, &again)
			switch program.Status(err) {
			case http.StatusNotFound: // removed, with an outcome that nobody was told
				again = e
				return nil
			case http.StatusConflict:
				c.History().Note("limbo", id, "a repeat in the end was refused: "+err.Error(), e.String())
				again = e
				return nil
			}
			return err //nolint:wrapcheck // says all
		})
		if err != nil {
			return fmt.Errorf("repeat a send: %w", err)
		}
		if again.Seq != e.Seq || again.Identity() != e.Identity() {
			c.History().Note("dup-slot", id, fmt.Sprintf("a repeat in the end gave seq %d, it was %d", again.Seq, e.Seq), e.String(), again.String())
		}
	}
	return nil
}
