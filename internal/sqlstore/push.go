package sqlstore

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

const subscriptionColumns = `s.id, s.user_id, s.session_id, s.endpoint, s.p256dh, s.auth, s.content, s.user_agent,
	s.created_at, s.succeeded_at, s.failed_at, s.failure`

const (
	subscriptionOwner = `SELECT id, user_id FROM push_subscriptions WHERE endpoint_hash = ?`
	countSubscribed   = `SELECT COUNT(*) FROM push_subscriptions WHERE user_id = ?`
	anySubscribed     = `SELECT 1 FROM push_subscriptions LIMIT 1`
	putSubscription   = `INSERT INTO push_subscriptions (id, user_id, session_id, endpoint_hash, endpoint, p256dh, auth, content, user_agent,
		created_at, succeeded_at, failed_at, failure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '')`
	renewSubscription = `UPDATE push_subscriptions SET session_id = ?, p256dh = ?, auth = ?, content = ?, user_agent = ? WHERE id = ?`
	listSubscriptions = `SELECT ` + subscriptionColumns + ` FROM push_subscriptions s WHERE s.user_id = ? ORDER BY s.created_at DESC, s.id`
	setContent        = `UPDATE push_subscriptions SET content = ? WHERE id = ? AND user_id = ?`
	dropSubscription  = `DELETE FROM push_subscriptions WHERE id = ? AND user_id = ?`
	holdSubscription  = `UPDATE push_subscriptions SET content = content WHERE id = ? AND user_id = ?`
	putTest           = `INSERT INTO push_jobs (subscription_id, conversation_id, seq, mention, queued_at, due_at, attempts)
		VALUES (?, ?, ?, 0, ?, ?, 0)`
	keepKey = `INSERT INTO server_keys (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`
	readKey = `SELECT value FROM server_keys WHERE name = ?`
)

func scanSubscription(row scanner, more ...any) (s chat.PushSubscription, err error) {
	var key, auth []byte
	var content int64
	err = row.Scan(append([]any{
		into(&s.ID), into(&s.UserID), into(&s.SessionID), &s.Endpoint, &key, &auth, &content, &s.UserAgent,
		&s.CreatedAt, &s.SucceededAt, &s.FailedAt, &s.Failure,
	}, more...)...)
	if err == nil && (copy(s.Key[:], key) != len(s.Key) || copy(s.Auth[:], auth) != len(s.Auth)) {
		err = errBadRow
	}
	s.Content = content != 0
	return s, err
}

// SaveSubscription implements chat.Pushes.
func (s *Store) SaveSubscription(ctx context.Context, sub *chat.PushSubscription) (created bool, err error) {
	hash := sha256.Sum256([]byte(sub.Endpoint))
	err = s.update(ctx, "save subscription", func(t *tx) error {
		var had chat.PushID
		var owner chat.UserID
		if err := queryEach(ctx, t, subscriptionOwner, []any{hash[:]}, func(row scanner) error { return row.Scan(into(&had), into(&owner)) }); err != nil {
			return err
		}
		if owner == sub.UserID {
			sub.ID = had
			_, err := execute(ctx, t, renewSubscription, []any{sub.SessionID[:], sub.Key[:], sub.Auth[:], flag(sub.Content), sub.UserAgent, had[:]})
			return err
		}
		if !had.IsZero() {
			if _, err := execute(ctx, t, dropSubscription, []any{had[:], owner[:]}); err != nil {
				return err
			}
		}
		created = true
		return s.addSubscription(ctx, t, sub, hash[:])
	})
	return created && err == nil, err
}

func (s *Store) addSubscription(ctx context.Context, t *tx, sub *chat.PushSubscription, hash []byte) error {
	var n int64
	if err := queryEach(ctx, t, countSubscribed, []any{sub.UserID[:]}, func(row scanner) error { return row.Scan(&n) }); err != nil {
		return err
	}
	if n >= chat.MaxPushSubscriptions {
		return &chat.Error{Code: chat.CodeTooLarge, Reason: "limit_exceeded", Message: "At most 20 browsers can get notifications; remove one first."}
	}
	if s.d.beginPushes != "" { // what was said while nobody was to be told is not told
		some := false
		if err := queryEach(ctx, t, anySubscribed, nil, func(scanner) error { some = true; return nil }); err != nil {
			return err
		}
		if !some {
			if _, err := execute(ctx, t, s.d.beginPushes, []any{pushLog}); err != nil {
				return err
			}
		}
	}
	_, err := execute(ctx, t, putSubscription, []any{
		sub.ID[:], sub.UserID[:], sub.SessionID[:], hash, sub.Endpoint, sub.Key[:], sub.Auth[:],
		flag(sub.Content), sub.UserAgent, int64(sub.CreatedAt),
	})
	return err
}

// Subscriptions implements chat.Pushes.
func (s *Store) Subscriptions(ctx context.Context, user chat.UserID) (out []chat.PushSubscription, err error) {
	err = queryEach(ctx, s.read, listSubscriptions, []any{user[:]}, func(row scanner) error {
		sub, err := scanSubscription(row)
		out = append(out, sub)
		return err
	})
	return out, s.failed("list subscriptions", err)
}

// SetContent implements chat.Pushes.
func (s *Store) SetContent(ctx context.Context, user chat.UserID, id chat.PushID, content bool) (*chat.PushSubscription, error) {
	err := s.update(ctx, "change subscription", func(t *tx) error {
		return one(execute(ctx, t, setContent, []any{flag(content), id[:], user[:]}))
	})
	if err != nil {
		return nil, err
	}
	all, err := s.Subscriptions(ctx, user)
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	if err == nil {
		err = fmt.Errorf("change subscription: %w", chat.ErrNotFound)
	}
	return nil, err
}

// DeleteSubscription implements chat.Pushes.
func (s *Store) DeleteSubscription(ctx context.Context, user chat.UserID, id chat.PushID) error {
	return s.update(ctx, "delete subscription", func(t *tx) error {
		return one(execute(ctx, t, dropSubscription, []any{id[:], user[:]}))
	})
}

// noConversation is what a test stands in.
var noConversation = make([]byte, 16)

// QueueTest implements chat.Pushes.
func (s *Store) QueueTest(ctx context.Context, user chat.UserID, id chat.PushID, at chat.Time) error {
	return s.update(ctx, "queue test", func(t *tx) error {
		if err := one(execute(ctx, t, holdSubscription, []any{id[:], user[:]})); err != nil {
			return err
		}
		_, err := execute(ctx, t, putTest, []any{id[:], noConversation, int64(at), int64(at), int64(at)})
		return err
	})
}

// ServerKey implements chat.Pushes.
func (s *Store) ServerKey(ctx context.Context, name string, made []byte) (kept []byte, err error) {
	err = s.update(ctx, "keep key", func(t *tx) error {
		if _, err := execute(ctx, t, keepKey, []any{name, made}); err != nil {
			return err
		}
		return queryEach(ctx, t, readKey, []any{name}, func(row scanner) error { return row.Scan(&kept) })
	})
	return kept, err
}
