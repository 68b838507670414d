package service

import (
	"strings"
	"testing"
)

func TestNamesLookLikeWhatTheyAre(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Ada Lovelace": true, "李小龍": true, "محمد": true, "می\u200cخواهم": true, "Zoë": true, "Zoe\u0308": true, "👩‍👩‍👧": true, "🏳️‍🌈 Kim": true,
		"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": true, "ภาษาไทย": true, "שָׁלוֹם": true, "<b>x</b>": true, "!": true,
		"": false, " ": false, "\u200d": false, "\u3164": false, "a\u3164": false, "\u2800": false, "Ada\u200b": false, "Ada\u2060": false, "A\u00adda": false,
		"Ada\u202egnp.exe": false, "\u2066Ada\u2069": false, "a\nb": false, "a\x00": false, "\ufeffAda": false, "\xff": false, "\ufe0f": false,
		"a" + strings.Repeat("\u0301", maxMarks): true, "a" + strings.Repeat("\u0301", maxMarks+1): false,
	} {
		if got := showable(name); got != want {
			t.Errorf("%+q: got %v, want %v", name, got, want)
		}
	}
	good, bad, empty := "Club", "Club\u202e", " "
	if shownTitle(nil) != nil || shownTitle(&good) != nil || shownTitle(&bad) == nil {
		t.Error("titles are not judged as names are")
	}
	if shownTitle(&empty) != nil {
		t.Error("that a title is empty is for the conversation to say")
	}
}
