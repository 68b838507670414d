-- name: CreateAccount :exec
INSERT INTO accounts (id, folded, username, display_name, username_key, name_key, bio, avatar_id, email,
    password_hash, settings, created_at, last_seen_at, disabled)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: Account :one
SELECT * FROM accounts WHERE id = ?;

-- name: AccountByUsername :one
SELECT * FROM accounts WHERE folded = ?;

-- name: UpdateAccount :exec
UPDATE accounts SET folded = ?, username = ?, display_name = ?, username_key = ?, name_key = ?, bio = ?,
    avatar_id = ?, email = ?, password_hash = ?, settings = ?, disabled = ?
WHERE id = ?;

-- name: ListAccounts :many
SELECT * FROM accounts WHERE folded > ? ORDER BY folded LIMIT ?;
