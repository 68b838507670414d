package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

const password = "correct horse battery staple"

// person is somebody with an account and a session.
type person struct {
	program.Login
	t *testing.T
}

// people makes accounts by way of a node, whose names nobody had before.
func (c *cluster) people(at string, names ...string) []*person {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out []*person
	for _, name := range names {
		l, err := program.API{URL: at}.SignUp(ctx, name, password)
		if err != nil {
			c.t.Fatal(err)
		}
		out = append(out, &person{Login: l, t: c.t})
	}
	return out
}

// api is REST by way of a node.
func (p *person) api(at string) program.API { return program.API{URL: at, Token: p.Token} }

// rest makes a request that has to be accepted.
func (p *person) rest(at, method, path string, body, into any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.api(at).Do(ctx, method, path, body, into); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) group(at string, others ...*person) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var ids []string
	for _, o := range others {
		ids = append(ids, o.User.ID)
	}
	for {
		id, err := p.api(at).Group(ctx, "group", ids...)
		if err == nil {
			return id
		}
		// Nodes that have just started may still be sharing the partitions out.
		if program.Status(err) != http.StatusServiceUnavailable {
			p.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// device is a connection and what it has got.
type device struct {
	t      *testing.T
	socket *client.Client

	mu     sync.Mutex
	events []event
	closed bool
}

type event struct {
	name string
	data json.RawMessage
}

func (p *person) connect(at string) *device {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // as clients do
		d, err := p.try(at, client.Options{})
		if err == nil {
			return d
		}
		if time.Now().After(end) {
			p.t.Fatalf("connect %s to %s: %v", p.User.Username, at, err)
		}
	}
}

// try connects, and waits for ready.
func (p *person) try(at string, opt client.Options) (*device, error) {
	d := &device{t: p.t}
	auth := map[string]string{"token": p.Token}
	if given, ok := opt.Auth.(map[string]string); ok { // a cursor
		for k, v := range given {
			auth[k] = v
		}
	}
	opt.Auth = auth
	opt.OnEvent = func(name string, m client.Message, _ func(...any) error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		e := event{name: name}
		if len(m.Args) > 0 {
			e.data = slices.Clone(m.Args[0])
		}
		d.events = append(d.events, e)
	}
	opt.OnClose = func(error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.closed = true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var err error
	if d.socket, err = client.Dial(ctx, at, opt); err != nil {
		return nil, err
	}
	p.t.Cleanup(func() { _ = d.socket.Drop() })
	for !d.has("ready", "") {
		select {
		case <-ctx.Done():
			return nil, errors.Join(errors.New("no ready"), d.socket.Drop())
		case <-d.socket.Done():
			return nil, errors.New("closed before ready")
		case <-time.After(2 * time.Millisecond):
		}
	}
	return d, nil
}

func (d *device) has(name, word string) bool { return len(d.all(name, word)) > 0 }

// all gives the events of a name that hold a word.
func (d *device) all(name, word string) []event {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []event
	for _, e := range d.events {
		if e.name == name && strings.Contains(string(e.data), word) {
			out = append(out, e)
		}
	}
	return out
}

// wait waits for an event that holds a word.
func (d *device) wait(name, word string) event {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("there is an event %s with %s", name, word), func() bool { return d.has(name, word) })
	return d.all(name, word)[0]
}

func (d *device) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// answer is what a request was answered.
type answer struct {
	OK    bool
	Data  json.RawMessage
	Error struct{ Code, Message, Reason string }
}

// call makes a request; the error is that of the connection.
func (d *device) call(name string, payload any) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var a answer
	m, err := d.socket.Call(ctx, name, payload)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(m.Args[0], &a)
}

// must makes a request that has to be accepted.
func (d *device) must(name string, payload any) answer {
	d.t.Helper()
	a, err := d.call(name, payload)
	if err != nil || !a.OK {
		d.t.Fatalf("%s: got %+v, %v", name, a.Error, err)
	}
	return a
}

type message struct {
	ConversationID string `json:"conversation_id"`
	ClientID       string `json:"client_id"`
	Text           string `json:"text"`
}

// send sends a message that has to be accepted and gives its seq. On a machine that
// stands still the outcome may come too late for its answer; as clients do, it is asked
// for again.
func (d *device) send(room, clientID string) int64 {
	d.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		a, err := d.call("message.send", message{room, clientID, "text of " + clientID})
		if err == nil && a.OK {
			return seqOf(d.t, a)
		}
		if err != nil || a.Error.Code != "unavailable" || time.Now().After(end) {
			d.t.Fatalf("send %s: got %+v, %v", clientID, a.Error, err)
		}
		d.t.Logf("send %s: got %+v", clientID, a.Error)
	}
}

func seqOf(t *testing.T, a answer) int64 {
	t.Helper()
	var data struct{ Entry program.Entry }
	if err := json.Unmarshal(a.Data, &data); err != nil || data.Entry.Seq == 0 {
		t.Fatalf("got the answer %s, %v; want an entry", a.Data, err)
	}
	return data.Entry.Seq
}

// insist sends a message as a client with an outbox does: by way of one node after
// the other, until it is acknowledged. It gives how often it was refused by an answer.
func (p *person) insist(d *device, nodes []*node, room, clientID string) (_ *device, refused int) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if d == nil || d.over() {
			for _, n := range nodes {
				if d, _ = p.try("http://"+n.address, client.Options{}); d != nil {
					break
				}
			}
		}
		if d == nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		a, err := d.call("message.send", message{room, clientID, "text of " + clientID})
		switch {
		case err != nil:
			d = nil
		case a.OK:
			return d, refused
		default:
			refused++
			time.Sleep(5 * time.Millisecond)
		}
	}
	p.t.Fatalf("waited %s until %s was acknowledged", patience, clientID)
	return nil, 0
}

// history reads a conversation by way of a node, which may be a moment behind what it told.
func (p *person) history(ctx context.Context, at, room string) ([]program.Entry, error) {
	for {
		entries, err := p.api(at).Entries(ctx, room)
		if program.Status(err) != http.StatusServiceUnavailable {
			return entries, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// checkLog reads the conversation by way of every node and checks that it holds the
// messages, each once, in this order among themselves, without a hole in the numbers. A
// node that told nobody of the last of them shows them when they are stored.
func (c *cluster) checkLog(p *person, room string, want []string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, n := range c.nodes {
		if n.Process == nil {
			continue
		}
		var got []string
		for ; ; time.Sleep(20 * time.Millisecond) {
			entries, err := p.history(ctx, n.URL, room)
			if err != nil {
				c.t.Errorf("read the log from %s: %v", n.name, err)
				break
			}
			got = got[:0]
			for i, e := range entries {
				if e.Seq != int64(i+1) {
					c.t.Errorf("%s: got seq %d at place %d", n.name, e.Seq, i+1)
				}
				if e.Kind == "message" && slices.Contains(want, e.ClientID) {
					got = append(got, e.ClientID)
				}
			}
			if len(got) >= len(want) || ctx.Err() != nil {
				break
			}
		}
		if !slices.Equal(got, want) {
			c.t.Errorf("%s: got the messages %v, want %v", n.name, got, want)
		}
	}
}
