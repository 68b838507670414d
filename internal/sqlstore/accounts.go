package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sqlstore/query"
)

func toAccount(row *query.Account) (*chat.Account, error) {
	u, err := toUser(row)
	if err != nil {
		return nil, err
	}
	return &chat.Account{
		User: u, Folded: row.Folded, Email: row.Email, PasswordHash: row.PasswordHash,
		Settings: row.Settings, LastSeenAt: chat.Time(row.LastSeenAt),
	}, nil
}

// CreateAccount implements chat.Accounts.
func (s *Store) CreateAccount(ctx context.Context, a *chat.Account) error {
	return s.update(ctx, "create account", func(t *tx) error {
		err := query.New(t).CreateAccount(ctx, query.CreateAccountParams{
			ID: a.ID[:], Folded: a.Folded, Username: a.Username, DisplayName: a.DisplayName,
			UsernameKey: strings.ToLower(a.Username), NameKey: strings.ToLower(a.DisplayName),
			Bio: a.Bio, AvatarID: nullID(a.AvatarID), Email: a.Email, PasswordHash: a.PasswordHash,
			Settings: settings(a), CreatedAt: int64(a.CreatedAt), LastSeenAt: int64(a.LastSeenAt), Disabled: flag(a.Disabled),
		})
		if err != nil {
			return err //nolint:wrapcheck // update names the verb
		}
		return writeParts(ctx, t, a)
	})
}

// lockAccount makes others who want to change an account wait until this transaction ends.
func (t *tx) lockAccount(ctx context.Context, id chat.UserID) error {
	lock := t.p.d.lockAccount
	if lock == "" {
		return nil
	}
	if _, err := t.ExecContext(ctx, lock, id[:]); err != nil {
		return fmt.Errorf("lock account: %w", err)
	}
	return nil
}

func settings(a *chat.Account) []byte {
	if a.Settings == nil {
		return []byte("{}")
	}
	return a.Settings
}

// Account implements chat.Accounts.
func (s *Store) Account(ctx context.Context, id chat.UserID) (*chat.Account, error) {
	row, err := s.reads().Account(ctx, id[:])
	if err != nil {
		return nil, s.fail("find account", err)
	}
	return toAccount(&row)
}

// AccountByUsername implements chat.Accounts.
func (s *Store) AccountByUsername(ctx context.Context, folded string) (*chat.Account, error) {
	row, err := s.reads().AccountByUsername(ctx, folded)
	if err != nil {
		return nil, s.fail("find account by username", err)
	}
	return toAccount(&row)
}

// UpdateAccount implements chat.Accounts.
func (s *Store) UpdateAccount(ctx context.Context, id chat.UserID, change func(*chat.Account) error) (*chat.Account, error) {
	var a *chat.Account
	err := s.update(ctx, "update account", func(t *tx) error {
		if err := t.lockAccount(ctx, id); err != nil {
			return err
		}
		q := query.New(t)
		row, err := q.Account(ctx, id[:])
		if err != nil {
			return s.fail("find account", err)
		}
		if a, err = toAccount(&row); err != nil {
			return err
		}
		was := *a
		if err := change(a); err != nil {
			return err
		}
		err = q.UpdateAccount(ctx, query.UpdateAccountParams{
			Folded: a.Folded, Username: a.Username, DisplayName: a.DisplayName,
			UsernameKey: strings.ToLower(a.Username), NameKey: strings.ToLower(a.DisplayName),
			Bio: a.Bio, AvatarID: nullID(a.AvatarID), Email: a.Email, PasswordHash: a.PasswordHash,
			Settings: settings(a), Disabled: flag(a.Disabled), ID: id[:],
		})
		if err != nil || (was.Username == a.Username && was.DisplayName == a.DisplayName) {
			return err //nolint:wrapcheck // update names the verb
		}
		return writeParts(ctx, t, a)
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

var usersByID = newMulti("SELECT id, username, display_name, bio, avatar_id, created_at, disabled FROM accounts WHERE id IN (", "b", ")")

// Users implements chat.Accounts.
func (s *Store) Users(ctx context.Context, ids []chat.UserID) ([]chat.User, error) {
	found, err := users(ctx, s.read, ids)
	if err != nil {
		return nil, s.fail("find users", err)
	}
	return found, nil
}

func users(ctx context.Context, db database, ids []chat.UserID) ([]chat.User, error) {
	out := make([]chat.User, 0, len(ids))
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	seen := make(map[chat.UserID]bool, len(ids))
	err := usersByID.each(ctx, db, nil, args, func(row scanner) error {
		u, err := scanUser(row)
		if err == nil && !seen[u.ID] { // an id may stand in two parts of the list
			seen[u.ID] = true
			out = append(out, u)
		}
		return err
	})
	return out, err
}

func scanUser(row scanner, more ...any) (u chat.User, err error) {
	var disabled int64
	err = row.Scan(append([]any{
		into(&u.ID), &u.Username, &u.DisplayName, &u.Bio, into(&u.AvatarID), &u.CreatedAt, &disabled,
	}, more...)...)
	u.Disabled = disabled != 0
	return u, err
}

// ListAccounts implements chat.Accounts.
func (s *Store) ListAccounts(ctx context.Context, from string, limit int) (page chat.Page[chat.Account], err error) {
	_, after, _, err := parseCursor(from, 0)
	if err != nil {
		return page, err
	}
	rows, err := s.reads().ListAccounts(ctx, after, int64(limit)+1)
	if err != nil {
		return page, s.fail("list accounts", err)
	}
	for i := range rows {
		if i == limit {
			page.Next = cursor(nil, rows[i-1].Folded)
			break
		}
		a, err := toAccount(&rows[i])
		if err != nil {
			return page, s.fail("list accounts", err)
		}
		page.Items = append(page.Items, *a)
	}
	return page, nil
}

var putSeen = newMulti("UPDATE accounts SET last_seen_at = v.column2 FROM (", "bi",
	") AS v WHERE accounts.id = v.column1 AND accounts.last_seen_at < v.column2")

// TouchSeen implements chat.Accounts.
func (s *Store) TouchSeen(ctx context.Context, seen map[chat.UserID]chat.Time) error {
	if len(seen) == 0 {
		return nil
	}
	// In one order: nodes that note the same people do not wait for one another in a circle.
	ids := slices.SortedFunc(maps.Keys(seen), func(a, b chat.UserID) int { return bytes.Compare(a[:], b[:]) })
	args := make([]any, 0, 2*len(ids))
	for i := range ids {
		args = append(args, ids[i][:], int64(seen[ids[i]]))
	}
	return s.update(ctx, "note people seen", func(t *tx) error {
		_, err := putSeen.exec(ctx, t, args)
		return err
	})
}

var lastSeenByID = newMulti("SELECT id, last_seen_at FROM accounts WHERE disabled = 0 AND id IN (", "b", ")")

// LastSeen implements chat.Accounts.
func (s *Store) LastSeen(ctx context.Context, ids []chat.UserID) (map[chat.UserID]chat.Time, error) {
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	seen := make(map[chat.UserID]chat.Time, len(ids))
	err := lastSeenByID.each(ctx, s.read, nil, args, func(row scanner) error {
		var id chat.UserID
		var at chat.Time
		err := row.Scan(into(&id), &at)
		seen[id] = at
		return err //nolint:wrapcheck // fail names the verb
	})
	if err != nil {
		return nil, s.fail("read when people were seen", err)
	}
	return seen, nil
}
