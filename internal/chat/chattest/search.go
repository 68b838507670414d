package chattest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// SearchStore is a store whose messages can be searched.
type SearchStore interface {
	chat.Journal
	chat.Searcher
}

// Search is the conformance suite of chat.Searcher. Open gives an empty store
// that does by itself whatever it needs for messages to be found.
func Search(t *testing.T, open func(t *testing.T) SearchStore) {
	t.Helper()
	for name, test := range map[string]func(s *searching){
		"words in any part of a text":          searchWords,
		"scripts without blanks":               searchUnspaced,
		"case, width and accents do not count": searchFolded,
		"signs are nothing but signs":          searchSigns,
		"where the words stand":                searchSpans,
		"only what one may see":                searchVisible,
		"edits and deletions":                  searchChanged,
		"conditions":                           searchConditions,
		"pages":                                searchPages,
		"few among many of others":             searchFewAmongMany,
		"in more conversations than are asked": searchManyConversations,
		"a cursor that was not given out":      searchBadCursor,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			test(&searching{T: t, s: s, World: NewWorld(t, s)})
		})
	}
}

type searching struct {
	*testing.T
	*World
	s SearchStore
}

// all reads every page.
func (t *searching) all(user chat.UserID, q chat.SearchQuery) (texts []string, found []chat.Found) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 50
	}
	for {
		page, err := t.s.Search(t.Context(), user, q)
		if err != nil {
			t.Fatalf("search %+v: %v", q, err)
		}
		if len(page.Items) > q.Limit {
			t.Fatalf("got %d messages, want at most %d", len(page.Items), q.Limit)
		}
		for i := range page.Items {
			texts = append(texts, page.Items[i].Message.Text)
		}
		found = append(found, page.Items...)
		if page.Next == "" {
			return texts, found
		}
		q.Cursor = page.Next
	}
}

// want waits until exactly these texts are found: indexing may take a moment.
func (t *searching) want(user chat.UserID, q chat.SearchQuery, texts ...string) []chat.Found {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		got, found := t.all(user, q)
		if fmt.Sprint(got) == fmt.Sprint(append([]string(nil), texts...)) {
			return found
		}
		if time.Now().After(end) {
			t.Fatalf("search %+v: got %q, want %q", q, got, texts)
		}
	}
}

func (t *searching) word(words ...string) chat.SearchQuery { return chat.SearchQuery{Words: words} }

func searchWords(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)))
	t.Say(Room(0), User(0), "The quick brown fox", "jumps over the lazy dog", "quickly, she said", "ab")
	t.want(User(0), t.word("quick"), "quickly, she said", "The quick brown fox")
	t.want(User(0), t.word("uic"), "quickly, she said", "The quick brown fox")
	t.want(User(0), t.word("the", "dog"), "jumps over the lazy dog")
	t.want(User(0), t.word("brown fox"), "The quick brown fox")
	t.want(User(0), t.word("fox brown"))
	t.want(User(0), t.word("fox", "brown"), "The quick brown fox")
	t.want(User(0), t.word("ab"), "ab") // shorter than three letters
	t.want(User(0), t.word("z"), "jumps over the lazy dog")
	t.want(User(0), t.word("quick", "x"), "The quick brown fox")
	t.want(User(0), t.word("cat"))
	t.want(User(0), t.word(strings.Repeat("the quick brown fox ", 10)))
}

func searchUnspaced(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)))
	t.Say(Room(0), User(0), "我们去上海吃饭", "東京タワーに行きます", "안녕하세요 여러분", "สวัสดีครับ", "emoji 👩‍👩‍👧‍👦 family")
	t.want(User(0), t.word("上海"), "我们去上海吃饭")
	t.want(User(0), t.word("上"), "我们去上海吃饭")
	t.want(User(0), t.word("吃饭"), "我们去上海吃饭")
	t.want(User(0), t.word("タワー"), "東京タワーに行きます")
	t.want(User(0), t.word("하세"), "안녕하세요 여러분")
	t.want(User(0), t.word("สวัสดี"), "สวัสดีครับ")
	t.want(User(0), t.word("👩‍👩‍👧‍👦"), "emoji 👩‍👩‍👧‍👦 family")
	t.want(User(0), t.word("北京"))
}

func searchFolded(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)))
	t.Say(Room(0), User(0), "Žluťoučký KŮŇ", "cafe\u0301 noir", "ＦＵＬＬ ｗｉｄｔｈ", "ПРИВЕТ, мир")
	t.want(User(0), t.word("zlutoucky"), "Žluťoučký KŮŇ")
	t.want(User(0), t.word("kůň"), "Žluťoučký KŮŇ")
	t.want(User(0), t.word("CAFÉ"), "cafe\u0301 noir")
	t.want(User(0), t.word("full"), "ＦＵＬＬ ｗｉｄｔｈ")
	t.want(User(0), t.word("привет"), "ПРИВЕТ, мир")
}

// Nothing that somebody looks for has a meaning of its own.
func searchSigns(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)))
	t.Say(Room(0), User(0), `100%_sure "quoted" 'single' NEAR( a* (a+)+$ \back ;--`, "nothing of that")
	for _, word := range []string{
		"100%", "%_s", `"quoted"`, "'single'", "NEAR(", "a*", "(a+)+$", `\back`, ";--", "%", `"`, "'", "\\",
	} {
		t.want(User(0), t.word(word), `100%_sure "quoted" 'single' NEAR( a* (a+)+$ \back ;--`)
	}
	t.want(User(0), t.word("\u0301"))
	for _, word := range []string{"AND OR", "c\x00", "\x7f", "terms : x", "^x", strings.Repeat("€", 80)} {
		t.want(User(0), t.word(word))
	}
}

func searchSpans(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)))
	t.Say(Room(0), User(0), "Müller und Mu\u0308ller, ﬁnally", strings.Repeat("aha ", 100))
	check := func(word string, want ...string) {
		t.Helper()
		found := t.want(User(0), t.word(word), "Müller und Mu\u0308ller, ﬁnally")
		var got []string
		for _, s := range found[0].Spans {
			got = append(got, found[0].Message.Text[s.Start:s.End])
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	check("muller", "Müller", "Mu\u0308ller")
	check("MU", "Mü", "Mu\u0308")
	check("und", "und")
	check("final", "ﬁnal")
	found := t.want(User(0), t.word("aha"), strings.Repeat("aha ", 100))
	if n := len(found[0].Spans); n != chat.MaxSpans {
		t.Errorf("got %d spans, want %d", n, chat.MaxSpans)
	}
}

func searchVisible(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0), User(1)), Create(chat.Channel, Room(1), User(0)))
	t.Say(Room(0), User(0), "group before")
	t.Say(Room(1), User(0), "channel before")
	t.Do(Add(Room(0), User(0), User(2)), Add(Room(1), User(0), User(2)))
	t.Say(Room(0), User(0), "group behind")
	before := t.word("before")
	t.want(User(0), before, "channel before", "group before")
	t.want(User(1), before, "group before")
	t.want(User(2), before, "channel before")
	t.want(User(2), t.word("behind"), "group behind")
	t.want(User(3), before)
	before.ConversationID = Room(0)
	t.want(User(2), before)
	t.want(User(3), before)
	t.want(User(1), before, "group before")
	t.Do(Remove(Room(0), User(0), User(1)))
	t.want(User(1), before)
}

func searchChanged(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)))
	t.Say(Room(0), User(0), "first word", "second word")
	t.want(User(0), t.word("word"), "second word", "first word")
	t.Do(Edit(Room(0), User(0), 2, "first thought"))
	if got, _ := t.all(User(0), t.word("word")); fmt.Sprint(got) != "[second word]" {
		t.Errorf("at once after the edit: got %q, want what it said before not to be found", got)
	}
	t.want(User(0), t.word("thought"), "first thought")
	t.Do(Delete(Room(0), User(0), 3))
	if got, _ := t.all(User(0), t.word("word")); len(got) != 0 {
		t.Errorf("at once after the deletion: got %q, want nothing", got)
	}
	t.Do(Edit(Room(0), User(0), 2, "first word again"))
	t.want(User(0), t.word("word"), "first word again")
}

func searchConditions(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0), User(1)), Create(chat.Group, Room(1), User(1), User(0)))
	photo := Send(Room(0), User(1), "p", "a photo")
	photo.Attachments = []chat.Attachment{Attachment(1)}
	sound := Send(Room(1), User(1), "s", "a sound")
	sound.Attachments = []chat.Attachment{{ID: FileID(2), Name: "x", Size: 1, MIME: "audio/ogg"}}
	middle := t.Do(Send(Room(0), User(0), "l", "a link https://example.org/x"), photo)[1].At
	t.Do(sound)
	q := func(change func(*chat.SearchQuery)) chat.SearchQuery {
		var q chat.SearchQuery
		change(&q)
		return q
	}
	t.want(User(0), q(func(q *chat.SearchQuery) { q.SenderID = User(1) }), "a sound", "a photo")
	t.want(User(0), q(func(q *chat.SearchQuery) { q.ConversationID = Room(0) }), "a photo", "a link https://example.org/x")
	t.want(User(0), q(func(q *chat.SearchQuery) { q.Has = []chat.Has{chat.HasFile} }), "a sound", "a photo")
	t.want(User(0), q(func(q *chat.SearchQuery) { q.Has = []chat.Has{chat.HasImage} }), "a photo")
	t.want(User(0), q(func(q *chat.SearchQuery) { q.Has = []chat.Has{chat.HasAudio, chat.HasFile} }), "a sound")
	t.want(User(0), q(func(q *chat.SearchQuery) { q.Has = []chat.Has{chat.HasAudio, chat.HasImage} }))
	t.want(User(0), q(func(q *chat.SearchQuery) { q.Has = []chat.Has{chat.HasLink} }), "a link https://example.org/x")
	t.want(User(0), q(func(q *chat.SearchQuery) { q.Words, q.Before = []string{"a"}, middle }), "a link https://example.org/x")
	t.want(User(0), q(func(q *chat.SearchQuery) { q.Words, q.After = []string{"a"}, middle }), "a sound", "a photo")
	t.want(User(0), q(func(q *chat.SearchQuery) {
		q.Words, q.SenderID, q.ConversationID = []string{"pho"}, User(1), Room(0)
	}), "a photo")
}

func searchPages(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)))
	var want []string
	for i := range 25 {
		t.Say(Room(0), User(0), fmt.Sprint("number ", i))
		want = append([]string{fmt.Sprint("number ", i)}, want...)
	}
	q := t.word("number")
	for _, q.Limit = range []int{1, 7, 25, 50} {
		t.want(User(0), q, want...)
	}
}

// What others say, however much, neither hides what one may see nor makes it slow to find.
func searchFewAmongMany(t *searching) {
	t.Do(Create(chat.Group, Room(0), User(0)), Create(chat.Group, Room(1), User(1)))
	t.Say(Room(0), User(0), "needle, mine")
	for n := range 20 {
		var cmds []chat.Command
		for i := range 100 {
			cmds = append(cmds, Send(Room(1), User(1), fmt.Sprint("m", n, "-", i), "needle, theirs"))
		}
		t.Do(cmds...)
	}
	t.want(User(0), t.word("needle"), "needle, mine")
	t.want(User(0), t.word("ne"), "needle, mine")
	page, err := t.s.Search(t.Context(), User(0), chat.SearchQuery{Words: []string{"needle"}, Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("got %d messages on the first page, %v, want the one", len(page.Items), err)
	}
}

func searchManyConversations(t *searching) {
	var cmds []chat.Command
	for i := range 80 {
		cmds = append(cmds, Create(chat.Group, Room(i), User(0)), Send(Room(i), User(0), "k", fmt.Sprint("found in ", i)))
	}
	t.Do(cmds...)
	t.want(User(0), t.word("found in 79"), "found in 79")
	if got, _ := t.all(User(0), t.word("found")); len(got) != 80 || got[0] != "found in 79" {
		t.Errorf("got %d messages, want 80", len(got))
	}
	if got, _ := t.all(User(0), t.word("fo")); len(got) != 80 {
		t.Errorf("got %d messages by two letters, want 80", len(got))
	}
}

func searchBadCursor(t *searching) {
	for _, cursor := range []string{"x", "AAAA", "../..", "AAAAAAAAAAAA!"} {
		_, err := t.s.Search(t.Context(), User(0), chat.SearchQuery{Words: []string{"x"}, Limit: 5, Cursor: cursor})
		if !errors.Is(err, chat.ErrInvalid) {
			t.Errorf("%q: got %v, want ErrInvalid", cursor, err)
		}
	}
}
