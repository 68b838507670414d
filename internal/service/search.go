package service

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// MaxSearchBytes bounds what is looked for, in bytes of UTF-8.
	MaxSearchBytes = 256
	// MaxSearchPage bounds a page of what was found; DefaultSearchPage is used
	// where no limit is given.
	MaxSearchPage     = 50
	DefaultSearchPage = 20
	maxSearchWords    = 16
)

// SearchRequest looks for messages. Text is words, all of which have to be
// contained; words "between quotes" stand together. Zero values leave a condition
// out; one at least is needed. Limit is cut to MaxSearchPage.
type SearchRequest struct {
	UserID         chat.UserID
	Text           string
	ConversationID chat.ConversationID
	SenderID       chat.UserID
	Before, After  chat.Time
	Has            []chat.Has
	Cursor         string
	Limit          int
}

// Search finds messages in one's conversations, newest first; see chat.Searcher.
// A page may be short, or empty, while there is a next one.
func (s *Service) Search(ctx context.Context, r SearchRequest) (chat.Page[chat.Found], error) {
	none := chat.Page[chat.Found]{}
	words, err := searchWords(r.Text)
	if err != nil {
		return none, err
	}
	for _, h := range r.Has {
		if !h.Valid() {
			return none, chat.Invalid("has", "must be file, image, video, audio or link")
		}
	}
	if len(words) == 0 && r.ConversationID.IsZero() && r.SenderID.IsZero() && len(r.Has) == 0 {
		return none, badQuery("is empty")
	}
	if err := s.take(ctx, "search:"+r.UserID.String(), s.Limits.SearchesPerSecond, s.Limits.SearchBurst); err != nil {
		return none, err
	}
	if !r.ConversationID.IsZero() {
		if _, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActRead); err != nil {
			return none, err
		}
	}
	page, ferr := s.Searcher.Search(ctx, r.UserID, chat.SearchQuery{
		Words: words, ConversationID: r.ConversationID, SenderID: r.SenderID, Before: r.Before, After: r.After,
		Has: r.Has, Cursor: r.Cursor, Limit: upTo(r.Limit, DefaultSearchPage, MaxSearchPage),
	})
	return page, s.shown(ctx, "search", ferr)
}

// searchWords takes a text apart. A quote that is not closed quotes the rest.
func searchWords(text string) ([]string, error) {
	switch {
	case len(text) > MaxSearchBytes:
		return nil, badQuery("is longer than 256 bytes")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }):
		return nil, badQuery("is not text")
	}
	var words []string
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			if phrase := strings.Join(strings.Fields(part), " "); phrase != "" {
				words = append(words, phrase)
			}
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	if len(words) > maxSearchWords {
		return nil, badQuery("has more than 16 words")
	}
	return words, nil
}

func badQuery(problem string) *chat.Error {
	e := chat.Invalid("q", problem)
	e.Reason = "bad_query"
	return e
}
