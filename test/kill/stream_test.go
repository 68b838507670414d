package kill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

// window is how many messages of a stream are under way at a time.
const window = 4

// stream is one client that sends numbered messages to one conversation, over a socket
// or by REST, and goes on with what is unsettled after each crash. One goroutine uses it.
type stream struct {
	id           int
	run          uint64 // of the whole test, so that client_ids are new
	conversation string
	login        program.Login
	rest         bool
	history      *history
	rng          *rand.Rand

	orders  int
	made    int
	pending []*send // sent or not, not settled, in order
}

// verdict is the answer to one send.
type verdict struct {
	entry   program.Entry
	refused bool          // by name: it was not done, and may be sent again after pause
	unknown bool          // the connection ended first
	pause   time.Duration // before the next try
	err     error         // anything that must not happen
}

// work sends until ctx ends or the connection does; ended is nil in the latter case too,
// for that is what a crash looks like.
func (s *stream) work(ctx context.Context, url string, fresh bool) error {
	line, err := s.open(ctx, url)
	if err != nil {
		return nil // the server is not there (yet)
	}
	defer line.close()
	for ctx.Err() == nil {
		batch := s.batch(fresh)
		if len(batch) == 0 {
			return nil
		}
		over, pause, err := s.exchange(ctx, line, batch)
		if err != nil || over {
			return err
		}
		sleep(ctx, pause)
	}
	return nil
}

// batch gives what to send next: what is unsettled, in order, then new messages.
func (s *stream) batch(fresh bool) []*send {
	for fresh && len(s.pending) < window {
		s.made++
		m := &send{
			stream: s.id, conversation: s.conversation, sender: s.login.User.ID,
			clientID: fmt.Sprintf("%x-%d-%d", s.run, s.id, s.made),
			text:     fmt.Sprintf("message %d of stream %d, %x", s.made, s.id, s.rng.Uint64()),
		}
		s.place(m)
		s.pending = append(s.pending, m)
		s.history.mu.Lock()
		s.history.sends = append(s.history.sends, m)
		s.history.mu.Unlock()
	}
	return s.pending[:min(window, len(s.pending))]
}

// place gives a message the last place in its stream: a new one, and one that was
// refused by name, for what was sent after it may have been accepted. If an earlier try
// of that one is still in doubt, it has no place any more.
func (s *stream) place(m *send) {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	s.orders++
	if m.uncertain {
		m.unordered = true
		return
	}
	m.order, m.invoked = s.orders, 0
}

// exchange sends a batch in one go and takes the answers. over says that the
// connection has ended.
func (s *stream) exchange(ctx context.Context, line line, batch []*send) (over bool, pause time.Duration, err error) {
	answers := make([]chan verdict, len(batch))
	for i, m := range batch {
		s.history.mu.Lock()
		if m.invoked == 0 {
			m.invoked = s.history.now()
		}
		s.history.mu.Unlock()
		answers[i] = line.send(ctx, m)
	}
	var left, refused []*send
	for i, m := range batch {
		v := <-answers[i]
		switch {
		case v.err != nil:
			err = errors.Join(err, fmt.Errorf("send %s: %w", m.clientID, v.err))
		case v.unknown:
			over, m.uncertain = true, true
			left = append(left, m)
		case v.refused:
			pause = max(pause, v.pause)
			refused = append(refused, m)
		default:
			s.history.ack(m, v.entry)
		}
	}
	for _, m := range refused {
		s.place(m)
	}
	s.pending = append(append(left, refused...), s.pending[len(batch):]...)
	return over, pause, err
}

// abandon gives some of the unsettled messages up, as a client does that is closed for good.
func (s *stream) abandon(chance float64) {
	var kept []*send
	for _, m := range s.pending {
		if s.rng.Float64() < chance {
			continue
		}
		kept = append(kept, m)
	}
	s.pending = kept
}

// line is a way to send: a socket or REST.
type line interface {
	send(ctx context.Context, m *send) chan verdict
	close()
}

func (s *stream) open(ctx context.Context, url string) (line, error) {
	if s.rest {
		return restLine{program.API{URL: url, Client: &http.Client{}}.As(s.login)}, nil
	}
	c, err := client.Dial(ctx, url, client.Options{Auth: map[string]string{"token": s.login.Token}})
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return socketLine{c}, nil
}

func body(m *send) map[string]any {
	return map[string]any{"conversation_id": m.conversation, "client_id": m.clientID, "text": m.text}
}

type socketLine struct{ c *client.Client }

func (l socketLine) close() { _ = l.c.Drop() }

func (l socketLine) send(_ context.Context, m *send) chan verdict {
	ch := make(chan verdict, 1)
	err := l.c.EmitAck("message.send", func(answer client.Message, err error) {
		ch <- readAck(answer, err)
	}, body(m))
	if err != nil {
		ch <- verdict{unknown: true}
	}
	return ch
}

func readAck(answer client.Message, err error) verdict {
	if err != nil {
		return verdict{unknown: true}
	}
	var ack struct {
		OK    bool                          `json:"ok"`
		Data  struct{ Entry program.Entry } `json:"data"`
		Error struct {
			Code         string `json:"code"`
			RetryAfterMS int    `json:"retry_after_ms"`
		} `json:"error"`
	}
	if len(answer.Args) != 1 {
		return verdict{err: fmt.Errorf("an ack of %d arguments", len(answer.Args))}
	}
	if err := json.Unmarshal(answer.Args[0], &ack); err != nil {
		return verdict{err: fmt.Errorf("read ack %s: %w", answer.Args[0], err)}
	}
	if ack.OK {
		return verdict{entry: ack.Data.Entry}
	}
	return refusal(ack.Error.Code, time.Duration(ack.Error.RetryAfterMS)*time.Millisecond)
}

// refusal sorts the errors: a limit is a definite no, trouble inside leaves the
// outcome open, anything else is a bug here or there.
func refusal(code string, pause time.Duration) verdict {
	switch code {
	case "rate_limited", "overloaded":
		return verdict{refused: true, pause: max(pause, 10*time.Millisecond)}
	case "unavailable":
		return verdict{unknown: true}
	default:
		return verdict{err: fmt.Errorf("refused with %q", code)}
	}
}

type restLine struct{ api program.API }

func (restLine) close() {}

// send waits for each answer: REST keeps no order among requests under way.
func (l restLine) send(ctx context.Context, m *send) chan verdict {
	ch := make(chan verdict, 1)
	var e program.Entry
	payload := body(m)
	delete(payload, "conversation_id")
	err := l.api.Do(ctx, http.MethodPost, "/conversations/"+m.conversation+"/messages", payload, &e)
	var status *program.StatusError
	switch {
	case err == nil:
		ch <- verdict{entry: e}
	case errors.As(err, &status):
		var problem struct {
			Code         string `json:"code"`
			RetryAfterMS int    `json:"retry_after_ms"`
		}
		if err := json.Unmarshal(status.Body, &problem); err != nil {
			ch <- verdict{err: fmt.Errorf("read problem %w: %w", status, err)}
			break
		}
		ch <- refusal(problem.Code, time.Duration(problem.RetryAfterMS)*time.Millisecond)
	default:
		ch <- verdict{unknown: true}
	}
	return ch
}

// listen notes what a member's socket is given, until ctx or the connection ends: each
// conversation in order, without a hole that nobody spoke of.
func listen(ctx context.Context, url string, login program.Login, h *history) {
	last := map[string]int64{}
	c, err := client.Dial(ctx, url, client.Options{
		Auth: map[string]string{"token": login.Token},
		OnEvent: func(event string, m client.Message, _ func(...any) error) {
			switch event {
			case "resync":
				clear(last)
			case "entry":
				var e struct {
					program.Entry
					ConversationID string `json:"conversation_id"`
				}
				if err := json.Unmarshal(m.Args[0], &e); err != nil {
					h.anomaly("phantom", "an entry that cannot be read: %s", m.Args[0])
					return
				}
				before := last[e.ConversationID]
				last[e.ConversationID] = e.Seq
				if before != 0 && e.Seq <= before {
					h.anomaly("dup-apply", "%s: %s got %d after %d", login.User.Username, e.ConversationID, e.Seq, before)
				} else if before != 0 && e.Seq != before+1 {
					h.anomaly("silent-gap", "%s: %s got %d after %d", login.User.Username, e.ConversationID, e.Seq, before)
				}
				h.deliver(e.ConversationID, e.Entry)
			}
		},
	})
	if err != nil {
		return // the server is not there (yet)
	}
	select {
	case <-ctx.Done():
	case <-c.Done():
	}
	_ = c.Drop()
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
