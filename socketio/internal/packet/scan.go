package packet

import "encoding/json"

// maxDepth bounds the nesting of a payload; what the application accepts is for its
// decoders to say.
const maxDepth = 512

// Split checks that data is one JSON array and returns its elements, which point into
// data. It reads each byte once and does not recurse, so that hostile nesting costs
// nothing.
func Split(data []byte) ([]json.RawMessage, error) {
	s := scanner{b: data}
	if len(data) == 0 || data[0] != '[' {
		return nil, ErrPayload
	}
	s.i = 1
	s.space()
	if s.next() == ']' {
		s.i++
		if s.i != len(data) {
			return nil, ErrPayload
		}
		return nil, nil
	}
	args := make([]json.RawMessage, 0, 4)
	for {
		s.space()
		from := s.i
		if !s.value() {
			return nil, ErrPayload
		}
		args = append(args, data[from:s.i:s.i])
		s.space()
		switch s.next() {
		case ',':
			s.i++
		case ']':
			if s.i+1 != len(data) {
				return nil, ErrPayload
			}
			return args, nil
		default:
			return nil, ErrPayload
		}
	}
}

// validObject reports whether data is one JSON object.
func validObject(data []byte) bool {
	if len(data) == 0 || data[0] != '{' {
		return false
	}
	s := scanner{b: data}
	return s.value() && s.i == len(data)
}

// scanner walks over JSON (RFC 8259) with a stack of one bit a level.
type scanner struct {
	b     []byte
	i     int
	depth int
	stack [maxDepth / 64]uint64 // 1: an object
}

func (s *scanner) next() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) push(object bool) bool {
	if s.depth == maxDepth {
		return false
	}
	word, bit := s.depth/64, uint64(1)<<(s.depth%64)
	s.stack[word] &^= bit
	if object {
		s.stack[word] |= bit
	}
	s.depth++
	return true
}

func (s *scanner) inObject() bool {
	d := s.depth - 1
	return s.stack[d/64]&(1<<(d%64)) != 0
}

// value reads one value from its first character.
func (s *scanner) value() bool {
	for {
		opened, ok := s.start()
		if !ok {
			return false
		}
		if opened {
			continue
		}
		more, ok := s.finish()
		if !ok {
			return false
		}
		if !more {
			return true
		}
	}
}

// start reads a scalar, an empty container, or the opening of a container up to its
// first value (opened).
func (s *scanner) start() (opened, ok bool) {
	switch c := s.next(); {
	case c == '{' || c == '[':
		s.i++
		s.space()
		if s.next() == c+2 { // '}' is '{'+2, ']' is '['+2
			s.i++
			return false, true
		}
		if !s.push(c == '{') {
			return false, false
		}
		return true, c == '[' || s.key()
	case c == '"':
		return false, s.text()
	case c == '-' || c >= '0' && c <= '9':
		return false, s.number()
	case c == 't':
		return false, s.literal("true")
	case c == 'f':
		return false, s.literal("false")
	case c == 'n':
		return false, s.literal("null")
	}
	return false, false
}

// finish reads what follows a value: the ends of containers, and the comma before the
// next value (more).
func (s *scanner) finish() (more, ok bool) {
	for s.depth > 0 {
		s.space()
		object := s.inObject()
		switch c := s.next(); {
		case c == ',':
			s.i++
			s.space()
			return true, !object || s.key()
		case c == '}' && object || c == ']' && !object:
			s.i++
			s.depth--
		default:
			return false, false
		}
	}
	return false, true
}

// key reads a member's name and its colon.
func (s *scanner) key() bool {
	if s.next() != '"' || !s.text() {
		return false
	}
	s.space()
	if s.next() != ':' {
		return false
	}
	s.i++
	s.space()
	return true
}

func (s *scanner) literal(word string) bool {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return false
	}
	s.i += len(word)
	return true
}

// text reads a string from its opening quote.
func (s *scanner) text() bool {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return true
		case c < 0x20:
			return false
		case c == '\\':
			s.i++
			if !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape reads what follows a backslash, up to its last character.
func (s *scanner) escape() bool {
	switch s.next() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.i++
			c := s.next()
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	from := s.i
	for c := s.next(); c >= '0' && c <= '9'; c = s.next() {
		s.i++
	}
	return s.i > from
}

func (s *scanner) number() bool {
	if s.next() == '-' {
		s.i++
	}
	if s.next() == '0' {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.next() == '.' {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if c := s.next(); c == 'e' || c == 'E' {
		s.i++
		if c := s.next(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return true
}
