package api

import (
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

func (s *server) routeUsers() {
	handle(s, operation{
		id: "find-users", method: http.MethodGet, path: "/api/v1/users", tag: "people", access: loggedIn,
		summary: "Find people by username or name",
		params:  append([]param{{name: "query", in: "query", doc: "a part of the username or the name; empty lists everybody", schema: "string"}}, paging...),
	}, findUsers)
	handle(s, operation{
		id: "get-user", method: http.MethodGet, path: "/api/v1/users/{id}", tag: "people", access: loggedIn,
		summary: "Somebody's public profile", params: []param{idParam("user")},
	}, getUser)
}

func findUsers(c *call, _ *none) (list[wire.User], error) {
	limit, err := c.limit()
	if err != nil {
		return list[wire.User]{}, err
	}
	q := c.r.URL.Query()
	page, err := c.s.Service.FindUsers(c, q.Get("query"), q.Get("cursor"), limit)
	if err != nil {
		return list[wire.User]{}, err
	}
	return listOf(page, wire.UserOf), nil
}

func getUser(c *call, _ *none) (wire.User, error) {
	id, err := pathID[chat.UserID](c, "id")
	if err != nil {
		return wire.User{}, err
	}
	user, err := c.s.Service.User(c, id)
	if err != nil {
		return wire.User{}, err
	}
	return wire.UserOf(user), nil
}
