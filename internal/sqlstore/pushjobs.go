package sqlstore

import (
	"context"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

// pushLog is the log whose position says up to which row messages have been gone
// through, where messages have rows in the order of their commits.
const pushLog = "web push"

const (
	unpushedRows = `SELECT e.rowid, e.conversation_id, e.seq FROM message_entries e WHERE e.rowid > ? ORDER BY e.rowid LIMIT ?`
	takeUnpushed = `DELETE FROM unpushed WHERE id IN (SELECT id FROM unpushed ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED)
		RETURNING id, conversation_id, seq`
)

// putUnpushed notes messages where they have no order of rows, while there is anybody to push to.
var putUnpushed = newMulti("INSERT INTO unpushed (conversation_id, seq) SELECT v.column1, v.column2 FROM (", "bi",
	") AS v WHERE EXISTS (SELECT 1 FROM push_subscriptions)")

// unpushed makes the parameters of putUnpushed of those of putMessages.
func unpushed(messages []any) []any {
	cols := putMessages.cols()
	out := make([]any, 0, len(messages)/cols*2)
	for i := 0; i < len(messages); i += cols {
		out = append(out, messages[i], messages[i+1])
	}
	return out
}

// QueuePushes implements chat.Pushes.
func (s *Store) QueuePushes(ctx context.Context, at, due chat.Time, limit int, wanted func(*chat.PushCandidate) bool) (n int, err error) {
	q := pushQueue{ctx: ctx, at: at, due: due, wanted: wanted}
	if s.d.beginPushes == "" {
		err = s.update(ctx, "queue pushes", func(t *tx) error {
			if err := q.read(t, takeUnpushed, int64(limit)); err != nil {
				return err
			}
			if err := q.choose(t); err != nil {
				return err
			}
			return q.write(t)
		})
		return len(q.rows), err
	}
	// Reading is done beside the commits, and moving on at once with writing.
	from, _, err := s.Position(ctx, chat.PartitionID{Log: pushLog})
	if err != nil {
		return 0, err
	}
	some := false
	if err := queryEach(ctx, s.read, anySubscribed, nil, func(scanner) error { some = true; return nil }); err != nil || !some {
		return 0, s.failed("queue pushes", err)
	}
	if err := q.read(s.read, unpushedRows, from, int64(limit)); err != nil || len(q.rows) == 0 {
		return 0, s.failed("queue pushes", err)
	}
	if err := q.choose(s.read); err != nil {
		return 0, s.fail("queue pushes", err)
	}
	err = s.update(ctx, "queue pushes", func(t *tx) error {
		to := q.rows[len(q.rows)-1]
		if n, err := execute(ctx, t, movePosition, []any{to, from, pushLog, int64(0), from}); err != nil || n == 0 {
			return err // somebody else has been here, or nobody is subscribed any more
		}
		return q.write(t)
	})
	return len(q.rows), err
}

// pushQueue turns messages into jobs.
type pushQueue struct {
	ctx     context.Context //nolint:containedctx // lives as long as the call
	at, due chat.Time
	wanted  func(*chat.PushCandidate) bool

	rows      []int64
	addresses []any // conversation and seq of each
	jobs      []any
}

func (q *pushQueue) read(db database, text string, args ...any) error {
	return queryEach(q.ctx, db, text, args, func(row scanner) error {
		var n, seq int64
		var id chat.ConversationID
		err := row.Scan(&n, into(&id), &seq)
		q.rows, q.addresses = append(q.rows, n), append(q.addresses, id[:], seq)
		return err //nolint:wrapcheck // the caller names the verb
	})
}

// subscriber is a browser of a member of a conversation.
type subscriber struct {
	subscription chat.PushID
	candidate    chat.PushCandidate
}

const subscribers = `SELECT m.conversation_id, s.id, m.user_id, m.read_seq, m.visible_from, COALESCE(p.muted_until, 0), COALESCE(p.notify, 'all')
	FROM members m JOIN push_subscriptions s ON s.user_id = m.user_id
	LEFT JOIN preferences p ON p.user_id = m.user_id AND p.conversation_id = m.conversation_id WHERE `

var (
	// Of a large conversation only those who are mentioned are looked for.
	subscribersIn   = newMulti(subscribers+"m.conversation_id IN (", "b", ")")
	subscribersNear = newMulti(subscribers+"(m.conversation_id, m.user_id) IN (", "bb", ")")
)

// choose asks wanted for each message and each browser that it may concern.
func (q *pushQueue) choose(db database) error {
	var messages []*chat.Message
	err := messagesAt.each(q.ctx, db, nil, q.addresses, func(row scanner) error {
		m, err := scanMessage(row)
		if err == nil && m.DeletedAt == 0 {
			messages = append(messages, m)
		}
		return err
	})
	if err != nil {
		return err
	}
	heads := make(states)
	var small, mentioned []any
	for _, m := range messages {
		if heads[m.ConversationID] == nil {
			heads[m.ConversationID] = chat.NewState(m.ConversationID)
			small = append(small, m.ConversationID[:])
		}
	}
	if err := loadHeads.each(q.ctx, db, nil, small, func(row scanner) error { return scanHeadInto(row, heads) }); err != nil {
		return err
	}
	small = small[:0]
	large := func(id chat.ConversationID) bool {
		return heads[id].Head == nil || heads[id].Head.Members > chat.MaxReceiptMembers
	}
	for id := range heads {
		if !large(id) {
			small = append(small, id[:])
		}
	}
	for _, m := range messages {
		if large(m.ConversationID) {
			for i := range m.Mentions {
				mentioned = append(mentioned, m.ConversationID[:], m.Mentions[i][:])
			}
		}
	}
	found := make(map[chat.ConversationID]map[chat.PushID]subscriber)
	collect := func(row scanner) error {
		var id chat.ConversationID
		var s subscriber
		c := &s.candidate
		err := row.Scan(into(&id), into(&s.subscription), into(&c.UserID), &c.ReadSeq, &c.VisibleFrom, &c.Preferences.MutedUntil, &c.Preferences.Notify)
		if found[id] == nil {
			found[id] = make(map[chat.PushID]subscriber)
		}
		found[id][s.subscription] = s
		return err //nolint:wrapcheck // the caller names the verb
	}
	if err := subscribersIn.each(q.ctx, db, nil, small, collect); err != nil {
		return err
	}
	if err := subscribersNear.each(q.ctx, db, nil, mentioned, collect); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, m := range messages {
		for id, s := range found[m.ConversationID] {
			q.consider(m, heads[m.ConversationID].Head, id, s.candidate, seen)
		}
	}
	return nil
}

func (q *pushQueue) consider(m *chat.Message, head *chat.Conversation, id chat.PushID, c chat.PushCandidate, seen map[string]bool) {
	c.Seq, c.SenderID, c.At = m.Seq, m.SenderID, m.At
	if head != nil {
		c.Kind, c.Members = head.Kind, head.Members
	}
	for i := range m.Mentions {
		c.Mention = c.Mention || m.Mentions[i] == c.UserID
	}
	key := fmt.Sprint(id, m.ConversationID, m.Seq)
	if seen[key] || !q.wanted(&c) {
		return
	}
	seen[key] = true
	q.jobs = append(q.jobs, id[:], m.ConversationID[:], int64(m.Seq), flag(c.Mention), int64(q.at), int64(q.due))
}

// A browser for which too much waits gets no more, and its owner sees why.
var (
	putJobs = newMulti(`INSERT INTO push_jobs (subscription_id, conversation_id, seq, mention, queued_at, due_at, attempts)
		SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, 0 FROM (`, "bbiiii",
		fmt.Sprintf(`) AS v WHERE EXISTS (SELECT 1 FROM push_subscriptions s WHERE s.id = v.column1)
		AND (SELECT COUNT(*) FROM push_jobs j WHERE j.subscription_id = v.column1) < %d
		ON CONFLICT (subscription_id, conversation_id, seq) DO NOTHING`, chat.MaxPushesWaiting))
	noteFull = newMulti(`UPDATE push_subscriptions SET failed_at = v.column2, failure = 'too many notifications wait'
		FROM (`, "bi", fmt.Sprintf(`) AS v WHERE push_subscriptions.id = v.column1
		AND (SELECT COUNT(*) FROM push_jobs j WHERE j.subscription_id = v.column1) >= %d`, chat.MaxPushesWaiting))
)

func (q *pushQueue) write(t *tx) error {
	// One by one for each browser: the count of what waits includes the one before.
	cols := putJobs.cols()
	for i := 0; i < len(q.jobs); i += cols {
		if _, err := putJobs.exec(q.ctx, t, q.jobs[i:i+cols]); err != nil {
			return fmt.Errorf("queue: %w", err)
		}
	}
	var full []any
	seen := make(map[string]bool)
	for i := 0; i < len(q.jobs); i += cols {
		id, _ := q.jobs[i].([]byte)
		if !seen[string(id)] {
			seen[string(id)] = true
			full = append(full, id, int64(q.at))
		}
	}
	if _, err := noteFull.exec(q.ctx, t, full); err != nil {
		return fmt.Errorf("note full queues: %w", err)
	}
	return nil
}

const claimJobs = `UPDATE push_jobs SET due_at = ?1, attempts = attempts + 1
	WHERE due_at <= ?2 AND (subscription_id, conversation_id, seq) IN (
		SELECT j.subscription_id, j.conversation_id, j.seq FROM push_jobs j WHERE j.due_at <= ?2 ORDER BY j.due_at LIMIT ?3)
	RETURNING subscription_id, conversation_id, seq, mention, queued_at, attempts`

var (
	subscriptionsByID = newMulti("SELECT "+subscriptionColumns+" FROM push_subscriptions s WHERE s.id IN (", "b", ")")
	dropJobs          = newMulti("DELETE FROM push_jobs WHERE (subscription_id, conversation_id, seq) IN (", "bbi", ")")
	delayJobs         = newMulti("UPDATE push_jobs SET due_at = v.column4 FROM (", "bbii",
		") AS v WHERE push_jobs.subscription_id = v.column1 AND push_jobs.conversation_id = v.column2 AND push_jobs.seq = v.column3")
	noteSuccess = newMulti("UPDATE push_subscriptions SET succeeded_at = v.column2, failure = '' FROM (", "bi",
		") AS v WHERE push_subscriptions.id = v.column1 AND push_subscriptions.succeeded_at < v.column2")
	noteFailure = newMulti("UPDATE push_subscriptions SET failed_at = v.column2, failure = v.column3 FROM (", "bit",
		") AS v WHERE push_subscriptions.id = v.column1")
	dropGone = newMulti("DELETE FROM push_subscriptions WHERE id IN (", "b", ")")
)

// DuePushes implements chat.Pushes.
func (s *Store) DuePushes(ctx context.Context, now, until chat.Time, limit int) (jobs []chat.PushJob, err error) {
	var ids []any
	err = s.update(ctx, "claim pushes", func(t *tx) error {
		jobs, ids = nil, nil
		return queryEach(ctx, t, claimJobs, []any{int64(until), int64(now), int64(limit)}, func(row scanner) error {
			var j chat.PushJob
			var mention int64
			err := row.Scan(into(&j.Subscription.ID), into(&j.ConversationID), &j.Seq, &mention, &j.QueuedAt, &j.Attempts)
			j.Mention = mention != 0
			jobs, ids = append(jobs, j), append(ids, j.Subscription.ID[:])
			return err //nolint:wrapcheck // update names the verb
		})
	})
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	subs := make(map[chat.PushID]chat.PushSubscription)
	err = subscriptionsByID.each(ctx, s.read, nil, ids, func(row scanner) error {
		sub, err := scanSubscription(row)
		subs[sub.ID] = sub
		return err
	})
	if err != nil {
		return nil, s.fail("read subscriptions", err)
	}
	live := jobs[:0]
	for _, j := range jobs {
		if sub, ok := subs[j.Subscription.ID]; ok { // else it ended just now, and the job with it
			j.Subscription = sub
			live = append(live, j)
		}
	}
	return live, nil
}

// FinishPushes implements chat.Pushes.
func (s *Store) FinishPushes(ctx context.Context, results []chat.PushResult) error {
	var done, delayed, success, failure, gone []any
	for i := range results {
		r := &results[i]
		id, conversation, seq := r.Job.Subscription.ID[:], r.Job.ConversationID[:], int64(r.Job.Seq)
		if r.Failure != "" {
			failure = append(failure, id, int64(r.At), r.Failure)
		}
		switch r.Verdict {
		case chat.PushGone:
			gone = append(gone, id)
		case chat.PushRetry:
			delayed = append(delayed, id, conversation, seq, int64(r.RetryAt))
		case chat.PushSent:
			success = append(success, id, int64(r.At))
			done = append(done, id, conversation, seq)
		case chat.PushDropped, chat.PushFailed:
			done = append(done, id, conversation, seq)
		}
	}
	return s.update(ctx, "finish pushes", func(t *tx) error {
		for _, c := range []change{
			{sql: &dropGone, args: gone},
			{sql: &dropJobs, args: done},
			{sql: &delayJobs, args: delayed},
			{sql: &noteSuccess, args: success},
			{sql: &noteFailure, args: failure},
		} {
			// One at a time: of several about one browser the last counts.
			for i := 0; i < len(c.args); i += c.sql.cols() {
				if _, err := c.sql.exec(ctx, t, c.args[i:i+c.sql.cols()]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
