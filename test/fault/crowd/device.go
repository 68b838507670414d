package crowd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/test/fault/history"
	"github.com/parley-chat/parley/test/fault/link"
)

const (
	dialTimeout = 10 * time.Second
	// answerTimeout is how long a request may go unanswered until the device takes
	// the connection for dead: a client behind a half-open link hears of no end.
	answerTimeout = 8 * time.Second
	maxQueued     = 1024
	tick          = 100 * time.Millisecond
	maxBackoff    = time.Second
	// resyncGrace is how much later than a hole the server may tell of it.
	resyncGrace = 5 * time.Second
)

// device is one client of a person. Two goroutines belong to it: the keeper connects,
// catches up and watches; the actor does what people do. Callbacks come on the
// connection's goroutine.
type device struct {
	n         int
	crowd     *Crowd
	person    *person
	transport client.Transport
	link      link.Switch

	mu     sync.Mutex
	line   *line // nil while there is no connection
	cursor string
	older  string // a cursor of an earlier connection
	rooms  map[string]*room
	outbox []*item
	copies int // of others' sends, on their way
	orders int
	away   time.Time // connect again not before
}

// line is one connection.
type line struct {
	c       *client.Client
	began   time.Time
	ready   bool
	broken  bool             // of no use any more
	last    map[string]int64 // live entries, by conversation
	holes   map[string]hole
	waiting map[*request]struct{}
	out     chan job
	over    chan struct{} // closed when nothing is put into out any more
}

// hole is a live entry that did not follow the one before.
type hole struct {
	since    time.Time
	from, to int64
}

// job is a request on its way to the network.
type job struct {
	event   string
	payload any
	done    func(client.Message, error)
}

// request is one that the server has not answered.
type request struct{ since time.Time }

// room is a conversation as a device knows it.
type room struct {
	cv       *conversation
	member   bool
	applied  int64 // shown up to here
	want     int64 // known to exist
	held     map[int64]*history.Entry
	fetching bool
	retry    time.Time
	mine     []int64 // own messages, to edit
	recent   []int64 // anybody's
}

func newDevice(c *Crowd, p *person, n int, transport client.Transport) *device {
	return &device{n: n, crowd: c, person: p, transport: transport, rooms: map[string]*room{}}
}

// begin forgets the conversations of the round before.
func (d *device) begin(made map[string]*conversation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rooms = map[string]*room{}
	for id, cv := range made {
		for _, p := range cv.members {
			if p == d.person {
				d.rooms[id] = &room{cv: cv, member: true, want: 1, held: map[int64]*history.Entry{}}
			}
		}
	}
	if d.line != nil {
		d.line.last, d.line.holes = map[string]int64{}, map[string]hole{}
	}
}

func (d *device) me() string { return d.person.login.User.ID }

// keep connects again and again, and looks after the connection.
func (d *device) keep(ctx context.Context) {
	rng := rand.New(rand.NewPCG(d.crowd.opt.Seed, uint64(d.n)<<8|1))
	backoff := 50 * time.Millisecond
	for ctx.Err() == nil {
		d.mu.Lock()
		pause := time.Until(d.away)
		d.mu.Unlock()
		if pause > 0 {
			_ = sleep(ctx, pause) // the loop sees the end
			continue
		}
		l, err := d.connect(ctx, rng)
		if err != nil {
			_ = sleep(ctx, backoff/2+rand.N(backoff))
			backoff = min(2*backoff, maxBackoff)
			continue
		}
		backoff = 50 * time.Millisecond
		d.watch(ctx, l)
	}
}

// connect makes a connection and puts it in use.
func (d *device) connect(ctx context.Context, rng *rand.Rand) (*line, error) {
	l := &line{
		began: time.Now(), last: map[string]int64{}, holes: map[string]hole{}, waiting: map[*request]struct{}{},
		out: make(chan job, maxQueued), over: make(chan struct{}),
	}
	auth := map[string]string{"token": d.person.login.Token}
	d.mu.Lock()
	cursor := d.cursor
	if d.older != "" && rng.IntN(5) == 0 {
		cursor = d.older // of a device that slept for long
	}
	d.mu.Unlock()
	if cursor != "" {
		auth["cursor"] = cursor
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := client.Dial(ctx, d.crowd.opt.Node(rng), client.Options{
		Auth: auth, Transport: d.transport, Dial: d.link.Dial,
		OnEvent: func(event string, m client.Message, _ func(...any) error) {
			if len(m.Args) == 1 {
				d.event(l, event, m.Args[0])
			}
		},
	})
	if err != nil {
		var refused *client.ConnectError
		if errors.As(err, &refused) {
			d.crowd.stats.Refused.Add(1)
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	d.crowd.stats.Connects.Add(1)
	d.mu.Lock()
	l.c = c
	d.line = l
	d.resend()
	d.mu.Unlock()
	d.crowd.work.Go(l.write)
	return l, nil
}

// watch looks after a connection until it ends.
func (d *device) watch(ctx context.Context, l *line) {
	t := time.NewTicker(tick)
	defer t.Stop()
	defer func() {
		d.mu.Lock()
		d.line = nil
		close(l.over)
		for _, r := range d.rooms {
			r.fetching = false
		}
		d.mu.Unlock()
		_ = l.c.Drop() // gone, or to be
		d.crowd.stats.Drops.Add(1)
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.c.Done():
			return
		case now := <-t.C:
			if !d.look(l, now) {
				return
			}
		}
	}
}

// look does what is due on a connection, and reports whether it seems to live.
func (d *device) look(l *line, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for r := range l.waiting {
		if now.Sub(r.since) > answerTimeout {
			d.crowd.stats.Timeouts.Add(1)
			return false
		}
	}
	if l.broken {
		return false
	}
	if !l.ready {
		return now.Sub(l.began) < dialTimeout
	}
	for id, h := range l.holes {
		if now.Sub(h.since) > resyncGrace {
			delete(l.holes, id)
			d.crowd.History().Note("silent-gap", id, fmt.Sprintf("device %d of %s got live seq %d after %d on one connection, and no resync",
				d.n, d.me(), h.to, h.from))
		}
	}
	for id, r := range d.rooms {
		if r.want > r.applied && !r.fetching && now.After(r.retry) {
			d.fetch(l, id, r)
		}
	}
	for _, it := range d.outbox {
		if !it.sent && now.After(it.retry) {
			d.transmit(l, it)
		}
	}
	return true
}

// call sends a request and has the answer given to done, on a goroutine of the
// connection and with mu not held; err says that none came. mu is held by the caller.
func (d *device) call(l *line, event string, payload any, done func(answer, error)) {
	r := &request{since: time.Now()}
	l.waiting[r] = struct{}{}
	j := job{event: event, payload: payload, done: func(m client.Message, err error) {
		d.mu.Lock()
		delete(l.waiting, r)
		d.mu.Unlock()
		done(readAnswer(m, err))
	}}
	select {
	case l.out <- j:
	default: // far more than a client has under way
		go j.done(client.Message{}, client.ErrClosed)
	}
}

// write sends what is to be sent on a connection, in order: it may have to wait for
// the network, which nobody who holds the lock may.
func (l *line) write() {
	for {
		select {
		case j := <-l.out:
			j.send(l.c)
		case <-l.over:
			for { // nothing comes any more
				select {
				case j := <-l.out:
					j.send(l.c)
				default:
					return
				}
			}
		}
	}
}

func (j *job) send(c *client.Client) {
	if err := c.EmitAck(j.event, j.done, j.payload); err != nil {
		j.done(client.Message{}, err)
	}
}

// answer is an acknowledgement.
type answer struct {
	OK   bool `json:"ok"`
	Data struct {
		Entry     *history.Entry  `json:"entry"`
		Entries   []history.Entry `json:"entries"`
		Head      int64           `json:"head"`
		Delivered int64           `json:"delivered_seq"`
		Read      int64           `json:"read_seq"`
		Presence  []struct {
			UserID string `json:"user_id"`
			Online bool   `json:"online"`
		} `json:"presence"`
	} `json:"data"`
	Error struct {
		Code         string `json:"code"`
		Message      string `json:"message"`
		RetryAfterMS int64  `json:"retry_after_ms"`
	} `json:"error"`
}

func readAnswer(m client.Message, err error) (answer, error) {
	var a answer
	if err != nil {
		return a, err
	}
	if len(m.Args) != 1 {
		return a, fmt.Errorf("an answer of %d arguments", len(m.Args))
	}
	if err := json.Unmarshal(m.Args[0], &a); err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	return a, nil
}

// drop loses the connection without a word.
func (d *device) drop() {
	d.mu.Lock()
	l := d.line
	d.mu.Unlock()
	if l != nil {
		_ = l.c.Drop() // it is gone either way
	}
}

// behind says in what a device is behind; empty when in nothing.
func (d *device) behind(heads map[string]int64) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, r := range d.rooms {
		// A device that was away while its person was removed does not know it.
		if r.member && r.applied < heads[id] && !r.cv.unsure(d.person) {
			state := "connected"
			if d.line == nil {
				state = "not connected"
			}
			return fmt.Sprintf("device %d (%s) is at %d of %d in %s", d.n, state, r.applied, heads[id], id)
		}
	}
	return ""
}
