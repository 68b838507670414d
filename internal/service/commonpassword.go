package service

import (
	_ "embed"
	"strings"
	"unicode"
)

// commonPasswords.txt lists words that the most common passwords are made of,
// and the most common passwords that are no words, one a line, in lower case.
//
//go:embed commonpasswords.txt
var commonPasswordsText string

var commonWords = func() map[string]bool {
	words := make(map[string]bool, 4096)
	for line := range strings.Lines(commonPasswordsText) {
		if word := strings.TrimSpace(line); word != "" && !strings.HasPrefix(word, "#") {
			words[word] = true
		}
	}
	return words
}()

// leet undoes the usual replacements of letters.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i", "+", "t")

// maxCommon is the length in bytes beyond which no password is common.
const maxCommon = 32

// commonPassword reports whether a password is among the first that somebody
// would try: a common word or two, in any case, spelled plainly or with the usual
// replacements, with a few digits or signs around it; one character over and
// over; a run of the keyboard or of the alphabet.
func commonPassword(password string) bool {
	if len(password) > maxCommon {
		return false
	}
	p := strings.ToLower(strings.TrimSpace(password))
	if commonWords[p] || monotone(p) {
		return true
	}
	for _, form := range []string{p, leet.Replace(p)} {
		core := strings.TrimFunc(form, func(r rune) bool { return !unicode.IsLetter(r) })
		if core == "" {
			continue
		}
		// Long additions make a password of their own.
		if len(form)-len(core) <= 6 && commonCore(core) {
			return true
		}
	}
	core := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	return core != "" && len(p)-len(core) <= 6 && commonCore(leet.Replace(core))
}

// commonCore looks for a word, a doubled word or two words.
func commonCore(core string) bool {
	if commonWords[core] || monotone(core) {
		return true
	}
	for i := 3; i <= len(core)-3; i++ {
		if commonWords[core[:i]] && commonWords[core[i:]] {
			return true
		}
	}
	return false
}

// runs are what fingers walk along.
var runs = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "qazwsxedcrfvtgbyhnujmikolp",
	"qweasdzxcrtyfghvbnuiojklm", "147258369", "159753", "741852963", "a1b2c3d4e5f6g7h8i9j0", "1a2b3c4d5e6f7g8h9i0j",
	"aabbccddeeffgghhiijj", "112233445566778899", "qwertyuiopasdfghjklzxcvbnm", "zaq12wsxcde34rfvbgt56yhn",
}

// monotone reports whether a password is made of at most three pieces, each a
// run forwards or backwards, or one piece over and over.
func monotone(p string) bool {
	if len(p) == 0 {
		return false
	}
	for size := 1; size <= len(p)/2 && size <= 6; size++ {
		if len(p)%size == 0 && strings.Repeat(p[:size], len(p)/size) == p {
			return true
		}
	}
	rest := p
	for range 3 {
		n := longestRun(rest)
		if n < 3 {
			return false
		}
		if rest = rest[n:]; rest == "" {
			return true
		}
	}
	return false
}

// longestRun gives the length of the longest run that p begins with.
func longestRun(p string) int {
	best := 1
	for best < len(p) && p[best] == p[0] {
		best++
	}
	for _, run := range runs {
		for _, r := range []string{run, reverse(run)} {
			n := best + 1
			for n <= len(p) && strings.Contains(r, p[:n]) {
				best = n
				n++
			}
		}
	}
	return best
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
