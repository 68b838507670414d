package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
)

type pushKeyAnswer struct {
	PublicKey string `json:"public_key" doc:"applicationServerKey, in base64url"`
	Enabled   bool   `json:"enabled"`
}

type subscribeBody struct {
	Endpoint string        `json:"endpoint" doc:"https, as the browser gave it"`
	Keys     subscribeKeys `json:"keys"`
	Content  *bool         `json:"content,omitempty" doc:"tell what was said, not only that something was; absent: true"`
}

type subscribeKeys struct {
	P256DH string `json:"p256dh" doc:"base64url"`
	Auth   string `json:"auth" doc:"base64url"`
}

type contentBody struct {
	Content bool `json:"content"`
}

type subscriptionAnswer struct {
	ID            chat.PushID `json:"id"`
	Host          string      `json:"host" doc:"of the push service"`
	UserAgent     string      `json:"user_agent"`
	Content       bool        `json:"content"`
	Current       bool        `json:"current" doc:"of the session of this request"`
	CreatedAt     chat.Time   `json:"created_at"`
	LastSuccessAt *chat.Time  `json:"last_success_at" schema:"time,null"`
	LastFailureAt *chat.Time  `json:"last_failure_at" schema:"time,null"`
	Failure       string      `json:"failure" doc:"why the last one did not arrive; empty when it did"`
}

func (s *server) routePush() {
	const all, one = "/api/v1/push/subscriptions", "/api/v1/push/subscriptions/{id}"
	which := []param{idParam("subscription")}
	handle(s, operation{
		id: "get-push-key", method: http.MethodGet, path: "/api/v1/push", tag: "notifications", access: loggedIn,
		summary: "What a browser needs to subscribe to Web Push",
	}, func(c *call, _ *none) (pushKeyAnswer, error) {
		key := c.s.Service.PushKey()
		return pushKeyAnswer{PublicKey: key, Enabled: key != ""}, nil
	})
	handle(s, operation{
		id: "subscribe-push", method: http.MethodPost, path: all, tag: "notifications", access: loggedIn,
		summary: "Push notifications to this browser until its session ends", status: http.StatusCreated, also: http.StatusOK,
	}, subscribePush)
	handle(s, operation{
		id: "list-push", method: http.MethodGet, path: all, tag: "notifications", access: loggedIn,
		summary: "The browsers that notifications are pushed to, and whether they arrive",
	}, listPush)
	handle(s, operation{
		id: "update-push", method: http.MethodPatch, path: one, tag: "notifications", access: loggedIn,
		summary: "Tell what was said, or only that something was", params: which,
	}, updatePush)
	handle(s, operation{
		id: "unsubscribe-push", method: http.MethodDelete, path: one, tag: "notifications", access: loggedIn,
		summary: "End notifications in a browser", params: which,
	}, unsubscribePush)
	handle(s, operation{
		id: "test-push", method: http.MethodPost, path: one + "/test", tag: "notifications", access: loggedIn,
		summary: "Send a notification that says nothing", params: which, status: http.StatusNoContent,
	}, testPush)
}

func (c *call) subscriptionAnswer(s *chat.PushSubscription) subscriptionAnswer {
	out := subscriptionAnswer{
		ID: s.ID, UserAgent: s.UserAgent, Content: s.Content, Current: s.SessionID == c.who.SessionID, CreatedAt: s.CreatedAt, Failure: s.Failure,
	}
	if u, err := url.Parse(s.Endpoint); err == nil {
		out.Host = u.Host // the rest of it is a secret of the browser's
	}
	if s.SucceededAt != 0 {
		out.LastSuccessAt = &s.SucceededAt
	}
	if s.FailedAt != 0 {
		out.LastFailureAt = &s.FailedAt
	}
	return out
}

func subscribePush(c *call, b *subscribeBody) (subscriptionAnswer, error) {
	req := service.SubscribeRequest{By: c.who, Endpoint: b.Endpoint, Content: b.Content == nil || *b.Content, Client: c.client()}
	for field, part := range map[string]struct {
		text string
		into *[]byte
	}{"keys.p256dh": {b.Keys.P256DH, &req.Key}, "keys.auth": {b.Keys.Auth, &req.Auth}} {
		data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part.text, "="))
		if err != nil || len(part.text) > 200 {
			return subscriptionAnswer{}, chat.Invalid(field, "is not base64url")
		}
		*part.into = data
	}
	sub, created, err := c.s.Service.Subscribe(c, req)
	if err != nil {
		return subscriptionAnswer{}, err
	}
	if !created {
		c.status = http.StatusOK
	}
	return c.subscriptionAnswer(sub), nil
}

func listPush(c *call, _ *none) (list[subscriptionAnswer], error) {
	all, err := c.s.Service.Subscriptions(c, c.who.UserID)
	if err != nil {
		return list[subscriptionAnswer]{}, err
	}
	return listOf(chat.Page[chat.PushSubscription]{Items: all}, c.subscriptionAnswer), nil
}

func updatePush(c *call, b *contentBody) (subscriptionAnswer, error) {
	id, err := pathID[chat.PushID](c, "id")
	if err != nil {
		return subscriptionAnswer{}, err
	}
	sub, err := c.s.Service.SetPushContent(c, c.who.UserID, id, b.Content)
	if err != nil {
		return subscriptionAnswer{}, err
	}
	return c.subscriptionAnswer(sub), nil
}

func unsubscribePush(c *call, _ *none) (none, error) {
	id, err := pathID[chat.PushID](c, "id")
	if err != nil {
		return none{}, err
	}
	return none{}, c.s.Service.Unsubscribe(c, c.who.UserID, id)
}

func testPush(c *call, _ *none) (none, error) {
	id, err := pathID[chat.PushID](c, "id")
	if err != nil {
		return none{}, err
	}
	return none{}, c.s.Service.TestPush(c, c.who.UserID, id)
}
