package ws

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// recorder notes what a stream contained.
type recorder struct{ got []string }

func (r *recorder) Message(op Opcode, p []byte) error {
	r.got = append(r.got, fmt.Sprintf("message %d %q", op, p))
	return nil
}

func (r *recorder) Control(op Opcode, p []byte) error {
	r.got = append(r.got, fmt.Sprintf("control %d %q", op, p))
	return nil
}

const testMax = 1000

var testKey = [4]byte{1, 2, 3, 4}

// frame builds a masked client frame from its parts, legal or not.
func frame(first byte, payload []byte) []byte {
	b := appendHeader(nil, 0, len(payload), maskBit)
	b[0] = first
	b = append(b, testKey[:]...)
	start := len(b)
	b = append(b, payload...)
	Mask(b[start:], testKey)
	return b
}

func text(s string) []byte { return AppendMasked(nil, OpText, []byte(s), testKey) }

// read feeds a stream in pieces of the given size.
func read(stream []byte, piece int) ([]string, *Reader, error) {
	var r *Reader
	rec := &recorder{}
	for chunk := range slices.Chunk(bytes.Clone(stream), piece) {
		var err error
		if r, err = r.Feed(bytes.Clone(chunk), Limits{MaxMessage: testMax, Masked: true}, rec); err != nil {
			return rec.got, r, err
		}
	}
	return rec.got, r, nil
}

func TestReaderAcceptsLegalStreams(t *testing.T) {
	long := strings.Repeat("é", 200)
	for name, tc := range map[string]struct {
		stream []byte
		want   []string
	}{
		"text":            {text("hello"), []string{`message 1 "hello"`}},
		"empty text":      {text(""), []string{`message 1 ""`}},
		"16-bit length":   {text(long), []string{fmt.Sprintf("message 1 %q", long)}},
		"binary":          {AppendMasked(nil, OpBinary, []byte{0xff, 0}, testKey), []string{`message 2 "\xff\x00"`}},
		"two in a row":    {append(text("a"), text("b")...), []string{`message 1 "a"`, `message 1 "b"`}},
		"ping, pong":      {append(frame(0x89, []byte("x")), frame(0x8A, nil)...), []string{`control 9 "x"`, `control 10 ""`}},
		"close, empty":    {frame(0x88, nil), []string{`control 8 ""`}},
		"close 1000":      {frame(0x88, []byte("\x03\xe8bye")), []string{`control 8 "\x03\xe8bye"`}},
		"close 4999":      {frame(0x88, []byte("\x13\x87")), []string{`control 8 "\x13\x87"`}},
		"fragments":       {slices.Concat(frame(0x01, []byte("he")), frame(0x00, []byte("ll")), frame(0x80, []byte("o"))), []string{`message 1 "hello"`}},
		"empty fragments": {slices.Concat(frame(0x01, nil), frame(0x00, nil), frame(0x80, nil)), []string{`message 1 ""`}},
		"ping between fragments": {
			slices.Concat(frame(0x01, []byte("a")), frame(0x89, []byte("p")), frame(0x80, []byte("b"))),
			[]string{`control 9 "p"`, `message 1 "ab"`},
		},
		"rune split between fragments": {
			slices.Concat(frame(0x01, []byte("\xc3")), frame(0x80, []byte("\xa9"))),
			[]string{`message 1 "é"`},
		},
		"after fragments": {
			slices.Concat(frame(0x01, []byte("a")), frame(0x80, []byte("b")), text("c")),
			[]string{`message 1 "ab"`, `message 1 "c"`},
		},
		"exactly the limit": {text(strings.Repeat("x", testMax)), []string{fmt.Sprintf("message 1 %q", strings.Repeat("x", testMax))}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 2, 3, 7, 100, 1 << 20} {
				got, r, err := read(tc.stream, piece)
				if err != nil {
					t.Fatalf("in pieces of %d: %v", piece, err)
				}
				if !slices.Equal(got, tc.want) {
					t.Errorf("in pieces of %d: got %q, want %q", piece, got, tc.want)
				}
				if r != nil {
					t.Errorf("in pieces of %d: an idle stream still holds %d bytes", piece, r.Buffered())
				}
			}
		})
	}
}

func TestReaderRefusesBreaches(t *testing.T) {
	length := func(first byte, n uint64) []byte {
		return binary.BigEndian.AppendUint64([]byte{first, maskBit | 127}, n)
	}
	for name, tc := range map[string]struct {
		stream []byte
		code   int
	}{
		"unmasked":                    {AppendFrame(nil, OpText, []byte("x")), CodeProtocolError},
		"opcode 3":                    {frame(0x83, nil), CodeProtocolError},
		"opcode 11":                   {frame(0x8B, nil), CodeProtocolError},
		"RSV1":                        {frame(0xC1, nil), CodeProtocolError},
		"RSV3":                        {frame(0x91, nil), CodeProtocolError},
		"fragmented ping":             {frame(0x09, nil), CodeProtocolError},
		"ping of 126 bytes":           {frame(0x89, make([]byte, 126)), CodeProtocolError},
		"continuation of nothing":     {frame(0x80, nil), CodeProtocolError},
		"text inside fragments":       {append(frame(0x01, nil), text("x")...), CodeProtocolError},
		"close of one byte":           {frame(0x88, []byte{3}), CodeProtocolError},
		"close 999":                   {frame(0x88, []byte("\x03\xe7")), CodeProtocolError},
		"close 1004":                  {frame(0x88, []byte("\x03\xec")), CodeProtocolError},
		"close 1005":                  {frame(0x88, []byte("\x03\xed")), CodeProtocolError},
		"close 1006":                  {frame(0x88, []byte("\x03\xee")), CodeProtocolError},
		"close 1015":                  {frame(0x88, []byte("\x03\xf7")), CodeProtocolError},
		"close 2999":                  {frame(0x88, []byte("\x0b\xb7")), CodeProtocolError},
		"close 5000":                  {frame(0x88, []byte("\x13\x88")), CodeProtocolError},
		"close reason not UTF-8":      {frame(0x88, []byte("\x03\xe8\xff")), CodeInvalidPayload},
		"length 2^62":                 {length(0x82, 1<<62), CodeTooBig},
		"length 2^63":                 {length(0x82, 1<<63), CodeProtocolError},
		"64-bit length not minimal":   {length(0x82, 0xFFFF), CodeProtocolError},
		"16-bit length not minimal":   {[]byte{0x82, maskBit | 126, 0, 125}, CodeProtocolError},
		"one byte over":               {text(strings.Repeat("x", testMax+1)), CodeTooBig},
		"fragments one byte over":     {append(frame(0x02, make([]byte, testMax)), frame(0x80, []byte{0})...), CodeTooBig},
		"text not UTF-8":              {frame(0x81, []byte{0xff}), CodeInvalidPayload},
		"text with a surrogate":       {frame(0x81, []byte("\xed\xa0\x80")), CodeInvalidPayload},
		"text of an overlong slash":   {frame(0x81, []byte("\xc0\xaf")), CodeInvalidPayload},
		"text ends inside a rune":     {frame(0x81, []byte("\xe2\x82")), CodeInvalidPayload},
		"fragmented text not UTF-8":   {append(frame(0x01, []byte{0xc3}), frame(0x80, []byte{0x28})...), CodeInvalidPayload},
		"text above the last Unicode": {frame(0x81, []byte("\xf4\x90\x80\x80")), CodeInvalidPayload},
	} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 1 << 20} {
				got, _, err := read(tc.stream, piece)
				var pe *ProtocolError
				if !errors.As(err, &pe) || pe.Code != tc.code || pe.Reason == "" {
					t.Errorf("in pieces of %d: got %q and error %v, want code %d with a reason", piece, got, err, tc.code)
				}
			}
		})
	}
}

// A declared length must not make anything be allocated.
func TestReaderAllocatesOnlyWhatArrived(t *testing.T) {
	var r *Reader
	lim := Limits{MaxMessage: 1 << 40, Masked: true}
	head := append(binary.BigEndian.AppendUint64([]byte{0x82, maskBit | 127}, 1<<39), 0, 0, 0, 0, 'x')
	r, err := r.Feed(head, lim, &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	if got := cap(r.frame) + cap(r.message); got > 1024 {
		t.Errorf("15 bytes of a message of 2^39 made it hold %d bytes", got)
	}
}

func TestReaderStopsAtTheSinksError(t *testing.T) {
	want := errors.New("enough")
	_, err := (*Reader)(nil).Feed(append(text("a"), text("b")...), Limits{MaxMessage: testMax, Masked: true}, failing{want})
	if !errors.Is(err, want) {
		t.Errorf("got %v, want the sink's error", err)
	}
}

type failing struct{ err error }

func (f failing) Message(Opcode, []byte) error { return f.err }
func (f failing) Control(Opcode, []byte) error { return f.err }

func TestClientReaderWantsNoMask(t *testing.T) {
	rec := &recorder{}
	r, err := (*Reader)(nil).Feed(AppendFrame(nil, OpText, []byte("hi")), Limits{MaxMessage: testMax}, rec)
	if err != nil || r != nil || !slices.Equal(rec.got, []string{`message 1 "hi"`}) {
		t.Errorf("got %q, %v, %v", rec.got, r, err)
	}
	if _, err := r.Feed(text("hi"), Limits{MaxMessage: testMax}, rec); err == nil {
		t.Error("a masked frame of a server was taken")
	}
}

func TestAcceptKeyOfTheRFC(t *testing.T) {
	if got, want := AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValidKey(t *testing.T) {
	for key, want := range map[string]bool{
		"dGhlIHNhbXBsZSBub25jZQ==": true, "": false, "dGhlIHNhbXBsZQ==": false, "not base64 at all!!!!!!": false,
	} {
		if got := ValidKey(key); got != want {
			t.Errorf("ValidKey(%q) = %v, want %v", key, got, want)
		}
	}
}

func TestAppendCloseCutsTheReason(t *testing.T) {
	b := AppendClose(nil, CodePolicy, strings.Repeat("r", 500))
	if len(b) != 2+MaxControl {
		t.Errorf("got a frame of %d bytes, want %d", len(b), 2+MaxControl)
	}
	if code, reason := CloseCode(b[2:]); code != CodePolicy || len(reason) != 123 {
		t.Errorf("got %d and %d bytes of reason", code, len(reason))
	}
	if code, _ := CloseCode(AppendClose(nil, CodeNoStatus, "x")[2:]); code != CodeNoStatus {
		t.Errorf("got %d, want an empty close frame", code)
	}
}

func TestMaskIsItsOwnInverse(t *testing.T) {
	for n := range 40 {
		p := bytes.Repeat([]byte{0x5a}, n)
		Mask(p, testKey)
		for i, b := range p {
			if want := 0x5a ^ testKey[i%4]; b != want {
				t.Fatalf("length %d, byte %d: got %x, want %x", n, i, b, want)
			}
		}
	}
}

// FuzzReader: whatever arrives and however it is cut into pieces, the result is the same,
// messages stay within the limit, and nothing is held back after an error-free message.
func FuzzReader(f *testing.F) {
	f.Add(text("hello"), uint8(1))
	f.Add(slices.Concat(frame(0x01, []byte("a")), frame(0x89, []byte("p")), frame(0x80, []byte("b"))), uint8(3))
	f.Add(frame(0x88, []byte("\x03\xe8bye")), uint8(2))
	f.Add(binary.BigEndian.AppendUint64([]byte{0x82, 0xFF}, 1<<62), uint8(1))
	f.Add([]byte{0x82, 0xFE, 0, 125}, uint8(9))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		whole, r1, err1 := read(stream, max(len(stream), 1))
		cut, r2, err2 := read(stream, int(piece)+1)
		if !slices.Equal(whole, cut) || fmt.Sprint(err1) != fmt.Sprint(err2) {
			t.Fatalf("whole: %q %v; in pieces of %d: %q %v", whole, err1, piece+1, cut, err2)
		}
		if err1 == nil && r1.Buffered() != r2.Buffered() {
			t.Fatalf("whole holds %d bytes, pieces hold %d", r1.Buffered(), r2.Buffered())
		}
		if r1.Buffered() > 2*testMax+2*maxHeader+len(stream) {
			t.Fatalf("holds %d bytes", r1.Buffered())
		}
	})
}
