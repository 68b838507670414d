package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
)

func (w *world) logIn(name, password string, header ...string) *answer {
	w.t.Helper()
	return w.do("POST", "/api/v1/auth/login", "", map[string]any{"username": name, "password": password}, header...)
}

// A1: a wrong password, an unknown name and a disabled account are answered in
// the same bytes after the same work.
func TestA1UnknownAndWrongAreAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")
	if err := w.service.Disable(t.Context(), w.userID(bob), true); err != nil {
		t.Fatal(err)
	}
	var bodies []string
	var headers [][]string
	for name, try := range map[string]func() *answer{
		"wrong":          func() *answer { return w.logIn(ann.Name, "not the password") },
		"unknown":        func() *answer { return w.logIn("nobody-at-all", "not the password") },
		"disabled":       func() *answer { return w.logIn(bob.Name, goodPassword) },
		"not a name":     func() *answer { return w.logIn("<script>", "not the password") },
		"wrong and long": func() *answer { return w.logIn(ann.Name, strings.Repeat("x", 5000)) },
	} {
		before, _ := w.service.Hashed()
		got := try().problem(t, 401, "unauthenticated")
		if after, _ := w.service.Hashed(); after-before != 1 {
			t.Errorf("%s: got %d hashes, want 1", name, after-before)
		}
		bodies = append(bodies, string(got.Body))
		var names []string
		for k, v := range got.Header {
			if k != "Date" {
				names = append(names, k+strings.Join(v, ","))
			}
		}
		slices.Sort(names)
		headers = append(headers, names)
	}
	for i := range bodies {
		if bodies[i] != bodies[0] || !slices.Equal(headers[i], headers[0]) {
			t.Errorf("got %s %v and %s %v, want the same", bodies[i], headers[i], bodies[0], headers[0])
		}
	}
	if !strings.Contains(bodies[0], "bad_credentials") {
		t.Errorf("got %s, want the reason bad_credentials", bodies[0])
	}
}

func (w *world) userID(p *person) chat.UserID {
	w.t.Helper()
	id, err := chat.ParseID[struct{}](p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return chat.UserID(id)
}

// A2: guessing is held back by account and by address; its victim keeps their
// session, and gets in from where they already are.
func TestA2GuessingIsHeldBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{trusted: "127.0.0.0/8", still: true, limits: func(l *service.Limits) { l.LoginsPerMinute = 10 }})
	from := func(ip string) []string { return []string{"X-Forwarded-For", ip} }
	const home = "203.0.113.1"
	signed := w.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": "victim", "password": goodPassword}, from(home)...).want(t, 201)

	refused := 0
	for i := range 30 {
		got := w.logIn("victim", "guess", from(fmt.Sprintf("198.51.100.%d", i))...) // a new address each time
		switch got.Status {
		case 401:
		case 429:
			refused++
			if got.Header.Get("Retry-After") == "" || got.num("retry_after_ms") == 0 || got.str("code") != "rate_limited" {
				t.Errorf("got %s, want it to say when to come back", got.Body)
			}
		default:
			t.Fatalf("got %d %s", got.Status, got.Body)
		}
	}
	if refused < 20 { // at most ten are taken
		t.Errorf("got %d of 30 guesses on one account refused, want most of them", refused)
	}
	w.do("GET", "/api/v1/me", signed.str("token"), nil).want(t, 200)
	w.logIn("victim", goodPassword, from(home)...).want(t, 200)
	w.logIn("victim", goodPassword, from("198.51.100.99")...).problem(t, 429, "rate_limited")

	refused = 0
	for i := range 30 { // one address, a new name each time
		if got := w.logIn(fmt.Sprintf("somebody-%d", i), "guess", from("192.0.2.5")...); got.Status == 429 {
			refused++
		}
	}
	if refused != 20 {
		t.Errorf("got %d of 30 guesses from one address refused, want 20", refused)
	}
	refused = 0
	for i := range 30 { // one customer of IPv6
		if got := w.logIn(fmt.Sprintf("someone-%d", i), "guess", from(fmt.Sprintf("2001:db8:1:2::%x", i))...); got.Status == 429 {
			refused++
		}
	}
	if refused != 20 {
		t.Errorf("got %d of 30 guesses from one /64 refused, want 20", refused)
	}
	w.ahead.Store(int64(2 * time.Minute))
	w.logIn("victim", goodPassword, from("198.51.100.99")...).want(t, 200)
}

// A3: what is no password, and what is one.
func TestA3Passwords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	signUp := func(name, password string) *answer {
		return w.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": name, "password": password})
	}
	for name, password := range map[string]string{
		"short": "1234567", "common": "password1", "leet": "P@ssw0rd", "run": "qwertyuiop", "long": strings.Repeat("x", 257),
		"seven emoji": strings.Repeat("😀", 7), "username": "same-as-name", "username in capitals": "SAME-as-name", "digits": "12345678",
	} {
		got := signUp("same-as-name", password).problem(t, 422, "invalid")
		if got.get("fields.password") == nil {
			t.Errorf("%s: got %s, want the field named", name, got.Body)
		}
	}
	for i, password := range []string{
		strings.Repeat("tall ", 51) + "x", "12 emoji 😀🎉", "  spaces at its ends  ", strings.Repeat("é", 256), "Vh7kq2Lm",
	} {
		name := fmt.Sprintf("good%d", i)
		signUp(name, password).want(t, 201)
		w.logIn(name, password).want(t, 200)
		if trimmed := strings.TrimSpace(password); trimmed != password {
			w.logIn(name, trimmed).problem(t, 401, "unauthenticated")
		}
	}
	before, _ := w.service.Hashed()
	got := signUp("big", strings.Repeat("x", 10<<20))
	got.problem(t, 413, "too_large")
	if after, _ := w.service.Hashed(); after != before {
		t.Error("10 MB of password were hashed")
	}
}

// A5: a session cookie that was there before the log-in is worth nothing after it.
func TestA5SessionIsRotatedAtLogIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	fixed := w.logIn(ann.Name, goodPassword, "Cookie", "parley=chosen-by-somebody").want(t, 200)
	if fixed.str("token") == "chosen-by-somebody" {
		t.Error("the preset cookie became the session")
	}
	first := w.logIn(ann.Name, goodPassword).want(t, 200).str("token")
	second := w.logIn(ann.Name, goodPassword, "Cookie", "parley="+first).want(t, 200).str("token")
	if first == second {
		t.Error("got the same token twice")
	}
	w.do("GET", "/api/v1/me", first, nil).problem(t, 401, "unauthenticated")
	w.do("GET", "/api/v1/me", second, nil).want(t, 200)
	w.do("GET", "/api/v1/me", ann.Token, nil).want(t, 200) // other devices stay
}

// A7: a session ends when it was not used, and in any case.
func TestA7SessionsExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	day := int64(24 * time.Hour)
	for d := int64(13); d < 90; d += 13 { // used every 13 days
		w.ahead.Store(d * day)
		ann.get("/api/v1/me").want(t, 200)
	}
	w.ahead.Store(91 * day)
	ann.get("/api/v1/me").problem(t, 401, "unauthenticated")
	again := w.logIn(ann.Name, goodPassword).want(t, 200).str("token")
	w.ahead.Store(91*day + 14*day + 1)
	w.do("GET", "/api/v1/me", again, nil).problem(t, 401, "unauthenticated")
}

// A11: names that look like others, or like the house.
func TestA11Names(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	signUp := func(name string) *answer {
		return w.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": name, "password": goodPassword})
	}
	signUp("alice").want(t, 201)
	signUp("Ольга").want(t, 201)
	signUp("hindi-नाम").problem(t, 422, "invalid") // two scripts
	signUp("नमस्ते").want(t, 201)
	for _, name := range []string{"Alice", "ALICE", "ａｌｉｃｅ", "аliсе", "al1ce", "aIice", "alıce"} {
		if got := signUp(name); got.Status != 409 && got.Status != 422 {
			t.Errorf("%q: got %d, want 409 or 422: it looks like alice", name, got.Status)
		}
	}
	for _, name := range []string{
		"Admin", "ａｄｍｉｎ", "аdmin", "a\u200bdmin", "admin\u200d", "root", "adrnin", "аԁміп", "ADM1N", "support", "parley", "moderator",
		"ab", strings.Repeat("a", 33), "a b", "a/b", "a@b", ".alice", "alice-", "a\u202eb", "a\x00b", "---", "é̂̌́x́̂̌x", "",
	} {
		if got := signUp(name); got.Status != 409 && got.Status != 422 && got.Status != 400 {
			t.Errorf("%q: got %d, want it refused", name, got.Status)
		}
	}
	taken := signUp("ALICE").problem(t, 409, "conflict")
	if taken.str("reason") != "username_taken" || taken.get("fields.username") == nil {
		t.Errorf("got %s", taken.Body)
	}
	w.logIn("aLiCe", goodPassword).want(t, 200)
}

// A12: signing up with an e-mail address that is known tells nothing.
func TestA12EmailIsNotAnOracle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	signUp := func(name string) *answer {
		return w.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": name, "password": goodPassword, "email": "known@example.org"})
	}
	first, second := signUp("first"), signUp("second")
	first.want(t, 201)
	second.want(t, 201)
	if first.str("user.email") != second.str("user.email") {
		t.Errorf("got %s and %s, want the same", first.Body, second.Body)
	}
}

// A15: a page of another site cannot act with somebody's cookie.
func TestA15CrossSiteRequestsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	cookie := "parley=" + ann.Token
	body := map[string]any{"kind": "group", "title": "forged"}
	send := func(header ...string) *answer {
		return w.do("POST", "/api/v1/conversations", "", body, append([]string{"Cookie", cookie}, header...)...)
	}
	for name, header := range map[string][]string{
		"Sec-Fetch-Site":     {"Sec-Fetch-Site", "cross-site"},
		"same site":          {"Sec-Fetch-Site", "same-site"},
		"Origin":             {"Origin", "https://evil.example"},
		"Origin null":        {"Origin", "null"},
		"Origin, other port": {"Origin", "http://127.0.0.1:1"},
	} {
		if got := send(header...); got.Status != 403 || got.str("reason") != "cross_origin" {
			t.Errorf("%s: got %d %s, want 403 cross_origin", name, got.Status, got.Body)
		}
	}
	for name, kind := range map[string]string{"form": "application/x-www-form-urlencoded", "text": "text/plain", "none": "", "multipart": "multipart/form-data; boundary=x"} {
		if got := send("Content-Type", kind); got.Status != 415 {
			t.Errorf("%s: got %d %s, want 415", name, got.Status, got.Body)
		}
	}
	w.do("POST", "/api/v1/auth/logout", "", nil, "Cookie", cookie, "Sec-Fetch-Site", "cross-site").problem(t, 403, "forbidden")
	send("Sec-Fetch-Site", "same-origin").want(t, 201)
	send("Origin", w.server.URL).want(t, 201)
	if n := ann.get("/api/v1/conversations").len("items"); n != 2 {
		t.Errorf("got %d conversations, want the two that were not forged", n)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, public, cookie string }{
		{"http", "", "parley"}, {"https", "https://127.0.0.1", "__Host-parley"},
	} {
		w := newWorld(t, options{public: c.public})
		got := w.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": "ann", "password": goodPassword}, "Host", "127.0.0.1").want(t, 201)
		cookies := (&http.Response{Header: got.Header}).Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: got %v, want one cookie", c.name, got.Header["Set-Cookie"])
		}
		k := cookies[0]
		if k.Name != c.cookie || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || k.Secure != (c.public != "") || k.Value != got.str("token") {
			t.Errorf("%s: got %s", c.name, k)
		}
		if hsts := got.Header.Get("Strict-Transport-Security"); (hsts != "") != (c.public != "") {
			t.Errorf("%s: got HSTS %q", c.name, hsts)
		}
		me := w.do("GET", "/api/v1/me", "", nil, "Cookie", k.Name+"="+k.Value, "Host", "127.0.0.1").want(t, 200)
		if me.str("username") != "ann" {
			t.Errorf("%s: got %s", c.name, me.Body)
		}
		out := w.do("POST", "/api/v1/auth/logout", "", nil, "Cookie", k.Name+"="+k.Value, "Host", "127.0.0.1").want(t, 204)
		if !strings.Contains(out.Header.Get("Set-Cookie"), "Max-Age=0") || out.Header.Get("Clear-Site-Data") == "" {
			t.Errorf("%s: got %v, want the cookie taken away", c.name, out.Header)
		}
		w.do("GET", "/api/v1/me", "", nil, "Cookie", k.Name+"="+k.Value, "Host", "127.0.0.1").problem(t, 401, "unauthenticated")
	}
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")
	phone := w.logIn(ann.Name, goodPassword, "User-Agent", "Phone\u202e 1.0").want(t, 200).str("token")
	list := ann.get("/api/v1/sessions").want(t, 200)
	if list.len("items") != 2 {
		t.Fatalf("got %s, want two sessions", list.Body)
	}
	current, other := 0, ""
	for i := range 2 {
		if list.is(fmt.Sprintf("items.%d.current", i)) {
			current++
		} else {
			other = list.str(fmt.Sprintf("items.%d.id", i))
			if agent := list.str(fmt.Sprintf("items.%d.user_agent", i)); agent != "Phone 1.0" {
				t.Errorf("got agent %q, want it without what turns text", agent)
			}
		}
	}
	if current != 1 {
		t.Errorf("got %d current sessions, want 1", current)
	}
	w.do("GET", "/api/v1/me", phone, nil).want(t, 200)
	bob.do("DELETE", "/api/v1/sessions/"+other, nil).problem(t, 404, "not_found")
	ann.do("DELETE", "/api/v1/sessions/"+other, nil).want(t, 204)
	w.do("GET", "/api/v1/me", phone, nil).problem(t, 401, "unauthenticated")
	ann.get("/api/v1/me").want(t, 200)
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	phone := w.logIn(ann.Name, goodPassword).want(t, 200).str("token")
	const next = "another sturdy lighthouse 8"
	ann.do("POST", "/api/v1/me/password", map[string]any{"current_password": "wrong one", "password": next}).problem(t, 403, "forbidden")
	ann.do("POST", "/api/v1/me/password", map[string]any{"current_password": goodPassword, "password": "short"}).problem(t, 422, "invalid")
	ann.do("POST", "/api/v1/me/password", map[string]any{"current_password": goodPassword, "password": next}).want(t, 204)
	ann.get("/api/v1/me").want(t, 200)
	w.do("GET", "/api/v1/me", phone, nil).problem(t, 401, "unauthenticated")
	w.logIn(ann.Name, goodPassword).problem(t, 401, "unauthenticated")
	w.logIn(ann.Name, next).want(t, 200)
}

func TestSignupModes(t *testing.T) {
	t.Parallel()
	closed := newWorld(t, options{signup: service.SignupClosed})
	got := closed.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": "ann", "password": goodPassword}).problem(t, 403, "forbidden")
	if got.str("reason") != "signup_closed" {
		t.Errorf("got %s", got.Body)
	}
	w := newWorld(t, options{signup: service.SignupInvite})
	if shown := w.do("GET", "/api/v1/limits", "", nil).want(t, 200); shown.str("signup") != "invite" {
		t.Errorf("got %s", shown.Body)
	}
	code, err := w.service.NewInvite(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	late, err := w.service.NewInvite(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	signUp := func(name, invite string) *answer {
		return w.do("POST", "/api/v1/auth/signup", "", map[string]any{"username": name, "password": goodPassword, "invite": invite})
	}
	for name, bad := range map[string]string{"none": "", "nonsense": "xyz", "changed": strings.Replace(code, code[:2], "AA", 1), "cut": code[:20]} {
		if got := signUp("ann", bad).problem(t, 403, "forbidden"); got.str("reason") != "invite_invalid" {
			t.Errorf("%s: got %s", name, got.Body)
		}
	}
	signUp("ann", code).want(t, 201)
	signUp("bob", code).problem(t, 403, "forbidden")
	w.ahead.Store(int64(2 * time.Minute))
	signUp("bob", late).problem(t, 403, "forbidden")
}

// A disabled account is out at once, with every session it has.
func TestDisabledIsOutAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.direct(bob)
	bob.get("/api/v1/me").want(t, 200)
	if err := w.service.Disable(t.Context(), w.userID(bob), true); err != nil {
		t.Fatal(err)
	}
	bob.get("/api/v1/me").problem(t, 401, "unauthenticated")
	if got := ann.get("/api/v1/users?query="+bob.Name).want(t, 200); got.len("items") != 0 {
		t.Errorf("got %s, want a disabled person not to be found", got.Body)
	}
	ann.get(conv).want(t, 200)
	ann.do("POST", "/api/v1/conversations", map[string]any{"kind": "group", "title": "x", "member_ids": []string{bob.ID}}).problem(t, 422, "invalid")
	if err := w.service.Disable(t.Context(), w.userID(bob), false); err != nil {
		t.Fatal(err)
	}
	w.logIn(bob.Name, goodPassword).want(t, 200)
}
