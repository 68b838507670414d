package inproc_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
	"github.com/parley-chat/parley/internal/inproc"
)

func record(n int) *chat.Record { return chattest.NewRecord(n, chattest.Room(0)) }

// asOwner runs f as the owner of the log, once, and ends the ownership.
func asOwner(t *testing.T, l *inproc.Log, f func(ctx context.Context, p chat.Partition)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := l.Own(ctx, func(ctx context.Context, p chat.Partition) error {
		f(ctx, p)
		cancel()
		return nil
	})
	if err != nil {
		t.Errorf("own: %v", err)
	}
}

func TestFullLogRefuses(t *testing.T) {
	l := inproc.NewLog("test", 3)
	for n := range 3 {
		if err := l.Append(t.Context(), record(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Append(t.Context(), record(3)); !errors.Is(err, chat.ErrOverloaded) {
		t.Errorf("got %v, want ErrOverloaded", err)
	}
	asOwner(t, l, func(ctx context.Context, p chat.Partition) {
		from, err := p.Start(ctx, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Fetch(ctx, from, 10); err != nil || len(got) != 3 {
			t.Errorf("got %d records, %v, want 3", len(got), err)
		}
		// What was only handed out still waits: it is not committed.
		if err := l.Append(ctx, record(4)); !errors.Is(err, chat.ErrOverloaded) || l.Waiting() != 3 {
			t.Errorf("got %v with %d waiting, want ErrOverloaded with 3", err, l.Waiting())
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if got, err := p.Fetch(short, from+3, 10); err == nil {
			t.Errorf("got %d records, want none", len(got))
		}
		if err := l.Append(ctx, record(5)); err != nil || l.Waiting() != 1 {
			t.Errorf("got %v with %d waiting, want nil with 1", err, l.Waiting())
		}
	})
}

// A store that has applied records before this process began goes on where it stands.
func TestLogContinuesAtTheStoresPosition(t *testing.T) {
	l := inproc.NewLog("test", 10)
	if err := l.Append(t.Context(), record(0)); err != nil {
		t.Fatal(err)
	}
	asOwner(t, l, func(ctx context.Context, p chat.Partition) {
		if id := p.ID(); id != (chat.PartitionID{Log: "test"}) {
			t.Errorf("got %+v", id)
		}
		from, err := p.Start(ctx, 1000, 900)
		if err != nil || from != 1000 {
			t.Fatalf("start: got %d, %v, want 1000", from, err)
		}
		if err := l.Append(ctx, record(1)); err != nil {
			t.Fatal(err)
		}
		got, err := p.Fetch(ctx, 1000, 10)
		if err != nil || len(got) != 2 || got[0].Offset != 1000 || got[1].Offset != 1001 || got[0].ID != record(0).ID {
			t.Errorf("got %+v, %v, want records 1000 and 1001", got, err)
		}
		for _, from := range []int64{0, 999, 1003} {
			if _, err := p.Fetch(ctx, from, 10); !errors.Is(err, inproc.ErrOffset) {
				t.Errorf("from %d: got %v, want ErrOffset", from, err)
			}
		}
		if _, err := p.Start(ctx, 1003, 1000); !errors.Is(err, inproc.ErrOffset) {
			t.Errorf("a store ahead of the log: got %v, want ErrOffset", err)
		}
	})
}

func TestLogKeepsTheLastBatchOnly(t *testing.T) {
	l := inproc.NewLog("test", 100)
	for n := range 30 {
		if err := l.Append(t.Context(), record(n)); err != nil {
			t.Fatal(err)
		}
	}
	asOwner(t, l, func(ctx context.Context, p chat.Partition) {
		if _, err := p.Start(ctx, 0, 0); err != nil {
			t.Fatal(err)
		}
		for _, from := range []int64{0, 10, 20} {
			if got, err := p.Fetch(ctx, from, 10); err != nil || len(got) != 10 {
				t.Fatalf("from %d: got %d, %v", from, len(got), err)
			}
		}
		// A commit that failed begins again at 10; what was before that is gone.
		if from, err := p.Start(ctx, 10, 0); err != nil || from != 10 {
			t.Errorf("start: got %d, %v, want 10", from, err)
		}
		if got, err := p.Fetch(ctx, 10, 10); err != nil || len(got) != 10 {
			t.Errorf("from 10: got %d, %v, want 10", len(got), err)
		}
		if _, err := p.Fetch(ctx, 0, 10); !errors.Is(err, inproc.ErrOffset) {
			t.Errorf("from 0: got %v, want ErrOffset", err)
		}
	})
}

func TestOwnerIsCalledAfterGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := inproc.NewLog("test", 10)
		ctx, cancel := context.WithCancel(t.Context())
		var pauses []int64 // milliseconds
		last := time.Now()
		err := l.Own(ctx, func(context.Context, chat.Partition) error {
			pauses = append(pauses, time.Since(last).Milliseconds())
			last = time.Now()
			if len(pauses) == 10 {
				cancel()
			}
			return errors.New("gave up")
		})
		if err != nil {
			t.Errorf("own: %v", err)
		}
		want := []int64{0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000}
		if !slices.Equal(pauses, want) {
			t.Errorf("got %v, want %v", pauses, want)
		}
	})
}

func TestDrain(t *testing.T) {
	l := inproc.NewLog("test", 10)
	for n := range 3 {
		if err := l.Append(t.Context(), record(n)); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := l.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with records that wait: got %v, want the context's error", err)
	}
	if err := l.Append(t.Context(), record(4)); !errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("an append to a log that drains: got %v, want ErrUnavailable", err)
	}
	drained := make(chan error, 1)
	go func() { drained <- l.Drain(t.Context()) }()
	asOwner(t, l, func(ctx context.Context, p chat.Partition) {
		from, err := p.Start(ctx, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Fetch(ctx, from, 10); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-drained:
			t.Errorf("drained (%v) before the owner had committed", err)
		case <-time.After(5 * time.Millisecond):
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if _, err := p.Fetch(short, from+3, 10); err == nil {
			t.Error("got a record after the last")
		}
		if err := <-drained; err != nil {
			t.Errorf("drain: %v", err)
		}
	})
	if err := l.Drain(t.Context()); err != nil {
		t.Errorf("drain again: %v", err)
	}
}

// Few records can be too much, too.
func TestLogOfLargeRecordsRefuses(t *testing.T) {
	l := inproc.NewLog("test", 1<<20)
	large := func(n int) *chat.Record {
		r := record(n)
		r.Command.Text = strings.Repeat("x", 1<<20)
		return r
	}
	n := 0
	for ; ; n++ {
		if err := l.Append(t.Context(), large(n)); err != nil {
			if !errors.Is(err, chat.ErrOverloaded) {
				t.Errorf("got %v, want ErrOverloaded", err)
			}
			break
		}
	}
	if n < 60 || n > 64 {
		t.Errorf("got %d MiB into the log, want about 64", n)
	}
	asOwner(t, l, func(ctx context.Context, p chat.Partition) {
		if _, err := p.Start(ctx, 0, 0); err != nil {
			t.Fatal(err)
		}
		at := int64(0)
		step := func(from int64, wantRoom bool) {
			t.Helper()
			if _, err := p.Fetch(ctx, from, 1); err != nil {
				t.Fatal(err)
			}
			at = from
			err := l.Append(ctx, large(n))
			if (err == nil) != wantRoom {
				t.Errorf("at %d: got %v, want room %v", from, err, wantRoom)
			}
		}
		step(0, false)
		step(1, true) // one was committed
		step(1, false)
		step(11, true)
		step(1, false) // back again: they wait still
		step(at+5, true)
	})
}
