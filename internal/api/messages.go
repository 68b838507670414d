package api

import (
	"encoding/json"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type sendBody struct {
	ClientID    string               `json:"client_id" doc:"idempotency key, at most 64 bytes; use a UUID"`
	Text        string               `json:"text,omitempty" doc:"at most 16 KiB of UTF-8; may be empty when there are attachments"`
	ReplyTo     chat.Seq             `json:"reply_to,omitempty" doc:"seq of the message that is answered"`
	Attachments []wire.AttachmentRef `json:"attachments,omitempty" doc:"at most 10 files: ids, or objects with an id"`
	Mentions    []chat.UserID        `json:"mentions,omitempty" doc:"at most 50 people who are to be told; the server keeps those who are members"`
}

type editBody struct {
	Text string `json:"text" doc:"at most 16 KiB of UTF-8"`
}

type readSeqBody struct {
	Seq chat.Seq `json:"seq" doc:"the last entry that was seen"`
}

type messagesAnswer struct {
	Items      []wire.Message `json:"items" doc:"ascending by seq"`
	NextCursor *string        `json:"next_cursor" doc:"always null: page with before and after"`
	HasBefore  bool           `json:"has_before"`
	HasAfter   bool           `json:"has_after"`
}

type receiptsAnswer struct {
	Delivered      []receiptUser `json:"delivered" doc:"empty above 100 members"`
	Seen           []receiptUser `json:"seen" doc:"empty above 100 members"`
	DeliveredCount int           `json:"delivered_count"`
	SeenCount      int           `json:"seen_count"`
}

type receiptUser struct {
	UserID chat.UserID `json:"user_id"`
}

type readAnswer struct {
	chat.Receipt
	Unread int64 `json:"unread"`
}

func (s *server) routeMessages() {
	const all, one = "/api/v1/conversations/{id}/messages", "/api/v1/conversations/{id}/messages/{seq}"
	which := []param{conversationParam, seqParam}
	handle(s, operation{
		id: "list-messages", method: http.MethodGet, path: all, tag: "messages", access: loggedIn,
		summary: "Messages with their edits, deletions and reactions folded in, ascending",
		params: []param{
			conversationParam,
			{name: "before", in: "query", doc: "messages before this seq; without before, after and around: the newest", schema: "seq"},
			{name: "after", in: "query", doc: "messages after this seq", schema: "seq"},
			{name: "around", in: "query", doc: "messages on both sides of this seq", schema: "seq"},
			{name: "limit", in: "query", doc: "1 to 200; larger ones are cut", schema: "count"},
		},
	}, listMessages)
	handle(s, operation{
		id: "send-message", method: http.MethodPost, path: all, tag: "messages", access: loggedIn, maxBody: messageBody,
		summary: "Send a message; the same client_id again gives the same entry", params: []param{conversationParam},
		status: http.StatusCreated, also: http.StatusOK,
	}, sendMessage)
	handle(s, operation{
		id: "get-message", method: http.MethodGet, path: one, tag: "messages", access: loggedIn,
		summary: "One message", params: which,
	}, getMessage)
	handle(s, operation{
		id: "edit-message", method: http.MethodPatch, path: one, tag: "messages", access: loggedIn, maxBody: messageBody,
		summary: "Give one's own message a new text", params: which,
	}, editMessage)
	handle(s, operation{
		id: "delete-message", method: http.MethodDelete, path: one, tag: "messages", access: loggedIn,
		summary: "Delete a message for everyone", params: which,
	}, deleteMessage)
	s.routeReactions(which)
}

func (s *server) routeReactions(which []param) {
	const one, emoji = "/api/v1/conversations/{id}/messages/{seq}", "/reactions/{emoji}"
	with := append(which[:len(which):len(which)], param{name: "emoji", in: "path", doc: "at most 64 bytes, percent-encoded", schema: "string", required: true})
	handle(s, operation{
		id: "add-reaction", method: http.MethodPut, path: one + emoji, tag: "messages", access: loggedIn,
		summary: "React to a message", params: with,
	}, func(c *call, _ *none) (json.RawMessage, error) { return react(c, true) })
	handle(s, operation{
		id: "remove-reaction", method: http.MethodDelete, path: one + emoji, tag: "messages", access: loggedIn,
		summary: "Take a reaction back", params: with,
	}, func(c *call, _ *none) (json.RawMessage, error) { return react(c, false) })
	handle(s, operation{
		id: "pin-message", method: http.MethodPut, path: one + "/pin", tag: "messages", access: loggedIn,
		summary: "Pin a message", params: which,
	}, func(c *call, _ *none) (json.RawMessage, error) { return pin(c, true) })
	handle(s, operation{
		id: "unpin-message", method: http.MethodDelete, path: one + "/pin", tag: "messages", access: loggedIn,
		summary: "Take a pin out", params: which,
	}, func(c *call, _ *none) (json.RawMessage, error) { return pin(c, false) })
	handle(s, operation{
		id: "list-pins", method: http.MethodGet, path: "/api/v1/conversations/{id}/pins", tag: "messages", access: loggedIn,
		summary: "The pinned messages, the last pinned first; at most 100", params: []param{conversationParam},
	}, listPins)
	handle(s, operation{
		id: "get-receipts", method: http.MethodGet, path: one + "/receipts", tag: "messages", access: loggedIn,
		summary: "Who has a message delivered, and who has seen it", params: which,
	}, getReceipts)
	handle(s, operation{
		id: "mark-read", method: http.MethodPost, path: "/api/v1/conversations/{id}/read", tag: "messages", access: loggedIn,
		summary: "Note what one has seen; it never goes back", params: []param{conversationParam},
	}, markRead)
}

func listMessages(c *call, _ *none) (messagesAnswer, error) {
	id, err := c.conversation()
	if err != nil {
		return messagesAnswer{}, err
	}
	req := service.MessagesRequest{UserID: c.who.UserID, ConversationID: id}
	for name, into := range map[string]*chat.Seq{"before": &req.Before, "after": &req.After, "around": &req.Around} {
		n, err := c.number(name)
		if err != nil {
			return messagesAnswer{}, err
		}
		*into = chat.Seq(n)
	}
	if req.Limit, err = c.limit(); err != nil {
		return messagesAnswer{}, err
	}
	page, err := c.s.Service.History(c, req)
	if err != nil {
		return messagesAnswer{}, err
	}
	out := messagesAnswer{Items: make([]wire.Message, 0, len(page.Items)), HasBefore: page.HasBefore, HasAfter: page.HasAfter}
	for i := range page.Items {
		out.Items = append(out.Items, wire.MessageOf(&page.Items[i]))
	}
	return out, nil
}

func sendMessage(c *call, b *sendBody) (json.RawMessage, error) {
	id, err := c.conversation()
	if err != nil {
		return nil, err
	}
	req := service.SendRequest{
		UserID: c.who.UserID, ConversationID: id, ClientID: b.ClientID, Text: b.Text, ReplyTo: b.ReplyTo, Mentions: b.Mentions,
	}
	for _, a := range b.Attachments {
		req.Attachments = append(req.Attachments, a.ID)
	}
	o, err := c.s.Service.Await(c, func(done func(chat.Outcome)) { c.s.Service.Send(c, req, done) })
	if err != nil {
		return nil, err
	}
	if o.Repeated {
		c.status = http.StatusOK
	}
	return o.JSON, nil
}

func getMessage(c *call, _ *none) (wire.Message, error) {
	ref, err := c.message()
	if err != nil {
		return wire.Message{}, err
	}
	m, err := c.s.Service.Message(c, ref)
	if err != nil {
		return wire.Message{}, err
	}
	return wire.MessageOf(m), nil
}

func editMessage(c *call, b *editBody) (json.RawMessage, error) {
	ref, err := c.message()
	if err != nil {
		return nil, err
	}
	return entryOrUnchanged(c.s.Service.Await(c, func(done func(chat.Outcome)) { c.s.Service.Edit(c, ref, b.Text, done) }))
}

func deleteMessage(c *call, _ *none) (json.RawMessage, error) {
	ref, err := c.message()
	if err != nil {
		return nil, err
	}
	return entryOrUnchanged(c.s.Service.Await(c, func(done func(chat.Outcome)) { c.s.Service.Delete(c, ref, done) }))
}

func react(c *call, on bool) (json.RawMessage, error) {
	ref, err := c.message()
	if err != nil {
		return nil, err
	}
	emoji := c.r.PathValue("emoji")
	return entryOrUnchanged(c.s.Service.Await(c, func(done func(chat.Outcome)) { c.s.Service.React(c, ref, emoji, on, done) }))
}

func pin(c *call, on bool) (json.RawMessage, error) {
	ref, err := c.message()
	if err != nil {
		return nil, err
	}
	return entryOrUnchanged(c.s.Service.Await(c, func(done func(chat.Outcome)) { c.s.Service.Pin(c, ref, on, done) }))
}

func listPins(c *call, _ *none) (list[wire.Message], error) {
	id, err := c.conversation()
	if err != nil {
		return list[wire.Message]{}, err
	}
	pins, err := c.s.Service.Pins(c, c.who.UserID, id)
	if err != nil {
		return list[wire.Message]{}, err
	}
	return listOf(chat.Page[chat.Message]{Items: pins}, wire.MessageOf), nil
}

func getReceipts(c *call, _ *none) (receiptsAnswer, error) {
	ref, err := c.message()
	if err != nil {
		return receiptsAnswer{}, err
	}
	got, err := c.s.Service.ReceiptsOf(c, ref)
	if err != nil {
		return receiptsAnswer{}, err
	}
	return receiptsAnswer{
		Delivered: receiptUsers(got.Delivered), Seen: receiptUsers(got.Seen),
		DeliveredCount: got.DeliveredCount, SeenCount: got.SeenCount,
	}, nil
}

func receiptUsers(ids []chat.UserID) []receiptUser {
	out := make([]receiptUser, len(ids))
	for i := range ids {
		out[i].UserID = ids[i]
	}
	return out
}

func markRead(c *call, b *readSeqBody) (readAnswer, error) {
	id, err := c.conversation()
	if err != nil {
		return readAnswer{}, err
	}
	user := c.who.UserID
	r, err := c.s.Service.AwaitReceipt(c, func(done func(chat.Receipt, error)) { c.s.Service.MarkRead(c, user, id, b.Seq, done) })
	if err != nil {
		return readAnswer{}, err
	}
	view, err := c.s.Service.Conversation(c, user, id)
	if err != nil {
		return readAnswer{}, err
	}
	return readAnswer{Receipt: r, Unread: view.Unread}, nil
}
