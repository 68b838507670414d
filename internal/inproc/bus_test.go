package inproc_test

import (
	"fmt"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
)

func events(from, n int) []chat.Event {
	out := make([]chat.Event, n)
	for i := range out {
		out[i] = chat.Event{Topic: chattest.RoomTopic(0), Kind: chat.EventEntry, Seq: chat.Seq(from + i)}
	}
	return out
}

// A sink that does not keep up loses events, is told so, and costs bounded memory.
func TestFullLaneIsEmptiedAndResyncs(t *testing.T) {
	b := openBus(t, 1, 10)
	r := chattest.NewRecorder()
	entered, leave := make(chan struct{}), make(chan struct{})
	r.OnDeliver = func(events []chat.Event) {
		if events[0].Seq == 1 {
			close(entered)
			<-leave
		}
	}
	b.Attach("node-1", r)
	if err := b.Subscribe(t.Context(), chattest.RoomTopic(0)); err != nil {
		t.Fatal(err)
	}
	publish := func(events []chat.Event) {
		t.Helper()
		if err := b.Publish(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}
	publish(events(1, 1))
	<-entered
	publish(events(2, 6))
	publish(events(8, 4))
	if got := b.Dropped(); got != 0 {
		t.Errorf("%d dropped, want 0: it is just full", got)
	}
	publish(events(12, 3))
	if got := b.Dropped(); got != 10 {
		t.Errorf("%d dropped, want 10", got)
	}
	close(leave)
	r.Wait(t, 4, 0, 1)
	got := r.Events()
	if len(got) != 4 || got[0].Seq != 1 || got[1].Seq != 12 || got[3].Seq != 14 {
		t.Errorf("got %+v, want 1, 12, 13, 14", got)
	}
}

// Few events can be too much, too.
func TestLaneOfLargeEventsResyncs(t *testing.T) {
	b := openBus(t, 1, 1<<20)
	r := chattest.NewRecorder()
	entered, leave := make(chan struct{}), make(chan struct{})
	r.OnDeliver = func(events []chat.Event) {
		if events[0].Seq == 1 {
			close(entered)
			<-leave
		}
	}
	b.Attach("node-1", r)
	if err := b.Subscribe(t.Context(), chattest.RoomTopic(0)); err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 8<<20)
	for n := range 12 {
		e := events(1+n, 1)
		e[0].Data = large
		if err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			<-entered
		}
	}
	if got := b.Dropped(); got != 9 {
		t.Errorf("%d dropped, want the 9 that made 72 MiB", got)
	}
	close(leave)
	r.Wait(t, 3, 0, 1)
}

// More than the bound at once still passes: there is nobody to wait for.
func TestLargePublication(t *testing.T) {
	b := openBus(t, 1, 10)
	r := chattest.NewRecorder()
	b.Attach("node-1", r)
	if err := b.Subscribe(t.Context(), chattest.RoomTopic(0)); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), events(1, 100)); err != nil {
		t.Fatal(err)
	}
	r.Wait(t, 100, 0, 0)
	if got := b.Dropped(); got != 0 {
		t.Errorf("%d dropped, want 0", got)
	}
}

func TestCloseHandsOverWhatIsHeld(t *testing.T) {
	b := inproc.NewBus(2, 1000)
	r := chattest.NewRecorder()
	b.Attach("node-1", r)
	if err := b.Subscribe(t.Context(), chattest.RoomTopic(0), chattest.RoomTopic(1)); err != nil {
		t.Fatal(err)
	}
	if got := b.Subscriptions(); got != 2 {
		t.Errorf("got %d subscriptions, want 2", got)
	}
	for range 5 {
		if err := b.Publish(t.Context(), events(1, 100)); err != nil {
			t.Fatal(err)
		}
		if err := b.Reply(t.Context(), make([]chat.Outcome, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if e, o := len(r.Events()), len(r.Answers()); e != 500 || o != 50 {
		t.Errorf("got %d events and %d outcomes, want 500 and 50", e, o)
	}
}

// The events that reach the sink are the ones that were published, not copies of
// their data: an entry is encoded once.
func TestDataIsShared(t *testing.T) {
	b := openBus(t, 1, 10)
	r := chattest.NewRecorder()
	b.Attach("node-1", r)
	if err := b.Subscribe(t.Context(), chattest.RoomTopic(0)); err != nil {
		t.Fatal(err)
	}
	e := events(1, 1)
	e[0].Data = []byte("{}")
	if err := b.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	r.Wait(t, 1, 0, 0)
	if got := r.Events()[0].Data; &got[0] != &e[0].Data[0] {
		t.Error("the data was copied")
	}
}

func BenchmarkBus(b *testing.B) {
	for _, size := range []int{1, 64, 512} {
		b.Run(fmt.Sprint("batch=", size), func(b *testing.B) {
			bus := inproc.NewBus(1, 1<<30)
			bus.Attach("node-1", discard{})
			if err := bus.Subscribe(b.Context(), chattest.RoomTopic(0)); err != nil {
				b.Fatal(err)
			}
			batch := events(1, size)
			b.ReportAllocs()
			for n := 0; n < b.N; n += size {
				if err := bus.Publish(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			if err := bus.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

type discard struct{}

func (discard) Deliver([]chat.Event)    {}
func (discard) Outcomes([]chat.Outcome) {}
func (discard) Resync()                 {}
