package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type profileBody struct {
	DisplayName *string `json:"display_name,omitempty"`
	Bio         *string `json:"bio,omitempty"`
	Email       *string `json:"email,omitempty" doc:"empty removes it"`
	// Avatar and AvatarID are two names of the same.
	Avatar   json.RawMessage `json:"avatar,omitempty" schema:"uuid,null" doc:"the id of an own picture; null removes it"`
	AvatarID json.RawMessage `json:"avatar_id,omitempty" schema:"uuid,null" doc:"the same as avatar"`
	Settings json.RawMessage `json:"settings,omitempty" schema:"object" doc:"an object of the client's, at most 16 KiB; replaces the one that is kept"`
}

type serverAnswer struct {
	Signup service.Signup `json:"signup" enum:"open,invite,closed"`
	Limits wire.Limits    `json:"limits"`
}

func (s *server) routeMe() {
	handle(s, operation{
		id: "get-me", method: http.MethodGet, path: "/api/v1/me", tag: "accounts", access: loggedIn,
		summary: "One's own profile",
	}, getMe)
	handle(s, operation{
		id: "update-me", method: http.MethodPatch, path: "/api/v1/me", tag: "accounts", access: loggedIn,
		summary: "Change one's own profile; what is left out stays",
	}, updateMe)
	handle(s, operation{
		id: "set-avatar", method: http.MethodPut, path: "/api/v1/me/avatar", tag: "accounts", access: loggedIn, upload: true, long: true,
		summary: "Make an uploaded picture one's own: multipart/form-data with one part called file; its middle square is kept",
	}, setAvatar)
	handle(s, operation{
		id: "set-conversation-avatar", method: http.MethodPut, path: "/api/v1/conversations/{id}/avatar", tag: "conversations", access: loggedIn,
		summary: "Make an uploaded picture that of a group or channel: multipart/form-data with one part called file; its middle square is kept",
		upload:  true, long: true, params: []param{conversationParam},
	}, setConversationAvatar)
	handle(s, operation{
		id: "get-limits", method: http.MethodGet, path: "/api/v1/limits", tag: "server",
		summary: "What this server allows",
	}, func(c *call, _ *none) (serverAnswer, error) {
		return serverAnswer{Signup: c.s.Signup, Limits: c.s.Limits}, nil
	})
}

func getMe(c *call, _ *none) (wire.Me, error) {
	account, err := c.s.Service.Me(c, c.who.UserID)
	if err != nil {
		return wire.Me{}, err
	}
	return wire.MeOf(account, c.s.Limits), nil
}

func setAvatar(c *call, _ *none) (wire.Me, error) {
	ctx, cancel := context.WithTimeout(c, avatarTimeout)
	defer cancel()
	body, err := filePart(c, service.MaxAvatarBytes)
	if err != nil {
		return wire.Me{}, err
	}
	account, err := c.s.Service.SetAvatar(ctx, c.who.UserID, body)
	if err != nil {
		return wire.Me{}, err
	}
	return wire.MeOf(account, c.s.Limits), nil
}

// avatarTimeout bounds the upload of a picture.
const avatarTimeout = 2 * time.Minute

func setConversationAvatar(c *call, _ *none) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(c, avatarTimeout)
	defer cancel()
	id, err := c.conversation()
	if err != nil {
		return nil, err
	}
	body, err := filePart(c, service.MaxAvatarBytes)
	if err != nil {
		return nil, err
	}
	return entryOrUnchanged(c.s.Service.SetConversationAvatar(ctx, c.who.UserID, id, body))
}

func updateMe(c *call, b *profileBody) (wire.Me, error) {
	avatar, err := avatarOf("avatar", b.Avatar)
	if err == nil && b.AvatarID != nil {
		avatar, err = avatarOf("avatar_id", b.AvatarID)
	}
	if err != nil {
		return wire.Me{}, err
	}
	account, err := c.s.Service.UpdateProfile(c, c.who.UserID, service.ProfileRequest{
		DisplayName: b.DisplayName, Bio: b.Bio, Email: b.Email, AvatarID: avatar, Settings: b.Settings,
	})
	if err != nil {
		return wire.Me{}, err
	}
	return wire.MeOf(account, c.s.Limits), nil
}

// avatarOf reads the id of a picture; null and "" remove it, absent leaves it.
func avatarOf(field string, raw json.RawMessage) (*chat.FileID, error) {
	if raw == nil {
		return nil, nil //nolint:nilnil // absent
	}
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, badID(field)
	}
	var id chat.FileID
	if text == nil || *text == "" {
		return &id, nil
	}
	id, err := parseFileID(*text)
	if err != nil {
		return nil, badID(field)
	}
	return &id, nil
}

func parseFileID(text string) (chat.FileID, error) {
	id, err := chat.ParseID[struct{}](text)
	return chat.FileID(id), err
}

func badID(field string) *chat.Error {
	e := chat.Invalid(field, "is not an id")
	e.Reason = wire.ReasonMalformed
	return e
}
