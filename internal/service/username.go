package service

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// MinUsername and MaxUsername bound a username's length in characters.
	MinUsername = 3
	MaxUsername = 32
)

// reservedNames would let their holder pass for the house. They are compared folded.
var reservedNames = foldedSet(
	"admin", "administrator", "admins", "root", "system", "sysadmin", "superuser", "operator", "owner",
	"support", "help", "helpdesk", "parley", "moderator", "mod", "mods", "staff", "team", "official", "security", "abuse",
	"postmaster", "webmaster", "hostmaster", "info", "contact", "noreply", "no-reply", "mailer-daemon", "daemon",
	"api", "www", "bot", "service", "server", "everyone", "all", "here", "channel", "group", "anonymous", "guest",
	"null", "undefined", "none", "unknown", "deleted", "nobody", "somebody", "self", "you", "test-admin",
)

func foldedSet(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[skeleton(name)] = true
	}
	return set
}

// cleanUsername gives a username as it is kept (NFKC) and its folded form, which
// is unique, or says what is wrong with it. Letters of one script, digits and
// . _ - are allowed; names that look alike fold to the same.
func cleanUsername(name string) (kept, folded string, problem *chat.Error) {
	if len(name) > 4*MaxUsername {
		return "", "", chat.Invalid("username", "is longer than 32 characters")
	}
	if !utf8.ValidString(name) {
		return "", "", chat.Invalid("username", "is not UTF-8")
	}
	kept = norm.NFKC.String(name)
	switch n := utf8.RuneCountInString(kept); {
	case n < MinUsername:
		return "", "", chat.Invalid("username", "is shorter than 3 characters")
	case n > MaxUsername:
		return "", "", chat.Invalid("username", "is longer than 32 characters")
	}
	if problem := usernameRunes(kept); problem != nil {
		return "", "", problem
	}
	folded = skeleton(kept)
	if reservedNames[folded] {
		return "", "", chat.Invalid("username", "is reserved")
	}
	return kept, folded, nil
}

func usernameRunes(name string) *chat.Error {
	var script *unicode.RangeTable
	marks, letters := 0, 0
	for i, r := range name {
		switch {
		case r >= '0' && r <= '9':
			letters++
			marks = 0
		case r == '.' || r == '_' || r == '-':
			if i == 0 || i == len(name)-1 {
				return chat.Invalid("username", "begins or ends with a . _ or -")
			}
			marks = 0
		case unicode.IsLetter(r):
			of := scriptOf(r)
			if of == nil || script != nil && of != script {
				return chat.Invalid("username", "mixes letters of several scripts")
			}
			script = of
			letters++
			marks = 0
		case unicode.IsMark(r) && letters > 0 && marks < 2:
			marks++
		default:
			return chat.Invalid("username", "may hold letters, digits and . _ - only")
		}
	}
	if letters == 0 {
		return chat.Invalid("username", "has no letter and no digit")
	}
	return nil
}

// scriptOf gives the script of a letter. The scripts of Japanese and Korean,
// which are written together, count as one.
func scriptOf(r rune) *unicode.RangeTable {
	if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo) || r == 'ー' {
		return unicode.Han
	}
	for _, table := range commonScripts {
		if unicode.Is(table, r) {
			return table
		}
	}
	for _, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return table
		}
	}
	return nil
}

var commonScripts = []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Arabic, unicode.Hebrew}

// skeleton folds what looks alike to the same text: NFKC, lower case, then
// letters and digits that are drawn alike (after Unicode TR 39, section 4), and
// without what separates words.
func skeleton(name string) string {
	name = strings.ToLower(norm.NFKC.String(name))
	var b strings.Builder
	b.Grow(len(name))
	for _, r := range norm.NFKC.String(name) {
		if to, ok := lookalikes[r]; ok {
			b.WriteString(to)
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.ReplaceAll(b.String(), "rn", "m")
}

// lookalikes maps letters to the Latin ones that they are drawn like. Within
// Latin, i l 1 and o 0 are one: a capital I is drawn like a small l.
var lookalikes = lookalikeTable(map[string]string{
	"a": "аɑαạ", "b": "ЬьƄ", "c": "сϲⅽ", "d": "ԁɗ", "e": "еҽєε", "g": "ɡց", "h": "һհ", "i": "",
	"j": "јϳ", "k": "кκ", "l": "il1|іıιӏⅼɩǀļ", "m": "м", "n": "ոп", "o": "0оοσօᴏ", "p": "рρ", "q": "ԛգ",
	"r": "гᴦ", "s": "ѕꜱ", "t": "тτ", "u": "υսʋ", "v": "νѵᴠ", "w": "ԝաωѡ", "x": "хχ", "y": "уүγʏ", "z": "ᴢ",
})

func lookalikeTable(by map[string]string) map[rune]string {
	table := make(map[rune]string)
	for to, from := range by {
		for _, r := range from {
			table[unicode.ToLower(r)] = to
		}
	}
	return table
}

// foldUsername gives the folded form of a name for a look-up; ok is false when
// nobody can have that name.
func foldUsername(name string) (string, bool) {
	if len(name) > 4*MaxUsername || !utf8.ValidString(name) {
		return "", false
	}
	return skeleton(name), true
}
