package chat

import "context"

// Searcher finds messages by what they say. Safe for concurrent use.
type Searcher interface {
	// Search gives messages of conversations that the person is a member of, from
	// where they may see on, newest first. Every word must be contained in the
	// present text; case, width and accents do not count. A deleted message says
	// nothing. What was sent is found soon, not at once; what was edited or deleted
	// is never found by what it said before. The work of one call is bounded: a page
	// may be short, or empty, while Next is not "".
	Search(ctx context.Context, user UserID, q SearchQuery) (Page[Found], error)
}

// SearchQuery says what is looked for; zero values leave a condition out. At
// least one condition is set.
type SearchQuery struct {
	// Words are parts of the text; a word may hold blanks.
	Words          []string
	ConversationID ConversationID
	SenderID       UserID
	// Before and After bound when it was sent; Before is not in, After is.
	Before, After Time
	Has           []Has
	Cursor        string
	Limit         int // 1 to 200
}

// Has is something that a message holds besides words.
type Has string

// What messages can be searched for.
const (
	HasFile  Has = "file" // any attachment
	HasImage Has = "image"
	HasVideo Has = "video"
	HasAudio Has = "audio"
	HasLink  Has = "link" // http or https
)

// Valid reports whether h is one of the kinds.
func (h Has) Valid() bool {
	switch h {
	case HasFile, HasImage, HasVideo, HasAudio, HasLink:
		return true
	}
	return false
}

// Found is a message that was looked for.
type Found struct {
	Message Message
	// Spans are where the words stand in the text, ascending, not overlapping, at
	// most MaxSpans.
	Spans []Span
}

// MaxSpans bounds the spans of one message.
const MaxSpans = 20

// Span is a part of a text, in bytes.
type Span struct{ Start, End int }
