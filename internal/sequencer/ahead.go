package sequencer

import (
	"context"
	"fmt"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// ahead is a claim that runs ahead of the store. Its decider alone knows the states
// of conversations: it decides records in the order of each conversation, publishes
// and answers at once, and parks what lacks a fact. A fetcher, a loader and a
// committer wait for the log and the store in its place.
type ahead struct {
	*claim
	window *window

	// The decider's.
	cache    *cache
	recent   recent
	cold     []*warm // facts are to be loaded for them
	loading  bool
	fetching bool
	next     int64 // offset of the record to fetch

	fetch   chan stretch        // the decider asks for records
	fetched chan []*chat.Record // and gets them
	loads   chan *load          // the decider asks for facts
	loaded  chan *load          // and gets them
}

// stretch is a question for records: from an offset on, not more than so many.
type stretch struct {
	from int64
	most int
}

// maxFacts is about how many facts one question may name.
const maxFacts = 4096

// load is a question for facts of some conversations, and the answer.
type load struct {
	warm  []*warm       // to the decider only
	facts []*chat.State // fresh ones, to be merged
	wants []chat.Needs
	// before is the offset of the first record that the facts are for: facts may be
	// older than a record, for what is in between is in memory, but not newer.
	before int64
}

// runAhead owns the partition until ctx ends or something fails. What is decided
// by then is committed, if the store takes it at once.
func (c *claim) runAhead(ctx context.Context) error {
	next, prev, err := c.s.journal.Position(ctx, c.id)
	if err != nil {
		return fmt.Errorf("resume: read position: %w", err)
	}
	start, err := c.p.Start(ctx, next, prev)
	if err != nil {
		return fmt.Errorf("resume: start at %d: %w", next, err)
	}
	if start > next {
		return fmt.Errorf("resume: the log begins at %d, the store is at %d: %w", start, next, ErrHole)
	}
	// What is committed was told before: whoever did that told first. What is not
	// is decided again, with the same result, and told again.
	a := &ahead{
		claim: c, window: newWindow(next, c.s.limits.commit, c.s.budget), cache: newCache(&c.s.limits), recent: recent{most: &c.s.limits}, next: next,
		fetch: make(chan stretch), fetched: make(chan []*chat.Record), loads: make(chan *load), loaded: make(chan *load),
	}
	c.s.enlist(a.window)
	defer c.s.delist(a.window)
	return a.run(ctx)
}

func (a *ahead) run(parent context.Context) error {
	ctx, end := context.WithCancelCause(parent)
	defer end(nil)
	com := &committer{claim: a.claim, window: a.window, attempts: make(map[int64]bool)}
	var wait sync.WaitGroup
	for _, loop := range []func(context.Context) error{a.fetchLoop, a.loadLoop, com.run} {
		wait.Go(func() {
			if err := loop(ctx); err != nil {
				end(err)
			}
		})
	}
	if err := a.decideLoop(ctx); err != nil {
		end(err)
	}
	wait.Wait()
	cause := context.Cause(ctx)
	com.flush(parent, cause)
	if err := parent.Err(); err != nil {
		return err //nolint:wrapcheck // the end that the log asked for
	}
	return cause
}

func (a *ahead) fetchLoop(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case next := <-a.fetch:
			records, err := a.claim.fetch(ctx, next.from, next.most)
			if err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case a.fetched <- records:
			}
		}
	}
}

// decideLoop is the decider.
func (a *ahead) decideLoop(ctx context.Context) error {
	for {
		// Nobody receives from a nil channel: what is not to be asked for is not asked.
		var fetch chan stretch
		room := a.room()
		if !a.fetching && room > 0 {
			fetch = a.fetch
		}
		var loads chan *load
		var question *load
		if question = a.question(); question != nil {
			loads = a.loads
		}
		var decided []*slot
		t := &turn{}
		select {
		case <-ctx.Done():
			return nil
		case fetch <- stretch{from: a.next, most: room}:
			a.fetching = true
		case loads <- question:
			a.loading = true
			a.cold = a.cold[len(question.warm):]
		case records := <-a.fetched:
			a.fetching = false
			decided = a.take(t, records)
		case l := <-a.loaded:
			a.loading = false
			decided = a.merge(t, l)
		case <-a.window.moved:
			a.settled()
		}
		if len(decided) == 0 {
			continue
		}
		if err := a.s.tell(ctx, t); err != nil {
			return err
		}
		a.window.tell(decided)
		a.measure(decided)
	}
}

// measure tells how long what was just told took.
func (a *ahead) measure(told []*slot) {
	if a.s.o.Metrics.Told == nil {
		return
	}
	now := a.s.o.Now()
	for _, s := range told {
		a.s.o.Metrics.Told(s.since.Sub(s.record.Command.At.Std()), now.Sub(s.since))
	}
}

// room is how many records may be taken in now. Each partition may have one batch,
// however full the node is.
func (a *ahead) room() int {
	if a.s.budget.full() {
		return maxBatch - a.window.len()
	}
	return maxBatch
}

// take puts records into the window and decides those that can be.
func (a *ahead) take(t *turn, records []*chat.Record) (decided []*slot) {
	now := a.s.o.Now()
	slots := make([]*slot, len(records))
	for i, r := range records {
		slots[i] = &slot{record: r, since: now}
	}
	a.next += int64(len(records))
	a.window.push(slots)
	decided = make([]*slot, 0, len(slots))
	for _, s := range slots {
		cmd := &s.record.Command
		if !cmd.ConversationID.IsZero() {
			s.warm = a.cache.get(cmd.ConversationID)
		}
		switch {
		case s.warm == nil:
		case len(s.warm.waiting) > 0: // in order
			s.warm.waiting = append(s.warm.waiting, s)
			continue
		default:
			// What is wrong in itself is refused whatever the facts are.
			if _, lacks := s.warm.missing(cmd); lacks && s.record.Rules > 0 && cmd.Validate() == nil {
				a.park(s)
				continue
			}
		}
		if a.decideSlot(t, s) {
			decided = append(decided, s)
		}
	}
	return decided
}

// park makes a record wait for facts, and those of its conversation that follow behind it.
func (a *ahead) park(s *slot) {
	s.warm.waiting = append(s.warm.waiting, s)
	a.ask(s.warm)
}

// ask has facts loaded for a conversation. One whose state is broken is loaded
// anew, once nothing of it is in the window.
func (a *ahead) ask(w *warm) {
	if w.asked || len(w.waiting) == 0 {
		return
	}
	if w.broken {
		if w.pending > 0 {
			return
		}
		id := w.st.ID
		w.st, w.loaded, w.broken = chat.NewState(id), false, false
	}
	w.asked = true
	a.cold = append(a.cold, w)
}

// question puts together what the loader may be asked next.
func (a *ahead) question() *load {
	if a.loading || len(a.cold) == 0 {
		return nil
	}
	l := &load{}
	for facts := 0; len(l.warm) < min(len(a.cold), maxBatch) && facts < maxFacts; {
		w := a.cold[len(l.warm)]
		wants := w.wants()
		facts += len(wants.Members) + len(wants.Messages) + len(wants.Sent)
		if first := w.waiting[0].record.Offset; len(l.warm) == 0 || first < l.before {
			l.before = first
		}
		l.warm, l.facts, l.wants = append(l.warm, w), append(l.facts, chat.NewState(w.st.ID)), append(l.wants, wants)
	}
	return l
}

// merge takes facts that were loaded and decides what was parked for them.
func (a *ahead) merge(t *turn, l *load) (decided []*slot) {
	for i, w := range l.warm {
		w.asked = false
		w.merge(l.facts[i])
		waiting := w.waiting
		w.waiting = nil
		for n, s := range waiting {
			if _, lacks := w.missing(&s.record.Command); !w.broken && !lacks {
				if a.decideSlot(t, s) {
					decided = append(decided, s)
					continue
				}
				// It panicked, and waits again.
				w.waiting = append(w.waiting, waiting[n+1:]...)
				break
			}
			w.waiting = waiting[n:]
			break
		}
		a.ask(w)
	}
	return decided
}

// decideSlot decides a record whose facts are there. If that panics the record is
// parked, to be refused on a state that is loaded anew.
func (a *ahead) decideSlot(t *turn, s *slot) bool {
	var st *chat.State
	if s.warm != nil {
		st = s.warm.st
	} else {
		st = chat.NewState(chat.ConversationID{})
	}
	ch, o, ok := a.s.decideOne(st, s.record, s.refused)
	if !ok {
		s.refused = true
		if s.warm != nil {
			s.warm.broken = true
			a.park(s)
			return false
		}
		ch, o, _ = a.s.decideOne(st, s.record, true)
	}
	if ch != nil {
		s.change, s.body = ch, o.JSON
		s.warm.pin(ch.Entry)
		t.add(ch, o.JSON)
	}
	t.outcomes = append(t.outcomes, o)
	return true
}

// settled forgets what has to be remembered no longer, for it is committed.
func (a *ahead) settled() {
	for _, s := range a.window.takeSettled() {
		w := s.warm
		if w == nil {
			continue
		}
		if s.change != nil {
			w.unpin(s.change.Entry)
		}
		a.recent.settled(w, &s.record.Command)
		w.trim(&a.s.limits)
		if w.broken {
			a.ask(w)
		}
	}
	a.cache.turn()
}
