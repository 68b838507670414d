package wire

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

type inner struct {
	Emoji string `json:"emoji"`
}

type sample struct {
	Text     string            `json:"text"`
	Seq      int64             `json:"seq,omitempty"`
	Ratio    float64           `json:"ratio"`
	On       bool              `json:"on"`
	Maybe    *string           `json:"maybe"`
	List     []inner           `json:"list"`
	Map      map[string]int    `json:"map"`
	Raw      json.RawMessage   `json:"raw"`
	Any      any               `json:"any"`
	ID       chat.UserID       `json:"id"`
	Settings map[string]string `json:"settings"`
	hidden   string            //nolint:unused // shows that unexported fields are no keys
	Skipped  string            `json:"-"`
	inner
}

func TestDecodeAccepts(t *testing.T) {
	for _, in := range []string{
		`{}`, ` { "text" : "a" } `, `{"text":"\u00e9\ud83d\ude00\n\"\\\/"}`, `{"seq":9007199254740991}`, `{"seq":-0}`,
		`{"ratio":1e3}`, `{"ratio":-0.5E-3}`, `{"maybe":null}`, `{"raw":null,"any":null}`, `{"raw":{"x":[1,{"y":true}]}}`,
		`{"list":[{"emoji":"x"},{}]}`, `{"map":{"a":1,"A":2}}`, `{"emoji":"embedded"}`,
		`{"id":"01890a5d-ac96-774b-bcce-b302099a8057"}`, `{"any":[[[1]]]}`,
	} {
		var v sample
		if err := Decode([]byte(in), &v); err != nil {
			t.Errorf("Decode(%s): got %v, want no error", in, err)
		}
	}
	var v sample
	if err := Decode([]byte(`{"text":"\ud83d\ude00","list":[{"emoji":"y"}],"seq":7}`), &v); err != nil || v.Text != "😀" || v.Seq != 7 || v.List[0].Emoji != "y" {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, reason, field string }{
		{"nothing", ``, ReasonMalformed, ""},
		{"trailing", `{} {}`, ReasonMalformed, ""},
		{"trailing letter", `{}x`, ReasonMalformed, ""},
		{"duplicate", `{"text":"a","text":"b"}`, ReasonMalformed, "text"},
		{"duplicate by escape", `{"text":"a","te\u0078t":"b"}`, ReasonMalformed, "text"},
		{"duplicate in raw", `{"raw":{"a":1,"a":2}}`, ReasonMalformed, "a"},
		{"case", `{"Text":"a"}`, ReasonUnknownField, "Text"},
		{"fold to kelvin", `{"\u212aey":1}`, ReasonUnknownField, "\u212aey"},
		{"unknown", `{"sender_id":"x"}`, ReasonUnknownField, "sender_id"},
		{"unknown below", `{"list":[{"x":1}]}`, ReasonUnknownField, "x"},
		{"proto", `{"__proto__":{}}`, ReasonUnknownField, "__proto__"},
		{"unexported", `{"hidden":"x"}`, ReasonUnknownField, "hidden"},
		{"skipped", `{"Skipped":"x"}`, ReasonUnknownField, "Skipped"},
		{"null string", `{"text":null}`, ReasonMalformed, "text"},
		{"null list", `{"list":null}`, ReasonMalformed, "list"},
		{"null document", `null`, ReasonMalformed, ""},
		{"array for string", `{"text":["a"]}`, ReasonMalformed, "text"},
		{"object for string", `{"text":{"$ne":1}}`, ReasonMalformed, "text"},
		{"string for number", `{"seq":"5"}`, ReasonMalformed, "seq"},
		{"float for int", `{"seq":1.5}`, ReasonMalformed, "seq"},
		{"exponent for int", `{"seq":1e2}`, ReasonMalformed, "seq"},
		{"too large", `{"seq":9007199254740993}`, ReasonMalformed, "seq"},
		{"huge", `{"seq":99999999999999999999}`, ReasonMalformed, "seq"},
		{"float out of range", `{"ratio":1e999}`, ReasonMalformed, "ratio"},
		{"long number", `{"ratio":0.` + strings.Repeat("1", 100) + `}`, ReasonMalformed, "ratio"},
		{"bad id", `{"id":"x"}`, ReasonMalformed, ""},
		{"lone high", `{"text":"\ud83d"}`, ReasonMalformed, ""},
		{"lone low", `{"text":"\ude00"}`, ReasonMalformed, ""},
		{"two high", `{"text":"\ud83d\ud83d"}`, ReasonMalformed, ""},
		{"escaped NUL", `{"text":"a\u0000"}`, ReasonMalformed, ""},
		{"raw NUL", "{\"text\":\"a\x00\"}", ReasonMalformed, ""},
		{"control", "{\"text\":\"a\n\"}", ReasonMalformed, ""},
		{"not UTF-8", "{\"text\":\"\xff\"}", ReasonMalformed, ""},
		{"surrogate in UTF-8", "{\"text\":\"\xed\xa0\x80\"}", ReasonMalformed, ""},
		{"bad escape", `{"text":"\x"}`, ReasonMalformed, ""},
		{"short escape", `{"text":"\u12"}`, ReasonMalformed, ""},
		{"signed escape", `{"text":"\u+123"}`, ReasonMalformed, ""},
		{"open string", `{"text":"a`, ReasonMalformed, ""},
		{"open object", `{"text":"a"`, ReasonMalformed, ""},
		{"comma at end", `{"text":"a",}`, ReasonMalformed, ""},
		{"comma in array", `{"any":[1,]}`, ReasonMalformed, ""},
		{"no colon", `{"text" "a"}`, ReasonMalformed, ""},
		{"leading zero", `{"seq":01}`, ReasonMalformed, ""},
		{"plus", `{"seq":+1}`, ReasonMalformed, ""},
		{"NaN", `{"ratio":NaN}`, ReasonMalformed, ""},
		{"byte order mark", "\ufeff{}", ReasonMalformed, ""},
		{"deep arrays", `{"any":` + strings.Repeat("[", 50_000), ReasonMalformed, ""},
		{"one too deep", `{"any":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, ReasonMalformed, ""},
		{"many items", `{"any":[0` + strings.Repeat(",0", MaxItems) + `]}`, ReasonMalformed, ""},
		{"many keys", `{"map":{` + keys(MaxKeys+1) + `}}`, ReasonMalformed, ""},
	} {
		var v sample
		err := Decode([]byte(c.in), &v)
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != chat.CodeInvalid || e.Reason != c.reason {
			t.Errorf("%s: got %v, want invalid with reason %s", c.name, err, c.reason)
			continue
		}
		if c.field != "" && e.Fields[c.field] == "" {
			t.Errorf("%s: got fields %v, want one for %q", c.name, e.Fields, c.field)
		}
		if strings.Contains(e.Message, "Go ") || strings.Contains(e.Message, "json:") {
			t.Errorf("%s: the message tells of Go: %s", c.name, e.Message)
		}
	}
}

func TestDecodeAtTheBounds(t *testing.T) {
	for name, in := range map[string]string{
		"depth": `{"any":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1) + `}`,
		"items": `{"any":[0` + strings.Repeat(",0", MaxItems-1) + `]}`,
		"keys":  `{"map":{` + keys(MaxKeys) + `}}`,
	} {
		var v sample
		if err := Decode([]byte(in), &v); err != nil {
			t.Errorf("%s at its bound: got %v, want no error", name, err)
		}
	}
}

func TestDecodeWantsAPointer(t *testing.T) {
	if err := Decode([]byte(`{}`), sample{}); err == nil {
		t.Error("got no error for a target that is not a pointer")
	}
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) + `":1`)
	}
	return b.String()
}

// FuzzDecode holds Decode to encoding/json: what it accepts, encoding/json reads
// as the same value, and writing it again is accepted too.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"text":"a\ud83d\ude00","seq":1,"list":[{"emoji":"x"}],"map":{"a":1},"raw":[1.5e3,null],"maybe":null}`,
		`{"text":"a","text":"b"}`, `{"Text":""}`, `{"any":[[[[]]]]}`, "{\"text\":\"\xff\"}", `{"seq":9007199254740993}`, `{"ratio":1e999}`, `{"id":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v sample
		if err := Decode(data, &v); err != nil {
			var e *chat.Error
			if !errors.As(err, &e) || e.Code != chat.CodeInvalid {
				t.Fatalf("Decode(%q): got %v, want a *chat.Error with code invalid", data, err)
			}
			return
		}
		var again sample
		if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(v, again) {
			t.Fatalf("Decode(%q) gives %+v, encoding/json %+v, %v", data, v, again, err)
		}
		if err := Check(data); err != nil {
			t.Fatalf("Check(%q) refuses what Decode accepted: %v", data, err)
		}
	})
}

func BenchmarkDecodeSend(b *testing.B) {
	data := []byte(`{"conversation_id":"01890a5d-ac96-774b-bcce-b302099a8057","client_id":"01890a5d-ac96-774b-bcce-b302099a8058","text":"` + strings.Repeat("hello ", 20) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		var v struct {
			ConversationID chat.ConversationID `json:"conversation_id"`
			ClientID       string              `json:"client_id"`
			Text           string              `json:"text"`
		}
		if err := Decode(data, &v); err != nil {
			b.Fatal(err)
		}
	}
}
