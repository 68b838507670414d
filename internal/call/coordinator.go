package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Log notes calls that have ended. It is called again with the same call until it
// answers; notes of the same call but the first must change nothing. Safe for concurrent use.
type Log interface {
	LogCall(ctx context.Context, e Ended) error
}

// Deps are what a Coordinator works on.
type Deps struct {
	Board chat.CallBoard
	Bus   Publisher
	Log   Log
	// Deliver takes an event to this node's sockets alone, as the bus would: what other
	// nodes said of a call may have been lost. It must not block.
	Deliver func([]chat.Event)
	// Bell reaches people who look at no client; nil: nothing does.
	Bell   Bell
	Now    func() time.Time
	Logger *slog.Logger
}

// Bell tells people who look at no client that they are called. Its methods do not block.
type Bell interface {
	// Changed says that this node made a call what it is. before is the call that the
	// conversation had; it may be another one, or none. rang are those of whom some
	// node's Bell said, by Coordinator.Rang, that it has their closed browsers ring.
	Changed(before, after chat.Call, rang []chat.UserID)
	// Heard says what this node came to know of a call; the same may come again.
	Heard(now chat.Call)
}

// Publisher is what calls need of a chat.Bus.
type Publisher interface {
	Publish(ctx context.Context, events []chat.Event) error
}

const (
	// changeTries bounds how often a change meets another one, and boardTries how often
	// the board may fail, before a caller is told to try again.
	changeTries = 24
	boardTries  = 3
	// maxKnown bounds the calls that a node follows. Of more it does not see to the
	// end, but of those in which its own sockets are.
	maxKnown = 50_000
)

// Coordinator is one node's part in the calls. Safe for concurrent use.
type Coordinator struct {
	d Deps

	mu    sync.Mutex // guards known and what is in it
	known map[chat.ConversationID]*known
	wake  chan struct{} // of capacity 1
	// troubled is when the board failed last, in milliseconds.
	troubled atomic.Int64
	stats    counters
}

// New makes one. Nothing happens by itself before Run.
func New(d Deps) *Coordinator {
	return &Coordinator{d: d, known: make(map[chat.ConversationID]*known), wake: make(chan struct{}, 1)}
}

func (c *Coordinator) now() chat.Time { return chat.TimeOf(c.d.Now()) }

// Do does what somebody wants with a conversation's call and gives the call as it is
// then. The caller has made sure that they are a member. Where a call is under way
// already, Start gives that one. Refusals are *chat.Error; ErrUnavailable means that
// it may have been done.
func (c *Coordinator) Do(ctx context.Context, a Action) (chat.Call, error) {
	s, err := c.change(ctx, a)
	if err != nil {
		return chat.Call{}, err
	}
	return s.Call, nil
}

// List gives the calls under way that the board names to a person. The caller sees
// to it that they are told only of conversations that they are in.
func (c *Coordinator) List(ctx context.Context, user chat.UserID) ([]chat.Call, error) {
	ids, err := c.d.Board.Of(ctx, user)
	if err != nil {
		c.trouble()
		return nil, fmt.Errorf("list calls: %w", err)
	}
	docs, err := c.d.Board.GetAll(ctx, ids)
	if err != nil {
		c.trouble()
		return nil, fmt.Errorf("list calls: %w", err)
	}
	calls := make([]chat.Call, 0, len(ids))
	for i, id := range ids {
		if s := c.found(id, c.decoded(id, docs[i].Doc)); !s.over() {
			calls = append(calls, s.Call)
		}
	}
	return calls, nil
}

// InCall reports whether a person is in a call, on whichever node.
func (c *Coordinator) InCall(ctx context.Context, user chat.UserID) (bool, error) {
	calls, err := c.List(ctx, user)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(calls, func(one chat.Call) bool {
		return slices.ContainsFunc(one.Participants, func(p chat.CallPresent) bool { return p.UserID == user })
	}), nil
}

// Rang has all nodes know that closed browsers of some people are about to ring for a call.
// ErrNotFound if it is not the conversation's call any more.
func (c *Coordinator) Rang(ctx context.Context, call *chat.Call, users []chat.UserID) error {
	_, err := c.change(ctx, Action{Verb: Rang, Conversation: call.ConversationID, CallID: call.ID, Users: users})
	return err
}

// Route gives whose device it is to which a device has something to say; ErrNotFound
// unless both are in that call, which is live.
func (c *Coordinator) Route(ctx context.Context, from Action, to chat.DeviceID) (chat.UserID, error) {
	c.mu.Lock()
	k := c.known[from.Conversation]
	var s State
	if k != nil {
		s = k.state.clone()
	}
	c.mu.Unlock()
	if user, ok := s.route(&from, to); ok {
		return user, nil
	}
	s, err := c.read(ctx, from.Conversation) // somebody may have joined just now
	if err != nil {
		return chat.UserID{}, err
	}
	if user, ok := s.route(&from, to); ok {
		return user, nil
	}
	return chat.UserID{}, chat.ErrNotFound
}

func (s *State) route(from *Action, to chat.DeviceID) (chat.UserID, bool) {
	i := s.seat(to)
	if s.Call.ID != from.CallID || s.Call.State != chat.CallLive || i < 0 || to == from.DeviceID || !s.Holds(from.UserID, from.DeviceID) {
		return chat.UserID{}, false
	}
	return s.Call.Participants[i].UserID, true
}

// read gives what is true of a conversation, and remembers it.
func (c *Coordinator) read(ctx context.Context, id chat.ConversationID) (State, error) {
	board, _, _, err := c.get(ctx, id)
	if err != nil {
		return State{}, err
	}
	return c.found(id, board), nil
}

// found gives what is true of a conversation of which the board has something, and remembers it.
func (c *Coordinator) found(id chat.ConversationID, board State) State {
	s := c.merged(id, board)
	c.learn(id, s)
	return s
}

// decoded reads a document. One that cannot be read is as good as none.
func (c *Coordinator) decoded(id chat.ConversationID, doc []byte) State {
	s, err := decode(doc)
	if err != nil {
		c.d.Logger.Error("a call's document cannot be read", "conversation", id, "err", err)
	}
	return s
}

// get reads the board.
func (c *Coordinator) get(ctx context.Context, id chat.ConversationID) (State, []byte, uint64, error) {
	doc, version, err := c.d.Board.Get(ctx, id)
	if err != nil {
		c.trouble()
		return State{}, nil, 0, fmt.Errorf("read a call: %w", err)
	}
	return c.decoded(id, doc), doc, version, nil
}

// change applies an action by compare-and-set, and tells everybody what came of it.
func (c *Coordinator) change(ctx context.Context, a Action) (State, error) {
	failed, unsure := 0, false
	for range changeTries {
		if err := ctx.Err(); err != nil {
			return State{}, fmt.Errorf("change a call: %w: %w", chat.ErrUnavailable, err)
		}
		board, doc, version, err := c.get(ctx, a.Conversation)
		if err == nil {
			base := c.merged(a.Conversation, board)
			next, refused := Next(base, a, c.now())
			if refused != nil {
				return State{}, refused
			}
			var done bool
			if done, err = c.put(ctx, &next, doc, version); done {
				c.settled(ctx, &a, board, next, unsure)
				return next, nil
			}
		}
		switch {
		case errors.Is(err, chat.ErrConflict):
			c.stats.conflicts.Add(1)
			continue
		case errors.Is(err, chat.ErrOverloaded), errors.Is(err, chat.ErrTooLarge): // of this call alone: others can be kept
			return State{}, err
		}
		c.trouble()
		unsure = true
		if failed++; failed >= boardTries {
			return State{}, err
		}
	}
	return State{}, chat.ErrUnavailable
}

// named is how often the board is told again whom a call concerns.
const named = 5 * 60_000

// ttl is how long the board remembers a conversation that nobody touches: long
// enough that somebody comes back who ends what ended meanwhile.
const ttl = 30 * time.Minute

// put writes a state unless it is what the board has. done is false with every error.
func (c *Coordinator) put(ctx context.Context, next *State, doc []byte, version uint64) (done bool, err error) {
	if next.none() {
		return true, nil
	}
	same, err := next.encode()
	if err != nil {
		return false, err
	}
	if bytes.Equal(same, doc) {
		return true, nil
	}
	var people []chat.UserID
	if now := c.now(); !next.over() && (version == 0 || next.NamedAt+named <= now) {
		people, next.NamedAt = next.people(), now
		if same, err = next.encode(); err != nil {
			return false, err
		}
	}
	if _, err := c.d.Board.Put(ctx, next.Call.ConversationID, chat.CallNote{Doc: same, Version: version, People: people, TTL: ttl}); err != nil {
		return false, fmt.Errorf("write a call: %w", err)
	}
	return true, nil
}

// settled remembers what a change came to, and tells everybody who does not know.
// Unsure says that it may have been done by an earlier try whose answer was lost.
func (c *Coordinator) settled(ctx context.Context, a *Action, before, after State, unsure bool) {
	if after.none() {
		return
	}
	moved := before.Call.ID != after.Call.ID || before.Call.Version != after.Call.Version
	if moved {
		c.count(a.Verb, &before, &after)
	}
	if c.d.Bell != nil && (moved || unsure && a.Verb == Start) {
		if !moved { // an earlier try began it
			before = State{}
		}
		c.d.Bell.Changed(before.Call, after.Call, after.Rang)
	}
	c.learn(a.Conversation, after)
	if len(after.Owed) > 0 && moved {
		c.logSoon(a.Conversation)
	}
	if !moved && !unsure && (a.Verb == Keep || a.Verb == Logged || a.Verb == Rang || !c.untold(&after.Call)) {
		return
	}
	ev, err := event(after.Call)
	if err != nil {
		c.d.Logger.Error("tell of a call", "call", after.Call.ID, "err", err)
		return
	}
	if err := c.d.Bus.Publish(ctx, []chat.Event{ev}); err != nil {
		c.d.Logger.Warn("tell of a call", "call", after.Call.ID, "err", err)
	}
	// What the bus loses is found by the next look, here as on other nodes.
}

// untold reports that this node has not heard of what it found: whoever did it may
// have failed before telling anybody.
func (c *Coordinator) untold(call *chat.Call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[call.ConversationID]
	return k != nil && k.state.Call.ID == call.ID && k.told < call.Version
}

// event makes what the bus carries of a call: what sockets get.
func event(call chat.Call) (chat.Event, error) {
	data, err := json.Marshal(struct {
		Call chat.Call `json:"call"`
	}{call})
	if err != nil {
		return chat.Event{}, fmt.Errorf("encode a call: %w", err)
	}
	return chat.Event{Topic: chat.Topic{Kind: chat.TopicConversation, ID: call.ConversationID}, Kind: chat.EventCall, Data: data}, nil
}

func (c *Coordinator) trouble() {
	c.stats.failures.Add(1)
	c.troubled.Store(int64(c.now()))
}
