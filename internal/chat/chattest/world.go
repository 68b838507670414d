package chattest

import (
	"fmt"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// World writes to a journal as the owner of a partition does, one batch at a
// time, so that tests of stores can say what happened in commands.
type World struct {
	TB        testing.TB
	Journal   chat.Journal
	Partition chat.PartitionID
	// Next is the position of the partition.
	Next int64
	// Now is the time of the following commands and batches; each command moves it on by a second.
	Now chat.Time
}

// NewWorld begins on an empty journal.
func NewWorld(tb testing.TB, j chat.Journal) *World {
	return &World{TB: tb, Journal: j, Partition: chat.PartitionID{Log: "test"}, Now: Epoch}
}

// Result is what became of one command.
type Result struct {
	Entry    *chat.Entry
	Repeated bool
	Err      *chat.Error
}

// Try applies commands as one batch and commits it.
func (w *World) Try(cmds ...chat.Command) []Result {
	w.TB.Helper()
	batch, results, err := w.Decide(cmds...)
	if err != nil {
		w.TB.Fatalf("decide: %v", err)
	}
	if err := w.Journal.Commit(w.TB.Context(), batch); err != nil {
		w.TB.Fatalf("commit: %v", err)
	}
	w.Next = batch.Next
	return results
}

// Do is Try for commands that must not be refused. It gives their entries, nil
// where nothing changed.
func (w *World) Do(cmds ...chat.Command) []*chat.Entry {
	w.TB.Helper()
	var out []*chat.Entry
	for i, r := range w.Try(cmds...) {
		if r.Err != nil {
			w.TB.Fatalf("%s refused: %v", cmds[i].Kind, r.Err)
		}
		out = append(out, r.Entry)
	}
	return out
}

// Decide makes the batch of some commands, and does not commit it.
func (w *World) Decide(cmds ...chat.Command) (*chat.Batch, []Result, error) {
	byID := make(map[chat.ConversationID]*chat.State)
	var states []*chat.State
	var wants []chat.Needs
	for i := range cmds {
		id := cmds[i].ConversationID
		if byID[id] == nil {
			byID[id] = chat.NewState(id)
		}
		states, wants = append(states, byID[id]), append(wants, cmds[i].Needs())
	}
	if err := w.Journal.Load(w.TB.Context(), states, wants); err != nil {
		return nil, nil, fmt.Errorf("load: %w", err)
	}
	b := &chat.Batch{Partition: w.Partition, From: w.Next, Next: w.Next + int64(len(cmds))}
	results := make([]Result, len(cmds))
	for i := range cmds {
		w.Now += 1000
		cmds[i].At = w.Now
		ch, first, err := chat.Apply(byID[cmds[i].ConversationID], &cmds[i])
		results[i] = Result{Entry: first, Repeated: ch == nil && err == nil, Err: err}
		if ch != nil {
			results[i].Entry = ch.Entry
			b.Changes = append(b.Changes, ch)
			b.JSON = append(b.JSON, ch.Entry.AppendJSON(nil))
		}
	}
	b.At = w.Now
	return b, results, nil
}

// Say sends texts as one person, a message each, and gives their seqs.
func (w *World) Say(room chat.ConversationID, sender chat.UserID, texts ...string) []chat.Seq {
	w.TB.Helper()
	var seqs []chat.Seq
	for _, text := range texts {
		id := fmt.Sprintf("k%d", w.Next)
		seqs = append(seqs, w.Do(Send(room, sender, id, text))[0].Seq)
	}
	return seqs
}
