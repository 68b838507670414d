package nodes

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

// How long the database is away, and how much is said meanwhile; `make outage` gives more.
var (
	outage     = flag.Duration("outage", 10*time.Second, "how long PostgreSQL is away")
	outageRate = flag.Int("outage-rate", 200, "messages a second meanwhile")
)

const (
	talkers = 5  // people on each node
	talks   = 20 // conversations, each between two nodes
	calm    = 4 * time.Second
)

// ownPostgres starts a database of the test's own, to be ill-treated, and gives its
// address and a way to do so.
func ownPostgres(t *testing.T) (address *url.URL, do func(words ...string)) {
	t.Helper()
	dir := t.TempDir()
	services := func(words ...string) string {
		cmd := exec.Command("../../scripts/services", words...)
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "PARLEY_") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "PARLEY_SERVICES_DIR="+dir)
		cmd.Stderr = &prefixed{t: t, name: "services"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("scripts/services %s: %v", strings.Join(words, " "), err)
		}
		return string(out)
	}
	t.Cleanup(func() { services("clean") })
	for line := range strings.Lines(services("start", "postgres")) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "export PARLEY_TEST_POSTGRES="); ok {
			u, err := url.Parse(strings.Trim(text, "'"))
			if err != nil {
				t.Fatal(err)
			}
			return u, func(words ...string) { services(words...) }
		}
	}
	t.Fatal("scripts/services does not say where PostgreSQL is")
	return nil, nil
}

// While PostgreSQL stands still, or is killed, people who talked before talk on, from
// one node to the other and as fast as before. Nothing of it is lost, and afterwards the
// history says what they heard.
func TestTalkGoesOnWhilePostgresIsAway(t *testing.T) {
	for _, how := range []struct{ name, away, back string }{{"stopped", "pause", "resume"}, {"killed", "kill", "restart"}} {
		t.Run(how.name, func(t *testing.T) {
			postgres, do := ownPostgres(t)
			c := ground{postgres, patient}.cluster(t, 2, 4)
			s := newSpeech(t, c)
			s.warm()
			stop := s.talk(*outageRate)
			defer s.report()
			time.Sleep(calm)

			s.mark("without PostgreSQL")
			do(how.away, "postgres")
			time.Sleep(*outage)
			// It comes back only when enough was heard without it, however long a slow machine takes.
			least, heard := int(outage.Seconds())**outageRate/2, 0
			c.eventually(fmt.Sprintf("%d messages are heard without PostgreSQL", least), func() bool {
				heard = s.heardSince("without PostgreSQL")
				return heard >= least
			})
			waiting, held := c.waiting(), c.sum("parley_window_bytes")
			s.mark("catching up")
			do(how.back, "postgres")
			back := time.Now()
			left := waiting
			caughtUp := func() bool {
				left = c.waiting()
				return left < *outageRate
			}
			for end := time.Now().Add(patience); !caughtUp() && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			if left >= *outageRate { // too much for the machine
				t.Logf("after %s %d records wait still: people talk less now", patience, left)
				s.rate.Store(int64(max(1, *outageRate/20)))
				c.eventually("the store is less than a second behind", caughtUp)
			}
			took := time.Since(back)
			stored := float64(waiting-left) + took.Seconds()*float64(s.rate.Load()) // with what was said meanwhile, about
			s.mark("afterwards")
			time.Sleep(calm)
			stop()

			t.Logf("%d records waited for the store, in %.0f MiB; %s after it was back it had all but %d: %.0f a second",
				waiting, held/(1<<20), took.Round(10*time.Millisecond), left, stored/took.Seconds())
			if waiting == 0 {
				t.Error("nothing waited for the store: it was not away")
			}
			t.Logf("%d messages were heard before it was back", heard)
			s.check()
		})
	}
}

// waiting gives how many records wait for the store, over all nodes.
func (c *cluster) waiting() int {
	c.t.Helper()
	return int(c.sum("parley_window_records"))
}

// sum adds a figure up over all nodes.
func (c *cluster) sum(metric string) (sum float64) {
	c.t.Helper()
	for _, n := range c.nodes {
		text, _ := n.metric(metric)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			c.t.Fatalf("%s: %s is %q", n.name, metric, text)
		}
		sum += v
	}
	return sum
}

// speech is people on two nodes who talk at a rate, whatever becomes of their messages.
type speech struct {
	t     *testing.T
	c     *cluster
	rooms []*talkRoom
	rate  atomic.Int64 // messages a second

	mu     sync.Mutex // guards what follows, and what rooms and words say
	words  []*word
	marks  []mark
	missed int // answers that were no
	read   int // messages that were read from the history, for the node told less than all
}

// talkRoom is a conversation of two.
type talkRoom struct {
	id     string
	from   *client.Client
	owner  *person
	to     program.API              // of the one who is spoken to
	listen string                   // their id
	last   int64                    // seq of what they heard last, live
	heard  map[int64]*program.Entry // by them, by seq
}

// word is one message, and when it was.
type word struct {
	room         *talkRoom
	due          time.Time
	acked, heard time.Duration // since then; 0: not yet
}

// mark begins a part of the time.
type mark struct {
	name string
	at   time.Time
}

func newSpeech(t *testing.T, c *cluster) *speech {
	t.Helper()
	s := &speech{t: t, c: c, marks: []mark{{"before", time.Now()}}}
	byRoom := map[string]*talkRoom{}
	var names []string
	for i := range 2 * talkers {
		names = append(names, fmt.Sprint("talker", i))
	}
	people := c.people(c.nodes[0].URL, names...)
	sockets := make([]*client.Client, len(people))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, p := range people {
		me := p.User.ID
		socket, err := client.Dial(ctx, c.nodes[i/talkers].URL, client.Options{
			Auth: map[string]string{"token": p.Token},
			OnEvent: func(name string, m client.Message, _ func(...any) error) {
				if name != "entry" || len(m.Args) == 0 {
					return
				}
				var e struct {
					program.Entry
					ConversationID string `json:"conversation_id"`
				}
				if err := json.Unmarshal(m.Args[0], &e); err != nil {
					t.Errorf("an entry cannot be read: %v", err)
					return
				}
				s.hear(byRoom, e.ConversationID, e.Entry, me)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = socket.Drop() })
		sockets[i] = socket
	}
	for i := range talks {
		from, to := i%talkers, talkers+(i/2)%talkers
		if i%2 == 1 { // the other way round
			from, to = to, from
		}
		room := &talkRoom{
			from: sockets[from], owner: people[from], to: people[to].api(c.nodes[to/talkers].URL), listen: people[to].User.ID,
			heard: make(map[int64]*program.Entry),
		}
		room.id = people[from].group(c.nodes[0].URL, people[to])
		s.mu.Lock()
		byRoom[room.id] = room
		s.mu.Unlock()
		s.rooms = append(s.rooms, room)
	}
	return s
}

// hear notes what somebody got who did not say it.
func (s *speech) hear(rooms map[string]*talkRoom, room string, e program.Entry, me string) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := rooms[room]
	if r == nil || r.listen != me {
		return
	}
	if e.Seq <= r.last {
		s.t.Errorf("seq %d was heard after %d", e.Seq, r.last)
	}
	r.last = e.Seq
	s.note(r, &e, now)
}

// note keeps what was heard. s.mu must be held.
func (s *speech) note(r *talkRoom, e *program.Entry, now time.Time) (fresh bool) {
	if e.Kind != "message" || r.heard[e.Seq] != nil {
		return false
	}
	r.heard[e.Seq] = e
	n, err := strconv.Atoi(strings.TrimPrefix(e.ClientID, "w"))
	if err != nil || n >= len(s.words) {
		s.t.Errorf("somebody heard %q, which nobody said", e.ClientID)
		return false
	}
	s.words[n].heard = now.Sub(s.words[n].due)
	return true
}

// lookUp reads the history, as a client does that was told of a later head, or to resync.
func (s *speech) lookUp() {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for _, r := range s.rooms {
		entries, err := r.to.Entries(ctx, r.id)
		if err != nil {
			continue // it is asked again
		}
		now := time.Now()
		s.mu.Lock()
		for i := range entries {
			if s.note(r, &entries[i], now) {
				s.read++
			}
		}
		s.mu.Unlock()
	}
}

// say sends one message, and sends it again until it is accepted.
func (s *speech) say(room *talkRoom, due time.Time) {
	s.mu.Lock()
	w := &word{room: room, due: due}
	id := fmt.Sprintf("w%07d", len(s.words))
	s.words = append(s.words, w)
	s.mu.Unlock()
	s.send(w, message{room.id, id, "text of " + id})
}

func (s *speech) send(w *word, m message) {
	err := w.room.from.EmitAck("message.send", func(reply client.Message, err error) {
		var a answer
		if err == nil && len(reply.Args) > 0 {
			err = json.Unmarshal(reply.Args[0], &a)
		}
		if err != nil && s.t.Context().Err() == nil {
			s.t.Errorf("%s: %v", m.ClientID, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if a.OK {
			w.acked = time.Since(w.due)
			return
		}
		s.missed++
		if err == nil {
			time.AfterFunc(500*time.Millisecond, func() { s.send(w, m) })
		}
	}, m)
	if err != nil && s.t.Context().Err() == nil {
		s.t.Errorf("%s: %v", m.ClientID, err)
	}
}

// warm has something said in each conversation.
func (s *speech) warm() {
	for range 3 {
		for _, r := range s.rooms {
			s.say(r, time.Now())
		}
		s.settle()
	}
}

// talk has messages said at a rate until stop, which waits until all were heard.
func (s *speech) talk(rate int) (stop func()) {
	s.rate.Store(int64(rate))
	s.mark("before")
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		due := time.Now()
		for n := 0; ; n++ {
			due = due.Add(time.Second / time.Duration(s.rate.Load()))
			select {
			case <-ended:
				return
			case <-time.After(time.Until(due)):
			}
			s.say(s.rooms[n%len(s.rooms)], due)
		}
	}()
	return func() {
		close(ended)
		<-done
		s.settle()
	}
}

// settle waits until everything that was said was accepted and heard.
func (s *speech) settle() {
	asked := time.Now()
	s.c.eventually("all messages are accepted and heard", func() bool {
		if time.Since(asked) > 5*time.Second {
			s.lookUp()
			asked = time.Now()
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return !slices.ContainsFunc(s.words, func(w *word) bool { return w.acked == 0 || w.heard == 0 })
	})
}

func (s *speech) mark(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks = append(s.marks, mark{name, time.Now()})
}

// of gives the words of a part of the time. s.mu must be held.
func (s *speech) of(part int) (words []*word) {
	for _, w := range s.words {
		if !w.due.Before(s.marks[part].at) && (part+1 == len(s.marks) || w.due.Before(s.marks[part+1].at)) {
			words = append(words, w)
		}
	}
	return words
}

// heardSince gives how many messages of the present part of the time were heard already.
func (s *speech) heardSince(name string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.marks {
		if m.name != name {
			continue
		}
		for _, w := range s.of(i) {
			if w.heard > 0 {
				n++
			}
		}
	}
	return n
}

// report tells how long things took in each part of the time.
func (s *speech) report() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Logf("%d messages, %d answers were no, %d were read from the history", len(s.words), s.missed, s.read)
	for i, m := range s.marks {
		if i == 0 { // the warming up
			continue
		}
		var acked, heard []time.Duration
		for _, w := range s.of(i) {
			acked, heard = append(acked, w.acked), append(heard, w.heard)
		}
		s.t.Logf("%-20s %6d messages   accepted: %s   heard on the other node: %s", m.name, len(acked), spread(acked), spread(heard))
	}
}

func spread(d []time.Duration) string {
	if len(d) == 0 {
		return "-"
	}
	slices.Sort(d)
	at := func(q float64) float64 { return float64(d[int(q*float64(len(d)-1))]) / float64(time.Millisecond) }
	return fmt.Sprintf("p50 %.1f, p99 %.1f, most %.1f ms", at(0.5), at(0.99), at(1))
}

// check compares what was heard with the history of every node.
func (s *speech) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := map[*talkRoom]int{}
	for _, w := range s.words {
		said[w.room]++
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for _, r := range s.rooms {
		if len(r.heard) != said[r] {
			s.t.Errorf("%d messages were heard of %d", len(r.heard), said[r])
		}
		for _, n := range s.c.nodes {
			history, err := r.owner.history(ctx, n.URL, r.id)
			if err != nil {
				s.t.Errorf("read the log from %s: %v", n.name, err)
				continue
			}
			for i, e := range history {
				if e.Seq != int64(i+1) {
					s.t.Errorf("%s: got seq %d at place %d", n.name, e.Seq, i+1)
				}
			}
			history = slices.DeleteFunc(history, func(e program.Entry) bool { return e.Kind != "message" })
			if len(history) != len(r.heard) {
				s.t.Errorf("%s: the history has %d messages, %d were heard", n.name, len(history), len(r.heard))
			}
			for i := range history {
				if e := r.heard[history[i].Seq]; e == nil || *e != history[i] {
					s.t.Errorf("%s: seq %d is %+v, what was heard is %+v", n.name, history[i].Seq, history[i], e)
				}
			}
		}
	}
}
