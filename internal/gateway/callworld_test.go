package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/call"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/inproc"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

// callNotes has the service note calls, as the program does.
type callNotes struct{ n *node }

func (l callNotes) LogCall(ctx context.Context, e call.Ended) error {
	_, err := l.n.service.LogCall(ctx, service.CallLog{
		ConversationID: e.Call.ConversationID, CallID: e.Call.ID, CallerID: e.Call.CallerID, UserIDs: e.Took,
		Summary: chat.CallSummary{Video: e.Call.Video, Outcome: e.Call.Outcome, DurationMS: e.Duration()},
	})
	return err //nolint:wrapcheck // a test
}

// newCalls makes a node's part in the calls of all that share n's board.
func (n *node) newCalls(bus call.Publisher, deliver func([]chat.Event)) *call.Coordinator {
	return call.New(call.Deps{
		Board: n.board, Bus: bus, Log: callNotes{n}, Deliver: deliver, Now: n.now.now, Logger: slog.New(slog.DiscardHandler),
	})
}

// farBus is the bus as another node has it: what anybody publishes reaches all.
type farBus struct {
	*inproc.Bus
	all *flakyBus
}

func (b farBus) Publish(ctx context.Context, events []chat.Event) error {
	return b.all.Publish(ctx, events)
}

// nobody is told of presence.
type nobody struct{}

func (nobody) Came(chat.UserID) {}
func (nobody) Left(chat.UserID) {}

// another starts a second node beside n: sockets of its own, the same store, bus,
// owner and board. Its stop is the death of a process: nothing is said to anybody.
func (n *node) another() *node {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	far := &node{
		t: n.t, store: n.store, bus: n.bus, inproc: n.inproc, log: n.log, service: n.service, views: n.views, faults: n.faults, now: n.now, board: n.board,
	}
	own := inproc.NewBus(1, 1<<12)
	bus := farBus{own, n.bus}
	far.calls = n.newCalls(bus, func(events []chat.Event) { far.gateway.Deliver(events) })
	var err error
	far.gateway, err = gateway.New(ctx, gateway.Ports{
		Service: n.faults, Views: n.views, People: n.store, Online: inproc.NewPresence(), Presence: nobody{}, Attention: nobody{}, Bus: bus, Calls: far.calls,
	}, gateway.Options{Node: "far", Logger: slog.New(slog.DiscardHandler), Now: n.now.now, Grace: 100 * time.Millisecond})
	if err != nil {
		n.t.Fatal(err)
	}
	own.Attach("far", farSink{far.gateway})
	far.sockets = socketio.NewServer(far.gateway.ServerOptions(socketio.AllowOrigins()))
	far.gateway.Register(far.sockets)
	far.web = httptest.NewServer(far.sockets)
	peers := []chat.Bus{own}
	n.bus.peers.Store(&peers)
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{far.gateway.Run, far.calls.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				n.t.Errorf("a part of the second node ended: %v", err)
			}
		})
	}
	var once sync.Once
	far.stop = func() {
		once.Do(func() {
			n.bus.peers.Store(nil)
			cancel()
			running.Wait()
			if err := far.sockets.Close(); err != nil {
				n.t.Errorf("close sockets: %v", err)
			}
			far.web.Close()
			if err := own.Close(); err != nil {
				n.t.Error(err)
			}
		})
	}
	n.t.Cleanup(far.stop)
	return far
}

type farSink struct{ *gateway.Gateway }

func (farSink) Outcomes([]chat.Outcome) {}

func phone(n int) chat.DeviceID { return chat.DeviceID{14: 7, 15: byte(n)} }

func callNumber(n int) chat.CallID { return chat.CallID{14: 8, 15: byte(n)} }

// joined reads the answer to call.start and call.answer.
func joined(t testing.TB, a ack) wire.CallJoined {
	t.Helper()
	var out wire.CallJoined
	if err := json.Unmarshal(a.Data, &out); err != nil {
		t.Fatalf("%s: %v", a.Data, err)
	}
	return out
}

// start begins a call that has to be accepted.
func (d *device) start(room chat.ConversationID, number, dev int) chat.Call {
	d.t.Helper()
	return joined(d.t, d.must(wire.EventCallStart, wire.CallStart{ConversationID: room, CallID: callNumber(number), DeviceID: phone(dev), Video: true})).Call
}

func answer(room chat.ConversationID, number, dev int) wire.CallAnswer {
	return wire.CallAnswer{ConversationID: room, CallID: callNumber(number), DeviceID: phone(dev), Accept: true}
}

func (d *device) answer(room chat.ConversationID, number, dev int) chat.Call {
	d.t.Helper()
	return joined(d.t, d.must(wire.EventCallAnswer, answer(room, number, dev))).Call
}

func end(room chat.ConversationID, number, dev int) wire.CallEnd {
	return wire.CallEnd{ConversationID: room, CallID: callNumber(number), DeviceID: phone(dev)}
}

func signal(room chat.ConversationID, number, from, to int, text string) wire.CallSignal {
	return wire.CallSignal{
		ConversationID: room, CallID: callNumber(number), DeviceID: phone(from), To: phone(to), Signal: json.RawMessage(text),
	}
}

const offer = `{"type":"offer","sdp":"v=0\r\n"}`

// until waits for a call event that is as it should be, and gives the call.
func (d *device) until(what string, is func(c *chat.Call) bool) chat.Call {
	d.t.Helper()
	var found chat.Call
	d.wait(what, func() bool {
		for i := len(d.events) - 1; i >= 0; i-- {
			var data wire.CallChanged
			if strings.HasPrefix(d.events[i].name, "call.") && d.events[i].name != wire.EventCallSignal && json.Unmarshal(d.events[i].data, &data) == nil && is(&data.Call) {
				found = data.Call
				return true
			}
		}
		return false
	})
	return found
}

func (d *device) rings(number int) chat.Call {
	d.t.Helper()
	return d.until("a call that rings", func(c *chat.Call) bool { return c.ID == callNumber(number) && c.State == chat.CallRinging })
}

func (d *device) live(number, participants int) chat.Call {
	d.t.Helper()
	return d.until(fmt.Sprintf("a live call of %d", participants), func(c *chat.Call) bool {
		return c.ID == callNumber(number) && c.State == chat.CallLive && len(c.Participants) == participants
	})
}

func (d *device) ended(number int, outcome chat.CallOutcome) chat.Call {
	d.t.Helper()
	c := d.until("the end of a call", func(c *chat.Call) bool { return c.ID == callNumber(number) && c.State == chat.CallEnded })
	if c.Outcome != outcome {
		d.t.Errorf("the call ended as %q, want %q", c.Outcome, outcome)
	}
	return c
}

// noted waits until a call is in the log as one entry, and gives it.
func (d *device) noted(room chat.ConversationID, number int, outcome chat.CallOutcome, took ...*person) {
	d.t.Helper()
	var notes []chat.Entry
	d.wait("the call in the log", func() bool {
		notes = nil
		for _, e := range d.events {
			var entry chat.Entry
			if e.name == wire.EventEntry && json.Unmarshal(e.data, &entry) == nil && entry.ConversationID == room && entry.Kind == chat.KindCall && entry.ClientID == callNumber(number).String() {
				notes = append(notes, entry)
			}
		}
		return len(notes) > 0
	})
	var people []chat.UserID
	for _, p := range took {
		people = append(people, p.id)
	}
	if len(notes) != 1 || notes[0].Call == nil || notes[0].Call.Outcome != outcome || !slices.Equal(notes[0].UserIDs, people) {
		d.t.Errorf("got %+v (%+v) in the log, want it once, %q, with %v", notes, notes[0].Call, outcome, people)
	}
}

func (d *device) calls() []chat.Call {
	d.t.Helper()
	var out wire.CallsAnswer
	if err := json.Unmarshal(d.must(wire.EventCallList, wire.Empty{}).Data, &out); err != nil {
		d.t.Fatal(err)
	}
	return out.Calls
}
