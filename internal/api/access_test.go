package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/service"
)

// Z3: another's message, and fields that are not the sender's to set.
func TestZ3OthersMessagesAndForeignFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.group("g", bob)
	seq := ann.say(conv, "mine")
	one := fmt.Sprintf("%s/messages/%d", conv, seq)
	bob.do("PATCH", one, map[string]any{"text": "not yours"}).problem(t, 403, "forbidden")
	bob.do("DELETE", one, nil).problem(t, 403, "forbidden")
	for _, field := range []string{"sender_id", "seq", "room_id", "conversation_id", "created_at", "at", "ordinal", "kind", "Text", "__proto__"} {
		got := bob.do("POST", conv+"/messages", map[string]any{"client_id": "f", "text": "t", field: "x"}).problem(t, 422, "invalid")
		if got.str("reason") != "unknown_field" || got.get("fields."+field) == nil {
			t.Errorf("%s: got %s, want the unknown field named", field, got.Body)
		}
	}
	if got := ann.get(conv+"/messages").want(t, 200); got.len("items") != 1 || got.str("items.0.text") != "mine" {
		t.Errorf("got %s", got.Body)
	}
}

// Z6: a file is there for whoever sees a message that holds it, and for nobody else.
func TestZ6Files(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, cid := w.person("ann"), w.person("bob"), w.person("cid")
	conv := ann.group("g", bob)
	file := ann.upload("photo.png", pngOf(t, 900, 700)).want(t, 201)
	url := file.str("url")
	seen := func(p *person, status int, why string) {
		t.Helper()
		for _, path := range []string{url, url + "?thumb=1"} {
			got := p.get(path)
			if got.Status != status {
				t.Errorf("%s: got %d, want %d", why, got.Status, status)
			}
			if status != 200 && got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: got Cache-Control %q, want no-store", why, got.Header.Get("Cache-Control"))
			}
		}
	}
	seen(ann, 200, "its owner")
	seen(bob, 404, "a member, before it is sent")
	seq := ann.say(conv, "", file.str("id"))
	seen(bob, 200, "a member")
	seen(cid, 404, "a stranger")
	w.do("GET", url, "", nil).problem(t, 401, "unauthenticated")
	ann.do("POST", conv+"/members", map[string]any{"user_id": cid.ID}).want(t, 200)
	seen(cid, 404, "a member who came after the message")
	bob.do("DELETE", conv+"/members/me", nil).want(t, 200)
	seen(bob, 404, "somebody who left")
	ann.get("/api/v1/files/01890a5d-ac96-774b-bcce-b302099a8057").problem(t, 404, "not_found")
	ann.do("DELETE", fmt.Sprintf("%s/messages/%d", conv, seq), nil).want(t, 200)
	seen(cid, 404, "after the message was deleted")
}

// Z7: another's file cannot be attached unless one may see it; a file in two
// conversations is seen through either.
func TestZ7ForeignAttachments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, cid := w.person("ann"), w.person("bob"), w.person("cid")
	file := ann.upload("a.txt", []byte("text")).want(t, 201)
	theirs := bob.group("bob's", cid)
	steal := func() *answer {
		return bob.do("POST", theirs+"/messages", map[string]any{"client_id": "steal", "text": "", "attachments": []any{file.str("id")}})
	}
	stolen := steal().problem(t, 422, "invalid")
	missing := bob.do("POST", theirs+"/messages", map[string]any{"client_id": "x", "attachments": []any{"01890a5d-ac96-774b-bcce-b302099a8057"}})
	if string(stolen.Body) != string(missing.Body) || stolen.get("fields.attachments") == nil {
		t.Errorf("got %s, for a file that does not exist %s", stolen.Body, missing.Body)
	}
	shared := ann.direct(bob)
	ann.say(shared, "", file.str("id"))
	forwarded := steal().want(t, 201) // bob sees it now, and may pass it on
	if forwarded.str("attachments.0.id") != file.str("id") || forwarded.str("attachments.0.name") != "a.txt" {
		t.Errorf("got %s", forwarded.Body)
	}
	if got := cid.get(file.str("url")).want(t, 200); string(got.Body) != "text" {
		t.Errorf("got %q", got.Body)
	}
}

// Z8: receipts are clamped, never go back, and are one's own.
func TestZ8Receipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, cid := w.person("ann"), w.person("bob"), w.person("cid")
	conv := ann.group("g", bob)
	ann.say(conv, "1")
	last := ann.say(conv, "2")
	mark := func(p *person, body any) *answer { return p.do("POST", conv+"/read", body) }
	if got := mark(bob, map[string]any{"seq": 1_000_000}).want(t, 200); got.num("read_seq") != last || got.num("delivered_seq") != last {
		t.Errorf("beyond the head: got %s, want %d", got.Body, last)
	}
	if got := mark(bob, map[string]any{"seq": 1}).want(t, 200); got.num("read_seq") != last {
		t.Errorf("backwards: got %s, want %d", got.Body, last)
	}
	mark(bob, map[string]any{"seq": last, "user_id": ann.ID}).problem(t, 422, "invalid")
	mark(cid, map[string]any{"seq": last}).problem(t, 404, "not_found")
	for _, seq := range []any{-1, "5", 1.5, nil, []int{1}} {
		if got := mark(bob, map[string]any{"seq": seq}); got.Status != 400 && got.Status != 422 {
			t.Errorf("seq %v: got %d", seq, got.Status)
		}
	}
	mark(bob, `{"seq":9007199254740993}`).problem(t, 400, "invalid")
	if got := mark(bob, `{"seq":-0}`).want(t, 200); got.num("read_seq") != last {
		t.Errorf("-0: got %s", got.Body)
	}
}

// Z11: nothing of a private conversation is in a search, a sync or an error.
func TestZ11PrivateThingsAreAbsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, cid := w.person("ann"), w.person("bob"), w.person("cid")
	conv := ann.group("Hidden-title-of-the-group", bob)
	ann.say(conv, "hidden words")
	for _, path := range []string{
		"/api/v1/users?query=Hidden", "/api/v1/sync", "/api/v1/conversations", conv, conv + "/members", conv + "/messages", "/api/v1/users/" + ann.ID,
	} {
		got := cid.get(path)
		if strings.Contains(strings.ToLower(string(got.Body)), "hidden") {
			t.Errorf("%s: got %s", path, got.Body)
		}
	}
}

// Z12: roles.
func TestZ12Roles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, cid := w.person("ann"), w.person("bob"), w.person("cid")
	conv := ann.group("g", bob, cid)
	role := func(p *person, of string, role string) *answer {
		return p.do("PATCH", conv+"/members/"+of, map[string]any{"role": role})
	}
	role(bob, "me", "admin").problem(t, 403, "forbidden")
	role(bob, bob.ID, "owner").problem(t, 403, "forbidden")
	role(ann, bob.ID, "admin").want(t, 200)
	role(bob, "me", "owner").problem(t, 403, "forbidden")
	role(bob, cid.ID, "owner").problem(t, 403, "forbidden")
	bob.do("DELETE", conv+"/members/"+ann.ID, nil).problem(t, 403, "forbidden")
	for _, got := range []*answer{ann.do("DELETE", conv+"/members/me", nil), role(ann, "me", "member")} {
		if got.problem(t, 409, "conflict"); got.str("reason") != "last_owner" {
			t.Errorf("got %s, want last_owner", got.Body)
		}
	}
	role(ann, bob.ID, "king").problem(t, 422, "invalid")
	role(ann, bob.ID, "owner").want(t, 200)
	ann.do("DELETE", conv+"/members/me", nil).want(t, 200)
	direct := ann.direct(bob)
	for _, got := range []*answer{
		ann.do("DELETE", direct+"/members/me", nil), ann.do("POST", direct+"/members", map[string]any{"user_id": cid.ID}),
		ann.do("PATCH", direct, map[string]any{"title": "x"}), ann.do("DELETE", direct+"/members/"+bob.ID, nil),
	} {
		got.problem(t, 403, "forbidden")
	}
}

// Z13: what is for operators is not on the public port.
func TestZ13NothingForOperatorsIsPublic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/vars", "/api/v1/admin", "/api/v1/admin/users", "/api", "/api/v1", "/api/v2/me", "/debug/ownership"} {
		got := ann.get(path).problem(t, 404, "not_found")
		if got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got Cache-Control %q, want no-store", path, got.Header.Get("Cache-Control"))
		}
	}
}

// Z15: too much of anything.
func TestZ15TooMuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	conv := ann.group("g")
	seq := ann.say(conv, "x")
	for _, path := range []string{"/api/v1/conversations", "/api/v1/users?query=a", conv + "/members", conv + "/messages", conv + "/entries"} {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		ann.get(path+sep+"limit=1000000000").want(t, 200)
		ann.get(path+sep+"limit=99999999999999999999999").want(t, 200)
		ann.get(path+sep+"limit=abc").problem(t, 400, "invalid")
		if !strings.HasSuffix(path, "messages") && !strings.HasSuffix(path, "entries") {
			for _, cursor := range []string{"x", "AAAA", "%F0%9F%98%80", "' OR 1=1", strings.Repeat("A", 2000)} {
				if got := ann.get(path + sep + "cursor=" + strings.ReplaceAll(cursor, " ", "%20")); got.Status != 422 && got.Status != 400 {
					t.Errorf("%s with cursor %.20q: got %d %s", path, cursor, got.Status, got.Body)
				}
			}
		}
	}
	reactions := fmt.Sprintf("%s/messages/%d/reactions/", conv, seq)
	for i := range 50 {
		ann.do("PUT", fmt.Sprintf("%se%d", reactions, i), nil).want(t, 200)
	}
	if got := ann.do("PUT", reactions+"e50", nil).problem(t, 413, "too_large"); got.str("reason") != "limit_exceeded" {
		t.Errorf("got %s", got.Body)
	}
	ann.do("PUT", reactions+strings.Repeat("x", 65), nil).problem(t, 422, "invalid")
	ids := make([]string, 1001)
	for i := range ids {
		ids[i] = fmt.Sprintf("01890a5d-ac96-774b-bcce-%012x", i)
	}
	if got := ann.do("POST", "/api/v1/conversations", map[string]any{"kind": "group", "title": "big", "member_ids": ids}); got.Status != 413 && got.Status != 400 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	ann.do("POST", "/api/v1/conversations", map[string]any{"kind": "group", "title": strings.Repeat("t", 201)}).problem(t, 422, "invalid")
	ann.do("POST", conv+"/messages", map[string]any{"client_id": "big", "text": strings.Repeat("x", 16<<10+1)}).problem(t, 413, "too_large")
	ann.do("POST", conv+"/messages", map[string]any{"client_id": strings.Repeat("k", 1024), "text": "x"}).problem(t, 422, "invalid")
}

// S14 over REST: an idempotency key that comes again.
func TestS14IdempotencyKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.group("g", bob)
	send := func(p *person, text string) *answer {
		return p.do("POST", conv+"/messages", map[string]any{"client_id": "same", "text": text})
	}
	first := send(ann, "a").want(t, 201)
	if got := send(ann, "b").problem(t, 409, "conflict"); got.str("reason") != "idempotency_conflict" {
		t.Errorf("got %s", got.Body)
	}
	if other := send(bob, "b").want(t, 201); other.num("seq") == first.num("seq") {
		t.Error("two people share a key")
	}
	if again := send(ann, "a").want(t, 200); again.num("seq") != first.num("seq") {
		t.Errorf("got %s, want %s", again.Body, first.Body)
	}
}

// A flood of messages is refused by name, with the time to wait.
func TestSendsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: func(l *service.Limits) { l.SendsPerSecond, l.SendBurst = 0.001, 5 }})
	ann := w.person("ann")
	conv := ann.direct(ann)
	limited := 0
	for i := range 12 {
		got := ann.do("POST", conv+"/messages", map[string]any{"client_id": fmt.Sprint(i), "text": "x"})
		switch got.Status {
		case http.StatusCreated:
		case http.StatusTooManyRequests:
			limited++
			if got.str("code") != "rate_limited" || got.num("retry_after_ms") < 1 || got.Header.Get("Retry-After") == "" {
				t.Fatalf("got %s %v", got.Body, got.Header)
			}
			w.ahead.Add(int64(got.num("retry_after_ms")) * 1e6)
		default:
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
	}
	if limited < 3 {
		t.Errorf("got %d of 12 messages refused, want the burst of 5 to end, and waiting to help", limited)
	}
}
