package chattest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// patience is how long a suite waits for what must happen: far longer than it takes.
const patience = time.Minute

// NewRecord makes the nth record, of a message to a room.
func NewRecord(n int, room chat.ConversationID) *chat.Record {
	return &chat.Record{
		ID: RecordID(n), Rules: chat.RulesVersion, Node: "node-1",
		Command: Send(room, User(0), fmt.Sprint("k", n), fmt.Sprint("text ", n)),
	}
}

// Log is the conformance suite of chat.Log. Open gives an empty one, which ends
// with the test.
func Log(t *testing.T, open func(t *testing.T) chat.Log) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, l chat.Log){
		"records arrive once, in order, as they were":      logArrives,
		"every field of a command arrives":                 logFields,
		"fetching again gives the same":                    logFetchAgain,
		"a fetch waits, and ends with its context":         logFetchWaits,
		"an owner that gives up is called again":           logOwnAgain,
		"who resumes gets what was not committed":          logResume,
		"own returns when its context ends":                logOwnEnds,
		"an append whose context has ended is not made":    logAppendEnded,
		"records that are appended before anybody owns it": logAppendFirst,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// own runs own on a log until the test ends, or until the returned function is called.
func own(t *testing.T, l chat.Log, f func(ctx context.Context, p chat.Partition) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Own(ctx, f) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("own: %v", err)
			}
		case <-time.After(patience):
			t.Error("own did not return when its context ended")
		}
	})
	t.Cleanup(stop)
	return stop
}

// arrival is a record and where it arrived.
type arrival struct {
	partition chat.PartitionID
	record    *chat.Record
}

// reader reads every partition from its start and sends what arrives to a channel.
func reader(t *testing.T, arrived chan<- arrival) func(ctx context.Context, p chat.Partition) error {
	return func(ctx context.Context, p chat.Partition) error {
		from, err := p.Start(ctx, 0, 0)
		if err != nil && ctx.Err() != nil {
			return err // its test was done before it began
		}
		if err != nil || from != 0 {
			t.Errorf("start: got %d, %v, want 0", from, err)
		}
		for {
			records, err := p.Fetch(ctx, from, 7)
			if err != nil {
				return err
			}
			if len(records) == 0 || len(records) > 7 {
				t.Errorf("a fetch of up to 7 gave %d", len(records))
			}
			for _, r := range records {
				if r.Offset != from {
					t.Errorf("got offset %d, want %d", r.Offset, from)
				}
				from++
				select {
				case arrived <- arrival{p.ID(), r}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	}
}

// next waits for an arrival.
func next(t *testing.T, arrived <-chan arrival) arrival {
	t.Helper()
	select {
	case a := <-arrived:
		return a
	case <-time.After(patience):
		t.Fatal("a record did not arrive")
		panic("unreachable")
	}
}

// appendTo appends, again where the log asks for it.
func appendTo(t *testing.T, l chat.Log, r *chat.Record) {
	t.Helper()
	for {
		err := l.Append(t.Context(), r)
		if err == nil {
			return
		}
		if !errors.Is(err, chat.ErrOverloaded) {
			t.Errorf("append: %v", err)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func logArrives(t *testing.T, l chat.Log) {
	const writers, each, rooms = 4, 150, 3
	arrived := make(chan arrival)
	own(t, l, reader(t, arrived))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				appendTo(t, l, NewRecord(w*1000+i, Room(w*10+i%rooms)))
			}
		})
	}
	last := make(map[chat.ConversationID]arrival)
	for range writers * each {
		a := next(t, arrived)
		room := a.record.Command.ConversationID
		before, ok := last[room]
		if ok && before.partition != a.partition {
			t.Errorf("room %s is in the partitions %v and %v", room, before.partition, a.partition)
		}
		if ok && slices.Compare(before.record.ID[:], a.record.ID[:]) >= 0 {
			t.Errorf("record %s came before %s", before.record.ID, a.record.ID)
		}
		last[room] = a
	}
	wg.Wait()
	if len(last) != writers*rooms {
		t.Errorf("got records of %d rooms, want %d", len(last), writers*rooms)
	}
	select {
	case a := <-arrived:
		t.Errorf("record %s came twice", a.record.ID)
	case <-time.After(20 * time.Millisecond):
	}
}

func logFields(t *testing.T, l chat.Log) {
	arrived := make(chan arrival)
	own(t, l, reader(t, arrived))
	reply := Send(Room(0), User(1), "k", "žluť\u2028<&>\"")
	reply.ReplyTo, reply.Attachments = 7, []chat.Attachment{Attachment(1), Attachment(2)}
	avatar := FileID(1)
	update := Retitle(Room(0), User(0), "title")
	update.AvatarID = &avatar
	for n, cmd := range []chat.Command{
		reply, update, Create(chat.Channel, Room(0), User(0), User(1), User(2)), CreateDirect(User(0), User(1)), Edit(Room(0), User(0), 3, "new"),
		Delete(Room(0), User(0), 4), React(Room(0), User(0), 5, "👍", true), Add(Room(0), User(0), User(3)), Remove(Room(0), User(0), User(3)),
		SetRole(Room(0), User(0), User(1), chat.RoleAdmin),
	} {
		want := &chat.Record{ID: RecordID(n), Rules: 3, Node: "a-node", Command: cmd}
		text := asJSON(t, want)
		appendTo(t, l, want)
		if got := asJSON(t, next(t, arrived).record); got != text {
			t.Errorf("got  %s\nwant %s", got, text)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// inOwner runs one test as the owner of the partition of Room(0), which has so
// many records.
func inOwner(t *testing.T, l chat.Log, records int, f func(ctx context.Context, p chat.Partition)) {
	t.Helper()
	for n := range records {
		appendTo(t, l, NewRecord(n, Room(0)))
	}
	done := make(chan struct{})
	var once sync.Once
	stop := own(t, l, func(ctx context.Context, p chat.Partition) error {
		from, err := p.Start(ctx, 0, 0)
		if err == nil {
			_, err = p.Fetch(ctx, from, 1) // only the partition that has the room gets past this
		}
		if err == nil {
			once.Do(func() { defer close(done); f(ctx, p) })
		}
		<-ctx.Done()
		return ctx.Err()
	})
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("the records did not arrive")
	}
	stop()
}

// fetch gives the offsets of a fetch that waits until so many records are there.
func fetch(ctx context.Context, t *testing.T, p chat.Partition, from int64, limit int) []int64 {
	t.Helper()
	for {
		records, err := p.Fetch(ctx, from, limit)
		if err != nil {
			t.Errorf("fetch from %d: %v", from, err)
			return nil
		}
		var offsets []int64
		for _, r := range records {
			offsets = append(offsets, r.Offset)
		}
		if len(offsets) >= limit {
			return offsets
		}
	}
}

func logFetchAgain(t *testing.T, l chat.Log) {
	inOwner(t, l, 10, func(ctx context.Context, p chat.Partition) {
		for _, c := range []struct {
			from  int64
			limit int
		}{{0, 3}, {0, 3}, {0, 5}, {3, 4}, {3, 4}, {0, 3}, {3, 7}} {
			got := fetch(ctx, t, p, c.from, c.limit)
			for i, offset := range got {
				if offset != c.from+int64(i) {
					t.Errorf("from %d: got offsets %v", c.from, got)
				}
			}
			if len(got) != c.limit {
				t.Errorf("from %d: got %d records, want %d", c.from, len(got), c.limit)
			}
		}
	})
}

func logFetchWaits(t *testing.T, l chat.Log) {
	inOwner(t, l, 2, func(ctx context.Context, p chat.Partition) {
		fetch(ctx, t, p, 0, 2)
		short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
		defer cancel()
		if records, err := p.Fetch(short, 2, 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %d records, %v, want the context's error", len(records), err)
		}
		got := make(chan []int64, 1)
		go func() { got <- fetch(ctx, t, p, 2, 1) }()
		appendTo(t, l, NewRecord(2, Room(0)))
		select {
		case offsets := <-got:
			if len(offsets) != 1 || offsets[0] != 2 {
				t.Errorf("got offsets %v, want 2", offsets)
			}
		case <-time.After(patience):
			t.Error("the waiting fetch did not get the record")
		}
	})
}

func logOwnAgain(t *testing.T, l chat.Log) {
	calls := make(chan chat.PartitionID, 1000)
	own(t, l, func(ctx context.Context, p chat.Partition) error {
		if ctx.Err() == nil {
			calls <- p.ID()
		}
		return errors.New("gave up")
	})
	count := make(map[chat.PartitionID]int)
	for {
		select {
		case id := <-calls:
			if count[id]++; count[id] == 3 {
				return
			}
		case <-time.After(patience):
			t.Fatalf("no partition was given three times: %v", count)
		}
	}
}

func logResume(t *testing.T, l chat.Log) {
	for n := range 6 {
		appendTo(t, l, NewRecord(n, Room(0)))
	}
	calls := 0
	done := make(chan struct{})
	own(t, l, func(ctx context.Context, p chat.Partition) error {
		from, err := p.Start(ctx, 0, 0)
		if err != nil && ctx.Err() != nil {
			return err // its test was done before it began
		}
		if err != nil {
			t.Errorf("start: %v", err)
			return err
		}
		if _, err := p.Fetch(ctx, from, 1); err != nil {
			return err // a partition without records
		}
		switch calls++; calls {
		case 1: // fetches, and fails to commit
			fetch(ctx, t, p, 0, 2)
			return errors.New("the commit failed")
		case 2: // commits the first two, fetches the next, and fails
			fetch(ctx, t, p, 0, 2)
			fetch(ctx, t, p, 2, 2)
			return errors.New("the commit failed")
		case 3:
			// The store stands at 2; its last batch began at 0.
			if start, err := p.Start(ctx, 2, 0); err != nil || start > 2 {
				t.Errorf("start: got %d, %v, want at most 2", start, err)
			}
			if got := fetch(ctx, t, p, 2, 4); len(got) != 4 || got[0] != 2 || got[3] != 5 {
				t.Errorf("got offsets %v, want 2 to 5", got)
			}
			close(done)
		}
		<-ctx.Done()
		return ctx.Err()
	})
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the owner was not called three times")
	}
}

func logOwnEnds(t *testing.T, l chat.Log) {
	called := make(chan struct{})
	var once sync.Once
	stop := own(t, l, func(ctx context.Context, _ chat.Partition) error {
		once.Do(func() { close(called) })
		<-ctx.Done()
		return ctx.Err()
	})
	select {
	case <-called:
	case <-time.After(patience):
		t.Fatal("no partition was given")
	}
	stop()
}

func logAppendEnded(t *testing.T, l chat.Log) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(ended, NewRecord(0, Room(0))); err == nil {
		t.Error("got nil, want an error")
	}
	arrived := make(chan arrival)
	own(t, l, reader(t, arrived))
	appendTo(t, l, NewRecord(1, Room(0)))
	if a := next(t, arrived); a.record.ID != RecordID(1) {
		t.Errorf("got record %s, want only the one that was appended", a.record.ID)
	}
}

func logAppendFirst(t *testing.T, l chat.Log) {
	for n := range 3 {
		appendTo(t, l, NewRecord(n, Room(0)))
	}
	arrived := make(chan arrival)
	own(t, l, reader(t, arrived))
	for n := range 3 {
		if a := next(t, arrived); a.record.ID != RecordID(n) {
			t.Errorf("got record %s, want %s", a.record.ID, RecordID(n))
		}
	}
}
