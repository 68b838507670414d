-- name: Position :one
SELECT next_offset, prev_offset FROM positions WHERE log = ? AND part = ?;

-- name: Moved :many
SELECT m.conversation_id, c.seq, m.delivered_seq, m.read_seq,
    CAST(c.messages - m.read_ordinal - (
        SELECT COUNT(*) FROM message_states s
        WHERE s.conversation_id = m.conversation_id AND s.deleted = 1 AND s.seq > m.read_seq
    ) AS BIGINT) AS unread,
    CAST((
        SELECT COUNT(*) FROM mentions n
        WHERE n.user_id = m.user_id AND n.conversation_id = m.conversation_id AND n.seq > m.read_seq
    ) AS BIGINT) AS mentions
FROM members m JOIN conversations c ON c.id = m.conversation_id
WHERE m.user_id = sqlc.arg(user_id) AND (c.moved_at >= sqlc.arg(since) OR m.moved_at >= sqlc.arg(since));

-- name: Memberships :many
SELECT m.conversation_id, m.visible_from, c.kind, c.seq, c.members
FROM members m JOIN conversations c ON c.id = m.conversation_id
WHERE m.user_id = ?;

-- name: Member :one
SELECT m.user_id, m.role, m.visible_from, m.joined_seq, m.joined_at, c.kind
FROM members m JOIN conversations c ON c.id = m.conversation_id
WHERE m.conversation_id = ? AND m.user_id = ?;

-- name: Entries :many
SELECT e.seq, e.body FROM (
    SELECT a.seq, a.body FROM message_entries a
    WHERE a.conversation_id = sqlc.arg(conversation_id) AND a.seq > sqlc.arg(after) AND a.seq <= sqlc.arg(upto)
    UNION ALL
    SELECT b.seq, b.body FROM other_entries b
    WHERE b.conversation_id = sqlc.arg(conversation_id) AND b.seq > sqlc.arg(after) AND b.seq <= sqlc.arg(upto)
) e ORDER BY e.seq;

-- name: Receipts :many
SELECT user_id, delivered_seq, read_seq FROM members
WHERE conversation_id = sqlc.arg(conversation_id) AND delivered_seq >= sqlc.arg(at_least)
ORDER BY read_seq DESC, delivered_seq DESC, user_id
LIMIT sqlc.arg(most);

-- name: ReceiptCounts :one
SELECT COUNT(*) AS delivered, CAST(COALESCE(SUM(CASE WHEN read_seq >= sqlc.arg(seq) THEN 1 ELSE 0 END), 0) AS BIGINT) AS seen
FROM members
WHERE conversation_id = sqlc.arg(conversation_id) AND delivered_seq >= sqlc.arg(seq) AND user_id <> sqlc.arg(except);
