package sqlstore

import (
	"context"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

// mostScopes is in how many conversations, the last active first, somebody looks
// for what the index has no terms for, and up to how many the index keeps to them.
const mostScopes = 1000

const activeMemberOf = `SELECT m.conversation_id FROM members m JOIN conversations c ON c.id = m.conversation_id
	WHERE m.user_id = $1 ORDER BY c.active_at DESC LIMIT $2`

// Messages older than one, newest first, with what is shown of them and whether
// the person may see them. Two ways to find them:
const (
	lookFor = `SELECT k.at, COALESCE(e.seq >= v.visible_from, FALSE), ` + foldedColumns + ` JOIN (`
	lookIn  = `) k ON k.conversation_id = e.conversation_id AND k.seq = e.seq
		LEFT JOIN members v ON v.conversation_id = e.conversation_id AND v.user_id = $1
		ORDER BY k.at DESC, k.conversation_id DESC, k.seq DESC`
	older = `at <= $2 AND (at, conversation_id, seq) < ($2, $3, $4) AND at >= $5`

	// the latest of some conversations, whatever they say,
	lookAtLatest = lookFor + `SELECT l.* FROM unnest($7::bytea[]) AS c(id) CROSS JOIN LATERAL (
			SELECT conversation_id, seq, at FROM message_terms WHERE conversation_id = c.id AND ` + older + `
			ORDER BY at DESC, seq DESC LIMIT $6) l
		ORDER BY at DESC, conversation_id DESC, seq DESC LIMIT $6` + lookIn

	// and those with some terms, of which there are few: the others were found by
	// the first way. Either in some conversations or in all there are.
	lookAtTerms = lookFor + hits + `terms @> $7::integer[] AND terms && $8::integer[] AND ` + older + hitsEnd + lookIn
	lookAtAll   = lookFor + hits + `terms @> $7::integer[] AND ` + older + hitsEnd + lookIn
	hits        = `WITH hits AS MATERIALIZED (SELECT conversation_id, seq, at FROM message_terms WHERE `
	hitsEnd     = `) SELECT * FROM hits ORDER BY at DESC, conversation_id DESC, seq DESC LIMIT $6`
)

// postgresFinder looks for messages older than one.
type postgresFinder struct {
	s      *Store
	user   chat.UserID
	scopes [][]byte
	terms  []int32
	within []int32 // terms of the scopes; empty: anywhere
	after  chat.Time
	// looked is set when the latest messages were looked at: what has these terms is rare then.
	looked bool

	at           chat.Time
	conversation []byte
	seq          int64
}

// find implements fullText.
func (x *postgresIndex) find(ctx context.Context, user chat.UserID, q *chat.SearchQuery, words [][]rune) (finder, error) {
	f := &postgresFinder{s: x.s, user: user, after: q.After, at: 1<<63 - 1, conversation: []byte{}}
	ns, last, ok, err := parseCursor(q.Cursor, 2)
	if ok && err == nil {
		f.at, f.seq, f.conversation = chat.Time(ns[0]), ns[1], []byte(last)
	}
	if err != nil {
		return nil, err
	}
	if q.Before != 0 && q.Before < f.at {
		f.at, f.seq, f.conversation = q.Before, 0, []byte{}
	}
	for _, t := range queryTerms(words) {
		f.terms = append(f.terms, termHash(t))
	}
	if !q.SenderID.IsZero() {
		f.terms = append(f.terms, termHash(senderTerm(q.SenderID)))
	}
	for _, h := range q.Has {
		f.terms = append(f.terms, termHash(hasTerm(h)))
	}
	if err := f.scope(ctx, q.ConversationID); err != nil || len(f.scopes) == 0 {
		return nil, err
	}
	return f, nil
}

// scope finds the conversations to look in.
func (f *postgresFinder) scope(ctx context.Context, only chat.ConversationID) error {
	if !only.IsZero() {
		f.scopes, f.within = [][]byte{only[:]}, []int32{termHash(conversationTerm(only))}
		return nil
	}
	f.within = nil
	err := queryEach(ctx, f.s.read, activeMemberOf, []any{f.user[:], int64(mostScopes) + 1}, func(row scanner) error {
		var id chat.ConversationID
		err := row.Scan(into(&id))
		f.scopes = append(f.scopes, id[:])
		f.within = append(f.within, termHash(conversationTerm(id)))
		return err //nolint:wrapcheck // the caller names the verb
	})
	if err != nil {
		return fmt.Errorf("list conversations: %w", err)
	}
	if len(f.scopes) > mostScopes {
		f.scopes, f.within = f.scopes[:mostScopes], nil
	}
	return nil
}

// look implements finder. The latest messages are looked at first, whatever their
// terms: words that many messages have are among them, and the index need not
// collect them all to find which are new.
func (f *postgresFinder) look(ctx context.Context) (found []candidate, scanned int, more bool, err error) {
	text := lookAtLatest
	args := []any{f.user[:], int64(f.at), f.conversation, f.seq, int64(f.after), int64(scanStep)}
	switch {
	case !f.looked || len(f.terms) == 0:
		args = append(args, f.scopes)
	case len(f.within) > 0:
		text, args = lookAtTerms, append(args, f.terms, f.within)
	default:
		text, args = lookAtAll, append(args, f.terms)
	}
	f.looked = true
	err = queryEach(ctx, f.s.read, text, args, func(row scanner) error {
		var may bool
		m, err := scanMessage(rowsBefore{row, []any{&f.at, &may}})
		if err != nil {
			return err
		}
		scanned++
		f.conversation, f.seq = m.ConversationID[:], int64(m.Seq)
		if may {
			found = append(found, candidate{m, f.cursor()})
		}
		return nil
	})
	return found, scanned, scanned == scanStep, err
}

// cursor implements finder.
func (f *postgresFinder) cursor() string {
	return cursor([]int64{int64(f.at), f.seq}, string(f.conversation))
}
