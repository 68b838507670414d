package api

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// subscription is what a browser's subscription is sent as.
func subscription(name string) map[string]any {
	key := append([]byte{4}, make([]byte, 64)...)
	return map[string]any{
		"endpoint": "https://push.example.org/" + name,
		"keys":     map[string]any{"p256dh": base64.RawURLEncoding.EncodeToString(key), "auth": base64.RawURLEncoding.EncodeToString(make([]byte, 16))},
	}
}

func TestPushSubscriptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{still: true, limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	if key := ann.get("/api/v1/push").want(t, 200); key.str("public_key") != "key" || !key.is("enabled") {
		t.Errorf("got %s", key.Body)
	}
	const all = "/api/v1/push/subscriptions"
	made := ann.do("POST", all, subscription("secret-path")).want(t, 201)
	if made.str("host") != "push.example.org" || strings.Contains(string(made.Body), "secret-path") || !made.is("current") || !made.is("content") ||
		made.get("last_success_at") != nil || made.str("failure") != "" {
		t.Errorf("got %s", made.Body)
	}
	again := subscription("secret-path")
	again["content"] = false
	if got := ann.do("POST", all, again).want(t, 200); got.str("id") != made.str("id") || got.is("content") {
		t.Errorf("got %s", got.Body)
	}
	one := all + "/" + made.str("id")
	if got := ann.do("PATCH", one, map[string]any{"content": true}).want(t, 200); !got.is("content") {
		t.Errorf("got %s", got.Body)
	}
	bob.do("PATCH", one, map[string]any{"content": false}).problem(t, 404, "not_found")
	bob.do("DELETE", one, nil).problem(t, 404, "not_found")
	bob.do("POST", one+"/test", nil).problem(t, 404, "not_found")
	if l := bob.get(all).want(t, 200); l.len("items") != 0 {
		t.Errorf("got %s for another", l.Body)
	}
	ann.do("POST", one+"/test", nil).want(t, 204)
	ann.do("POST", one+"/test", nil).problem(t, 429, "rate_limited")
	w.ahead.Add(int64(10 * time.Second))
	ann.do("POST", one+"/test", nil).want(t, 204)
	ann.do("DELETE", one, nil).want(t, 204)
	if l := ann.get(all).want(t, 200); l.len("items") != 0 {
		t.Errorf("got %s", l.Body)
	}
}

// A browser that logs out is told nothing more.
func TestPushEndsWithTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	in := w.do("POST", "/api/v1/auth/login", "", map[string]any{"username": ann.Name, "password": goodPassword}).want(t, 200)
	w.do("POST", "/api/v1/push/subscriptions", in.str("token"), subscription("x")).want(t, 201)
	if l := ann.get("/api/v1/push/subscriptions").want(t, 200); l.len("items") != 1 || l.is("items.0.current") {
		t.Errorf("got %s", l.Body)
	}
	w.do("POST", "/api/v1/auth/logout", in.str("token"), nil).want(t, 204)
	if l := ann.get("/api/v1/push/subscriptions").want(t, 200); l.len("items") != 0 {
		t.Errorf("got %s after the session has ended", l.Body)
	}
}

func keysOf(m map[string]any) map[string]any {
	keys, _ := m["keys"].(map[string]any)
	return keys
}

func TestPushHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	const all = "/api/v1/push/subscriptions"
	short := base64.RawURLEncoding.EncodeToString(make([]byte, 15))
	for name, change := range map[string]func(map[string]any){
		"endpoint elsewhere": func(m map[string]any) { m["endpoint"] = "https://169.254.169.254/latest" },
		"no endpoint":        func(m map[string]any) { delete(m, "endpoint") },
		"short auth":         func(m map[string]any) { keysOf(m)["auth"] = short },
		"short key":          func(m map[string]any) { keysOf(m)["p256dh"] = short },
		"key of another form": func(m map[string]any) {
			keysOf(m)["p256dh"] = base64.RawURLEncoding.EncodeToString(make([]byte, 65))
		},
		"no base64":     func(m map[string]any) { keysOf(m)["auth"] = "???" },
		"a long key":    func(m map[string]any) { keysOf(m)["p256dh"] = strings.Repeat("A", 10_000) },
		"unknown field": func(m map[string]any) { m["expirationTime"] = nil },
	} {
		body := subscription("x")
		change(body)
		if got := ann.do("POST", all, body); got.Status != 422 && got.Status != 400 {
			t.Errorf("%s: got %d %s, want it refused", name, got.Status, got.Body)
		}
	}
	for i := range chat.MaxPushSubscriptions {
		ann.do("POST", all, subscription(fmt.Sprint(i))).want(t, 201)
	}
	ann.do("POST", all, subscription("one more")).problem(t, 413, "too_large")
	for _, id := range []string{"x", "01890a5d-ac96-774b-bcce-b302099a8057"} {
		ann.do("DELETE", all+"/"+id, nil).problem(t, 404, "not_found")
	}
}
