package api

import (
	"encoding/json"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type blockedAnswer struct {
	User wire.User `json:"user"`
	At   chat.Time `json:"at"`
}

type preferencesBody struct {
	MutedUntil json.RawMessage   `json:"muted_until,omitempty" schema:"time,null" doc:"a time; null ends it"`
	Notify     *chat.NotifyLevel `json:"notify,omitempty" enum:"all,mentions,none"`
	Pinned     *bool             `json:"pinned,omitempty"`
	Archived   *bool             `json:"archived,omitempty"`
}

type sharedFileAnswer struct {
	Attachment wire.Attachment `json:"attachment"`
	Seq        chat.Seq        `json:"seq" doc:"of the message"`
	SenderID   chat.UserID     `json:"sender_id"`
	At         chat.Time       `json:"at"`
}

func (s *server) routeBlocks() {
	const one = "/api/v1/blocks/{user_id}"
	who := []param{{name: "user_id", in: "path", doc: "id of the person", schema: "uuid", required: true}}
	handle(s, operation{
		id: "list-blocks", method: http.MethodGet, path: "/api/v1/blocks", tag: "people", access: loggedIn,
		summary: "Whom one blocks, the last one first", params: paging,
	}, listBlocks)
	handle(s, operation{
		id: "block", method: http.MethodPut, path: one, tag: "people", access: loggedIn,
		summary: "Take no messages, presence and typing of somebody any more", params: who,
	}, func(c *call, _ *none) (none, error) { return block(c, true) })
	handle(s, operation{
		id: "unblock", method: http.MethodDelete, path: one, tag: "people", access: loggedIn,
		summary: "Take them again", params: who,
	}, func(c *call, _ *none) (none, error) { return block(c, false) })
	handle(s, operation{
		id: "set-preferences", method: http.MethodPatch, path: "/api/v1/conversations/{id}/preferences", tag: "conversations", access: loggedIn,
		summary: "How oneself wants a conversation shown and told of; what is left out stays", params: []param{conversationParam},
	}, setPreferences)
	handle(s, operation{
		id: "list-files", method: http.MethodGet, path: "/api/v1/conversations/{id}/files", tag: "files", access: loggedIn,
		summary: "The files of a conversation, the last one first",
		params:  append([]param{conversationParam, {name: "kind", in: "query", doc: "media, audio or other; absent: all", schema: "string"}}, paging...),
	}, listFiles)
}

func listBlocks(c *call, _ *none) (list[blockedAnswer], error) {
	limit, err := c.limit()
	if err != nil {
		return list[blockedAnswer]{}, err
	}
	page, err := c.s.Service.Blocked(c, c.who.UserID, c.r.URL.Query().Get("cursor"), limit)
	if err != nil {
		return list[blockedAnswer]{}, err
	}
	return listOf(page, func(b *chat.BlockedUser) blockedAnswer { return blockedAnswer{User: wire.UserOf(&b.User), At: b.At} }), nil
}

func block(c *call, on bool) (none, error) {
	other, err := pathID[chat.UserID](c, "user_id")
	if err != nil {
		return none{}, err
	}
	return none{}, c.s.Service.Block(c, c.who.UserID, other, on)
}

func setPreferences(c *call, b *preferencesBody) (wire.Conversation, error) {
	id, err := c.conversation()
	if err != nil {
		return wire.Conversation{}, err
	}
	req := service.PreferencesRequest{UserID: c.who.UserID, ConversationID: id, Notify: b.Notify, Pinned: b.Pinned, Archived: b.Archived}
	if b.MutedUntil != nil {
		req.MutedUntil = new(chat.Time)
		if string(b.MutedUntil) != "null" {
			if err := json.Unmarshal(b.MutedUntil, req.MutedUntil); err != nil {
				return wire.Conversation{}, chat.Invalid("muted_until", "is not a time")
			}
		}
	}
	view, err := c.s.Service.SetPreferences(c, req)
	if err != nil {
		return wire.Conversation{}, err
	}
	return wire.ConversationOf(view), nil
}

func listFiles(c *call, _ *none) (list[sharedFileAnswer], error) {
	id, err := c.conversation()
	if err != nil {
		return list[sharedFileAnswer]{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return list[sharedFileAnswer]{}, err
	}
	q := c.r.URL.Query()
	page, err := c.s.Service.SharedFiles(c, service.FilesRequest{
		UserID: c.who.UserID, ConversationID: id, Sort: chat.FileSort(q.Get("kind")), Cursor: q.Get("cursor"), Limit: limit,
	})
	if err != nil {
		return list[sharedFileAnswer]{}, err
	}
	return listOf(page, func(f *chat.SharedFile) sharedFileAnswer {
		return sharedFileAnswer{Attachment: wire.AttachmentOf(f.Attachment), Seq: f.Seq, SenderID: f.SenderID, At: f.At}
	}), nil
}
