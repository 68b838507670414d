package call

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/inproc"
)

// world is some nodes that share a board, a bus and a log, with a clock of its own.
type world struct {
	t     reporter
	board *trickyBoard
	nodes []*node

	mu       sync.Mutex // guards what follows
	ms       chat.Time
	outcomes map[chat.CallID]chat.CallOutcome // what anybody was told of how calls ended
	logged   map[chat.CallID]Ended
	notes    int // how often the log took a call
	fault    func(what string) bool
}

// reporter is a *testing.T or a *rapid.T.
type reporter interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// node is a coordinator with its ear on the bus.
type node struct {
	w     *world
	c     *Coordinator
	calls map[chat.ConversationID]chat.Call // as its sockets were told last
}

func newWorld(t reporter, nodes int) *world {
	t.Helper()
	w := &world{
		t: t, ms: epoch, outcomes: make(map[chat.CallID]chat.CallOutcome), logged: make(map[chat.CallID]Ended),
		fault: func(string) bool { return false },
	}
	w.board = &trickyBoard{CallBoard: inproc.NewCallBoard(w.now, 1_000), w: w}
	for range nodes {
		w.nodes = append(w.nodes, &node{})
	}
	for i := range w.nodes {
		w.start(i)
	}
	return w
}

// start puts a new process where a node was.
func (w *world) start(i int) {
	n := &node{w: w, calls: make(map[chat.ConversationID]chat.Call)}
	n.c = New(Deps{Board: w.board, Bus: w, Log: w, Deliver: n.deliver, Now: w.now, Logger: slog.New(slog.DiscardHandler)})
	w.nodes[i] = n
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ms.Std()
}

func (w *world) pass(ms chat.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ms += ms
}

func (w *world) fails(what string) bool {
	w.mu.Lock()
	fault := w.fault
	w.mu.Unlock()
	return fault(what)
}

// Publish implements Publisher: every node hears it, unless it gets lost.
func (w *world) Publish(_ context.Context, events []chat.Event) error {
	if w.fails("publish") {
		return chat.ErrUnavailable
	}
	for _, n := range w.nodes {
		if !w.fails("lose") {
			n.deliver(events)
		}
	}
	return nil
}

// LogCall implements Log.
func (w *world) LogCall(_ context.Context, e Ended) error {
	if w.fails("log") {
		return chat.ErrUnavailable
	}
	w.saw(e.Call)
	w.mu.Lock()
	if _, ok := w.logged[e.Call.ID]; !ok { // as the log does it: the first note counts
		w.logged[e.Call.ID] = e
	}
	w.notes++
	w.mu.Unlock()
	if w.fails("log answer") {
		return chat.ErrUnavailable
	}
	return nil
}

// saw compares what somebody is told with what others were.
func (w *world) saw(call chat.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seats := map[chat.UserID]bool{}
	for _, p := range call.Participants {
		if seats[p.UserID] {
			w.t.Fatalf("%v is in the call with two devices: %+v", p.UserID, call)
		}
		seats[p.UserID] = true
	}
	was, over := w.outcomes[call.ID]
	if call.State == chat.CallEnded {
		if over && was != call.Outcome {
			w.t.Fatalf("call %v ended as %q and as %q", call.ID, was, call.Outcome)
		}
		w.outcomes[call.ID] = call.Outcome
	}
}

func (n *node) deliver(events []chat.Event) {
	for i := range events {
		var data struct{ Call chat.Call }
		if err := json.Unmarshal(events[i].Data, &data); err != nil {
			n.w.t.Fatal(err)
		}
		n.w.saw(data.Call)
		if !n.c.Heard(&data.Call) {
			continue
		}
		n.w.mu.Lock()
		if was := n.calls[data.Call.ConversationID]; was.ID != data.Call.ID && was.StartedAt <= data.Call.StartedAt || was.Version < data.Call.Version {
			n.calls[data.Call.ConversationID] = data.Call
		}
		n.w.mu.Unlock()
	}
}

// do is Do, with a look at the answer.
func (n *node) do(a Action) (chat.Call, error) {
	call, err := n.c.Do(n.w.t.Context(), a)
	if err == nil {
		n.w.saw(call)
		for _, p := range call.Participants {
			if p.DeviceID == a.DeviceID && (a.Verb == Start || a.Verb == Answer) {
				n.c.Bind(call.ConversationID, call.ID, a.DeviceID)
			}
		}
	}
	return call, err
}

func (w *world) tick() {
	for _, n := range w.nodes {
		n.c.Tick(w.t.Context())
	}
}

// trickyBoard is a board that fails, and does something else in between.
type trickyBoard struct {
	chat.CallBoard
	w       *world
	between func() // before a Put; nil: nothing
	reads   int    // of several documents, and of one
}

func (b *trickyBoard) Get(ctx context.Context, id chat.ConversationID) ([]byte, uint64, error) {
	b.reads++
	if b.w.fails("get") {
		return nil, 0, chat.ErrUnavailable
	}
	return b.CallBoard.Get(ctx, id) //nolint:wrapcheck // a test
}

func (b *trickyBoard) GetAll(ctx context.Context, ids []chat.ConversationID) ([]chat.CallDoc, error) {
	b.reads++
	if b.w.fails("get") {
		return nil, chat.ErrUnavailable
	}
	return b.CallBoard.GetAll(ctx, ids) //nolint:wrapcheck // a test
}

func (b *trickyBoard) Put(ctx context.Context, id chat.ConversationID, n chat.CallNote) (uint64, error) {
	if between := b.between; between != nil {
		b.between = nil
		between()
		b.between = between
	}
	if b.w.fails("put") {
		return 0, chat.ErrUnavailable
	}
	v, err := b.CallBoard.Put(ctx, id, n)
	if err == nil && b.w.fails("put answer") {
		return 0, chat.ErrUnavailable
	}
	return v, err //nolint:wrapcheck // a test
}

// flush forgets everything, as Redis may.
func (w *world) flush() { w.board.CallBoard = inproc.NewCallBoard(w.now, 1_000) }
