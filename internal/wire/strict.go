package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// Bounds of a JSON document from outside (RELIABILITY, ASVS V1.5.2). The size in
// bytes is bounded by whoever reads the document.
const (
	// MaxDepth bounds how deep objects and arrays may nest.
	MaxDepth = 32
	// MaxKeys bounds the members of one object.
	MaxKeys = 256
	// MaxItems bounds the items of one array.
	MaxItems = 1_000
)

// Reasons of the errors that Decode gives; their code is chat.CodeInvalid.
const (
	// ReasonMalformed: not JSON, beyond a bound, a duplicate key, or a value of the wrong type.
	ReasonMalformed = "malformed"
	// ReasonUnknownField: a key that the request does not have, or in other letters.
	ReasonUnknownField = "unknown_field"
)

// Decode reads one JSON document (RFC 8259) into a pointer and is stricter than
// encoding/json. It refuses: anything after the document, nesting, keys or items
// beyond the bounds above, a key that stands twice in an object, keys that are
// not exactly those of the struct (other letter case included), null where the
// target is not a pointer, an interface or a json.RawMessage, text that is not
// UTF-8, lone surrogates, the NUL character, integers beyond 2^53-1 (RFC 7493)
// and floats beyond a float64.
//
// Every error is a *chat.Error with the code invalid and one of the reasons
// above; Fields names the key where there is one. The target may be half filled
// after an error. Safe for concurrent use; it never panics on bad input.
func Decode(data []byte, into any) error {
	target := reflect.TypeOf(into)
	if target == nil || target.Kind() != reflect.Pointer {
		return errors.New("decode: the target is not a pointer")
	}
	s := scanner{data: data}
	if err := s.document(shapeOf(target.Elem())); err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return decodeError(err)
	}
	return nil
}

// Check applies the rules of Decode that do not depend on a target.
func Check(data []byte) error {
	s := scanner{data: data}
	return s.document(nil)
}

// decodeError tells which field has the wrong type, and nothing of Go's types.
func decodeError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return malformed(wrong.Field, "has the wrong type")
	}
	var own *chat.Error
	if errors.As(err, &own) {
		return own
	}
	return malformed("", "a value does not have the form it should have")
}

func malformed(field, problem string) *chat.Error {
	e := &chat.Error{Code: chat.CodeInvalid, Reason: ReasonMalformed, Message: "The JSON is not valid: " + problem + "."}
	if field != "" {
		e.Message = field + ": " + problem
		e.Fields = map[string]string{field: problem}
	}
	return e
}

func unknownField(field string) *chat.Error {
	return &chat.Error{
		Code: chat.CodeInvalid, Reason: ReasonUnknownField, Message: field + ": is not a field of this request",
		Fields: map[string]string{field: "is not a field of this request"},
	}
}

// shape says what a document may look like, derived from the Go type it is read
// into. A nil shape allows everything within the bounds.
type shape struct {
	fields   map[string]*shape // of an object with fixed keys; nil: any keys
	elem     *shape            // of an array's items or a map's values
	nullable bool
	path     string // name of the field, for messages
}

// shapes remembers the shape of each type that was ever decoded. It is bounded
// by the number of request types in the program.
var shapes sync.Map // reflect.Type -> *shape

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape) //nolint:errcheck // nothing else is stored
	}
	made, _ := shapes.LoadOrStore(t, buildShape(t, 0))
	return made.(*shape) //nolint:errcheck // nothing else is stored
}

func buildShape(t reflect.Type, depth int) *shape {
	if depth > MaxDepth { // a type that contains itself; deeper documents are refused anyway
		return &shape{nullable: true}
	}
	if t.Kind() == reflect.Pointer {
		inner := *buildShape(t.Elem(), depth+1)
		inner.nullable = true
		return &inner
	}
	if t.Kind() == reflect.Interface || t == reflect.TypeFor[json.RawMessage]() {
		return &shape{nullable: true}
	}
	if p := reflect.PointerTo(t); p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return &shape{}
	}
	out := &shape{}
	switch t.Kind() { //nolint:exhaustive // the other kinds have no inside
	case reflect.Struct:
		out.fields = make(map[string]*shape)
		addFields(out.fields, t, depth)
	case reflect.Slice, reflect.Array, reflect.Map:
		out.elem = buildShape(t.Elem(), depth+1)
	}
	return out
}

func addFields(into map[string]*shape, t reflect.Type, depth int) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			addFields(into, f.Type, depth+1)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		field := *buildShape(f.Type, depth+1)
		field.path = name
		into[name] = &field
	}
}
