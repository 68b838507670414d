-- name: CreateSession :exec
INSERT INTO sessions (id, user_id, token_hash, created_at, seen_at, expires_at, user_agent, address)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: SessionByToken :one
SELECT sqlc.embed(sessions), sqlc.embed(accounts)
FROM sessions JOIN accounts ON accounts.id = sessions.user_id
WHERE sessions.token_hash = ?;

-- name: ListSessions :many
SELECT * FROM sessions WHERE user_id = ? ORDER BY seen_at DESC, id;

-- name: DeleteSession :execrows
DELETE FROM sessions WHERE id = ? AND user_id = ?;

-- name: DeleteSessions :many
DELETE FROM sessions WHERE user_id = ? AND id <> ? RETURNING id;

-- name: TouchSession :execrows
UPDATE sessions SET seen_at = ?, expires_at = ? WHERE id = ?;

-- name: DeleteExpired :execrows
DELETE FROM sessions WHERE expires_at <= ?;

-- name: NoteEnded :exec
INSERT INTO ended_sessions (id, user_id, at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING;

-- name: EndedSince :many
SELECT id, user_id, at FROM ended_sessions WHERE at >= ? ORDER BY at LIMIT ?;

-- name: ForgetEnded :exec
DELETE FROM ended_sessions WHERE at < ?;
