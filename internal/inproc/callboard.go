package inproc

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// CallBoard is a chat.CallBoard of one process. It holds a bounded number of
// documents, and refuses more. Safe for concurrent use.
type CallBoard struct {
	now  func() time.Time
	most int

	mu     sync.Mutex // guards what follows
	last   uint64     // version that was given last
	due    int        // with how many documents those that are over are looked for
	notes  map[chat.ConversationID]*callNote
	people map[chat.UserID][]chat.ConversationID
}

// callNote is what is kept of one conversation.
type callNote struct {
	doc     []byte
	version uint64
	until   time.Time
	people  []chat.UserID
}

// sweepFirst is with how many documents those that are over are looked for first; later
// it is with twice as many as are left, so that what nobody asks for takes no memory, and
// looking for it takes little time.
const sweepFirst = 1024

var _ chat.CallBoard = (*CallBoard)(nil)

// NewCallBoard makes a board of at most so many documents. Now is its clock.
func NewCallBoard(now func() time.Time, most int) *CallBoard {
	return &CallBoard{
		now: now, most: max(1, most), due: min(sweepFirst, max(1, most)),
		notes: make(map[chat.ConversationID]*callNote), people: make(map[chat.UserID][]chat.ConversationID),
	}
}

// Get implements chat.CallBoard.
func (b *CallBoard) Get(_ context.Context, id chat.ConversationID) ([]byte, uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.note(id)
	if n == nil {
		return nil, 0, nil
	}
	return bytes.Clone(n.doc), n.version, nil
}

// GetAll implements chat.CallBoard.
func (b *CallBoard) GetAll(_ context.Context, ids []chat.ConversationID) ([]chat.CallDoc, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	docs := make([]chat.CallDoc, len(ids))
	for i, id := range ids {
		if n := b.note(id); n != nil {
			docs[i] = chat.CallDoc{Doc: bytes.Clone(n.doc), Version: n.version}
		}
	}
	return docs, nil
}

// note gives what is there of a conversation, and forgets what is over. mu is held.
func (b *CallBoard) note(id chat.ConversationID) *callNote {
	n := b.notes[id]
	if n != nil && !b.now().Before(n.until) {
		b.forget(id, n)
		return nil
	}
	return n
}

func (b *CallBoard) forget(id chat.ConversationID, n *callNote) {
	delete(b.notes, id)
	b.index(id, n, nil)
}

// index has the document name other people. mu is held.
func (b *CallBoard) index(id chat.ConversationID, n *callNote, people []chat.UserID) {
	for _, u := range n.people {
		if left := slices.DeleteFunc(b.people[u], func(other chat.ConversationID) bool { return other == id }); len(left) > 0 {
			b.people[u] = left
		} else {
			delete(b.people, u)
		}
	}
	n.people = slices.Clone(people)
	for _, u := range n.people {
		b.people[u] = append(b.people[u], id)
	}
}

// Put implements chat.CallBoard.
func (b *CallBoard) Put(_ context.Context, id chat.ConversationID, put chat.CallNote) (uint64, error) {
	if len(put.Doc) > chat.MaxCallDoc {
		return 0, chat.ErrTooLarge
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.note(id)
	if n == nil && put.Version != 0 || n != nil && n.version != put.Version {
		return 0, chat.ErrConflict
	}
	if n == nil {
		if len(b.notes) >= b.due && !b.sweep() {
			return 0, chat.ErrOverloaded
		}
		n = &callNote{}
		b.notes[id] = n
	}
	b.last++
	n.doc, n.version, n.until = bytes.Clone(put.Doc), b.last, b.now().Add(put.TTL)
	if len(put.People) > 0 {
		b.index(id, n, put.People)
	}
	return n.version, nil
}

// sweep forgets everything that is over, and reports whether there is room now. mu is held.
func (b *CallBoard) sweep() bool {
	now := b.now()
	for id, n := range b.notes {
		if !now.Before(n.until) {
			b.forget(id, n)
		}
	}
	b.due = min(max(sweepFirst, 2*len(b.notes)), b.most)
	return len(b.notes) < b.most
}

// Of implements chat.CallBoard.
func (b *CallBoard) Of(_ context.Context, user chat.UserID) ([]chat.ConversationID, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.people[user]), nil
}
