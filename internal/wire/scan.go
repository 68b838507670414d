package wire

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNumberBytes bounds the text of a number: none that fits a float64 or 2^53 needs more.
const maxNumberBytes = 40

// maxSafe is the largest integer that every JSON reader holds exactly (RFC 7493 section 2.2).
const maxSafe = 1<<53 - 1

// scanner checks a document in one pass, without building it. It recurses at
// most MaxDepth deep.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

func (s *scanner) document(sh *shape) error {
	s.space()
	if err := s.value(sh); err != nil {
		return err
	}
	s.space()
	if s.pos != len(s.data) {
		return malformed("", "something follows the document")
	}
	return nil
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek gives the next byte, zero at the end (which no rule accepts).
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) value(sh *shape) error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(sh)
	case c == '[':
		return s.array(sh)
	case c == '"':
		_, err := s.str()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return s.number(sh)
	case c == 'n':
		if sh != nil && !sh.nullable {
			return malformed(sh.path, "is null")
		}
		return s.word("null")
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	default:
		return malformed("", "a value is missing or is not JSON")
	}
}

func (s *scanner) word(w string) error {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return malformed("", "a value is missing or is not JSON")
	}
	s.pos += len(w)
	return nil
}

func (s *scanner) enter() error {
	s.pos++
	if s.depth++; s.depth > MaxDepth {
		return malformed("", "it nests deeper than 32 levels")
	}
	s.space()
	return nil
}

func (s *scanner) leave() {
	s.pos++
	s.depth--
}

func (s *scanner) object(sh *shape) error {
	if err := s.enter(); err != nil {
		return err
	}
	if s.peek() == '}' {
		s.leave()
		return nil
	}
	var keys keySet
	for {
		if s.peek() != '"' {
			return malformed("", "a key is missing")
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		inner, err := s.member(sh, &keys, key)
		if err != nil {
			return err
		}
		s.space()
		if s.peek() != ':' {
			return malformed("", "a colon is missing")
		}
		s.pos++
		s.space()
		if err := s.value(inner); err != nil {
			return err
		}
		done, err := s.next('}')
		if done || err != nil {
			return err
		}
	}
}

// member checks a key and gives the shape of its value.
func (s *scanner) member(sh *shape, keys *keySet, key []byte) (*shape, error) {
	if !keys.add(key) {
		return nil, malformed(shown(key), "is there twice")
	}
	if keys.n > MaxKeys {
		return nil, malformed("", "an object has more than 256 keys")
	}
	switch {
	case sh == nil:
		return nil, nil //nolint:nilnil // a nil shape allows everything
	case sh.fields == nil:
		return sh.elem, nil
	}
	inner, ok := sh.fields[string(key)]
	if !ok {
		return nil, unknownField(shown(key))
	}
	return inner, nil
}

func (s *scanner) array(sh *shape) error {
	if err := s.enter(); err != nil {
		return err
	}
	if s.peek() == ']' {
		s.leave()
		return nil
	}
	var elem *shape
	if sh != nil {
		elem = sh.elem
	}
	for n := 1; ; n++ {
		if n > MaxItems {
			return malformed("", "an array has more than 1,000 items")
		}
		if err := s.value(elem); err != nil {
			return err
		}
		done, err := s.next(']')
		if done || err != nil {
			return err
		}
	}
}

// next steps over a comma, or over the end of the object or array.
func (s *scanner) next(end byte) (done bool, err error) {
	s.space()
	switch s.peek() {
	case end:
		s.leave()
		return true, nil
	case ',':
		s.pos++
		s.space()
		return false, nil
	default:
		return false, malformed("", "a comma or a bracket is missing")
	}
}

func (s *scanner) number(sh *shape) error {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return malformed("", "a number is not valid")
	}
	whole := true
	if s.peek() == '.' {
		whole = false
		s.pos++
		if !s.digits() {
			return malformed("", "a number is not valid")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		whole = false
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return malformed("", "a number is not valid")
		}
	}
	path := ""
	if sh != nil {
		path = sh.path
	}
	if s.pos-start > maxNumberBytes {
		return malformed(path, "is a number out of range")
	}
	text := string(s.data[start:s.pos])
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n > maxSafe || n < -maxSafe {
			return malformed(path, "is a number out of range")
		}
		return nil
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return malformed(path, "is a number out of range")
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// str steps over a string and gives its content, unescaped where it has escapes.
func (s *scanner) str() ([]byte, error) {
	s.pos++
	start := s.pos
	var out []byte // set once there is an escape
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			content := s.data[start:s.pos]
			s.pos++
			if out != nil {
				return out, nil
			}
			return content, nil
		case c == '\\':
			if out == nil {
				out = append(make([]byte, 0, s.pos-start+16), s.data[start:s.pos]...)
			}
			var err error
			if out, err = s.escape(out); err != nil {
				return nil, err
			}
		case c < 0x20:
			return nil, malformed("", "a string has a control character")
		default:
			n := 1
			if c >= utf8.RuneSelf {
				var r rune
				if r, n = utf8.DecodeRune(s.data[s.pos:]); r == utf8.RuneError && n == 1 {
					return nil, malformed("", "a string is not UTF-8")
				}
			}
			if out != nil {
				out = append(out, s.data[s.pos:s.pos+n]...)
			}
			s.pos += n
		}
	}
	return nil, malformed("", "a string does not end")
}

func (s *scanner) escape(out []byte) ([]byte, error) {
	s.pos++
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/':
		return append(out, c), nil
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		r, err := s.unicode()
		if err != nil {
			return nil, err
		}
		return utf8.AppendRune(out, r), nil
	default:
		return nil, malformed("", "a string has an unknown escape")
	}
}

// unicode reads what follows \u, and the second half of a surrogate pair.
func (s *scanner) unicode() (rune, error) {
	r, ok := s.hex4()
	if !ok {
		return 0, malformed("", "a string has an unknown escape")
	}
	if r == 0 {
		return 0, malformed("", "a string has a NUL character")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if s.peek() == '\\' && s.pos+1 < len(s.data) && s.data[s.pos+1] == 'u' {
		s.pos += 2
		if low, ok := s.hex4(); ok {
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, nil
			}
		}
	}
	return 0, malformed("", "a string has half a surrogate pair")
}

func (s *scanner) hex4() (rune, bool) {
	if len(s.data)-s.pos < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.data[s.pos:s.pos+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	s.pos += 4
	return rune(n), true
}

// shown shortens a key for a message.
func shown(key []byte) string {
	const most = 64
	if len(key) <= most {
		return string(key)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(key[cut]) {
		cut--
	}
	return string(key[:cut]) + "…"
}

// keySet remembers the keys of one object: few of them in place, many in a map.
type keySet struct {
	few  [12][]byte
	many map[string]struct{}
	n    int
}

// add gives false when the key is there already.
func (k *keySet) add(key []byte) bool {
	if k.many == nil && k.n < len(k.few) {
		for _, have := range k.few[:k.n] {
			if string(have) == string(key) {
				return false
			}
		}
		k.few[k.n] = key
		k.n++
		return true
	}
	if k.many == nil {
		k.many = make(map[string]struct{}, 2*len(k.few))
		for _, have := range k.few {
			k.many[string(have)] = struct{}{}
		}
	}
	if _, ok := k.many[string(key)]; ok {
		return false
	}
	k.many[string(key)] = struct{}{}
	k.n++
	return true
}
