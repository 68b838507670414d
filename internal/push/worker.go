package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// lookEvery is how often the worker looks for new messages and due jobs.
	lookEvery = time.Second
	// grace is how long a message waits: who reads it meanwhile is not told of it.
	grace chat.Time = 2_000
	// lookAgain is after what time a message is looked at again that was not read though
	// somebody seemed to look at a client, and lookFor for how long: a lid that was closed
	// is noticed within 45 s, when the socket behind it falls silent, or at the latest when
	// its lease ends by itself, after 70 s.
	lookAgain chat.Time = 25_000
	lookFor   chat.Time = 75_000
	// claim is after what time another worker takes over what this one has not finished.
	claim chat.Time = 60_000
	// maxQueue bounds the messages that are gone through at once, maxSend the jobs.
	maxQueue = 500
	maxSend  = 32
	// sendAtOnce bounds the requests under way.
	sendAtOnce = 8
	// maxAttempts is how often a job is tried, with pauses from firstPause on that double.
	maxAttempts = 8
	firstPause  = 5 * time.Second
	// maxBodyRunes bounds what is shown of a message.
	maxBodyRunes = 300
)

// Views is what the worker reads of conversations: a part of chat.Views.
type Views interface {
	Conversation(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.ConversationView, error)
	Messages(ctx context.Context, id chat.ConversationID, q chat.MessageQuery) ([]chat.Message, error)
}

// People gives names.
type People interface {
	Users(ctx context.Context, ids []chat.UserID) ([]chat.User, error)
}

// Looking tells who looks at a client, on any node.
type Looking interface {
	Online(ctx context.Context, users []chat.UserID, now chat.Time) (map[chat.UserID]bool, error)
}

// Deps are the parts that the worker stands on. All of them are needed.
type Deps struct {
	Pushes  chat.Pushes
	Views   Views
	People  People
	Looking Looking
	Sender  *Sender
	Now     func() time.Time
	Logger  *slog.Logger
}

// Worker queues notifications and sends them. Any number of nodes may run one each.
type Worker struct{ Deps }

// NewWorker makes a worker. It does nothing before Run.
func NewWorker(d Deps) *Worker { return &Worker{d} }

// Run works until ctx ends. What fails is logged and tried again: a notification
// is sent at least once, and has the same id each time.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer w.Sender.Close()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := errors.Join(w.queue(ctx), w.send(ctx))
		if err != nil && ctx.Err() == nil && !failing { // once an outage, not once a look
			w.Logger.WarnContext(ctx, "push notifications", "error", err)
		}
		failing = err != nil
	}
}

func (w *Worker) now() chat.Time { return chat.TimeOf(w.Now()) }

// queue goes through what was said since it last did.
func (w *Worker) queue(ctx context.Context) error {
	for {
		now := w.now()
		n, err := w.Pushes.QueuePushes(ctx, now, now+grace, maxQueue, func(c *chat.PushCandidate) bool { return c.Wanted(now) })
		if err != nil {
			return fmt.Errorf("queue notifications: %w", err)
		}
		if n < maxQueue {
			return nil
		}
	}
}

// send sends what is due.
func (w *Worker) send(ctx context.Context) error {
	for {
		now := w.now()
		jobs, err := w.Pushes.DuePushes(ctx, now, now+claim, maxSend)
		if err != nil {
			return fmt.Errorf("claim notifications: %w", err)
		}
		results := make([]chat.PushResult, len(jobs))
		each(len(jobs), sendAtOnce, func(i int) { results[i] = w.do(ctx, &jobs[i]) })
		// Sent is sent, even when the worker is to stop.
		if err := finish(context.WithoutCancel(ctx), w.Pushes, results); err != nil {
			return err
		}
		if len(jobs) < maxSend || ctx.Err() != nil {
			return nil //nolint:nilerr // the end that the caller asked for
		}
	}
}

// do sends one job if it is still wanted. No verdict means that this could not be
// told: the job is due again when its claim ends.
func (w *Worker) do(ctx context.Context, job *chat.PushJob) chat.PushResult {
	r := chat.PushResult{Job: *job, At: w.now()}
	n, need, err := w.notification(ctx, job)
	switch {
	case err != nil:
		w.Logger.WarnContext(ctx, "look at a notification", "error", err)
		return r
	case need == notYet && r.At-job.QueuedAt < lookFor:
		r.Verdict, r.RetryAt = chat.PushRetry, r.At+lookAgain
		return r
	case need != needed:
		r.Verdict = chat.PushDropped
		return r
	}
	o := w.Sender.send(ctx, &job.Subscription, n)
	if ctx.Err() != nil && o.verdict == chat.PushRetry {
		return r // we stopped, not they
	}
	r.At, r.Verdict, r.Failure = w.now(), o.verdict, o.failure
	if r.Verdict != chat.PushRetry {
		return r
	}
	pause := max(o.after, firstPause<<min(job.Attempts-1, 10))
	r.RetryAt = r.At + chat.Time(pause.Milliseconds())
	if job.Attempts >= maxAttempts || r.RetryAt-job.QueuedAt > chat.MaxPushAge {
		r.Verdict = chat.PushFailed
	}
	return r
}

// payload is what the service worker of the web client gets.
type payload struct {
	V              int                  `json:"v"`
	Kind           string               `json:"kind"` // message, test, or what a Bell says of a call
	ID             string               `json:"id"`   // the same for every copy: the tag of the notification
	ConversationID *chat.ConversationID `json:"conversation_id,omitempty"`
	Seq            chat.Seq             `json:"seq,omitempty"`
	Mention        bool                 `json:"mention,omitempty"`
	At             chat.Time            `json:"at"`
	Title          string               `json:"title,omitempty"`
	Body           string               `json:"body,omitempty"`
	SenderID       *chat.UserID         `json:"sender_id,omitempty"`
	SenderName     string               `json:"sender_name,omitempty"`
	Attachments    int                  `json:"attachments,omitempty"`
	// Of calls: which one, until when it rings, and whether with a camera.
	CallID *chat.CallID `json:"call_id,omitempty"`
	Until  chat.Time    `json:"until,omitzero"`
	Video  bool         `json:"video,omitempty"`
}

// need says whether somebody has to be told of a message.
type need uint8

const (
	notNeeded need = iota // never, or no more
	notYet                // they may be about to see it by themselves
	needed
)

// notification makes what is sent if it is needed.
func (w *Worker) notification(ctx context.Context, job *chat.PushJob) (n notification, want need, err error) {
	p := payload{V: 1, Kind: "test", ID: fmt.Sprint("test:", int64(job.Seq)), At: w.now()}
	if !job.ConversationID.IsZero() {
		if want, err = w.message(ctx, job, &p); err != nil || want != needed {
			return n, want, err
		}
	}
	data, err := json.Marshal(p)
	if err != nil {
		return n, notNeeded, fmt.Errorf("encode notification: %w", err)
	}
	sum := sha256.Sum256([]byte(p.ID))
	n = notification{payload: data, topic: base64.RawURLEncoding.EncodeToString(sum[:24]), keep: keepSeconds, urgent: job.Mention || job.ConversationID.IsZero()}
	return n, needed, nil
}

// message fills in what is to be told of a message, as it is now.
func (w *Worker) message(ctx context.Context, job *chat.PushJob, p *payload) (need, error) {
	user := job.Subscription.UserID
	view, err := w.Views.Conversation(ctx, user, job.ConversationID)
	if errors.Is(err, chat.ErrNotFound) {
		return notNeeded, nil
	}
	if err != nil {
		return notNeeded, fmt.Errorf("read conversation: %w", err)
	}
	found, err := w.Views.Messages(ctx, job.ConversationID, chat.MessageQuery{Around: job.Seq, Limit: 1, VisibleFrom: view.VisibleFrom})
	if err != nil {
		return notNeeded, fmt.Errorf("read message: %w", err)
	}
	if len(found) == 0 || found[0].Seq != job.Seq || found[0].DeletedAt != 0 {
		return notNeeded, nil
	}
	m := &found[0]
	c := chat.PushCandidate{
		UserID: user, Preferences: view.Preferences, ReadSeq: view.ReadSeq, VisibleFrom: view.VisibleFrom, Kind: view.Kind, Members: view.Members,
		Seq: m.Seq, SenderID: m.SenderID, At: m.At, Mention: job.Mention,
	}
	if !c.Wanted(w.now()) {
		return notNeeded, nil
	}
	looking, err := w.Looking.Online(ctx, []chat.UserID{user}, w.now())
	if err != nil {
		return notNeeded, fmt.Errorf("ask who looks at a client: %w", err)
	}
	if looking[user] {
		return notYet, nil
	}
	id := job.ConversationID
	p.Kind, p.ID, p.ConversationID, p.Seq, p.Mention, p.At = "message", fmt.Sprint(id, ":", m.Seq), &id, m.Seq, job.Mention, m.At
	if job.Subscription.Content {
		return needed, w.content(ctx, view, m, p)
	}
	return needed, nil
}

// content adds what was said and by whom.
func (w *Worker) content(ctx context.Context, view *chat.ConversationView, m *chat.Message, p *payload) error {
	users, err := w.People.Users(ctx, []chat.UserID{m.SenderID})
	if err != nil {
		return fmt.Errorf("read name: %w", err)
	}
	sender := m.SenderID
	p.SenderID, p.Attachments = &sender, len(m.Attachments)
	if len(users) > 0 {
		p.SenderName = users[0].DisplayName
	}
	if p.Title = view.Title; view.Kind == chat.Direct {
		p.Title = p.SenderName
	}
	p.Body = shorten(m.Text)
	return nil
}

// shorten cuts a text to what a notification shows.
func shorten(text string) string {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) <= maxBodyRunes {
		return text
	}
	n := 0
	for i := range text {
		if n == maxBodyRunes {
			return strings.TrimSpace(text[:i]) + "…"
		}
		n++
	}
	return text
}
