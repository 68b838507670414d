package api

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/service"
)

// finds asks until a search gives so many messages: indexing takes a moment.
func (p *person) finds(query string, want int) *answer {
	p.w.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := p.get("/api/v1/search?"+query).want(p.w.t, 200)
		if got.len("items") == want || time.Now().After(end) {
			if got.len("items") != want {
				p.w.t.Errorf("%s: got %s, want %d messages", query, got.Body, want)
			}
			return got
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob, eve := w.person("ann"), w.person("bob"), w.person("eve")
	conv := ann.group("g", bob)
	id := strings.TrimPrefix(conv, "/api/v1/conversations/")
	seq := ann.say(conv, "😀 Žluťoučký kůň runs")
	bob.say(conv, "the horse, https://example.org")
	got := bob.finds("q="+url.QueryEscape(`kun "RUNS"`), 1)
	if got.num("items.0.message.seq") != seq || got.str("items.0.message.conversation_id") != id {
		t.Errorf("got %s", got.Body)
	}
	// The smile is two UTF-16 units.
	if got.num("items.0.highlights.0.start") != 13 || got.num("items.0.highlights.0.end") != 16 || got.num("items.0.highlights.1.start") != 17 {
		t.Errorf("got %s, want kůň at 13 to 16", got.Body)
	}
	ann.finds("has=link", 1)
	ann.finds("from="+bob.ID, 1)
	ann.finds("conversation_id="+id, 2)
	ann.finds("q=horse&before=2001-01-01T00:00:00.000Z", 0)
	ann.finds("q=horse&after=2001-01-01T00:00:00.000Z", 1)
	eve.finds("q=horse", 0)
	page := ann.finds("conversation_id="+id+"&limit=1", 1)
	if next := ann.finds("conversation_id="+id+"&limit=1&cursor="+page.str("next_cursor"), 1); next.num("items.0.message.seq") != seq {
		t.Errorf("got %s on the second page", next.Body)
	}
	missing := ann.get("/api/v1/search?q=x&conversation_id=01890a5d-ac96-774b-bcce-b302099a8057").problem(t, 404, "not_found")
	if theirs := eve.get("/api/v1/search?q=x&conversation_id="+id).problem(t, 404, "not_found"); string(theirs.Body) != string(missing.Body) {
		t.Errorf("got %s and %s, want the same as for what does not exist (Z1)", theirs.Body, missing.Body)
	}
	bob.do("DELETE", conv+"/members/me", nil).want(t, 200)
	bob.finds("q=horse", 0)
}

// H5: nothing that is looked for has a meaning, or takes long.
func TestSearchHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	ann.say(ann.group("g"), "something to be found")
	for _, q := range []string{
		"'", "%", "(a+)+$", "NEAR(", `"`, `""`, "something'", "*", "a*", "-", "AND", "NOT x", "{terms}: x", "^", "\\", "x:y", "👩‍👩‍👧‍👦", "💥",
		strings.Repeat(`"`, 200), strings.Repeat("a", 256), strings.Repeat("ab ", 16), "\u202e", "\u0301",
	} {
		began := time.Now()
		got := ann.get("/api/v1/search?q=" + url.QueryEscape(q))
		if got.Status != 200 && (got.Status != 422 || got.str("reason") != "bad_query") {
			t.Errorf("%q: got %d %s", q, got.Status, got.Body)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("%q took %v", q, took)
		}
	}
	for query, reason := range map[string]string{
		"q=" + strings.Repeat("a", 10<<10): "bad_query", "q=%00": "bad_query", "q=%ff": "bad_query", "": "bad_query", "q=+": "bad_query",
		"q=" + strings.Repeat("a+", 17): "bad_query", "q=x&has=everything": "", "q=x&has=file,file,file,file,file,file": "",
		"q=x&before=yesterday": "", "q=x&cursor=x": "", "q=x&cursor=AAAA": "",
	} {
		if got := ann.get("/api/v1/search?"+query).problem(t, 422, "invalid"); got.str("reason") != reason && reason != "" {
			t.Errorf("%.40s: got %s, want reason %q", query, got.Body, reason)
		}
	}
	for _, query := range []string{"q=x&from=me", "q=x&conversation_id=1"} {
		ann.get("/api/v1/search?"+query).problem(t, 400, "invalid")
	}
	if got := ann.get("/api/v1/search?q=found&limit=1000000000").want(t, 200); got.len("items") > service.MaxSearchPage {
		t.Errorf("got %d items", got.len("items"))
	}
}

func TestSearchRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{still: true, limits: func(l *service.Limits) { l.SearchesPerSecond, l.SearchBurst = 1, 3 }})
	ann, bob := w.person("ann"), w.person("bob")
	for range 3 {
		ann.get("/api/v1/search?q=x").want(t, 200)
	}
	ann.get("/api/v1/search?q=x").problem(t, 429, "rate_limited")
	bob.get("/api/v1/search?q=x").want(t, 200)
}
