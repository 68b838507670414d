package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	countBlocks = `SELECT COUNT(*) FROM blocks WHERE user_id = ?`
	putBlock    = `INSERT INTO blocks (user_id, blocked_id, at) VALUES (?, ?, ?) ON CONFLICT (user_id, blocked_id) DO NOTHING`
	dropBlock   = `DELETE FROM blocks WHERE user_id = ? AND blocked_id = ?`
	listBlocks  = `SELECT blocked_id, at FROM blocks WHERE user_id = ? AND (at < ? OR (at = ? AND blocked_id < ?))
		ORDER BY at DESC, blocked_id DESC LIMIT ?`
	listHidden = `SELECT blocked_id FROM blocks WHERE user_id = ?1 UNION SELECT user_id FROM blocks WHERE blocked_id = ?1`
)

var listBlockers = newMulti("SELECT user_id FROM blocks WHERE blocked_id = ? AND user_id IN (", "b", ")")

// SetBlock implements chat.BlockList.
func (s *Store) SetBlock(ctx context.Context, user, other chat.UserID, on bool, at chat.Time) (changed bool, err error) {
	err = s.update(ctx, "block", func(t *tx) error {
		if !on {
			n, err := execute(ctx, t, dropBlock, []any{user[:], other[:]})
			changed = n > 0
			return err
		}
		n, err := execute(ctx, t, putBlock, []any{user[:], other[:], int64(at)})
		if changed = n > 0; err != nil || !changed {
			return err
		}
		var all int64
		err = queryEach(ctx, t, countBlocks, []any{user[:]}, func(row scanner) error { return row.Scan(&all) })
		if err == nil && all > chat.MaxBlocks {
			err = &chat.Error{Code: chat.CodeTooLarge, Reason: "limit_exceeded", Message: "At most 1,000 people can be blocked."}
		}
		return err
	})
	return changed && err == nil, err
}

// Blocked implements chat.BlockList.
func (s *Store) Blocked(ctx context.Context, user chat.UserID, from string, limit int) (page chat.Page[chat.BlockedUser], err error) {
	ns, last, ok, err := parseCursor(from, 1)
	if err != nil {
		return page, err
	}
	if !ok {
		ns = []int64{1<<63 - 1}
	}
	var ids []chat.UserID
	args := []any{user[:], ns[0], ns[0], []byte(last), int64(limit) + 1}
	err = queryEach(ctx, s.read, listBlocks, args, func(row scanner) error {
		if len(ids) == limit {
			b := &page.Items[limit-1]
			page.Next = cursor([]int64{int64(b.At)}, string(b.User.ID[:]))
			return nil
		}
		var b chat.BlockedUser
		err := row.Scan(into(&b.User.ID), &b.At)
		ids = append(ids, b.User.ID)
		page.Items = append(page.Items, b)
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return page, s.fail("list blocks", err)
	}
	users, err := profiles(ctx, s.read, ids)
	if err != nil {
		return page, s.fail("list blocks", err)
	}
	for i := range page.Items {
		page.Items[i].User = users[page.Items[i].User.ID]
	}
	return page, nil
}

// Hidden implements chat.BlockList.
func (s *Store) Hidden(ctx context.Context, user chat.UserID) (out []chat.UserID, err error) {
	err = queryEach(ctx, s.read, listHidden, []any{user[:]}, func(row scanner) error { return appendID(row, &out) })
	return out, s.failed("list who is hidden", err)
}

// Blockers implements chat.BlockList.
func (s *Store) Blockers(ctx context.Context, user chat.UserID, among []chat.UserID) (out []chat.UserID, err error) {
	args := make([]any, len(among))
	for i := range among {
		args[i] = among[i][:]
	}
	seen := make(map[chat.UserID]bool)
	err = listBlockers.each(ctx, s.read, []any{user[:]}, args, func(row scanner) error {
		var id chat.UserID
		err := row.Scan(into(&id))
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
		return err //nolint:wrapcheck // the caller names the verb
	})
	return out, s.failed("list blockers", err)
}

func appendID[K any](row scanner, to *[]chat.ID[K]) error {
	var id chat.ID[K]
	err := row.Scan(into(&id))
	*to = append(*to, id)
	return err //nolint:wrapcheck // the caller names the verb
}

const listDeparted = `SELECT d.conversation_id FROM departures d WHERE d.user_id = ? AND d.left_at >= ?
	AND NOT EXISTS (SELECT 1 FROM members m WHERE m.conversation_id = d.conversation_id AND m.user_id = d.user_id)`

// Departed implements chat.Views.
func (s *Store) Departed(ctx context.Context, user chat.UserID, since chat.Time) (out []chat.ConversationID, err error) {
	err = queryEach(ctx, s.read, listDeparted, []any{user[:], int64(since)}, func(row scanner) error { return appendID(row, &out) })
	return out, s.failed("list what was left", err)
}

const (
	makePreferences = `INSERT INTO preferences (user_id, conversation_id, muted_until, notify, pinned, archived)
		VALUES (?, ?, 0, 'all', 0, 0)
		ON CONFLICT (user_id, conversation_id) DO UPDATE SET notify = preferences.notify`
	readPreferences = `SELECT muted_until, notify, pinned, archived FROM preferences WHERE user_id = ? AND conversation_id = ?`
	putPreferences  = `UPDATE preferences SET muted_until = ?, notify = ?, pinned = ?, archived = ? WHERE user_id = ? AND conversation_id = ?`
)

// UpdatePreferences implements chat.PreferenceStore.
func (s *Store) UpdatePreferences(ctx context.Context, user chat.UserID, id chat.ConversationID, change func(*chat.Preferences)) (p chat.Preferences, err error) {
	err = s.update(ctx, "change preferences", func(t *tx) error {
		if _, err := t.ExecContext(ctx, makePreferences, user[:], id[:]); err != nil {
			return fmt.Errorf("make: %w", err)
		}
		var pinned, archived int64
		err := queryEach(ctx, t, readPreferences, []any{user[:], id[:]}, func(row scanner) error {
			return row.Scan(&p.MutedUntil, &p.Notify, &pinned, &archived)
		})
		if err != nil {
			return err
		}
		p.Pinned, p.Archived = pinned != 0, archived != 0
		change(&p)
		_, err = t.ExecContext(ctx, putPreferences, int64(p.MutedUntil), string(p.Notify), flag(p.Pinned), flag(p.Archived), user[:], id[:])
		return err //nolint:wrapcheck // update names the verb
	})
	return p, err
}

// liveInvites are the columns of invitations that can still be used at a time.
const liveInvites = `SELECT id, conversation_id, token_hash, created_by, created_at, expires_at, max_uses, uses FROM invites
	WHERE (expires_at = 0 OR expires_at > ?) AND (max_uses = 0 OR uses < max_uses) AND `

const (
	putInvite = `INSERT INTO invites (id, conversation_id, token_hash, created_by, created_at, expires_at, max_uses, uses)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	inviteByToken = liveInvites + `token_hash = ?`
	listInvites   = liveInvites + `conversation_id = ? AND id < ? ORDER BY id DESC LIMIT ?`
	dropInvite    = `DELETE FROM invites WHERE id = ? AND conversation_id = ?`
	useInvite     = `UPDATE invites SET uses = uses + 1
		WHERE id = ? AND (expires_at = 0 OR expires_at > ?) AND (max_uses = 0 OR uses < max_uses)`
	returnInvite = `UPDATE invites SET uses = uses - 1 WHERE id = ? AND uses > 0`
	dropInvites  = `DELETE FROM invites WHERE (expires_at <> 0 AND expires_at <= ?) OR (max_uses <> 0 AND uses >= max_uses)`
)

// CreateInvite implements chat.Invites.
func (s *Store) CreateInvite(ctx context.Context, i *chat.Invite) error {
	return s.update(ctx, "create invitation", func(t *tx) error {
		live := 0
		args := []any{int64(i.CreatedAt), i.ConversationID[:], lastID, int64(chat.MaxInvites)}
		if err := queryEach(ctx, t, listInvites, args, func(scanner) error { live++; return nil }); err != nil {
			return err
		}
		if live >= chat.MaxInvites {
			return &chat.Error{Code: chat.CodeTooLarge, Reason: "limit_exceeded", Message: "A conversation has at most 100 invitations; revoke one first."}
		}
		_, err := t.ExecContext(ctx, putInvite, i.ID[:], i.ConversationID[:], i.TokenHash[:], i.CreatedBy[:], int64(i.CreatedAt),
			int64(i.ExpiresAt), int64(i.MaxUses), int64(i.Uses))
		return err //nolint:wrapcheck // update names the verb
	})
}

// lastID is behind every id.
var lastID = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func scanInvite(row scanner) (i chat.Invite, err error) {
	var hash []byte
	err = row.Scan(into(&i.ID), into(&i.ConversationID), &hash, into(&i.CreatedBy), &i.CreatedAt, &i.ExpiresAt, &i.MaxUses, &i.Uses)
	if err == nil && copy(i.TokenHash[:], hash) != len(i.TokenHash) {
		err = errBadRow
	}
	return i, err
}

// InviteByToken implements chat.Invites.
func (s *Store) InviteByToken(ctx context.Context, hash [32]byte, now chat.Time) (*chat.Invite, error) {
	var found *chat.Invite
	err := queryEach(ctx, s.read, inviteByToken, []any{int64(now), hash[:]}, func(row scanner) error {
		i, err := scanInvite(row)
		found = &i
		return err
	})
	if err == nil && found == nil {
		err = chat.ErrNotFound
	}
	return found, s.failed("find invitation", err)
}

// ListInvites implements chat.Invites.
func (s *Store) ListInvites(ctx context.Context, id chat.ConversationID, now chat.Time, from string, limit int) (page chat.Page[chat.Invite], err error) {
	_, last, ok, err := parseCursor(from, 0)
	if err != nil {
		return page, err
	}
	below := lastID
	if ok {
		below = []byte(last)
	}
	err = queryEach(ctx, s.read, listInvites, []any{int64(now), id[:], below, int64(limit) + 1}, func(row scanner) error {
		if len(page.Items) == limit {
			page.Next = cursor(nil, string(page.Items[limit-1].ID[:]))
			return nil
		}
		i, err := scanInvite(row)
		page.Items = append(page.Items, i)
		return err
	})
	return page, s.failed("list invitations", err)
}

// DeleteInvite implements chat.Invites.
func (s *Store) DeleteInvite(ctx context.Context, id chat.ConversationID, invite chat.InviteID) error {
	return s.update(ctx, "delete invitation", func(t *tx) error {
		return one(execute(ctx, t, dropInvite, []any{invite[:], id[:]}))
	})
}

// UseInvite implements chat.Invites.
func (s *Store) UseInvite(ctx context.Context, invite chat.InviteID, now chat.Time) error {
	return s.update(ctx, "use invitation", func(t *tx) error {
		return one(execute(ctx, t, useInvite, []any{invite[:], int64(now)}))
	})
}

// ReturnInvite implements chat.Invites.
func (s *Store) ReturnInvite(ctx context.Context, invite chat.InviteID) error {
	err := s.update(ctx, "return invitation", func(t *tx) error {
		return one(execute(ctx, t, returnInvite, []any{invite[:]}))
	})
	if errors.Is(err, chat.ErrNotFound) { // revoked meanwhile
		return nil
	}
	return err
}

// DeleteDeadInvites implements chat.Invites.
func (s *Store) DeleteDeadInvites(ctx context.Context, now chat.Time) (n int, err error) {
	err = s.update(ctx, "delete dead invitations", func(t *tx) error {
		rows, err := execute(ctx, t, dropInvites, []any{int64(now)})
		n = int(rows)
		return err
	})
	return n, err
}
