package api

import (
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

type signUpBody struct {
	Username    string `json:"username" doc:"3 to 32 letters, digits and . _ -"`
	Password    string `json:"password" doc:"8 to 256 characters"`
	DisplayName string `json:"display_name,omitempty"`
	Email       string `json:"email,omitempty"`
	Invite      string `json:"invite,omitempty" doc:"needed where sign-up is by invitation"`
}

type logInBody struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

type passwordBody struct {
	CurrentPassword string `json:"current_password"`
	Password        string `json:"password" doc:"the new one, 8 to 256 characters"`
}

// loggedInAnswer is what sign-up and log-in give.
type loggedInAnswer struct {
	User  wire.Me `json:"user"`
	Token string  `json:"token" doc:"for the header Authorization: Bearer; a browser has it as a cookie too"`
}

type sessionAnswer struct {
	ID        chat.SessionID `json:"id"`
	CreatedAt chat.Time      `json:"created_at"`
	SeenAt    chat.Time      `json:"seen_at" doc:"last use, to ten minutes"`
	ExpiresAt chat.Time      `json:"expires_at"`
	UserAgent string         `json:"user_agent"`
	Address   string         `json:"address"`
	Current   bool           `json:"current" doc:"the session of this request"`
}

func (s *server) routeAuth() {
	handle(s, operation{
		id: "sign-up", method: http.MethodPost, path: "/api/v1/auth/signup", tag: "accounts", status: http.StatusCreated,
		summary: "Make an account and log in",
	}, signUp)
	handle(s, operation{
		id: "log-in", method: http.MethodPost, path: "/api/v1/auth/login", tag: "accounts",
		summary: "Log in",
	}, logIn)
	handle(s, operation{
		id: "log-out", method: http.MethodPost, path: "/api/v1/auth/logout", tag: "accounts", access: loggedIn,
		summary: "End the session of this request",
	}, logOut)
	handle(s, operation{
		id: "change-password", method: http.MethodPost, path: "/api/v1/me/password", tag: "accounts", access: loggedIn,
		summary: "Change one's password and end all other sessions",
	}, changePassword)
	handle(s, operation{
		id: "list-sessions", method: http.MethodGet, path: "/api/v1/sessions", tag: "accounts", access: loggedIn,
		summary: "The devices that are logged in",
	}, listSessions)
	handle(s, operation{
		id: "revoke-session", method: http.MethodDelete, path: "/api/v1/sessions/{id}", tag: "accounts", access: loggedIn,
		summary: "Log a device out", params: []param{idParam("session")},
	}, revokeSession)
}

func (c *call) client() service.Client {
	return service.Client{Address: c.s.Edge.Address(c.r), UserAgent: c.r.UserAgent()}
}

// entered gives a fresh session to the client: as a token, and to a browser as a cookie.
func (c *call) entered(in *service.LoggedIn) loggedInAnswer {
	c.s.Edge.setCookie(c.w, c.r, in.Token, int(service.SessionLife.Seconds()))
	tripOf(c.r).user = in.Account.ID
	return loggedInAnswer{User: wire.MeOf(in.Account, c.s.Limits), Token: in.Token}
}

func signUp(c *call, b *signUpBody) (loggedInAnswer, error) {
	in, err := c.s.Service.SignUp(c, service.SignUpRequest{
		Username: b.Username, Password: b.Password, DisplayName: b.DisplayName, Email: b.Email, Invite: b.Invite,
		Client: c.client(), Previous: c.s.Edge.CookieToken(c.r),
	})
	if err != nil {
		return loggedInAnswer{}, err
	}
	return c.entered(in), nil
}

func logIn(c *call, b *logInBody) (loggedInAnswer, error) {
	in, err := c.s.Service.LogIn(c, service.LogInRequest{
		Username: b.Username, Password: b.Password, Client: c.client(), Previous: c.s.Edge.CookieToken(c.r),
	})
	if err != nil {
		return loggedInAnswer{}, err
	}
	return c.entered(in), nil
}

func logOut(c *call, _ *none) (none, error) {
	if err := c.s.Service.LogOut(c, c.who); err != nil {
		return none{}, err
	}
	c.s.Edge.setCookie(c.w, c.r, "", 0)
	c.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return none{}, nil
}

func changePassword(c *call, b *passwordBody) (none, error) {
	return none{}, c.s.Service.ChangePassword(c, c.who, b.CurrentPassword, b.Password)
}

func listSessions(c *call, _ *none) (list[sessionAnswer], error) {
	all, err := c.s.Service.SessionsOf(c, c.who.UserID)
	if err != nil {
		return list[sessionAnswer]{}, err
	}
	return listOf(chat.Page[chat.Session]{Items: all}, func(s *chat.Session) sessionAnswer {
		return sessionAnswer{
			ID: s.ID, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt,
			UserAgent: s.UserAgent, Address: s.Address, Current: s.ID == c.who.SessionID,
		}
	}), nil
}

func revokeSession(c *call, _ *none) (none, error) {
	id, err := pathID[chat.SessionID](c, "id")
	if err != nil {
		return none{}, err
	}
	return none{}, c.s.Service.Revoke(c, c.who.UserID, id)
}
