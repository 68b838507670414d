package api

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, eve := w.person("ann"), w.person("bob"), w.person("eve")
	conv := ann.direct(bob)
	seq := bob.say(conv, "hello")
	for range 2 { // the same again changes nothing
		ann.do("PUT", "/api/v1/blocks/"+bob.ID, nil).want(t, 204)
	}
	send := map[string]any{"client_id": "b1", "text": "again"}
	refused := bob.do("POST", conv+"/messages", send).problem(t, 403, "forbidden")
	if refused.str("reason") != "blocked" {
		t.Errorf("got %s, want reason blocked", refused.Body)
	}
	bob.do("PATCH", fmt.Sprintf("%s/messages/%d", conv, seq), map[string]any{"text": "worse"}).problem(t, 403, "forbidden")
	bob.do("PUT", fmt.Sprintf("%s/messages/%d/reactions/x", conv, seq), nil).problem(t, 403, "forbidden")
	if got := ann.do("POST", conv+"/messages", map[string]any{"client_id": "a1", "text": "x"}).problem(t, 403, "forbidden"); got.str("reason") != "blocking" {
		t.Errorf("got %s, want reason blocking", got.Body)
	}
	if v := ann.get(conv).want(t, 200); !v.is("blocking") || v.is("blocked") {
		t.Errorf("got %s for who blocks", v.Body)
	}
	if v := bob.get(conv).want(t, 200); !v.is("blocked") || v.is("blocking") {
		t.Errorf("got %s for who is blocked", v.Body)
	}
	if l := ann.get("/api/v1/blocks").want(t, 200); l.len("items") != 1 || l.str("items.0.user.id") != bob.ID {
		t.Errorf("got %s", l.Body)
	}
	if l := bob.get("/api/v1/blocks").want(t, 200); l.len("items") != 0 {
		t.Errorf("got %s for who is blocked", l.Body)
	}
	// Groups: the blocked one draws nobody in, and what exists goes on.
	for _, people := range [][]string{{ann.ID}, {eve.ID, ann.ID}} {
		bob.do("POST", "/api/v1/conversations", map[string]any{"kind": "group", "title": "g", "member_ids": people}).problem(t, 422, "invalid")
	}
	group := bob.group("g", eve)
	bob.do("POST", group+"/members", map[string]any{"user_id": ann.ID}).problem(t, 422, "invalid")
	both := ann.group("both", bob)
	bob.say(both, "fine")

	ann.do("DELETE", "/api/v1/blocks/"+bob.ID, nil).want(t, 204)
	bob.do("POST", conv+"/messages", send).want(t, 201)
	if l := ann.get("/api/v1/blocks").want(t, 200); l.len("items") != 0 {
		t.Errorf("got %s after it ended", l.Body)
	}
}

// Who was blocked before they ever wrote does not begin a conversation either.
func TestBlockBeforeTheFirstWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	ann.do("PUT", "/api/v1/blocks/"+bob.ID, nil).want(t, 204)
	open := map[string]any{"kind": "direct", "user_id": ann.ID}
	if got := bob.do("POST", "/api/v1/conversations", open).problem(t, 403, "forbidden"); got.str("reason") != "blocked" {
		t.Errorf("got %s", got.Body)
	}
	if got := ann.do("POST", "/api/v1/conversations", map[string]any{"kind": "direct", "user_id": bob.ID}).problem(t, 403, "forbidden"); got.str("reason") != "blocking" {
		t.Errorf("got %s", got.Body)
	}
	for path, status := range map[string]int{
		ann.ID: 422, "01890a5d-ac96-774b-bcce-b302099a8057": 404, "x": 404, strings.Repeat("a", 500): 404,
	} {
		if got := ann.do("PUT", "/api/v1/blocks/"+path, nil); got.Status != status {
			t.Errorf("%.40s: got %d %s, want %d", path, got.Status, got.Body, status)
		}
	}
	ann.do("DELETE", "/api/v1/blocks/"+bob.ID, nil).want(t, 204)
	bob.do("POST", "/api/v1/conversations", open).want(t, 201)
}

// Whichever of a block and a first message comes first: a blocked person's next one is refused.
func TestBlockWhileTheConversationBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	for i := range 5 {
		bob := w.person(fmt.Sprint("bob", i))
		var both sync.WaitGroup
		both.Go(func() { ann.do("PUT", "/api/v1/blocks/"+bob.ID, nil) })
		both.Go(func() {
			bob.do("POST", "/api/v1/conversations", map[string]any{"kind": "direct", "user_id": ann.ID})
		})
		both.Wait()
		got := bob.do("POST", "/api/v1/conversations", map[string]any{"kind": "direct", "user_id": ann.ID})
		if got.Status == 200 {
			got = bob.do("POST", "/api/v1/conversations/"+got.str("id")+"/messages", map[string]any{"client_id": "x", "text": "x"})
		}
		if got.Status != 403 {
			t.Errorf("got %d %s, want it refused", got.Status, got.Body)
		}
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.group("g", bob)
	if v := ann.get(conv).want(t, 200); v.get("muted_until") != nil || v.get("pinned") != nil || v.get("notify") != nil {
		t.Errorf("got %s before", v.Body)
	}
	v := ann.do("PATCH", conv+"/preferences", map[string]any{"muted_until": "9999-12-31T00:00:00.000Z", "notify": "mentions", "pinned": true, "archived": true}).want(t, 200)
	if v.str("muted_until") != "9999-12-31T00:00:00.000Z" || v.str("notify") != "mentions" || !v.is("pinned") || !v.is("archived") {
		t.Errorf("got %s", v.Body)
	}
	v = ann.do("PATCH", conv+"/preferences", map[string]any{"muted_until": nil, "archived": false}).want(t, 200)
	if v.get("muted_until") != nil || v.str("notify") != "mentions" || !v.is("pinned") || v.get("archived") != nil {
		t.Errorf("got %s", v.Body)
	}
	if v := bob.get(conv).want(t, 200); v.get("pinned") != nil || v.get("notify") != nil {
		t.Errorf("got %s for another", v.Body)
	}
	if l := ann.get("/api/v1/conversations").want(t, 200); !l.is("items.0.pinned") {
		t.Errorf("got %s in the list", l.Body)
	}
	for name, body := range map[string]any{
		"level": map[string]any{"notify": "loud"}, "time": map[string]any{"muted_until": "soon"}, "number": map[string]any{"muted_until": 5},
		"year": map[string]any{"muted_until": "12345-01-01T00:00:00Z"},
	} {
		if got := ann.do("PATCH", conv+"/preferences", body).problem(t, 422, "invalid"); got.get("fields") == nil {
			t.Errorf("%s: got %s, want the field named", name, got.Body)
		}
	}
	ann.do("PATCH", conv+"/preferences", map[string]any{"pinned": "yes"}).problem(t, 400, "invalid")
	ann.do("PATCH", conv+"/preferences", map[string]any{"title": "x"}).problem(t, 422, "invalid")
}

func TestInvites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited, public: ""})
	ann, bob, eve := w.person("ann"), w.person("bob"), w.person("eve")
	conv := ann.group("Club")
	ann.say(conv, "before")
	made := ann.do("POST", conv+"/invites", map[string]any{"max_uses": 1}).want(t, 201)
	token := made.str("token")
	if !strings.HasPrefix(token, "pli_") || !strings.HasSuffix(made.str("url"), "/join#"+token) || made.get("expires_at") == nil || made.num("max_uses") != 1 {
		t.Fatalf("got %s", made.Body)
	}
	if l := ann.get(conv+"/invites").want(t, 200); l.len("items") != 1 || l.get("items.0.token") != nil || strings.Contains(string(l.Body), token) || l.str("items.0.created_by.id") != ann.ID {
		t.Errorf("got %s, want it without its token", l.Body)
	}
	with := map[string]any{"token": token}
	p := bob.do("POST", "/api/v1/invites/preview", with).want(t, 200)
	if p.str("title") != "Club" || p.num("members_count") != 1 || p.is("member") {
		t.Errorf("got %s", p.Body)
	}
	joined := bob.do("POST", "/api/v1/invites/join", with).want(t, 201)
	if joined.str("role") != "member" || joined.num("members_count") != 2 || joined.num("unread") != 0 {
		t.Errorf("got %s", joined.Body)
	}
	bob.do("POST", "/api/v1/invites/join", with).problem(t, 404, "not_found") // it is used up, even for who is in
	eve.do("POST", "/api/v1/invites/join", with).problem(t, 404, "not_found")
	used := eve.do("POST", "/api/v1/invites/preview", with).problem(t, 404, "not_found")
	bob.say(conv, "I am in")
	log := ann.get(conv+"/entries").want(t, 200)
	if log.str("items.2.kind") != "member_added" || log.str("items.2.sender_id") != bob.ID || log.str("items.2.user_ids.0") != bob.ID {
		t.Errorf("got %s, want the joining in the log", log.Body)
	}

	again := ann.do("POST", conv+"/invites", map[string]any{"expires_in_seconds": 3600}).want(t, 201)
	with["token"] = again.str("token")
	bob.do("POST", "/api/v1/invites/join", with).want(t, 200)
	if p := bob.do("POST", "/api/v1/invites/preview", with).want(t, 200); !p.is("member") {
		t.Errorf("got %s for a member", p.Body)
	}
	if l := ann.get(conv+"/invites").want(t, 200); l.num("items.0.uses") != 0 {
		t.Errorf("got %s, want no use by who was in", l.Body)
	}
	w.ahead.Add(int64(time.Hour))
	late := eve.do("POST", "/api/v1/invites/join", with).problem(t, 404, "not_found")
	third := ann.do("POST", conv+"/invites", map[string]any{"expires_in_seconds": 0}).want(t, 201)
	ann.do("DELETE", conv+"/invites/"+third.str("id"), nil).want(t, 204)
	revoked := eve.do("POST", "/api/v1/invites/preview", map[string]any{"token": third.str("token")}).problem(t, 404, "not_found")
	never := eve.do("POST", "/api/v1/invites/preview", map[string]any{"token": "pli_" + strings.Repeat("A", 43)}).problem(t, 404, "not_found")
	for _, a := range []*answer{used, late, revoked} {
		if string(a.Body) != string(never.Body) {
			t.Errorf("got %s and %s, want the same for all that do not hold", a.Body, never.Body)
		}
	}
}

func TestInvitesHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.group("g", bob)
	for _, body := range []map[string]any{
		{"expires_in_seconds": -1},
		{"expires_in_seconds": 59},
		{"expires_in_seconds": 31536001},
		{"max_uses": -1},
		{"max_uses": 100001},
		{"token": "mine"},
		{"conversation_id": "x"},
	} {
		ann.do("POST", conv+"/invites", body).problem(t, 422, "invalid")
	}
	ann.do("POST", conv+"/invites", map[string]any{"expires_in_seconds": 9007199254740991}).problem(t, 422, "invalid")
	for _, token := range []string{"", "x", "pli_", "pls_" + strings.Repeat("A", 43), "pli_" + strings.Repeat("=", 43), strings.Repeat("x", 5000), "'; DROP TABLE invites; --"} {
		for _, path := range []string{"preview", "join"} {
			ann.do("POST", "/api/v1/invites/"+path, map[string]any{"token": token}).problem(t, 404, "not_found")
		}
	}
	ann.do("POST", ann.direct(bob)+"/invites", map[string]any{}).problem(t, 403, "forbidden")
	bob.do("POST", conv+"/invites", map[string]any{}).problem(t, 403, "forbidden")
	for _, id := range []string{"x", "01890a5d-ac96-774b-bcce-b302099a8057"} {
		ann.do("DELETE", conv+"/invites/"+id, nil).problem(t, 404, "not_found")
	}
	// One of another conversation is not there.
	other := bob.group("h")
	foreign := bob.do("POST", other+"/invites", map[string]any{}).want(t, 201)
	ann.do("DELETE", conv+"/invites/"+foreign.str("id"), nil).problem(t, 404, "not_found")
	bob.do("DELETE", other+"/invites/"+foreign.str("id"), nil).want(t, 204)
}

// However many use a link at once, no more come in than may.
func TestInviteUsesAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	conv := ann.group("g")
	token := ann.do("POST", conv+"/invites", map[string]any{"max_uses": 3}).want(t, 201).str("token")
	people := make([]*person, 8)
	for i := range people {
		people[i] = w.person(fmt.Sprint("p", i))
	}
	results := make([]int, len(people))
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() { results[i] = p.do("POST", "/api/v1/invites/join", map[string]any{"token": token}).Status })
	}
	all.Wait()
	in := 0
	for _, status := range results {
		if status == 201 {
			in++
		} else if status != 404 {
			t.Errorf("got %d", status)
		}
	}
	if v := ann.get(conv).want(t, 200); in != 3 || v.num("members_count") != 4 {
		t.Errorf("got %d in and %d members, want 3 and 4", in, v.num("members_count"))
	}
}

func TestPinsAndMentions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, eve := w.person("ann"), w.person("bob"), w.person("eve")
	conv := ann.group("g", bob)
	said := ann.do("POST", conv+"/messages", map[string]any{"client_id": "m", "text": "@bob", "mentions": []string{bob.ID, eve.ID}}).want(t, 201)
	if said.len("mentions") != 1 || said.str("mentions.0") != bob.ID {
		t.Errorf("got %s, want the member alone mentioned", said.Body)
	}
	if v := bob.get(conv).want(t, 200); v.num("mentions") != 1 || v.str("last_message.mentions.0") != bob.ID {
		t.Errorf("got %s", v.Body)
	}
	bob.do("POST", conv+"/read", map[string]any{"seq": said.num("seq")}).want(t, 200)
	if v := bob.get(conv).want(t, 200); v.get("mentions") != nil {
		t.Errorf("got %s after reading", v.Body)
	}
	ann.do("POST", conv+"/messages", map[string]any{"client_id": "n", "text": "x", "mentions": []string{"bob"}}).problem(t, 400, "invalid")
	ann.do("POST", conv+"/messages", map[string]any{"client_id": "n", "text": "x", "mentions": []string{bob.ID, bob.ID}}).problem(t, 422, "invalid")

	path := fmt.Sprintf("%s/messages/%d/pin", conv, said.num("seq"))
	if e := ann.do("PUT", path, nil).want(t, 200); e.str("kind") != "pin" || !e.is("on") {
		t.Errorf("got %s", e.Body)
	}
	if again := ann.do("PUT", path, nil).want(t, 200); !again.is("unchanged") {
		t.Errorf("got %s", again.Body)
	}
	if l := bob.get(conv+"/pins").want(t, 200); l.len("items") != 1 || l.get("items.0.pinned_at") == nil {
		t.Errorf("got %s", l.Body)
	}
	ann.do("DELETE", path, nil).want(t, 200)
	if l := bob.get(conv+"/pins").want(t, 200); l.len("items") != 0 {
		t.Errorf("got %s", l.Body)
	}
}

func TestSharedFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.group("g")
	one := ann.upload("a.txt", []byte("one")).want(t, 201).str("id")
	first := ann.say(conv, "", one)
	ann.do("POST", conv+"/members", map[string]any{"user_id": bob.ID}).want(t, 200)
	two := ann.upload("b.txt", []byte("two")).want(t, 201).str("id")
	second := ann.say(conv, "", two)
	all := ann.get(conv+"/files?kind=other").want(t, 200)
	if all.len("items") != 2 || all.num("items.0.seq") != second || all.str("items.1.attachment.id") != one || all.str("items.0.sender_id") != ann.ID {
		t.Errorf("got %s", all.Body)
	}
	if l := bob.get(conv+"/files").want(t, 200); l.len("items") != 1 || l.str("items.0.attachment.id") != two {
		t.Errorf("got %s, want what was said since they joined", l.Body)
	}
	if l := ann.get(conv+"/files?kind=media").want(t, 200); l.len("items") != 0 {
		t.Errorf("got %s", l.Body)
	}
	page := ann.get(conv+"/files?limit=1").want(t, 200)
	if next := ann.get(conv+"/files?limit=1&cursor="+page.str("next_cursor")).want(t, 200); next.num("items.0.seq") != first || next.get("next_cursor") != nil {
		t.Errorf("got %s", next.Body)
	}
	ann.get(conv+"/files?kind=everything").problem(t, 422, "invalid")
	ann.get(conv+"/files?cursor=x").problem(t, 422, "invalid")
}

func TestSyncTellsWhatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	conv, other := ann.group("g", bob), ann.group("h", bob)
	cursor := bob.get("/api/v1/sync").want(t, 200).str("cursor")
	ann.do("DELETE", conv+"/members/"+bob.ID, nil).want(t, 200)
	got := bob.get("/api/v1/sync?cursor="+cursor).want(t, 200)
	if got.len("gone") != 1 || conv != "/api/v1/conversations/"+got.str("gone.0") {
		t.Errorf("got %s, want %s gone", got.Body, conv)
	}
	if got := bob.get("/api/v1/sync").want(t, 200); got.len("gone") != 0 || got.len("conversations") != 1 {
		t.Errorf("got %s for who knows nothing", got.Body)
	}
	ann.do("POST", conv+"/members", map[string]any{"user_id": bob.ID}).want(t, 200)
	if got := bob.get("/api/v1/sync?cursor="+cursor).want(t, 200); got.len("gone") != 0 {
		t.Errorf("got %s for who is back, beside %s", got.Body, other)
	}
}

func TestFindMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, eve := w.person("ann"), w.person("bob"), w.person("eve")
	conv := ann.group("g", bob)
	if l := ann.get(conv+"/members?query=BO").want(t, 200); l.len("items") != 1 || l.str("items.0.user.id") != bob.ID || l.str("items.0.role") != "member" {
		t.Errorf("got %s", l.Body)
	}
	for _, query := range []string{"eve", "%25", strings.Repeat("x", 65)} {
		if l := ann.get(conv+"/members?query="+query).want(t, 200); l.len("items") != 0 {
			t.Errorf("%s: got %s", query, l.Body)
		}
	}
	ann.get(conv+"/members?query=%ff").problem(t, 422, "invalid")
	eve.get(conv+"/members?query=bo").problem(t, 404, "not_found")
}
