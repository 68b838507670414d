package api

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// role is who somebody is to the conversation that a request is about.
type role string

const (
	anonymous role = "anonymous" // without a session
	stranger  role = "stranger"  // logged in, never a member
	member    role = "member"
	admin     role = "admin"
	owner     role = "owner"
	left      role = "left"     // was a member
	disabled  role = "disabled" // was barred; the token is from before
)

var roles = []role{anonymous, stranger, member, admin, owner, left, disabled}

// row says what each role is answered on a route.
type row map[role]int

// in makes a row of what strangers and former members, and what the three kinds
// of members are answered. Nobody without a session passes.
func in(outside, asMember, asAdmin, asOwner int) row {
	return row{anonymous: 401, disabled: 401, stranger: outside, left: outside, member: asMember, admin: asAdmin, owner: asOwner}
}

func everybodyIn(status int) row { return in(status, status, status, status) }

func anybody(status int) row {
	r := row{}
	for _, who := range roles {
		r[who] = status
	}
	return r
}

// scene is one conversation with one message of its owner, made for one request.
type scene struct {
	w       *world
	who     role
	people  map[role]*person
	path    string // of the conversation
	message string // path of the owner's message
	file    string // path of the file in it
	seq     int
	other   string // id of a member whom nobody plays
	extra   string // id of somebody who is in no conversation
}

// asked is a request of the matrix.
type asked struct {
	method, path string
	body         any
	header       []string
}

// matrix has one line for each operation: what is asked, and what each role is
// answered. A route without a line fails the test.
var matrix = map[string]struct {
	want row
	ask  func(s *scene) asked
}{
	"sign-up": {anybody(201), func(s *scene) asked {
		return asked{"POST", "/api/v1/auth/signup", map[string]any{"username": "fresh-" + string(s.who), "password": goodPassword}, nil}
	}},
	"log-in": {row{anonymous: 401, disabled: 401, stranger: 200, left: 200, member: 200, admin: 200, owner: 200}, func(s *scene) asked {
		name := "nobody-of-that-name"
		if p := s.people[s.who]; p != nil {
			name = p.Name
		}
		return asked{"POST", "/api/v1/auth/login", map[string]any{"username": name, "password": goodPassword}, nil}
	}},
	"log-out": {everybodyIn(204), func(s *scene) asked { return asked{"POST", "/api/v1/auth/logout", nil, s.freshSession()} }},
	"change-password": {everybodyIn(403), func(*scene) asked {
		return asked{"POST", "/api/v1/me/password", map[string]any{"current_password": "not it at all", "password": "quite another one 5"}, nil}
	}},
	"list-sessions": {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/sessions", nil, nil} }},
	"revoke-session": {everybodyIn(404), func(s *scene) asked {
		return asked{"DELETE", "/api/v1/sessions/" + s.extra, nil, nil} // not one of theirs
	}},
	"get-me":    {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/me", nil, nil} }},
	"update-me": {everybodyIn(200), func(*scene) asked { return asked{"PATCH", "/api/v1/me", map[string]any{"bio": "b"}, nil} }},
	"set-avatar": {everybodyIn(200), func(s *scene) asked {
		body, kind := formOf(s.w.t, "file", "a.png", pngOf(s.w.t, 4, 4))
		return asked{"PUT", "/api/v1/me/avatar", body, []string{"Content-Type", kind}}
	}},
	"set-conversation-avatar": {in(404, 403, 200, 200), func(s *scene) asked {
		body, kind := formOf(s.w.t, "file", "a.png", pngOf(s.w.t, 4, 4))
		return asked{"PUT", s.path + "/avatar", body, []string{"Content-Type", kind}}
	}},
	"get-limits": {anybody(200), func(*scene) asked { return asked{"GET", "/api/v1/limits", nil, nil} }},
	"find-users": {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/users?query=a", nil, nil} }},
	"get-user":   {everybodyIn(200), func(s *scene) asked { return asked{"GET", "/api/v1/users/" + s.other, nil, nil} }},

	"list-conversations": {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/conversations", nil, nil} }},
	"create-conversation": {everybodyIn(201), func(*scene) asked {
		return asked{"POST", "/api/v1/conversations", map[string]any{"kind": "group", "title": "new"}, nil}
	}},
	"sync":                {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/sync", nil, nil} }},
	"get-conversation":    {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.path, nil, nil} }},
	"update-conversation": {in(404, 403, 200, 200), func(s *scene) asked { return asked{"PATCH", s.path, map[string]any{"title": "renamed"}, nil} }},
	"list-entries":        {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.path + "/entries", nil, nil} }},

	"list-members": {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.path + "/members", nil, nil} }},
	"add-members": {in(404, 403, 200, 200), func(s *scene) asked {
		return asked{"POST", s.path + "/members", map[string]any{"user_id": s.extra}, nil}
	}},
	"set-role": {in(404, 403, 200, 200), func(s *scene) asked {
		return asked{"PATCH", s.path + "/members/" + s.other, map[string]any{"role": "admin"}, nil}
	}},
	"remove-member": {in(404, 403, 200, 200), func(s *scene) asked { return asked{"DELETE", s.path + "/members/" + s.other, nil, nil} }},

	"list-messages": {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.path + "/messages", nil, nil} }},
	"send-message": {in(404, 201, 201, 201), func(s *scene) asked {
		return asked{"POST", s.path + "/messages", map[string]any{"client_id": "m", "text": "t"}, nil}
	}},
	"pin-message":   {in(404, 403, 200, 200), func(s *scene) asked { return asked{"PUT", s.message + "/pin", nil, nil} }},
	"unpin-message": {in(404, 403, 200, 200), func(s *scene) asked { return asked{"DELETE", s.message + "/pin", nil, nil} }},
	"list-pins":     {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.path + "/pins", nil, nil} }},
	"list-files":    {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.path + "/files", nil, nil} }},
	"set-preferences": {in(404, 200, 200, 200), func(s *scene) asked {
		return asked{"PATCH", s.path + "/preferences", map[string]any{"pinned": true}, nil}
	}},
	"create-invite": {in(404, 403, 201, 201), func(s *scene) asked { return asked{"POST", s.path + "/invites", map[string]any{}, nil} }},
	"list-invites":  {in(404, 403, 200, 200), func(s *scene) asked { return asked{"GET", s.path + "/invites", nil, nil} }},
	"revoke-invite": {in(404, 403, 404, 404), func(s *scene) asked { return asked{"DELETE", s.path + "/invites/" + s.extra, nil, nil} }},
	"preview-invite": {everybodyIn(200), func(s *scene) asked {
		return asked{"POST", "/api/v1/invites/preview", map[string]any{"token": s.invite()}, nil}
	}},
	"join-by-invite": {in(201, 200, 200, 200), func(s *scene) asked {
		return asked{"POST", "/api/v1/invites/join", map[string]any{"token": s.invite()}, nil}
	}},
	"list-blocks":  {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/blocks", nil, nil} }},
	"block":        {everybodyIn(204), func(s *scene) asked { return asked{"PUT", "/api/v1/blocks/" + s.extra, nil, nil} }},
	"unblock":      {everybodyIn(204), func(s *scene) asked { return asked{"DELETE", "/api/v1/blocks/" + s.extra, nil, nil} }},
	"get-push-key": {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/push", nil, nil} }},
	"list-push":    {everybodyIn(200), func(*scene) asked { return asked{"GET", "/api/v1/push/subscriptions", nil, nil} }},
	"subscribe-push": {everybodyIn(201), func(s *scene) asked {
		return asked{"POST", "/api/v1/push/subscriptions", subscription("matrix-" + string(s.who)), nil}
	}},
	"update-push": {everybodyIn(404), func(s *scene) asked {
		return asked{"PATCH", "/api/v1/push/subscriptions/" + s.extra, map[string]any{"content": false}, nil}
	}},
	"unsubscribe-push": {everybodyIn(404), func(s *scene) asked { return asked{"DELETE", "/api/v1/push/subscriptions/" + s.extra, nil, nil} }},
	"test-push": {everybodyIn(404), func(s *scene) asked {
		return asked{"POST", "/api/v1/push/subscriptions/" + s.extra + "/test", nil, nil}
	}},
	"search": {in(404, 200, 200, 200), func(s *scene) asked {
		return asked{"GET", "/api/v1/search?q=owner&conversation_id=" + s.path[len("/api/v1/conversations/"):], nil, nil}
	}},
	"get-message":     {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.message, nil, nil} }},
	"edit-message":    {in(404, 403, 403, 200), func(s *scene) asked { return asked{"PATCH", s.message, map[string]any{"text": "changed"}, nil} }},
	"delete-message":  {in(404, 403, 200, 200), func(s *scene) asked { return asked{"DELETE", s.message, nil, nil} }},
	"add-reaction":    {in(404, 200, 200, 200), func(s *scene) asked { return asked{"PUT", s.message + "/reactions/x", nil, nil} }},
	"remove-reaction": {in(404, 200, 200, 200), func(s *scene) asked { return asked{"DELETE", s.message + "/reactions/x", nil, nil} }},
	"get-receipts":    {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.message + "/receipts", nil, nil} }},
	"mark-read":       {in(404, 200, 200, 200), func(s *scene) asked { return asked{"POST", s.path + "/read", map[string]any{"seq": s.seq}, nil} }},

	"upload-file": {everybodyIn(201), func(s *scene) asked {
		body, kind := formOf(s.w.t, "file", "a.txt", []byte("text"))
		return asked{"POST", "/api/v1/files", body, []string{"Content-Type", kind}}
	}},
	"get-file": {in(404, 200, 200, 200), func(s *scene) asked { return asked{"GET", s.file, nil, nil} }},
}

// invite gives the token of a link that the owner makes.
func (s *scene) invite() string {
	return s.people[owner].do("POST", s.path+"/invites", map[string]any{}).want(s.w.t, 201).str("token")
}

// freshSession logs the role in once more, so that ending the session harms no other line.
func (s *scene) freshSession() []string {
	p := s.people[s.who]
	if p == nil || s.who == disabled {
		return nil
	}
	got := s.w.do("POST", "/api/v1/auth/login", "", map[string]any{"username": p.Name, "password": goodPassword}).want(s.w.t, 200)
	return []string{"Authorization", "Bearer " + got.str("token")}
}

// stage has everybody whom the matrix needs.
type stage struct {
	w      *world
	people map[role]*person
	other  *person
	extra  *person
}

func newStage(t *testing.T) *stage {
	w := newWorld(t, options{limits: unlimited})
	g := &stage{w: w, people: map[role]*person{}, other: w.person("other"), extra: w.person("extra")}
	for _, who := range roles[1:] {
		g.people[who] = w.person(string(who))
	}
	id, err := chat.ParseID[struct{}](g.people[disabled].ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.service.Disable(t.Context(), chat.UserID(id), true); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *stage) scene(who role) *scene {
	p := g.people
	boss := p[owner]
	path := boss.group("Matrix", p[member], p[admin], p[left], g.other)
	boss.do("PATCH", path+"/members/"+p[admin].ID, map[string]any{"role": "admin"}).want(g.w.t, 200)
	file := boss.upload("a.txt", []byte("something")).want(g.w.t, 201)
	seq := boss.say(path, "of the owner", file.str("id"))
	p[left].do("DELETE", path+"/members/me", nil).want(g.w.t, 200)
	return &scene{
		w: g.w, who: who, people: p, path: path, message: fmt.Sprintf("%s/messages/%d", path, seq), file: file.str("url"),
		seq: seq, other: g.other.ID, extra: g.extra.ID,
	}
}

func (s *scene) do(a asked) *answer {
	token := ""
	if p := s.people[s.who]; p != nil {
		token = p.Token
	}
	return s.w.do(a.method, a.path, token, a.body, a.header...)
}

// TestPermissionMatrix asks every route as every role.
func TestPermissionMatrix(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	for _, op := range g.w.inner.routes {
		line, ok := matrix[op.id]
		if !ok {
			t.Errorf("%s %s has no line in the matrix of permissions", op.method, op.path)
			continue
		}
		var s *scene
		for _, who := range roles {
			if s == nil || op.method != "GET" {
				s = g.scene(who)
			}
			s.who = who
			a := line.ask(s)
			if a.method != op.method {
				t.Errorf("%s: the line asks %s", op.id, a.method)
			}
			if got := s.do(a); got.Status != line.want[who] {
				t.Errorf("%s as %s: got %d %s, want %d", op.id, who, got.Status, got.Body, line.want[who])
			}
		}
	}
	ids := map[string]bool{}
	for _, op := range g.w.inner.routes {
		ids[op.id] = true
	}
	for id := range matrix {
		if !ids[id] {
			t.Errorf("the matrix has a line for %s, which is no route", id)
		}
	}
}

// Z1, Z2: on every verb, a conversation that one may not see is answered in the
// same bytes as one that does not exist, and nothing happens in it.
func TestZ1Z2NotFoundIsByteIdentical(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	const missing = "01890a5d-ac96-774b-bcce-b302099a8057"
	for _, op := range g.w.inner.routes {
		line := matrix[op.id]
		if !strings.Contains(op.path, "/conversations/{id}") && op.id != "get-file" {
			continue
		}
		for _, who := range []role{stranger, left} {
			s := g.scene(who)
			before := s.people[owner].get(s.path+"/entries").want(t, 200)
			a := line.ask(s)
			got := s.do(a)
			conv := strings.TrimPrefix(s.path, "/api/v1/conversations/")
			file := strings.TrimPrefix(s.file, "/api/v1/files/")
			a.path = strings.NewReplacer(conv, missing, file, missing).Replace(a.path)
			absent := s.do(a)
			if got.Status != 404 || !bytes.Equal(got.Body, absent.Body) || !sameHeaders(got, absent) {
				t.Errorf("%s as %s: got %d %s %v, for what does not exist %d %s %v", op.id, who, got.Status, got.Body, got.Header, absent.Status, absent.Body, absent.Header)
			}
			if got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s as %s: got Cache-Control %q, want no-store", op.id, who, got.Header.Get("Cache-Control"))
			}
			if after := s.people[owner].get(s.path + "/entries"); !bytes.Equal(after.Body, before.Body) {
				t.Errorf("%s as %s changed the conversation: %s, before %s", op.id, who, after.Body, before.Body)
			}
		}
	}
}

func sameHeaders(a, b *answer) bool {
	names := func(x *answer) []string {
		var out []string
		for name, values := range x.Header {
			if name != "Date" {
				out = append(out, name+": "+strings.Join(values, ","))
			}
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(names(a), names(b))
}
