package push

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// office is what the worker reads, as a test says.
type office struct {
	chat.Pushes
	view     *chat.ConversationView
	message  *chat.Message
	looking  bool
	broken   error
	finished []chat.PushResult
	jobs     []chat.PushJob
}

func (o *office) Conversation(context.Context, chat.UserID, chat.ConversationID) (*chat.ConversationView, error) {
	if o.view == nil {
		return nil, chat.ErrNotFound
	}
	return o.view, o.broken
}

func (o *office) Messages(context.Context, chat.ConversationID, chat.MessageQuery) ([]chat.Message, error) {
	if o.message == nil {
		return nil, nil
	}
	return []chat.Message{*o.message}, nil
}

func (o *office) Users(context.Context, []chat.UserID) ([]chat.User, error) {
	return []chat.User{{ID: chattest.User(0), DisplayName: "Ann"}}, nil
}

func (o *office) Online(context.Context, []chat.UserID, chat.Time) (map[chat.UserID]bool, error) {
	return map[chat.UserID]bool{chattest.User(1): o.looking}, nil
}

func (o *office) DuePushes(context.Context, chat.Time, chat.Time, int) ([]chat.PushJob, error) {
	jobs := o.jobs
	o.jobs = nil
	return jobs, nil
}

func (o *office) FinishPushes(_ context.Context, results []chat.PushResult) error {
	o.finished = append(o.finished, results...)
	return nil
}

type desk struct {
	*Worker
	office  *office
	service *service
	browser *browser
}

func newDesk(t *testing.T) *desk {
	s, b := newService(t), newBrowser(t)
	now := chattest.Epoch.Std().Add(time.Minute)
	o := &office{
		view: &chat.ConversationView{
			Conversation: chat.Conversation{Kind: chat.Group, Title: "Club", Members: 3}, Head: chat.Head{ReadSeq: 4}, VisibleFrom: 1,
			Preferences: chat.Preferences{Notify: chat.NotifyAll},
		},
		message: &chat.Message{Seq: 5, SenderID: chattest.User(0), At: chattest.Epoch, Text: "hello <there>"},
	}
	sub := *s.subscription(b)
	sub.UserID, sub.Content = chattest.User(1), true
	o.jobs = []chat.PushJob{{Subscription: sub, ConversationID: chattest.Room(0), Seq: 5, QueuedAt: chattest.Epoch, Attempts: 1}}
	w := NewWorker(Deps{
		Pushes: o, Views: o, People: o, Looking: o, Sender: s.sender(t, true), Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	return &desk{w, o, s, b}
}

// work sends what is due and gives what became of it, and what the browser read.
func (d *desk) work(t *testing.T) (r chat.PushResult, p payload) {
	t.Helper()
	if err := d.send(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.office.finished) > 0 {
		r = d.office.finished[0]
	}
	if d.service.count() > 0 {
		if err := json.Unmarshal(d.browser.open(t, d.service.bodies[0]), &p); err != nil {
			t.Fatal(err)
		}
	}
	return r, p
}

func TestWorkerTellsWhatWasSaid(t *testing.T) {
	d := newDesk(t)
	r, p := d.work(t)
	if r.Verdict != chat.PushSent {
		t.Fatalf("got %+v", r)
	}
	if p.V != 1 || p.Kind != "message" || p.ID != chattest.Room(0).String()+":5" || *p.ConversationID != chattest.Room(0) || p.Seq != 5 ||
		p.Title != "Club" || p.Body != "hello <there>" || p.SenderName != "Ann" || *p.SenderID != chattest.User(0) {
		t.Errorf("got %+v", p)
	}
	if got := d.service.got[0].Header; len(got.Get("Topic")) != 32 || got.Get("Urgency") != "normal" {
		t.Errorf("got topic %q, urgency %q", got.Get("Topic"), got.Get("Urgency"))
	}
}

func TestWorkerTellsNoContentWhereNoneIsWanted(t *testing.T) {
	d := newDesk(t)
	d.office.jobs[0].Subscription.Content = false
	d.office.jobs[0].Mention = true
	if r, p := d.work(t); r.Verdict != chat.PushSent || p.Body != "" || p.Title != "" || p.SenderID != nil || p.SenderName != "" || !p.Mention || p.Seq != 5 {
		t.Errorf("got %+v, %+v", r, p)
	}
	if got := d.service.got[0].Header.Get("Urgency"); got != "high" {
		t.Errorf("got urgency %q for a mention", got)
	}
}

func TestWorkerDropsWhatNobodyNeeds(t *testing.T) {
	for name, change := range map[string]func(o *office){
		"no member any more":   func(o *office) { o.view = nil },
		"read meanwhile":       func(o *office) { o.view.ReadSeq = 5 },
		"muted meanwhile":      func(o *office) { o.view.Preferences.MutedUntil = chattest.Epoch + 1<<40 },
		"deleted meanwhile":    func(o *office) { o.message.DeletedAt = chattest.Epoch },
		"not there":            func(o *office) { o.message = nil },
		"in view all the time": func(o *office) { o.looking, o.jobs[0].QueuedAt = true, chattest.Epoch+60_000-lookFor },
		"older than an hour":   func(o *office) { o.message.At = chattest.Epoch - chat.MaxPushAge },
		"wants no more of it":  func(o *office) { o.view.Preferences.Notify = chat.NotifyNone },
	} {
		d := newDesk(t)
		change(d.office)
		if r, _ := d.work(t); r.Verdict != chat.PushDropped || d.service.count() != 0 {
			t.Errorf("%s: got %s and %d requests, want it dropped", name, r.Verdict, d.service.count())
		}
	}
}

func TestWorkerTriesAgain(t *testing.T) {
	for _, c := range []struct {
		status, attempts int
		want             chat.PushVerdict
		pause            chat.Time
	}{
		{503, 1, chat.PushRetry, 5_000},
		{503, 3, chat.PushRetry, 20_000},
		{503, maxAttempts, chat.PushFailed, 0},
		{410, 1, chat.PushGone, 0},
		{403, 1, chat.PushFailed, 0},
	} {
		d := newDesk(t)
		d.service.answers(c.status)
		d.office.jobs[0].Attempts = c.attempts
		r, _ := d.work(t)
		if r.Verdict != c.want || c.want == chat.PushRetry && r.RetryAt-r.At != c.pause {
			t.Errorf("%d, attempt %d: got %s in %d ms, want %s in %d", c.status, c.attempts, r.Verdict, r.RetryAt-r.At, c.want, c.pause)
		}
		if r.Verdict != chat.PushGone && r.Failure == "" {
			t.Errorf("%d: its owner sees nothing", c.status)
		}
	}
	// What cannot be looked up is neither sent nor finished: it is due again.
	d := newDesk(t)
	d.office.broken = errors.New("the store is out of reach")
	if _, _ = d.work(t); len(d.office.finished) != 0 || d.service.count() != 0 {
		t.Errorf("got %+v and %d requests, want it left alone", d.office.finished, d.service.count())
	}
}

// Who looks at a client sees the message there. It is told all the same if it is
// still unread when they do not look any more, and by nobody's fault: no failure.
func TestWorkerWaitsForWhoLooks(t *testing.T) {
	d := newDesk(t)
	d.office.looking = true
	jobs := d.office.jobs
	jobs[0].QueuedAt = chattest.Epoch + 58_000 // two seconds ago
	if r, _ := d.work(t); r.Verdict != chat.PushRetry || r.RetryAt-r.At != lookAgain || r.Failure != "" || d.service.count() != 0 {
		t.Fatalf("got %+v and %d requests, want it looked at again", r, d.service.count())
	}
	d.office.looking, d.office.jobs, d.office.finished = false, jobs, nil
	if r, p := d.work(t); r.Verdict != chat.PushSent || p.Body == "" {
		t.Errorf("got %+v, want it told", r)
	}
	// The last look comes after the lease has ended of who has fallen silent: 30 s later nobody
	// renews it any more.
	if last := grace + (lookFor/lookAgain)*lookAgain; last <= 30_000+chat.PresenceLease {
		t.Errorf("got the last look after %d ms", last)
	}
}

func TestWorkerTest(t *testing.T) {
	d := newDesk(t)
	d.office.jobs[0].ConversationID, d.office.jobs[0].Seq = chat.ConversationID{}, 77
	if r, p := d.work(t); r.Verdict != chat.PushSent || p.Kind != "test" || p.ID != "test:77" || p.ConversationID != nil {
		t.Errorf("got %+v, %+v", r, p)
	}
}

// The longest names and texts, of letters that JSON writes longest, fit into one record.
func TestTheLongestNotificationFits(t *testing.T) {
	d := newDesk(t)
	d.office.view.Title = strings.Repeat("<", chat.MaxTitleRunes)
	d.office.message.Text = strings.Repeat("<", chat.MaxTextBytes)
	d.office.message.Attachments = make([]chat.Attachment, chat.MaxAttachments)
	r, p := d.work(t)
	if r.Verdict != chat.PushSent || !strings.HasSuffix(p.Body, "…") || len([]rune(p.Body)) != maxBodyRunes+1 {
		t.Errorf("got %+v, a body of %d letters", r, len([]rune(p.Body)))
	}
}
