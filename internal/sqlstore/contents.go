package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	sharedFiles = `SELECT r.file_id, r.seq, e.body FROM file_refs r
		JOIN message_entries e ON e.conversation_id = r.conversation_id AND e.seq = r.seq
		WHERE r.conversation_id = ? AND r.seq >= ? AND (r.seq < ? OR (r.seq = ? AND r.file_id < ?))`
	filesOfAllSorts = sharedFiles + ` ORDER BY r.seq DESC, r.file_id DESC LIMIT ?`
	filesOfOneSort  = sharedFiles + ` AND r.sort = ? ORDER BY r.seq DESC, r.file_id DESC LIMIT ?`
	// The pins come first, and they are few: the joining keeps SQLite to that.
	pinnedMessages = `SELECT e.conversation_id, e.body, s.text, s.edited_at, s.deleted_at, s.pinned_at, s.reactions
		FROM message_states s CROSS JOIN message_entries e
		WHERE e.conversation_id = s.conversation_id AND e.seq = s.seq
			AND s.conversation_id = ? AND s.pinned_at <> 0 AND +s.seq >= ? ORDER BY s.pinned_at DESC, s.seq DESC`
)

// SharedFiles implements chat.Contents.
func (s *Store) SharedFiles(ctx context.Context, id chat.ConversationID, q chat.FileQuery) (page chat.Page[chat.SharedFile], err error) {
	ns, last, ok, err := parseCursor(q.Cursor, 1)
	if err != nil {
		return page, err
	}
	if !ok {
		ns = []int64{1<<63 - 1}
	}
	text, args := filesOfAllSorts, []any{id[:], int64(q.VisibleFrom), ns[0], ns[0], []byte(last)}
	if q.Sort != chat.FilesAll {
		text, args = filesOfOneSort, append(args, string(q.Sort))
	}
	err = queryEach(ctx, s.read, text, append(args, int64(q.Limit)+1), func(row scanner) error {
		if len(page.Items) == q.Limit {
			f := &page.Items[q.Limit-1]
			page.Next = cursor([]int64{int64(f.Seq)}, string(f.ID[:]))
			return nil
		}
		f, err := scanShared(row)
		page.Items = append(page.Items, f)
		return err
	})
	return page, s.failed("list files", err)
}

func scanShared(row scanner) (f chat.SharedFile, err error) {
	var file chat.FileID
	var body []byte
	if err := row.Scan(into(&file), &f.Seq, &body); err != nil {
		return f, err //nolint:wrapcheck // the caller names the verb
	}
	e, err := chat.DecodeEntry(body)
	if err != nil {
		return f, fmt.Errorf("read entry: %w", err)
	}
	i := slices.IndexFunc(e.Attachments, func(a chat.Attachment) bool { return a.ID == file })
	if i < 0 {
		return f, errBadRow
	}
	f.Attachment, f.SenderID, f.At = e.Attachments[i], e.SenderID, e.At
	return f, nil
}

// Pins implements chat.Contents.
func (s *Store) Pins(ctx context.Context, id chat.ConversationID, visibleFrom chat.Seq) (out []chat.Message, err error) {
	err = queryEach(ctx, s.read, pinnedMessages, []any{id[:], int64(visibleFrom)}, func(row scanner) error {
		m, err := scanMessage(row)
		if err == nil {
			out = append(out, *m)
		}
		return err
	})
	return out, s.failed("list pins", err)
}

// Head implements chat.Contents.
func (s *Store) Head(ctx context.Context, id chat.ConversationID) (head *chat.Conversation, err error) {
	err = loadHeads.each(ctx, s.read, nil, []any{id[:]}, func(row scanner) (err error) {
		head, err = scanHead(row)
		return err
	})
	if err == nil && head == nil {
		err = chat.ErrNotFound
	}
	return head, s.failed("read head", err)
}
