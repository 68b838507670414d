package api

import (
	"fmt"
	"strings"
	"testing"
)

// The path that two people walk, over REST alone.
func TestTwoPeopleTalk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")

	found := ann.get("/api/v1/users?query="+bob.Name).want(t, 200)
	if found.len("items") != 1 || found.str("items.0.id") != bob.ID || found.get("items.0.email") != nil {
		t.Fatalf("find: got %s", found.Body)
	}
	conv := ann.direct(bob)
	if again := bob.direct(ann); again != conv {
		t.Errorf("got %s and %s, want one conversation for a pair", conv, again)
	}
	sent := ann.do("POST", conv+"/messages", map[string]any{"client_id": "k1", "text": "hello"}).want(t, 201)
	repeated := ann.do("POST", conv+"/messages", map[string]any{"client_id": "k1", "text": "hello"}).want(t, 200)
	if string(sent.Body) != string(repeated.Body) {
		t.Errorf("repeat: got %s, want %s", repeated.Body, sent.Body)
	}
	seq := sent.num("seq")
	list := bob.get("/api/v1/conversations").want(t, 200)
	if list.len("items") != 1 || list.num("items.0.unread") != 1 || list.str("items.0.last_message.text") != "hello" ||
		list.str("items.0.title") != "Name of "+ann.Name || list.str("items.0.peer.id") != ann.ID || list.get("next_cursor") != nil {
		t.Errorf("list: got %s", list.Body)
	}
	read := bob.do("POST", conv+"/read", map[string]any{"seq": seq}).want(t, 200)
	if read.num("read_seq") != seq || read.num("delivered_seq") != seq || read.num("unread") != 0 || read.str("user_id") != bob.ID {
		t.Errorf("read: got %s", read.Body)
	}
	receipts := ann.get(fmt.Sprintf("%s/messages/%d/receipts", conv, seq)).want(t, 200)
	if receipts.str("seen.0.user_id") != bob.ID || receipts.num("seen_count") != 1 || receipts.num("delivered_count") != 1 {
		t.Errorf("receipts: got %s", receipts.Body)
	}
	one := fmt.Sprintf("%s/messages/%d", conv, seq)
	ann.do("PATCH", one, map[string]any{"text": "hello!"}).want(t, 200)
	bob.do("PUT", one+"/reactions/%F0%9F%91%8D", nil).want(t, 200)
	if got := bob.do("PUT", one+"/reactions/%F0%9F%91%8D", nil).want(t, 200); !got.is("unchanged") {
		t.Errorf("reaction again: got %s, want unchanged", got.Body)
	}
	history := bob.get(conv+"/messages").want(t, 200)
	if history.len("items") != 1 || history.str("items.0.text") != "hello!" || history.str("items.0.edited_at") == "" ||
		history.str("items.0.reactions.👍.0") != bob.ID || history.is("has_before") || history.is("has_after") {
		t.Errorf("history: got %s", history.Body)
	}
	bob.do("DELETE", one+"/reactions/%F0%9F%91%8D", nil).want(t, 200)
	ann.do("DELETE", one, nil).want(t, 200)
	gone := bob.get(one).want(t, 200)
	if gone.str("text") != "" || gone.str("deleted_at") == "" {
		t.Errorf("deleted: got %s", gone.Body)
	}
	entries := bob.get(conv+"/entries?after=0").want(t, 200)
	if entries.len("items") != 6 || entries.num("head") != 6 || !entries.is("items.1.redacted") || entries.str("items.1.text") != "" {
		t.Errorf("entries: got %s", entries.Body)
	}
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann := w.person("ann")
	conv := ann.group("alone")
	var seqs []int
	for i := range 7 {
		seqs = append(seqs, ann.say(conv, fmt.Sprint("m", i)))
	}
	for _, c := range []struct {
		query         string
		first, last   int
		before, after bool
	}{
		{"?limit=3", 4, 6, true, false},
		{fmt.Sprint("?limit=3&before=", seqs[4]), 1, 3, true, true},
		{fmt.Sprint("?limit=3&before=", seqs[3]), 0, 2, false, true},
		{fmt.Sprint("?limit=3&after=", seqs[3]), 4, 6, true, false},
		{fmt.Sprint("?limit=3&after=", seqs[0]), 1, 3, true, true},
		{fmt.Sprint("?limit=3&around=", seqs[3]), 2, 4, true, true},
		{"", 0, 6, false, false},
		{"?limit=1000000000", 0, 6, false, false}, // Z15
	} {
		got := ann.get(conv+"/messages"+c.query).want(t, 200)
		n := got.len("items")
		if n != c.last-c.first+1 || got.num("items.0.seq") != seqs[c.first] || got.num(fmt.Sprintf("items.%d.seq", n-1)) != seqs[c.last] {
			t.Errorf("%s: got %s, want seqs %d to %d", c.query, got.Body, seqs[c.first], seqs[c.last])
		}
		if got.get("has_before") != c.before || got.get("has_after") != c.after {
			t.Errorf("%s: got has_before %v and has_after %v, want %v and %v", c.query, got.get("has_before"), got.get("has_after"), c.before, c.after)
		}
	}
	for query, status := range map[string]int{"?before=-1": 400, "?limit=x": 400, "?after=1&before=2": 422, "?around=abc": 400} {
		ann.get(conv+"/messages"+query).problem(t, status, "invalid")
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob, cid := w.person("ann"), w.person("bob"), w.person("cid")
	conv := ann.group("Sailing", bob)
	ann.say(conv, "before cid")
	added := ann.do("POST", conv+"/members", map[string]any{"user_id": cid.ID}).want(t, 200)
	if added.str("kind") != "member_added" || added.str("user_ids.0") != cid.ID {
		t.Errorf("add: got %s", added.Body)
	}
	if got := ann.do("POST", conv+"/members", map[string]any{"user_ids": []string{cid.ID}}).want(t, 200); !got.is("unchanged") {
		t.Errorf("add again: got %s, want unchanged", got.Body)
	}
	if got := cid.get(conv+"/messages").want(t, 200); got.len("items") != 0 {
		t.Errorf("got %s, want nothing from before the joining", got.Body)
	}
	if got := cid.get(conv+"/entries").want(t, 200); got.len("items") != 1 || got.num("items.0.seq") != added.num("seq") {
		t.Errorf("got %s, want the entries from the joining on", got.Body)
	}
	members := cid.get(conv+"/members?limit=2").want(t, 200)
	if members.len("items") != 2 || members.str("items.0.user.id") != ann.ID || members.str("items.0.role") != "owner" || members.str("next_cursor") == "" {
		t.Errorf("members: got %s", members.Body)
	}
	if rest := cid.get(conv+"/members?limit=2&cursor="+members.str("next_cursor")).want(t, 200); rest.len("items") != 1 || rest.get("next_cursor") != nil {
		t.Errorf("members, second part: got %s", rest.Body)
	}
	ann.do("PATCH", conv+"/members/"+bob.ID, map[string]any{"role": "admin"}).want(t, 200)
	renamed := bob.do("PATCH", conv, map[string]any{"title": "Rowing"}).want(t, 200)
	if renamed.str("kind") != "updated" || renamed.str("title") != "Rowing" {
		t.Errorf("rename: got %s", renamed.Body)
	}
	bob.do("DELETE", conv+"/members/"+cid.ID, nil).want(t, 200)
	cid.get(conv).problem(t, 404, "not_found")
	cid.get(conv+"/entries").problem(t, 404, "not_found")
	if got := ann.get(conv+"/messages").want(t, 200); got.len("items") != 1 {
		t.Errorf("got %s, want removing a member to delete none of their messages", got.Body)
	}
	bob.do("DELETE", conv+"/members/me", nil).want(t, 200)
	if got := ann.get(conv).want(t, 200); got.num("members_count") != 1 || got.str("title") != "Rowing" {
		t.Errorf("got %s", got.Body)
	}
}

func TestCreationIsIdempotent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")
	body := map[string]any{"kind": "group", "title": "Once", "member_ids": []string{bob.ID}, "client_id": "g1"}
	first := ann.do("POST", "/api/v1/conversations", body).want(t, 201)
	again := ann.do("POST", "/api/v1/conversations", body).want(t, 200)
	if first.str("id") != again.str("id") || first.Header.Get("Location") != "/api/v1/conversations/"+first.str("id") {
		t.Errorf("got %s and %s", first.Body, again.Body)
	}
	if other := bob.do("POST", "/api/v1/conversations", body).want(t, 201); other.str("id") == first.str("id") {
		t.Error("the client_id of another person gave the same conversation")
	}
	ann.do("POST", "/api/v1/conversations", map[string]any{"kind": "group", "title": "x", "member_ids": []string{"01890a5d-ac96-774b-bcce-b302099a8057"}}).problem(t, 422, "invalid")
	ann.do("POST", "/api/v1/conversations", map[string]any{"kind": "direct", "user_id": "01890a5d-ac96-774b-bcce-b302099a8057"}).problem(t, 422, "invalid")
	ann.do("POST", "/api/v1/conversations", map[string]any{"kind": "party", "title": "x"}).problem(t, 422, "invalid")
}

func TestNoteToSelf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.direct(ann)
	ann.say(conv, "milk")
	if got := ann.get(conv).want(t, 200); got.num("unread") != 0 || got.num("members_count") != 1 || got.str("peer.id") != ann.ID {
		t.Errorf("got %s", got.Body)
	}
	bob.get(conv).problem(t, 404, "not_found")
}

func TestSync(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")
	conv := ann.group("g", bob)
	all := bob.get("/api/v1/sync").want(t, 200)
	if all.len("conversations") != 1 || all.str("cursor") == "" || all.get("gone") == nil {
		t.Fatalf("got %s", all.Body)
	}
	ann.say(conv, "x")
	moved := bob.get("/api/v1/sync?cursor="+all.str("cursor")).want(t, 200)
	if moved.len("conversations") != 1 || moved.num("conversations.0.last_seq") != 2 || moved.num("conversations.0.unread") != 1 {
		t.Errorf("got %s", moved.Body)
	}
	for _, cursor := range []string{"x", "AAAA", all.str("cursor") + "A", "../..", "%00"} { // Z15
		bob.get("/api/v1/sync?cursor="+cursor).problem(t, 422, "invalid")
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ann, bob := w.person("ann"), w.person("bob")
	me := ann.do("PATCH", "/api/v1/me", map[string]any{"display_name": "Ann A.", "bio": "sails", "settings": map[string]any{"theme": "dark"}}).want(t, 200)
	if me.str("display_name") != "Ann A." || me.str("settings.theme") != "dark" || me.str("email") != ann.Email || me.num("limits.text_bytes") != 16<<10 {
		t.Errorf("got %s", me.Body)
	}
	seen := bob.get("/api/v1/users/"+ann.ID).want(t, 200)
	if seen.str("bio") != "sails" || seen.get("email") != nil || seen.get("settings") != nil {
		t.Errorf("got %s, want no more than the public profile", seen.Body)
	}
	if kept := ann.do("PATCH", "/api/v1/me", map[string]any{"email": ""}).want(t, 200); kept.get("email") != nil || kept.str("bio") != "sails" {
		t.Errorf("got %s", kept.Body)
	}
	for name, body := range map[string]any{
		"empty name": map[string]any{"display_name": " "}, "invisible": map[string]any{"display_name": "a\u202eb"},
		"nothing to see": map[string]any{"display_name": "\u3164"}, "a tower": map[string]any{"display_name": "a" + strings.Repeat("\u0301", 20)},
		"e-mail": map[string]any{"email": "not one"}, "settings": map[string]any{"settings": []int{1}}, "avatar": map[string]any{"avatar": "01890a5d-ac96-774b-bcce-b302099a8057"},
	} {
		if got := ann.do("PATCH", "/api/v1/me", body); got.Status != 422 || got.str("code") != "invalid" || got.get("fields") == nil {
			t.Errorf("%s: got %d %s, want 422 that names the field", name, got.Status, got.Body)
		}
	}
}
