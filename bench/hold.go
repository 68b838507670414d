package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// holdCommand is what this program is started with to hold connections: a process may
// have only so many open files, and a run may need more connections.
const holdCommand = "-hold"

const (
	// holdMost is how many connections one process holds.
	holdMost = 10_000
	toldPoll = time.Millisecond
)

// order is what a process that holds connections is told, one after the other.
type order struct {
	// Connect sets up connections: person i to URL i.
	Connect []Session `json:"connect,omitempty"`
	URLs    []string  `json:"urls,omitempty"`
	// Cut ends all connections at once; Back sets them up again, and waits until all
	// have been told where their conversations stand.
	Cut  bool `json:"cut,omitempty"`
	Back bool `json:"back,omitempty"`
}

// report is the answer.
type report struct {
	Error     string        `json:"error,omitempty"`
	Connected time.Duration `json:"connected,omitempty"` // until all were
	Lost      int64         `json:"lost,omitempty"`      // connections that the server ended
}

// hold does as it is told until there are no more orders.
func hold(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	h := &holder{c: &crowd{}}
	defer func() { err = errors.Join(err, h.c.close()) }()
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read order: %w", err)
		}
		var r report
		if err := h.do(ctx, o, &r); err != nil {
			r.Error = err.Error()
		}
		r.Lost = h.c.lost.Load()
		if err := reports.Encode(r); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
}

// holder is the connections that one process holds.
type holder struct {
	s    server // its people are those to connect
	urls []string
	c    *crowd
}

func (h *holder) do(ctx context.Context, o order, r *report) error {
	if o.Connect != nil {
		h.s.people, h.urls = o.Connect, o.URLs
		h.c.cursors = make([]string, len(o.Connect))
		return h.connect(ctx, r)
	}
	if o.Cut {
		if err := h.c.close(); err != nil {
			return err
		}
		h.c = &crowd{cursors: h.c.cursors}
	}
	if o.Back {
		return h.connect(ctx, r)
	}
	return nil
}

func (h *holder) connect(ctx context.Context, r *report) error {
	began := time.Now()
	h.c.where = func(_ *server, person int) string { return h.urls[person] }
	if err := h.c.grow(ctx, &h.s, len(h.s.people)); err != nil {
		return err
	}
	r.Connected = time.Since(began)
	for h.c.told.Load() < int64(len(h.s.people)) {
		if time.Since(began) > patience {
			return fmt.Errorf("%d of %d were told where they stand", h.c.told.Load(), len(h.s.people))
		}
		time.Sleep(toldPoll)
	}
	return nil
}

// herd is many connections, held by processes of their own. Close it.
type herd struct{ holds []*held }

type held struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	reports *json.Decoder
	first   order
}

// herdOf starts processes for the first n people of a server, and connects nobody yet.
func herdOf(ctx context.Context, binary string, s *server, n int) (*herd, error) {
	h := &herd{}
	count := (n + holdMost - 1) / holdMost
	for i := range count {
		var o order
		for p := i; p < n; p += count {
			o.Connect, o.URLs = append(o.Connect, s.people[p]), append(o.URLs, s.url(p))
		}
		one, err := startHeld(ctx, binary, o)
		if err != nil {
			return nil, errors.Join(err, h.close())
		}
		h.holds = append(h.holds, one)
	}
	return h, nil
}

func startHeld(ctx context.Context, binary string, first order) (*held, error) {
	cmd := exec.CommandContext(ctx, binary, "bench", holdCommand)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a holder: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a holder: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a holder: %w", err)
	}
	return &held{cmd: cmd, in: in, orders: json.NewEncoder(in), reports: json.NewDecoder(out), first: first}, nil
}

// connect sets all connections up and waits until all are told where they stand.
func (h *herd) connect() (report, error) {
	return h.all(func(one *held) order { return one.first })
}

// tell gives all processes an order, and waits until all have done it.
func (h *herd) tell(o order) (report, error) { return h.all(func(*held) order { return o }) }

// all gives each process its order and adds the reports up: the time of the last one.
func (h *herd) all(which func(*held) order) (report, error) {
	var mu sync.Mutex
	var sum report
	var failed error
	var wait sync.WaitGroup
	for _, one := range h.holds {
		wait.Go(func() {
			var r report
			err := one.orders.Encode(which(one))
			if err == nil {
				err = one.reports.Decode(&r)
			}
			if err == nil && r.Error != "" {
				err = errors.New(r.Error)
			}
			mu.Lock()
			defer mu.Unlock()
			sum.Connected, sum.Lost = max(sum.Connected, r.Connected), sum.Lost+r.Lost
			failed = errors.Join(failed, err)
		})
	}
	wait.Wait()
	return sum, failed
}

func (h *herd) close() error {
	var err error
	for _, one := range h.holds {
		err = errors.Join(err, one.in.Close(), one.cmd.Wait())
	}
	return err
}
