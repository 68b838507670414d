package packet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]Packet{
		`0`:                      {Type: Connect, Namespace: "/"},
		`0{"token":"1"}`:         {Type: Connect, Namespace: "/", Data: []byte(`{"token":"1"}`)},
		`0/custom`:               {Type: Connect, Namespace: "/custom"},
		`0/custom,`:              {Type: Connect, Namespace: "/custom", Data: []byte{}},
		`0/custom,{}`:            {Type: Connect, Namespace: "/custom", Data: []byte(`{}`)},
		`1/a,`:                   {Type: Disconnect, Namespace: "/a", Data: []byte{}},
		`2["x"]`:                 {Type: Event, Namespace: "/", Data: []byte(`["x"]`)},
		`2/a,12["x",1]`:          {Type: Event, Namespace: "/a", ID: 12, HasID: true, Data: []byte(`["x",1]`)},
		`20["x"]`:                {Type: Event, Namespace: "/", ID: 0, HasID: true, Data: []byte(`["x"]`)},
		`29007199254740991["x"]`: {Type: Event, Namespace: "/", ID: MaxID, HasID: true, Data: []byte(`["x"]`)},
		`313[]`:                  {Type: Ack, Namespace: "/", ID: 13, HasID: true, Data: []byte(`[]`)},
		`52-["x"]`:               {Type: BinaryEvent, Namespace: "/", Attachments: 2, Data: []byte(`["x"]`)},
		`510-/a,7["x"]`:          {Type: BinaryEvent, Namespace: "/a", ID: 7, HasID: true, Attachments: 10, Data: []byte(`["x"]`)},
		`61-3[1]`:                {Type: BinaryAck, Namespace: "/", ID: 3, HasID: true, Attachments: 1, Data: []byte(`[1]`)},
		`4{"message":"no"}`:      {Type: ConnectError, Namespace: "/", Data: []byte(`{"message":"no"}`)},
		`2/` + strings.Repeat("n", 200) + `,["x"]`: {Type: Event, Namespace: "/" + strings.Repeat("n", 200), Data: []byte(`["x"]`)},
	} {
		got, err := Parse([]byte(in))
		if err != nil {
			t.Errorf("Parse(%.40q): %v", in, err)
			continue
		}
		if len(got.Data) == 0 && len(want.Data) == 0 {
			got.Data, want.Data = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%.40q)\n got %+v\nwant %+v", in, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]error{
		``: ErrType, `7`: ErrType, `abc`: ErrType, `-1`: ErrType,
		`0{`: ErrPayload, `0[1]`: ErrPayload, `0"x"`: ErrPayload, `0{}x`: ErrPayload, `01{}`: ErrPayload,
		`1{}`: ErrPayload, `15`: ErrPayload,
		`2`: ErrPayload, `2{}`: ErrPayload, `2abc["x"]`: ErrPayload, `2-1["x"]`: ErrID,
		`2` + strings.Repeat("9", 30) + `["x"]`: ErrID, `29007199254740992["x"]`: ErrID,
		`3[]`: ErrID, `31`: ErrPayload,
		`5["x"]`: ErrAttachments, `5-["x"]`: ErrAttachments, `5-1-["x"]`: ErrAttachments, `5a-["x"]`: ErrAttachments,
		`511-["x"]`: ErrAttachments, `599999999999-["x"]`: ErrAttachments, `5`: ErrAttachments, `51`: ErrAttachments,
		`2/` + strings.Repeat("n", 300) + `,["x"]`: ErrNamespace,
	} {
		if got, err := Parse([]byte(in)); !errors.Is(err, want) {
			t.Errorf("Parse(%.40q) = %+v, %v; want %v", in, got, err, want)
		}
	}
}

func TestSplitEvent(t *testing.T) {
	event, args, err := SplitEvent([]byte(`["say", 1 ,{"a":[true,null]},"\u0041]"]`))
	if err != nil || event != "say" || fmt.Sprintf("%s", args) != `[1 {"a":[true,null]} "\u0041]"]` {
		t.Errorf("got %q %s %v", event, args, err)
	}
	if event, _, err := SplitEvent([]byte(`["a\u0062c"]`)); err != nil || event != "abc" {
		t.Errorf("escaped name: got %q, %v", event, err)
	}
	if event, _, err := SplitEvent([]byte(`[12]`)); err != nil || event != "12" {
		t.Errorf("number as name: got %q, %v", event, err)
	}
	for _, in := range []string{
		`[]`, `[null]`, `[{}]`, `[["x"]]`, `["x"`, `["x"]]`, `["x",]`, `["x" 1]`, `["x"] `, `["x",{"a"}]`, `[,]`, `["\x"]`,
		`["connect"]`, `["connect_error"]`, `["disconnect"]`, `["disconnecting"]`, `["newListener"]`, `["removeListener"]`, `["error"]`,
		`["\u0065rror"]`, "[\"a\nb\"]", `["x",01]`, `["x",1.]`, `["x",-]`, `["x",1e]`, `["x",tru]`, `["x",nul`,
		`["x",` + strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2) + `]`,
	} {
		if event, args, err := SplitEvent([]byte(in)); err == nil {
			t.Errorf("SplitEvent(%.60q) = %q %s, want an error", in, event, args)
		}
	}
}

func TestEncoding(t *testing.T) {
	args, err := EncodeArgs([]any{1, "2", json.RawMessage(`{"3":[true]}`), []byte{1}, []byte{2}, json.RawMessage(nil)})
	if err != nil {
		t.Fatal(err)
	}
	got := string(AppendEvent(nil, Head{Namespace: "/"}, "message-back", args))
	want := `52-["message-back",1,"2",{"3":[true]},{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},null]`
	if got != want || len(args.Attachments) != 2 {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for want, got := range map[string][]byte{
		`2["a"]`:             AppendEvent(nil, Head{Namespace: "/"}, "a", Args{}),
		`2/n,5["a\"b",1]`:    AppendEvent(nil, Head{"/n", 5, true}, `a"b`, Args{JSON: []byte("1")}),
		`3/n,9[1,2]`:         AppendAck(nil, "/n", 9, Args{JSON: []byte("1,2")}),
		`61-0[{}]`:           AppendAck(nil, "/", 0, Args{JSON: []byte("{}"), Attachments: [][]byte{{}}}),
		`4/n,`:               Header(nil, ConnectError, 0, "/n"),
		`2["\u003ca\u003e"]`: AppendEvent(nil, Head{Namespace: "/"}, "<a>", Args{}),
	} {
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if _, err := EncodeArgs([]any{func() {}}); err == nil {
		t.Error("a function was encoded")
	}
}

func TestPlaceholder(t *testing.T) {
	for in, want := range map[string]int{
		`{"_placeholder":true,"num":3}`: 3, `{"_placeholder":false,"num":3}`: -1, `{"num":3}`: -1,
		`{"_placeholder":true}`: -1, `3`: -1, ``: -1, `{"_placeholder":true,"num":"x"}`: -1,
	} {
		n, ok := Placeholder(json.RawMessage(in))
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("Placeholder(%s) = %d, want %d", in, n, want)
		}
	}
}

// FuzzParse: a packet that is taken apart and put together again means the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`0{"a":1}`, `2/n,12["x",{"a":[1,"\u00e9"]}]`, `52-/n,1["x",{"_placeholder":true,"num":0}]`, `30[]`, `1/x,`, `4{"message":""}`, `59-[`, `2-1[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := Parse(in)
		if err != nil {
			return
		}
		var out []byte
		switch p.Type {
		case Event, BinaryEvent:
			event, args, err := SplitEvent(p.Data)
			if err != nil {
				return
			}
			a := Args{JSON: bytes.Join(toBytes(args), []byte(",")), Attachments: make([][]byte, p.Attachments)}
			out = AppendEvent(nil, Head{p.Namespace, p.ID, p.HasID}, event, a)
		case Ack, BinaryAck:
			args, err := Split(p.Data)
			if err != nil {
				return
			}
			out = AppendAck(nil, p.Namespace, p.ID, Args{JSON: bytes.Join(toBytes(args), []byte(",")), Attachments: make([][]byte, p.Attachments)})
		case Connect, Disconnect, ConnectError:
			out = append(Header(nil, p.Type, 0, p.Namespace), p.Data...)
		}
		q, err := Parse(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if q.Namespace != p.Namespace || q.ID != p.ID || q.HasID != p.HasID || q.Attachments != p.Attachments {
			t.Fatalf("%q became %q: %+v, want %+v", in, out, q, p)
		}
	})
}

func toBytes(args []json.RawMessage) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = a
	}
	return out
}

// FuzzAssembly: whatever texts and attachments arrive in whatever order, a packet comes
// out with exactly what it announced, and no more is held than that and the limit.
func FuzzAssembly(f *testing.F) {
	f.Add([]byte("t52-[\"x\"]\x00b12\x00b3"))
	f.Add([]byte("b1\x00t2[\"x\"]\x00t51-[]\x00t2[]"))
	f.Add([]byte("t59-[]\x00b" + strings.Repeat("x", 90) + "\x00b" + strings.Repeat("y", 90)))
	f.Fuzz(func(t *testing.T, script []byte) {
		const limit = 100
		var a Assembly
		var sent [][]byte
		for step := range bytes.SplitSeq(script, []byte{0}) {
			if len(step) == 0 {
				continue
			}
			var complete bool
			var err error
			waiting := a.Waiting()
			if step[0] == 'b' {
				complete, err = a.Add(step[1:], limit)
				sent = append(sent, step[1:])
			} else {
				p, perr := Parse(step[1:])
				if perr != nil {
					return
				}
				complete, err = a.Begin(p)
				sent = nil
			}
			if (err == nil) != (waiting == (step[0] == 'b')) && !errors.Is(err, ErrTooBig) {
				t.Fatalf("%q while waiting=%v: %v", step, waiting, err)
			}
			if err != nil {
				return // the connection ends
			}
			if !complete {
				continue
			}
			p, parts := a.Take()
			if p.Attachments != len(parts) || len(bytes.Join(parts, nil)) > limit ||
				!slices.EqualFunc(parts, sent, func(a, b []byte) bool { return bytes.Equal(a, b) }) || a.Waiting() {
				t.Fatalf("%d attachments announced, got %q, sent %q", p.Attachments, parts, sent)
			}
		}
	})
}

// FuzzSplit: the scanner and encoding/json agree on what JSON is, and on the elements.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`[]`, `[1,"a",{"b":[null,true]},-0.5e+3]`, `["\ud800"]`, `[1,]`, `[[[[]]]]`, "[\"\x00\"]", `[{"a":1,"a":2}]`, `[ 1 , 2 ]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := Split(in)
		var want []json.RawMessage
		bare := len(in) > 0 && in[0] == '[' && in[len(in)-1] == ']'
		valid := bare && json.Valid(in)
		if (err == nil) != valid {
			if err != nil && strings.Count(string(in), "[")+strings.Count(string(in), "{") > maxDepth {
				return // nested deeper than we allow
			}
			t.Fatalf("Split(%q): %v; encoding/json says valid=%v", in, err, valid)
		}
		if !valid {
			return
		}
		if err := json.Unmarshal(in, &want); err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("Split(%q) = %s, want %s", in, got, want)
		}
	})
}
