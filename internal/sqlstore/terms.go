package sqlstore

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/parley-chat/parley/internal/chat"
)

// folded is text as search compares it: lower case, without accents, every width
// alike, every blank a space.
type folded struct {
	runes []rune
	at    []int32 // where each of runes begins in the text, and one more: its length
}

// fold folds a text rune by rune, so that what is found can be shown in the text.
func fold(text string) folded {
	f := folded{runes: make([]rune, 0, len(text)), at: make([]int32, 0, len(text)+1)}
	for i, r := range text {
		f.rune(r, int32(i)) //nolint:gosec // texts are at most 16 KiB
	}
	f.at = append(f.at, int32(len(text))) //nolint:gosec // texts are at most 16 KiB
	return f
}

func (f *folded) rune(r rune, at int32) {
	switch {
	case r < 0x80:
		f.add(r, at)
	case r >= 0xac00 && r <= 0xd7a3: // a Hangul syllable is one letter to its readers
		f.add(r, at)
	default:
		for _, part := range norm.NFKD.String(string(r)) {
			f.add(part, at)
		}
	}
}

func (f *folded) add(r rune, at int32) {
	switch {
	case r >= 0x300 && r <= 0x36f, r >= 0x591 && r <= 0x5bd, r >= 0x64b && r <= 0x65f, r == 0x670:
		return // accents, and the points of Hebrew and Arabic
	case unicode.IsSpace(r):
		r = ' '
	default:
		r = unicode.ToLower(r)
	}
	f.runes, f.at = append(f.runes, r), append(f.at, at)
}

// find gives where a word stands first at or behind from, or -1.
func (f *folded) find(word []rune, from int) int {
	for i := from; i+len(word) <= len(f.runes); i++ {
		if f.runes[i] == word[0] && slices.Equal(f.runes[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}

// spans gives where words stand in the text; ok is false if one does not.
func (f *folded) spans(words [][]rune) (out []chat.Span, ok bool) {
	for _, word := range words {
		i := f.find(word, 0)
		if i < 0 {
			return nil, false
		}
		for ; i >= 0 && len(out) < 4*chat.MaxSpans; i = f.find(word, i+len(word)) {
			out = append(out, chat.Span{Start: int(f.at[i]), End: f.end(i + len(word))})
		}
	}
	slices.SortFunc(out, func(a, b chat.Span) int { return a.Start - b.Start })
	merged := out[:0]
	for _, s := range out {
		if n := len(merged); n > 0 && s.Start <= merged[n-1].End {
			merged[n-1].End = max(merged[n-1].End, s.End)
			continue
		}
		merged = append(merged, s)
	}
	return merged[:min(len(merged), chat.MaxSpans)], true
}

// end gives where the rune before i ends in the text: one rune of the text may
// have become several, and an accent behind it none.
func (f *folded) end(i int) int {
	last := f.at[i-1]
	for f.at[i] == last {
		i++
	}
	return int(f.at[i])
}

// maxTerms bounds the terms of one message; what is behind them is not found.
const maxTerms = 8_000

// A term is what the index knows a message by. Its first letter says what it is:
// t three letters in a row, p two of a script that is written without blanks, c
// the conversation, s the sender, h what it has.
func termsOf(m *chat.Message) string {
	var b bytes.Buffer
	b.WriteString(conversationTerm(m.ConversationID))
	b.WriteByte(' ')
	b.WriteString(senderTerm(m.SenderID))
	for _, h := range hasOf(m) {
		b.WriteByte(' ')
		b.WriteString(hasTerm(h))
	}
	f := fold(m.Text)
	seen := make(map[string]bool, len(f.runes))
	for term := range f.terms {
		if !seen[term] {
			if len(seen) == maxTerms {
				break
			}
			seen[term] = true
			b.WriteByte(' ')
			b.WriteString(term)
		}
	}
	return b.String()
}

// terms gives the terms of a text, some more than once.
func (f *folded) terms(yield func(string) bool) {
	for i := range f.runes {
		if i+2 <= len(f.runes) && unspaced(f.runes[i]) && unspaced(f.runes[i+1]) && !yield(term('p', f.runes[i:i+2])) {
			return
		}
		if i+3 <= len(f.runes) && !slices.Contains(f.runes[i:i+3], ' ') && !yield(term('t', f.runes[i:i+3])) {
			return
		}
	}
}

// unspaced reports whether a rune is of a script that puts no blanks between words.
func unspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// term writes runes so that the index takes them for one word: its tokenizer
// ends a word at every ASCII sign that is neither letter nor digit.
func term(kind byte, runes []rune) string {
	b := make([]byte, 1, 16)
	b[0] = kind
	for _, r := range runes {
		if r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			r += 0xe000
		}
		b = append(b, string(r)...)
	}
	return string(b)
}

func conversationTerm(id chat.ConversationID) string { return "c" + hex.EncodeToString(id[:]) }
func senderTerm(id chat.UserID) string               { return "s" + hex.EncodeToString(id[:]) }
func hasTerm(h chat.Has) string                      { return "h" + string(h) }

// hasOf says what a message holds.
func hasOf(m *chat.Message) []chat.Has {
	var out []chat.Has
	add := func(h chat.Has) {
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	for i := range m.Attachments {
		add(chat.HasFile)
		kind, _, _ := strings.Cut(m.Attachments[i].MIME, "/")
		if h := chat.Has(kind); h.Valid() && h != chat.HasFile && h != chat.HasLink {
			add(h)
		}
	}
	if strings.Contains(m.Text, "http://") || strings.Contains(m.Text, "https://") {
		add(chat.HasLink)
	}
	return out
}

// queryTerms gives some terms that every message with the word has: enough to
// be few, and not more than can be looked up fast.
func queryTerms(words [][]rune) []string {
	const most = 12
	var out []string
	for _, word := range words {
		f := folded{runes: word}
		for t := range f.terms {
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	for i := 0; len(out) > most; i++ { // thin out evenly
		out = slices.Delete(out, i%len(out), i%len(out)+1)
	}
	return out
}
