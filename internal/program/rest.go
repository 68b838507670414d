package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// API talks REST to a program. Copies with other tokens may share a client. It is
// safe for concurrent use.
type API struct {
	URL    string // such as http://127.0.0.1:3000
	Token  string // of a session; empty for none
	Client *http.Client
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status int
	Body   []byte
}

// Error gives the status and the beginning of the body.
func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d: %.300s", e.Status, e.Body)
}

// Status gives the HTTP status of an error of Do, or 0.
func Status(err error) int {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Status
	}
	return 0
}

// Do sends body, if any, as JSON to a path below /api/v1 and decodes the answer into
// into, if any. An answer other than 2xx is a *StatusError.
func (a API) Do(ctx context.Context, method, path string, body, into any) error {
	var in io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.URL+"/api/v1"+path, in)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.Token != "" {
		req.Header.Set("Authorization", "Bearer "+a.Token)
	}
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %w", method, path, &StatusError{res.StatusCode, text})
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s %s: decode answer: %w", method, path, err)
	}
	return nil
}

// User is the part of a person that tools need.
type User struct {
	ID       string `json:"id"`
	Username string `json:"username"`
}

// Login is a person with a session.
type Login struct {
	User  User   `json:"user"`
	Token string `json:"token"`
}

// As gives an API that speaks for a session.
func (a API) As(l Login) API {
	a.Token = l.Token
	return a
}

// SignUp makes an account and a session of it.
func (a API) SignUp(ctx context.Context, username, password string) (Login, error) {
	var l Login
	err := a.Do(ctx, http.MethodPost, "/auth/signup", map[string]string{"username": username, "password": password}, &l)
	return l, err
}

// Group makes a group of the caller and the others and gives its id.
func (a API) Group(ctx context.Context, title string, others ...string) (string, error) {
	var c struct {
		ID string `json:"id"`
	}
	err := a.Do(ctx, http.MethodPost, "/conversations", map[string]any{"kind": "group", "title": title, "member_ids": others}, &c)
	return c.ID, err
}

// Entry is one entry of a conversation's log, as much of it as tools check.
type Entry struct {
	Seq      int64  `json:"seq"`
	Kind     string `json:"kind"`
	SenderID string `json:"sender_id"`
	ClientID string `json:"client_id"`
	Ordinal  int64  `json:"ordinal"`
	Text     string `json:"text"`
}

// Entries reads a conversation's whole log, page by page.
func (a API) Entries(ctx context.Context, conversation string) ([]Entry, error) {
	var all []Entry
	for after := int64(0); ; {
		var page struct {
			Items []Entry `json:"items"`
			Head  int64   `json:"head"`
		}
		if err := a.Do(ctx, http.MethodGet, fmt.Sprintf("/conversations/%s/entries?after=%d&limit=1000", conversation, after), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if len(page.Items) == 0 || all[len(all)-1].Seq >= page.Head {
			return all, nil
		}
		after = all[len(all)-1].Seq
	}
}
