package api

import (
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type inviteBody struct {
	ExpiresInSeconds *int64 `json:"expires_in_seconds,omitempty" doc:"60 to 31,536,000; 0 for never; absent: a week"`
	MaxUses          int    `json:"max_uses,omitempty" doc:"at most 100,000; 0 for any number"`
}

type tokenBody struct {
	Token string `json:"token" doc:"of the link: what stands behind its #"`
}

type inviteAnswer struct {
	ID             chat.InviteID       `json:"id"`
	ConversationID chat.ConversationID `json:"conversation_id"`
	CreatedBy      wire.User           `json:"created_by"`
	CreatedAt      chat.Time           `json:"created_at"`
	ExpiresAt      *chat.Time          `json:"expires_at" schema:"time,null" doc:"null: never"`
	MaxUses        int                 `json:"max_uses" doc:"0: any number"`
	Uses           int                 `json:"uses"`
	Token          string              `json:"token,omitempty" doc:"in the answer to its making, and nowhere else"`
	URL            string              `json:"url,omitempty" doc:"the link, with the token behind #; in the answer to its making, and nowhere else"`
}

type previewAnswer struct {
	ConversationID chat.ConversationID   `json:"conversation_id"`
	Kind           chat.ConversationKind `json:"kind" enum:"group,channel"`
	Title          string                `json:"title"`
	AvatarURL      string                `json:"avatar_url,omitempty" doc:"a path on this server"`
	MembersCount   int                   `json:"members_count"`
	Member         bool                  `json:"member" doc:"one is in already"`
}

func (s *server) routeInvites() {
	const all = "/api/v1/conversations/{id}/invites"
	handle(s, operation{
		id: "create-invite", method: http.MethodPost, path: all, tag: "members", access: loggedIn, status: http.StatusCreated,
		summary: "Make a link by which people join", params: []param{conversationParam},
	}, createInvite)
	handle(s, operation{
		id: "list-invites", method: http.MethodGet, path: all, tag: "members", access: loggedIn,
		summary: "The links that hold, without their tokens", params: append([]param{conversationParam}, paging...),
	}, listInvites)
	handle(s, operation{
		id: "revoke-invite", method: http.MethodDelete, path: all + "/{invite_id}", tag: "members", access: loggedIn,
		summary: "End a link at once",
		params:  []param{conversationParam, {name: "invite_id", in: "path", doc: "id of the link", schema: "uuid", required: true}},
	}, revokeInvite)
	handle(s, operation{
		id: "preview-invite", method: http.MethodPost, path: "/api/v1/invites/preview", tag: "members", access: loggedIn,
		summary: "What a link leads to",
	}, previewInvite)
	handle(s, operation{
		id: "join-by-invite", method: http.MethodPost, path: "/api/v1/invites/join", tag: "members", access: loggedIn,
		summary: "Join by a link", status: http.StatusCreated, also: http.StatusOK,
	}, joinByInvite)
}

func createInvite(c *call, b *inviteBody) (inviteAnswer, error) {
	id, err := c.conversation()
	if err != nil {
		return inviteAnswer{}, err
	}
	life := service.DefaultInviteLife
	if b.ExpiresInSeconds != nil {
		seconds := *b.ExpiresInSeconds
		if seconds < 0 || seconds > int64(service.MaxInviteLife/time.Second) {
			return inviteAnswer{}, chat.Invalid("expires_in_seconds", "must be 0 for never, or a minute to a year")
		}
		life = time.Duration(seconds) * time.Second
	}
	invite, token, err := c.s.Service.Invite(c, service.InviteRequest{
		UserID: c.who.UserID, ConversationID: id, Life: life, MaxUses: b.MaxUses,
	})
	if err != nil {
		return inviteAnswer{}, err
	}
	shown, err := c.inviteAnswers([]chat.Invite{*invite})
	if err != nil {
		return inviteAnswer{}, err
	}
	// The token stands behind the #, which no browser sends to a server.
	shown[0].Token, shown[0].URL = token, c.s.Edge.Origin(c.r)+"/join#"+token
	return shown[0], nil
}

// inviteAnswers shows invitations with the names of who made them.
func (c *call) inviteAnswers(invites []chat.Invite) ([]inviteAnswer, error) {
	ids := make([]chat.UserID, len(invites))
	for i := range invites {
		ids[i] = invites[i].CreatedBy
	}
	users, err := c.s.Service.Users(c, ids)
	if err != nil {
		return nil, err //nolint:wrapcheck // a *chat.Error
	}
	out := make([]inviteAnswer, len(invites))
	for i := range invites {
		in, user := &invites[i], users[invites[i].CreatedBy]
		out[i] = inviteAnswer{
			ID: in.ID, ConversationID: in.ConversationID, CreatedBy: wire.UserOf(&user), CreatedAt: in.CreatedAt, MaxUses: in.MaxUses, Uses: in.Uses,
		}
		if in.ExpiresAt != 0 {
			out[i].ExpiresAt = &in.ExpiresAt
		}
	}
	return out, nil
}

func listInvites(c *call, _ *none) (list[inviteAnswer], error) {
	id, err := c.conversation()
	if err != nil {
		return list[inviteAnswer]{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return list[inviteAnswer]{}, err
	}
	page, err := c.s.Service.Invites(c, c.who.UserID, id, c.r.URL.Query().Get("cursor"), limit)
	if err != nil {
		return list[inviteAnswer]{}, err
	}
	shown, err := c.inviteAnswers(page.Items)
	return listOf(chat.Page[inviteAnswer]{Items: shown, Next: page.Next}, func(a *inviteAnswer) inviteAnswer { return *a }), err
}

func revokeInvite(c *call, _ *none) (none, error) {
	id, err := c.conversation()
	if err != nil {
		return none{}, err
	}
	invite, err := pathID[chat.InviteID](c, "invite_id")
	if err != nil {
		return none{}, err
	}
	return none{}, c.s.Service.RevokeInvite(c, c.who.UserID, id, invite)
}

func previewInvite(c *call, b *tokenBody) (previewAnswer, error) {
	p, err := c.s.Service.PreviewInvite(c, c.who.UserID, b.Token)
	if err != nil {
		return previewAnswer{}, err
	}
	head := p.Conversation
	return previewAnswer{
		ConversationID: head.ID, Kind: head.Kind, Title: head.Title, AvatarURL: wire.ThumbURL(head.AvatarID),
		MembersCount: head.Members, Member: p.Member,
	}, nil
}

func joinByInvite(c *call, b *tokenBody) (wire.Conversation, error) {
	view, joined, err := c.s.Service.Join(c, c.who.UserID, b.Token)
	if err != nil {
		return wire.Conversation{}, err
	}
	if !joined {
		c.status = http.StatusOK
	}
	return wire.ConversationOf(view), nil
}
