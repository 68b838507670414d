package api

import (
	"net/http"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type foundAnswer struct {
	Message    wire.Message      `json:"message"`
	Highlights []highlightAnswer `json:"highlights" doc:"where the words stand in the text, ascending, at most 20"`
}

type highlightAnswer struct {
	Start int `json:"start" doc:"in UTF-16 code units, as JavaScript counts"`
	End   int `json:"end" doc:"in UTF-16 code units, as JavaScript counts"`
}

func (s *server) routeSearch() {
	handle(s, operation{
		id: "search", method: http.MethodGet, path: "/api/v1/search", tag: "messages", access: loggedIn,
		summary: "Find messages in one's conversations, newest first; a page may be short or empty while there is a next one",
		params: append([]param{
			{name: "q", in: "query", doc: "words that the text contains, at most 256 bytes; words between double quotes stand together", schema: "string"},
			{name: "conversation_id", in: "query", doc: "in this conversation only", schema: "uuid"},
			{name: "from", in: "query", doc: "id of the sender", schema: "uuid"},
			{name: "before", in: "query", doc: "sent before this time (RFC 3339)", schema: "string"},
			{name: "after", in: "query", doc: "sent at or after this time (RFC 3339)", schema: "string"},
			{name: "has", in: "query", doc: "file, image, video, audio, link; several with commas", schema: "string"},
			{name: "limit", in: "query", doc: "1 to 50; larger ones are cut", schema: "count"},
		}, paging[1]),
	}, search)
}

func search(c *call, _ *none) (list[foundAnswer], error) {
	req, err := searchRequest(c)
	if err != nil {
		return list[foundAnswer]{}, err
	}
	page, err := c.s.Service.Search(c, req)
	if err != nil {
		return list[foundAnswer]{}, err
	}
	return listOf(page, func(f *chat.Found) foundAnswer {
		return foundAnswer{Message: wire.MessageOf(&f.Message), Highlights: highlights(f.Message.Text, f.Spans)}
	}), nil
}

func searchRequest(c *call) (req service.SearchRequest, err error) {
	q := c.r.URL.Query()
	req = service.SearchRequest{UserID: c.who.UserID, Text: q.Get("q"), Cursor: q.Get("cursor")}
	if req.Limit, err = c.limit(); err != nil {
		return req, err
	}
	if text := q.Get("conversation_id"); text != "" {
		id, err := chat.ParseID[struct{}](text)
		if err != nil {
			return req, badID("conversation_id")
		}
		req.ConversationID = chat.ConversationID(id)
	}
	if text := q.Get("from"); text != "" {
		id, err := chat.ParseID[struct{}](text)
		if err != nil {
			return req, badID("from")
		}
		req.SenderID = chat.UserID(id)
	}
	for name, into := range map[string]*chat.Time{"before": &req.Before, "after": &req.After} {
		if text := q.Get(name); text != "" {
			if err := into.UnmarshalText([]byte(text)); err != nil {
				return req, chat.Invalid(name, "is not a time")
			}
		}
	}
	if text := q.Get("has"); text != "" {
		for part := range strings.SplitSeq(text, ",") {
			if len(req.Has) == 5 {
				return req, chat.Invalid("has", "names too many")
			}
			req.Has = append(req.Has, chat.Has(part))
		}
	}
	return req, nil
}

// highlights counts spans as JavaScript does.
func highlights(text string, spans []chat.Span) []highlightAnswer {
	out := make([]highlightAnswer, 0, len(spans))
	at, units := 0, 0
	count := func(to int) int {
		for at < to {
			r, size := utf8.DecodeRuneInString(text[at:])
			at += size
			units += max(utf16.RuneLen(r), 1)
		}
		return units
	}
	for _, s := range spans {
		start := count(s.Start)
		out = append(out, highlightAnswer{Start: start, End: count(s.End)})
	}
	return out
}
