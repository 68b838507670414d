package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// maxScan bounds the messages that one call of Search looks at, and scanStep
	// those of one look.
	maxScan  = 900
	scanStep = 300
)

// Search implements chat.Searcher. The index gives messages that may be meant;
// what they say now decides.
func (s *Store) Search(ctx context.Context, user chat.UserID, q chat.SearchQuery) (page chat.Page[chat.Found], err error) {
	if s.index == nil {
		return page, fmt.Errorf("search next to another process: %w", chat.ErrUnavailable)
	}
	words := make([][]rune, 0, len(q.Words))
	for _, word := range q.Words {
		if f := fold(word); len(f.runes) > 0 {
			words = append(words, f.runes)
		}
	}
	f, err := s.index.find(ctx, user, &q, words)
	if err != nil || f == nil || len(words) < len(q.Words) { // accents alone stand nowhere
		return page, s.failed("search", err)
	}
	for all := 0; all < maxScan; {
		found, scanned, more, err := f.look(ctx)
		if err != nil {
			return page, s.fail("search", err)
		}
		for i := range found {
			hit, ok := matches(found[i].m, &q, words)
			if !ok {
				continue
			}
			if page.Items = append(page.Items, hit); len(page.Items) == q.Limit {
				page.Next = found[i].cursor
				return page, nil
			}
		}
		if !more {
			return page, nil
		}
		all += scanned
	}
	page.Next = f.cursor()
	return page, nil
}

func (s *Store) failed(verb string, err error) error {
	if err == nil {
		return nil
	}
	return s.fail(verb, err)
}

// matches decides whether a message is meant, by what it says now.
func matches(m *chat.Message, q *chat.SearchQuery, words [][]rune) (chat.Found, bool) {
	switch {
	case m.DeletedAt != 0,
		!q.ConversationID.IsZero() && m.ConversationID != q.ConversationID,
		!q.SenderID.IsZero() && m.SenderID != q.SenderID,
		q.Before != 0 && m.At >= q.Before,
		m.At < q.After:
		return chat.Found{}, false
	}
	has := hasOf(m)
	for _, h := range q.Has {
		if !slices.Contains(has, h) {
			return chat.Found{}, false
		}
	}
	f := fold(m.Text)
	spans, ok := f.spans(words)
	return chat.Found{Message: *m, Spans: spans}, ok
}
