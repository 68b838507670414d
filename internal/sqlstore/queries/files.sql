-- name: CreateFile :exec
INSERT INTO files (id, owner_id, name, size, mime, width, height, thumb, sha256, created_at, avatar)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: File :one
SELECT * FROM files WHERE id = ?;

-- name: UsedBytes :one
SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) AS used FROM files WHERE owner_id = ?;

-- name: MarkAvatar :execrows
UPDATE files SET avatar = 1 WHERE id = ? AND owner_id = ?;

-- name: Orphans :many
SELECT f.id FROM files f
WHERE f.created_at < sqlc.arg(before)
  AND NOT EXISTS (SELECT 1 FROM file_refs r WHERE r.file_id = f.id)
  AND (f.avatar = 0
    OR NOT EXISTS (SELECT 1 FROM accounts a WHERE a.avatar_id = f.id)
   AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.avatar_id = f.id))
ORDER BY f.created_at
LIMIT sqlc.arg(most);

-- name: DeleteFile :execrows
DELETE FROM files WHERE id = ?;

-- name: FileHolder :one
SELECT CAST(CASE WHEN EXISTS (
    SELECT 1 FROM file_refs r
    JOIN members m ON m.conversation_id = r.conversation_id
    WHERE r.file_id = sqlc.arg(file_id) AND m.user_id = sqlc.arg(user_id) AND r.seq >= m.visible_from
) THEN 1 ELSE 0 END AS BIGINT) AS holds;
