package engineio

import (
	"bytes"
	"slices"
	"testing"
	"unicode/utf8"
)

func collect(body []byte) ([]packet, error) {
	var got []packet
	err := decodePayload(body, func(p packet) error {
		got = append(got, p)
		return nil
	})
	return got, err
}

func TestFramesHaveOneContentOnBothTransports(t *testing.T) {
	f := NewFrameWith([]byte("51-x"), []byte{1, 2, 3}, nil)
	got, err := collect(f.appendPayload(nil))
	if err != nil || len(got) != 3 || string(got[0].data) != "51-x" || got[0].binary ||
		!bytes.Equal(got[1].data, []byte{1, 2, 3}) || !got[1].binary || len(got[2].data) != 0 || !got[2].binary {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := NewFrame([]byte("hi")).appendPayload([]byte("4x")); string(got) != "4x\x1e4hi" {
		t.Errorf("got %q", got)
	}
}

// FuzzPayload: what is taken apart can be put together again, and nothing is handed over
// from a payload that is not wholly well formed.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{"4hello", "4a\x1eb AQ==", "2probe", "bAQIDBA==", "4\x1e4", "1\x1e3\x1e", "\x1e", "0{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := collect(body)
		if err != nil {
			if len(got) > 0 {
				t.Fatalf("%d packets handed over from a bad payload", len(got))
			}
			return
		}
		if !utf8.Valid(body) || len(got) != 1+bytes.Count(body, []byte{separator}) {
			t.Fatalf("%d packets from %q", len(got), body)
		}
		var again []byte
		for _, p := range got {
			if p.binary {
				again = NewBinaryFrame(p.data).appendPayload(again)
			} else {
				again = newText(p.kind, p.data).appendPayload(again)
			}
		}
		second, err := collect(again)
		if err != nil || !slices.EqualFunc(got, second, func(a, b packet) bool {
			return a.kind == b.kind && a.binary == b.binary && bytes.Equal(a.data, b.data)
		}) {
			t.Fatalf("%q became %q: %v", body, again, err)
		}
	})
}
