package crowd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
	"github.com/parley-chat/parley/test/fault/history"
	"github.com/parley-chat/parley/test/fault/link"
)

// Options say how many people do what.
type Options struct {
	Seed   uint64
	People int
	Direct int     // direct conversations
	Groups int     // of eight
	Rate   float64 // operations a second of all together, offered
	// Prompt: what was acknowledged has taken effect, wherever it is asked for next.
	Prompt bool
	// Patience is by how much slower than promised the machine may make things.
	Patience float64
	// Node gives the address of a node to talk to: each connection asks anew.
	Node func(*rand.Rand) string
	// Logf tells what is out of the ordinary.
	Logf func(format string, args ...any)
}

const (
	groupSize       = 8
	devicesEach     = 2
	ghostPeople     = 2                // the first ones, who vanish in every round
	requestTimeout  = 15 * time.Second // of REST
	password        = "correct horse battery staple"
	startConcurrent = 4 // sign-ups hash passwords
)

// person has an account and devices.
type person struct {
	login   program.Login
	devices []*device
}

// conversation is one that a round writes to.
type conversation struct {
	id      string
	members []*person // as it was made; the first stays until the end
	group   bool
	typed   atomic.Int64 // when somebody last did, in Unix nanoseconds

	mu     sync.Mutex
	out    map[*person]bool // who is not a member now, as far as the crowd knows
	doubts map[*person]bool // whose last change had no answer
}

// Crowd is all of them.
type Crowd struct {
	opt    Options
	http   *http.Client
	people []*person
	all    []*device
	pace   *pace
	run    uint64 // makes client_ids new

	history atomic.Pointer[history.History]
	round   atomic.Pointer[map[string]*conversation]
	acting  atomic.Bool // whether devices begin operations
	answers atomic.Int64
	stop    context.CancelFunc
	over    chan struct{} // closed with stop
	work    sync.WaitGroup
	made    atomic.Int64 // client_ids and texts
	tries   atomic.Int64 // of what has to work
	feuding atomic.Int64 // blocks that are there, or wished for
	feud    atomic.Pointer[feud]
	stats   Stats

	files    files
	paired   map[[2]int]bool // who had a direct conversation, by number
	calm     atomic.Int64    // since when no fault is at work, in Unix nanoseconds; 0 while one is
	vanished time.Time       // when the ghosts of this round disappeared
}

// Stats count what the crowd did, since it was made.
type Stats struct {
	Connects, Drops, Resyncs, Refused, Unavailable, Internal, Timeouts atomic.Int64
	Revoked, Ghosts                                                    atomic.Int64 // looked at, whatever came of it
	Pages, Files, Pried                                                atomic.Int64 // read, and asked for in vain
	Blocks, Hidden                                                     atomic.Int64 // acknowledged; times that a blocker was looked for
}

// New makes a crowd; nobody does anything before SignUp.
func New(opt Options) *Crowd {
	c := &Crowd{
		opt: opt, pace: newPace(opt.Rate), over: make(chan struct{}), paired: map[[2]int]bool{}, run: uint64(time.Now().UnixNano()),
		http: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	c.history.Store(history.New(time.Now()))
	c.round.Store(&map[string]*conversation{})
	c.tries.Store(finalTries)
	return c
}

// Stats gives the counters.
func (c *Crowd) Stats() *Stats { return &c.stats }

// History gives what is being recorded.
func (c *Crowd) History() *history.History { return c.history.Load() }

// SetRate changes how many operations are offered a second.
func (c *Crowd) SetRate(rate float64) { c.pace.set(rate) }

// Acked gives how many sends were acknowledged since the crowd was made.
func (c *Crowd) Acked() int64 { return c.answers.Load() }

func (c *Crowd) api(rng *rand.Rand) program.API {
	return program.API{URL: c.opt.Node(rng), Client: c.http}
}

// SignUp makes the accounts and starts the devices.
func (c *Crowd) SignUp(ctx context.Context) error {
	c.people = make([]*person, c.opt.People)
	rng := rand.New(rand.NewPCG(c.opt.Seed, 0))
	var group sync.WaitGroup
	var first atomic.Pointer[error]
	slots := make(chan struct{}, startConcurrent)
	for i := range c.people {
		api := c.api(rng)
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			var login program.Login
			err := c.patiently(ctx, func() (err error) {
				login, err = api.SignUp(ctx, fmt.Sprintf("p%d_%x", i, c.run), password)
				return err
			})
			if err != nil {
				first.CompareAndSwap(nil, &err)
				return
			}
			c.people[i] = &person{login: login}
		})
	}
	group.Wait()
	if err := first.Load(); err != nil {
		return fmt.Errorf("sign up: %w", *err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	for i, p := range c.people {
		for n := range devicesEach {
			d := newDevice(c, p, len(c.all), transportOf(i*devicesEach+n))
			p.devices = append(p.devices, d)
			c.all = append(c.all, d)
		}
	}
	for _, d := range c.all {
		c.work.Go(func() { d.keep(life) })
		c.work.Go(func() { d.act(life) })
	}
	c.work.Go(func() { c.guests(life) })
	c.work.Go(func() { c.feuds(life) })
	return nil
}

// transportOf mixes the transports: of five devices three come by WebSocket, one
// polls, one upgrades.
func transportOf(n int) client.Transport {
	switch n % 5 {
	case 1:
		return client.Polling
	case 3:
		return client.Upgrade
	default:
		return client.WebSocket
	}
}

// Close ends the devices.
func (c *Crowd) Close() {
	close(c.over)
	if c.stop != nil {
		c.stop()
	}
	c.work.Wait()
	c.http.CloseIdleConnections()
}

// Begin starts a round: a new history, and new conversations to write to.
func (c *Crowd) Begin(ctx context.Context, round int) error {
	rng := rand.New(rand.NewPCG(c.opt.Seed, uint64(round)+1))
	h := history.New(time.Now())
	for _, d := range c.all {
		h.Device(d.n, d.person.login.User.ID)
	}
	c.history.Store(h)
	made := map[string]*conversation{}
	for range c.opt.Direct {
		pair := rng.Perm(len(c.people))[:2]
		// Two people have one conversation for ever, and a round begins with empty ones.
		key := [2]int{min(pair[0], pair[1]), max(pair[0], pair[1])}
		if c.paired[key] {
			continue
		}
		c.paired[key] = true
		cv, err := c.create(ctx, rng, pair, "")
		if err != nil {
			return err
		}
		made[cv.id] = cv
	}
	for i := range c.opt.Groups {
		cv, err := c.create(ctx, rng, rng.Perm(len(c.people))[:min(groupSize, len(c.people))], fmt.Sprintf("Group %d of round %d", i, round))
		if err != nil {
			return err
		}
		made[cv.id] = cv
	}
	cv, err := c.create(ctx, rng, rng.Perm(len(c.people)), fmt.Sprintf("Everybody, round %d", round))
	if err != nil {
		return err
	}
	made[cv.id] = cv
	c.round.Store(&made)
	for _, d := range c.all {
		d.begin(made)
	}
	c.vanish()
	c.acting.Store(true)
	return nil
}

// create makes a conversation of people by their numbers: a direct one without a title.
func (c *Crowd) create(ctx context.Context, rng *rand.Rand, who []int, title string) (*conversation, error) {
	cv := &conversation{group: title != "", out: map[*person]bool{}, doubts: map[*person]bool{}}
	ids := []string{}
	for i, n := range who {
		cv.members = append(cv.members, c.people[n])
		if i > 0 {
			ids = append(ids, c.people[n].login.User.ID)
		}
	}
	body := map[string]any{"kind": "group", "title": title, "member_ids": ids}
	if !cv.group {
		body = map[string]any{"kind": "direct", "user_id": ids[0]}
	}
	var got struct {
		ID string `json:"id"`
	}
	err := c.patiently(ctx, func() error {
		return c.api(rng).As(cv.members[0].login).Do(ctx, http.MethodPost, "/conversations", body, &got)
	})
	if err != nil {
		return nil, fmt.Errorf("make a conversation: %w", err)
	}
	cv.id = got.ID
	return cv, nil
}

// Hurry has what does not work be tried less often: something is broken for good.
func (c *Crowd) Hurry() { c.tries.Store(hurriedTries) }

// patiently tries what has to work while no fault is at work, on a machine that may be
// busy with other things.
func (c *Crowd) patiently(ctx context.Context, try func() error) error {
	for n := 0; ; n++ {
		err := try()
		if err == nil || n >= int(c.tries.Load()) || ctx.Err() != nil {
			return err
		}
		_ = sleep(ctx, finalPause) // the next try sees the end
	}
}

// Rest has the devices begin nothing new. What is under way goes on.
func (c *Crowd) Rest() { c.acting.Store(false) }

// Act has them go on.
func (c *Crowd) Act() { c.acting.Store(true) }

// Connected reports whether every device has a connection.
func (c *Crowd) Connected() bool {
	for _, d := range c.all {
		d.mu.Lock()
		up := d.line != nil
		d.mu.Unlock()
		if !up {
			return false
		}
	}
	return true
}

// Secrets gives what nobody else may read: tokens and the password.
func (c *Crowd) Secrets() []string {
	secrets := []string{password}
	for _, p := range c.people {
		secrets = append(secrets, p.login.Token)
	}
	return secrets
}

// Settle waits until every send has its answer, and no block is left.
func (c *Crowd) Settle(ctx context.Context) error {
	for {
		left := int(c.feuding.Load())
		for _, d := range c.all {
			left += d.unsettled()
		}
		if left == 0 {
			return nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("%d sends or blocks are not settled: %w", left, err)
		}
	}
}

// Heads gives the highest seq of each conversation that somebody was told of.
func (c *Crowd) Heads() map[string]int64 {
	heads := map[string]int64{}
	for _, d := range c.all {
		d.mu.Lock()
		for id, r := range d.rooms {
			heads[id] = max(heads[id], r.applied, r.want)
		}
		d.mu.Unlock()
	}
	return heads
}

// Behind gives the devices, all of them or those that are not to stay away, that have not applied what heads say, by who they are; those
// that were removed from a conversation are not behind in it.
func (c *Crowd) Behind(heads map[string]int64, all bool) []string {
	var behind []string
	for _, d := range c.all {
		if d.n < ghostPeople*devicesEach && !all {
			continue // they are away
		}
		if why := d.behind(heads); why != "" {
			behind = append(behind, why)
		}
	}
	return behind
}

// Switches gives the links of all devices, but of those who are to stay away.
func (c *Crowd) Switches() []*link.Switch {
	var all []*link.Switch
	for _, d := range c.all[ghostPeople*devicesEach:] {
		all = append(all, &d.link)
	}
	return all
}

// DropAll has every device lose its connection at once.
func (c *Crowd) DropAll() {
	for _, d := range c.all {
		d.drop()
	}
}

var deadLink = link.Rule{Stall: true}

var errStopped = errors.New("stopped")

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return errStopped
	case <-t.C:
		return nil
	}
}

// Mark is a moment; SettledSince is asked about it.
type Mark time.Time

// Mark gives the present moment.
func (c *Crowd) Mark() Mark { return Mark(time.Now()) }

// SettledSince reports whether every send that had begun before a moment has its answer.
func (c *Crowd) SettledSince(m Mark) bool {
	for _, d := range c.all[ghostPeople*devicesEach:] {
		if d.oldest().Before(time.Time(m)) {
			return false
		}
	}
	return true
}

// Oldest describes some sends that have no answer, for an excerpt.
func (c *Crowd) Oldest(most int) []string {
	var lines []string
	for _, d := range c.all[ghostPeople*devicesEach:] {
		d.mu.Lock()
		for _, it := range d.outbox {
			if len(lines) < most {
				state := "connected"
				if d.line == nil {
					state = "not connected"
				}
				lines = append(lines, fmt.Sprintf("device %d, %s: key %s, begun %s ago", d.n, state, it.op.ClientID, time.Since(it.began).Round(time.Millisecond)))
			}
		}
		d.mu.Unlock()
	}
	return lines
}

// Told tells every device how long the logs are in the end.
func (c *Crowd) Told(f history.Final) {
	for _, d := range c.all {
		d.mu.Lock()
		for id, r := range d.rooms {
			if r.member {
				r.want = max(r.want, int64(len(f.Logs[id])))
			}
		}
		d.mu.Unlock()
	}
}
