package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// ReceiptPause is the time between two writes of receipts while there are many.
	ReceiptPause = 200 * time.Millisecond
	// maxReceipts bounds those who wait for their receipt to be written.
	maxReceipts = 1 << 16
	// receiptBatch bounds the receipts of one transaction.
	receiptBatch = 1_000
	writeTimeout = 5 * time.Second
)

// Receipts collects how far people have got and writes it in batches: at once
// when there was nothing to do, else every ReceiptPause, the furthest of each
// person and conversation only. Who is concerned hears of what moved. Safe for
// concurrent use.
type Receipts struct {
	views  Advancer
	bus    chat.Bus
	now    func() time.Time
	logger *slog.Logger
	wake   chan struct{}
	told   Told // nil: nothing

	mu      sync.Mutex
	waiting map[receiptKey]*waitingReceipt
	waiters int
	stopped bool
}

// Advancer is the part of chat.Views that moves receipts.
type Advancer interface {
	Advance(ctx context.Context, at chat.Time, receipts []chat.Receipt) ([]chat.Advanced, error)
}

type receiptKey struct {
	conversation chat.ConversationID
	user         chat.UserID
}

type waitingReceipt struct {
	receipt         chat.Receipt
	delivered, read chat.Seq // how far the store has to get before it is answered
	ahead           bool     // the store may not even know the member yet
	done            []func(chat.Receipt, error)
}

// NewReceipts makes the worker; Note may be called before Run.
func NewReceipts(views Advancer, bus chat.Bus, now func() time.Time, logger *slog.Logger) *Receipts {
	return &Receipts{
		views: views, bus: bus, now: now, logger: logger,
		wake: make(chan struct{}, 1), waiting: make(map[receiptKey]*waitingReceipt),
	}
}

// Expect says what this node has told somebody of and the store may not have yet. A
// receipt for it is written when the store has it, and waits until then. It is
// called before everything else, or never: then the store always has what was told.
func (r *Receipts) Expect(told Told) { r.told = told }

// Told is what this node has told of conversations and the store may not have.
type Told interface {
	// Last gives the last such entry of a conversation; zero if there is none.
	Last(id chat.ConversationID) chat.Seq
	// Look asks the store once, so that Last forgets what it has.
	Look(ctx context.Context, ids ...chat.ConversationID) error
}

// Note takes a receipt that will be written soon. It does not wait. done is
// called once, from any goroutine: with the member's receipt as it is then, with
// ErrNotFound if the person is not a member, with ErrUnavailable if it could not be
// written, or with ErrOverloaded at once when too many wait.
func (r *Receipts) Note(receipt chat.Receipt, done func(chat.Receipt, error)) {
	if err := r.add(receipt, done); err != nil {
		done(chat.Receipt{}, err)
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Receipts) add(receipt chat.Receipt, done func(chat.Receipt, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.stopped:
		return chat.ErrUnavailable
	case r.waiters >= maxReceipts:
		return chat.ErrOverloaded
	}
	r.waiters++
	key := receiptKey{receipt.ConversationID, receipt.UserID}
	w := r.waiting[key]
	if w == nil {
		w = &waitingReceipt{receipt: receipt}
		r.waiting[key] = w
	}
	w.receipt.DeliveredSeq = max(w.receipt.DeliveredSeq, receipt.DeliveredSeq)
	w.receipt.ReadSeq = max(w.receipt.ReadSeq, receipt.ReadSeq)
	w.done = append(w.done, done)
	return nil
}

// Waiting gives how many wait for their receipt to be written, for metrics.
func (r *Receipts) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiters
}

// Run writes receipts until ctx ends, and then what is left.
func (r *Receipts) Run(ctx context.Context) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		select {
		case <-ctx.Done():
			r.stop(context.WithoutCancel(ctx))
			return nil
		case <-r.wake:
		}
		if !r.flush(ctx) {
			continue
		}
		pause.Reset(ReceiptPause)
		select {
		case <-ctx.Done():
			r.stop(context.WithoutCancel(ctx))
			return nil
		case <-pause.C:
		}
	}
}

func (r *Receipts) stop(ctx context.Context) {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.flush(ctx)
}

// flush writes what waits and reports whether there was any.
func (r *Receipts) flush(ctx context.Context) bool {
	r.mu.Lock()
	waiting := r.waiting
	r.waiting, r.waiters = make(map[receiptKey]*waitingReceipt), 0
	r.mu.Unlock()
	batch := make([]chat.Receipt, 0, min(len(waiting), receiptBatch))
	for _, w := range waiting {
		if batch = append(batch, w.receipt); len(batch) == receiptBatch {
			r.write(ctx, batch, waiting)
			batch = batch[:0]
		}
	}
	if len(batch) > 0 {
		r.write(ctx, batch, waiting)
	}
	return len(waiting) > 0
}

// write moves a batch, tells the bus, and then those who wait.
func (r *Receipts) write(ctx context.Context, batch []chat.Receipt, waiting map[receiptKey]*waitingReceipt) {
	writing, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	r.aim(batch, waiting)
	now, err := r.views.Advance(writing, chat.TimeOf(r.now()), batch)
	if err != nil {
		r.logger.Warn("write receipts", "receipts", len(batch), "err", err)
		for i := range batch {
			waiting[receiptKey{batch[i].ConversationID, batch[i].UserID}].tell(chat.Receipt{}, chat.ErrUnavailable)
		}
		return
	}
	r.publish(ctx, now)
	for i := range now {
		key := receiptKey{now[i].ConversationID, now[i].UserID}
		w := waiting[key]
		if w == nil {
			continue
		}
		// Does the store not have the entry yet?
		if (w.delivered > now[i].DeliveredSeq || w.read > now[i].ReadSeq) && r.keep(key, w) {
			continue
		}
		w.tell(now[i].Receipt, nil)
		w.ahead = false
	}
	r.strangers(writing, batch, waiting)
}

// strangers answers those of whom the store knows no membership. Where it lags
// they may be members by now: they are looked for once more when it has caught up.
func (r *Receipts) strangers(ctx context.Context, batch []chat.Receipt, waiting map[receiptKey]*waitingReceipt) {
	var ids []chat.ConversationID
	for i := range batch {
		key := receiptKey{batch[i].ConversationID, batch[i].UserID}
		w := waiting[key]
		if len(w.done) > 0 && w.ahead && r.keep(key, w) {
			ids = append(ids, batch[i].ConversationID)
			continue
		}
		w.tell(chat.Receipt{}, chat.ErrNotFound)
	}
	if len(ids) == 0 {
		return
	}
	if err := r.told.Look(ctx, ids...); err != nil {
		r.logger.Warn("look how far the store is", "err", err)
	}
}

// aim notes, before the store is asked, how far each receipt has to get: whatever is
// beyond what was told is beyond the conversation's head.
func (r *Receipts) aim(batch []chat.Receipt, waiting map[receiptKey]*waitingReceipt) {
	if r.told == nil {
		return
	}
	for i := range batch {
		told := r.told.Last(batch[i].ConversationID)
		w := waiting[receiptKey{batch[i].ConversationID, batch[i].UserID}]
		w.delivered, w.read = min(w.receipt.DeliveredSeq, told), min(w.receipt.ReadSeq, told)
		w.ahead = told > 0
	}
}

// keep lets those wait whom the store cannot answer yet, and reports whether it
// could: not at the end.
func (r *Receipts) keep(key receiptKey, w *waitingReceipt) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	r.waiters += len(w.done)
	if later := r.waiting[key]; later != nil {
		later.receipt.DeliveredSeq = max(later.receipt.DeliveredSeq, w.receipt.DeliveredSeq)
		later.receipt.ReadSeq = max(later.receipt.ReadSeq, w.receipt.ReadSeq)
		later.done = append(later.done, w.done...)
	} else {
		r.waiting[key] = &waitingReceipt{receipt: w.receipt, done: w.done}
	}
	w.done = nil
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return true
}

// tell answers those who wait; only the first call does.
func (w *waitingReceipt) tell(receipt chat.Receipt, err error) {
	for _, done := range w.done {
		done(receipt, err)
	}
	w.done = nil
}

// publish tells the person's other devices of what moved and, where the
// conversation is small enough for live receipts, the other members.
func (r *Receipts) publish(ctx context.Context, now []chat.Advanced) {
	events := make([]chat.Event, 0, 2*len(now))
	for i := range now {
		a := &now[i]
		if !a.Moved {
			continue
		}
		data, err := json.Marshal(a.Receipt)
		if err != nil {
			r.logger.Error("encode receipt", "err", err)
			continue
		}
		events = append(events, chat.Event{
			Topic: chat.Topic{Kind: chat.TopicUser, ID: a.UserID}, Kind: chat.EventRead, From: a.UserID, Data: data,
		})
		if a.Members <= chat.MaxReceiptMembers {
			events = append(events, chat.Event{
				Topic: chat.Topic{Kind: chat.TopicConversation, ID: a.ConversationID}, Kind: chat.EventReceipt, From: a.UserID, Data: data,
			})
		}
	}
	if len(events) == 0 {
		return
	}
	if err := r.bus.Publish(ctx, events); err != nil {
		r.logger.Warn("publish receipts", "events", len(events), "err", err)
	}
}
