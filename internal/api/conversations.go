package api

import (
	"encoding/json"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type createBody struct {
	Kind      chat.ConversationKind `json:"kind" enum:"direct,group,channel"`
	UserID    chat.UserID           `json:"user_id,omitzero" doc:"of a direct conversation: the other person"`
	Title     string                `json:"title,omitempty" doc:"of a group or channel, at most 200 characters"`
	MemberIDs []chat.UserID         `json:"member_ids,omitempty" doc:"of a group or channel, at most 1,000, without oneself"`
	AvatarID  chat.FileID           `json:"avatar_id,omitzero" doc:"an own picture"`
	ClientID  string                `json:"client_id,omitempty" doc:"makes the creation of a group or channel idempotent"`
}

type updateBody struct {
	Title    *string         `json:"title,omitempty" doc:"at most 200 characters"`
	AvatarID json.RawMessage `json:"avatar_id,omitempty" schema:"uuid,null" doc:"an own picture; null removes it"`
}

type syncAnswer struct {
	Conversations []chat.Head           `json:"conversations" doc:"conversations whose log or receipts may have moved"`
	Gone          []chat.ConversationID `json:"gone" doc:"conversations that one left, or was removed from, since the cursor"`
	Cursor        string                `json:"cursor" doc:"give it the next time"`
}

type entriesAnswer struct {
	Items      []json.RawMessage `json:"items" wire:"Entry"`
	NextCursor *string           `json:"next_cursor" doc:"always null: ask again after the last seq"`
	Head       chat.Seq          `json:"head" doc:"the last seq of the conversation"`
}

func (s *server) routeConversations() {
	handle(s, operation{
		id: "list-conversations", method: http.MethodGet, path: "/api/v1/conversations", tag: "conversations", access: loggedIn,
		summary: "One's conversations, newest activity first", params: paging,
	}, listConversations)
	handle(s, operation{
		id: "create-conversation", method: http.MethodPost, path: "/api/v1/conversations", tag: "conversations", access: loggedIn,
		summary: "Open a direct conversation, or make a group or channel", status: http.StatusCreated, also: http.StatusOK,
	}, createConversation)
	handle(s, operation{
		id: "get-conversation", method: http.MethodGet, path: "/api/v1/conversations/{id}", tag: "conversations", access: loggedIn,
		summary: "One conversation", params: []param{conversationParam},
	}, getConversation)
	handle(s, operation{
		id: "update-conversation", method: http.MethodPatch, path: "/api/v1/conversations/{id}", tag: "conversations", access: loggedIn,
		summary: "Change title or picture", params: []param{conversationParam},
	}, updateConversation)
	handle(s, operation{
		id: "list-entries", method: http.MethodGet, path: "/api/v1/conversations/{id}/entries", tag: "conversations", access: loggedIn,
		summary: "The raw log after a seq, ascending",
		params: []param{
			conversationParam,
			{name: "after", in: "query", doc: "the last entry that is known; 0 is the start", schema: "seq"},
			{name: "limit", in: "query", doc: "1 to 1,000; larger ones are cut", schema: "count"},
		},
	}, listEntries)
	handle(s, operation{
		id: "sync", method: http.MethodGet, path: "/api/v1/sync", tag: "conversations", access: loggedIn,
		summary: "What moved since a cursor: heads only",
		params:  []param{{name: "cursor", in: "query", doc: "of the last sync or of the event ready; without one all conversations are named", schema: "string"}},
	}, syncHeads)
}

func listConversations(c *call, _ *none) (list[wire.Conversation], error) {
	limit, err := c.limit()
	if err != nil {
		return list[wire.Conversation]{}, err
	}
	page, err := c.s.Service.Conversations(c, c.who.UserID, c.r.URL.Query().Get("cursor"), limit)
	if err != nil {
		return list[wire.Conversation]{}, err
	}
	return listOf(page, wire.ConversationOf), nil
}

func createConversation(c *call, b *createBody) (wire.Conversation, error) {
	var view *chat.ConversationView
	var created bool
	var err error
	if b.Kind == chat.Direct {
		view, created, err = c.s.Service.Direct(c, c.who.UserID, b.UserID)
	} else {
		view, created, err = c.s.Service.Create(c, service.CreateRequest{
			UserID: c.who.UserID, Kind: b.Kind, Title: b.Title, UserIDs: b.MemberIDs, AvatarID: b.AvatarID, ClientID: b.ClientID,
		})
	}
	if err != nil {
		return wire.Conversation{}, err
	}
	if !created {
		c.status = http.StatusOK
	}
	c.w.Header().Set("Location", "/api/v1/conversations/"+view.ID.String())
	return wire.ConversationOf(view), nil
}

func getConversation(c *call, _ *none) (wire.Conversation, error) {
	id, err := c.conversation()
	if err != nil {
		return wire.Conversation{}, err
	}
	view, err := c.s.Service.Conversation(c, c.who.UserID, id)
	if err != nil {
		return wire.Conversation{}, err
	}
	return wire.ConversationOf(view), nil
}

func updateConversation(c *call, b *updateBody) (json.RawMessage, error) {
	id, err := c.conversation()
	if err != nil {
		return nil, err
	}
	avatar, err := avatarOf("avatar_id", b.AvatarID)
	if err != nil {
		return nil, err
	}
	return entryOrUnchanged(c.s.Service.Update(c, service.UpdateRequest{
		UserID: c.who.UserID, ConversationID: id, Title: b.Title, AvatarID: avatar,
	}))
}

// entryOrUnchanged shows the entry that a change made.
func entryOrUnchanged(o chat.Outcome, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	if len(o.JSON) == 0 {
		return json.RawMessage(`{"unchanged":true}`), nil
	}
	return o.JSON, nil
}

func listEntries(c *call, _ *none) (entriesAnswer, error) {
	id, err := c.conversation()
	if err != nil {
		return entriesAnswer{}, err
	}
	after, err := c.number("after")
	if err != nil {
		return entriesAnswer{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return entriesAnswer{}, err
	}
	page, err := c.s.Service.EntriesAfter(c, service.EntriesRequest{
		UserID: c.who.UserID, ConversationID: id, After: chat.Seq(after), Limit: limit,
	})
	if err != nil {
		return entriesAnswer{}, err
	}
	out := entriesAnswer{Items: make([]json.RawMessage, 0, len(page.Items)), Head: page.Head}
	for _, e := range page.Items {
		out.Items = append(out.Items, e.JSON)
	}
	return out, nil
}

func syncHeads(c *call, _ *none) (syncAnswer, error) {
	moved, err := c.s.Service.Sync(c, c.who.UserID, c.r.URL.Query().Get("cursor"))
	if err != nil {
		return syncAnswer{}, err
	}
	out := syncAnswer{Conversations: moved.Heads, Gone: moved.Gone, Cursor: moved.Cursor}
	if out.Conversations == nil {
		out.Conversations = []chat.Head{}
	}
	if out.Gone == nil {
		out.Gone = []chat.ConversationID{}
	}
	return out, nil
}
