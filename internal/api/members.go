package api

import (
	"encoding/json"
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type memberAnswer struct {
	User        wire.User `json:"user"`
	Role        chat.Role `json:"role" enum:"owner,admin,member"`
	VisibleFrom chat.Seq  `json:"visible_from" doc:"the first entry that they may see"`
	JoinedAt    chat.Time `json:"joined_at"`
}

type addMembersBody struct {
	UserID  chat.UserID   `json:"user_id,omitzero" doc:"one person"`
	UserIDs []chat.UserID `json:"user_ids,omitempty" doc:"or several, at most 1,000"`
}

type roleBody struct {
	Role chat.Role `json:"role" enum:"owner,admin,member"`
}

func (s *server) routeMembers() {
	const all, one = "/api/v1/conversations/{id}/members", "/api/v1/conversations/{id}/members/{user_id}"
	which := []param{conversationParam, {name: "user_id", in: "path", doc: "id of the member, or me", schema: "string", required: true}}
	handle(s, operation{
		id: "list-members", method: http.MethodGet, path: all, tag: "members", access: loggedIn,
		summary: "The members, owners first", params: append([]param{
			conversationParam, {name: "query", in: "query", doc: "only those whose username begins with it or whose name holds it; one page, those that begin with it first", schema: "string"},
		}, paging...),
	}, listMembers)
	handle(s, operation{
		id: "add-members", method: http.MethodPost, path: all, tag: "members", access: loggedIn,
		summary: "Add people", params: []param{conversationParam},
	}, addMembers)
	handle(s, operation{
		id: "set-role", method: http.MethodPatch, path: one, tag: "members", access: loggedIn,
		summary: "Give a member a role", params: which,
	}, setRole)
	handle(s, operation{
		id: "remove-member", method: http.MethodDelete, path: one, tag: "members", access: loggedIn,
		summary: "Remove a member; oneself means to leave", params: which,
	}, removeMember)
}

func listMembers(c *call, _ *none) (list[memberAnswer], error) {
	id, err := c.conversation()
	if err != nil {
		return list[memberAnswer]{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return list[memberAnswer]{}, err
	}
	var page chat.Page[chat.MemberView]
	if q := c.r.URL.Query(); q.Get("query") != "" {
		page.Items, err = c.s.Service.FindMembers(c, c.who.UserID, id, q.Get("query"), limit)
	} else {
		page, err = c.s.Service.Members(c, c.who.UserID, id, q.Get("cursor"), limit)
	}
	if err != nil {
		return list[memberAnswer]{}, err
	}
	return listOf(page, func(m *chat.MemberView) memberAnswer {
		return memberAnswer{User: wire.UserOf(&m.User), Role: m.Role, VisibleFrom: m.VisibleFrom, JoinedAt: m.JoinedAt}
	}), nil
}

func addMembers(c *call, b *addMembersBody) (json.RawMessage, error) {
	id, err := c.conversation()
	if err != nil {
		return nil, err
	}
	people := b.UserIDs
	if !b.UserID.IsZero() {
		people = append(people, b.UserID)
	}
	return entryOrUnchanged(c.s.Service.AddMembers(c, c.who.UserID, id, people))
}

// member gives whom the path names; "me" is oneself.
func (c *call) member() (service.MemberRef, error) {
	id, err := c.conversation()
	if err != nil {
		return service.MemberRef{}, err
	}
	ref := service.MemberRef{UserID: c.who.UserID, ConversationID: id, MemberID: c.who.UserID}
	if c.r.PathValue("user_id") != "me" {
		ref.MemberID, err = pathID[chat.UserID](c, "user_id")
	}
	return ref, err
}

func setRole(c *call, b *roleBody) (json.RawMessage, error) {
	ref, err := c.member()
	if err != nil {
		return nil, err
	}
	return entryOrUnchanged(c.s.Service.SetRole(c, ref, b.Role))
}

func removeMember(c *call, _ *none) (json.RawMessage, error) {
	ref, err := c.member()
	if err != nil {
		return nil, err
	}
	return entryOrUnchanged(c.s.Service.RemoveMember(c, ref))
}
