package script

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

// ears are a person's socket and everything it has heard.
type ears struct {
	socket *client.Client

	mu      sync.Mutex
	heard   []string // "event payload"
	taken   int      // what hears has passed
	changed chan struct{}
}

// openEars connects a person, or tells why the server refused.
func openEars(ctx context.Context, url string, l program.Login) (*ears, error) {
	e := &ears{changed: make(chan struct{}, 1)}
	socket, err := client.Dial(ctx, url, client.Options{
		Auth: map[string]string{"token": l.Token},
		OnEvent: func(event string, m client.Message, _ func(...any) error) {
			line := event
			for _, arg := range m.Args {
				line += " " + string(arg)
			}
			e.add(line)
		},
		OnClose: func(err error) {
			reason := "closed"
			if err != nil {
				reason += " " + err.Error()
			}
			e.add(reason)
		},
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // says all
	}
	e.socket = socket
	return e, nil
}

func (e *ears) add(line string) {
	e.mu.Lock()
	e.heard = append(e.heard, line)
	e.mu.Unlock()
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// next gives the next line, after those already taken, that holds all the words.
func (e *ears) next(words []string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
lines:
	for i := e.taken; i < len(e.heard); i++ {
		for _, word := range words {
			if !strings.Contains(e.heard[i], word) {
				continue lines
			}
		}
		e.taken = i + 1
		return e.heard[i], true
	}
	return "", false
}

func (e *ears) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.heard, "\n")
}

// close is harmless on nobody's ears.
func (e *ears) close() {
	if e != nil && e.socket != nil {
		_ = e.socket.Close()
	}
}

// listen NAME connects a person's socket; with ! the server has to refuse it, and why
// is on stdout.
func cmdListen(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 1, "listen name")
	s := storyOf(ts)
	p := s.person(ts, args[0])
	p.ears.close()
	ctx, cancel := limited()
	defer cancel()
	e, err := openEars(ctx, s.process.URL, p.Login)
	var closed *client.CloseError
	for errors.As(err, &closed) && ctx.Err() == nil { // no refusal: the machine stood still
		e, err = openEars(ctx, s.process.URL, p.Login)
	}
	if neg {
		if err == nil {
			e.close()
			ts.Fatalf("%s was let in", args[0])
		}
		_, werr := ts.Stdout().Write([]byte(err.Error() + "\n"))
		ts.Check(werr)
		return
	}
	ts.Check(err)
	p.ears = e
}

// say NAME EVENT JSON emits an event and shows its acknowledgement on stdout; with !
// the acknowledgement has to be a refusal. On a machine that stands still the outcome may
// come too late for its acknowledgement; as clients do, it is asked for again.
func cmdSay(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 3, "say name event json")
	p := storyOf(ts).person(ts, args[0])
	ctx, cancel := limited()
	defer cancel()
	for ; ; time.Sleep(20 * time.Millisecond) {
		answer, err := p.ears.socket.Call(ctx, args[1], json.RawMessage(args[2]))
		ts.Check(err)
		if len(answer.Args) != 1 {
			ts.Fatalf("got %d arguments in the ack of %s, want 1", len(answer.Args), args[1])
		}
		var ack struct {
			OK    bool
			Error struct{ Code string }
		}
		ts.Check(json.Unmarshal(answer.Args[0], &ack))
		if !neg && ack.Error.Code == "unavailable" {
			continue
		}
		if ack.OK == neg {
			ts.Fatalf("%s: got %s", args[1], answer.Args[0])
		}
		_, err = ts.Stdout().Write(append(answer.Args[0], '\n'))
		ts.Check(err)
		return
	}
}

// hears NAME WORD… waits until the person's socket has heard a line with all the words
// (the event is its first word), after what it was found to have heard before. With !
// nothing such has been heard so far.
func cmdHears(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) >= 2, "hears name word…")
	p := storyOf(ts).person(ts, args[0])
	if p.ears == nil {
		ts.Fatalf("%s does not listen", args[0])
	}
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		line, ok := p.ears.next(args[1:])
		if neg {
			if ok {
				ts.Fatalf("%s heard %s", args[0], line)
			}
			return
		}
		if ok {
			_, err := ts.Stdout().Write([]byte(line[strings.IndexByte(line+" ", ' '):] + "\n"))
			ts.Check(err)
			return
		}
		select {
		case <-p.ears.changed:
		case <-end.C:
			ts.Fatalf("%s did not hear %q in %s; heard:\n%s", args[0], args[1:], patience, p.ears.all())
		}
	}
}
