package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// Shape is the form of a type on the wire. Exactly one of its kinds is set.
type Shape struct {
	Basic    string   // string, integer, boolean, object (any), uuid, time
	Name     string   // a named type: see Types
	Enum     []string // one of these strings
	Const    string   // this string
	Items    *Shape   // an array of these
	Values   *Shape   // an object with any keys and these values
	Fields   []Field  // an object with these fields
	OneOf    []Shape  // one of these
	Nullable bool     // or null
}

// Field is one field of an object.
type Field struct {
	Name, Doc string
	Optional  bool
	Shape     Shape
}

// NamedType is a type that has a name in documents and in TypeScript.
type NamedType struct {
	Name  string
	Shape Shape
}

// plainTypes are the types whose form reflection does not show.
func plainTypes() map[reflect.Type]NamedType {
	enum := func(name string, values ...string) NamedType { return NamedType{name, Shape{Enum: values}} }
	kinds := make([]string, 0, 16)
	for _, k := range EntryKinds() {
		kinds = append(kinds, string(k.Kind))
	}
	return map[reflect.Type]NamedType{
		reflect.TypeFor[chat.UserID]():         {"UserId", Shape{Basic: "uuid"}},
		reflect.TypeFor[chat.ConversationID](): {"ConversationId", Shape{Basic: "uuid"}},
		reflect.TypeFor[chat.FileID]():         {"FileId", Shape{Basic: "uuid"}},
		reflect.TypeFor[chat.CallID]():         {"CallId", Shape{Basic: "uuid"}},
		reflect.TypeFor[chat.DeviceID]():       {"DeviceId", Shape{Basic: "uuid"}},
		reflect.TypeFor[chat.Time]():           {"Timestamp", Shape{Basic: "time"}},
		reflect.TypeFor[chat.Seq]():            {"Seq", Shape{Basic: "integer"}},
		reflect.TypeFor[AttachmentRef]():       {"AttachmentRef", Shape{OneOf: []Shape{{Name: "FileId"}, {Name: "Attachment"}}}},
		reflect.TypeFor[chat.Kind]():           enum("EntryKind", kinds...),
		reflect.TypeFor[chat.ConversationKind](): enum("ConversationKind",
			string(chat.Direct), string(chat.Group), string(chat.Channel)),
		reflect.TypeFor[chat.Role]():      enum("Role", string(chat.RoleOwner), string(chat.RoleAdmin), string(chat.RoleMember)),
		reflect.TypeFor[chat.CallState](): enum("CallState", string(chat.CallRinging), string(chat.CallLive), string(chat.CallEnded)),
		reflect.TypeFor[chat.CallOutcome](): enum("CallOutcome", string(chat.CallAnswered), string(chat.CallMissed),
			string(chat.CallDeclined), string(chat.CallBusy), string(chat.CallFailed)),
		reflect.TypeFor[chat.Code](): enum("ErrorCode",
			string(chat.CodeInvalid), string(chat.CodeUnauthenticated), string(chat.CodeForbidden), string(chat.CodeNotFound),
			string(chat.CodeConflict), string(chat.CodeTooLarge), string(chat.CodeRateLimited), string(chat.CodeOverloaded),
			string(chat.CodeUnavailable), string(chat.CodeInternal)),
	}
}

// Types gives every named type that the events use.
func Types() []NamedType {
	t := &typeTable{plain: plainTypes(), done: make(map[string]bool)}
	t.entry()
	for _, e := range append(ClientEvents(), ServerEvents()...) {
		for _, p := range e.Payload {
			t.use(p)
		}
		if e.Answer != nil {
			t.use(e.Answer)
		}
	}
	t.use(reflect.TypeFor[Connect]())
	t.use(reflect.TypeFor[Error]())
	return t.list
}

// ShapeOf gives the form in which a payload or answer is referred to.
func ShapeOf(types ...reflect.Type) Shape {
	t := &typeTable{plain: plainTypes(), done: make(map[string]bool)}
	if len(types) == len(EntryKinds()) && types[0] == EntryKinds()[0].Type {
		return Shape{Name: "Entry"}
	}
	if len(types) == 1 {
		return t.use(types[0])
	}
	var out Shape
	for _, typ := range types {
		out.OneOf = append(out.OneOf, t.use(typ))
	}
	return out
}

type typeTable struct {
	plain map[reflect.Type]NamedType
	done  map[string]bool
	list  []NamedType
}

func (t *typeTable) add(n NamedType) {
	if !t.done[n.Name] {
		t.done[n.Name] = true
		t.list = append(t.list, n)
	}
}

// entry adds the union of all kinds of entries, told apart by their kind.
func (t *typeTable) entry() {
	var union Shape
	for _, k := range EntryKinds() {
		shape := t.object(k.Type)
		for i := range shape.Fields {
			if shape.Fields[i].Name == "kind" {
				shape.Fields[i].Shape = Shape{Const: string(k.Kind)}
			}
		}
		t.add(NamedType{k.Type.Name(), shape})
		union.OneOf = append(union.OneOf, Shape{Name: k.Type.Name()})
	}
	t.add(NamedType{"Entry", union})
}

// use gives the shape of a type where it is used, and sees to its own.
func (t *typeTable) use(typ reflect.Type) Shape {
	if n, ok := t.plain[typ]; ok {
		if n.Name == "AttachmentRef" {
			t.use(reflect.TypeFor[Attachment]())
		}
		t.add(n)
		return Shape{Name: n.Name}
	}
	switch typ.Kind() { // the others are not used on the wire, see the default
	case reflect.Pointer:
		s := t.use(typ.Elem())
		s.Nullable = true
		return s
	case reflect.String:
		return Shape{Basic: "string"}
	case reflect.Bool:
		return Shape{Basic: "boolean"}
	case reflect.Int, reflect.Int64:
		return Shape{Basic: "integer"}
	case reflect.Slice:
		if typ == reflect.TypeFor[json.RawMessage]() {
			return Shape{Basic: "object"}
		}
		items := t.use(typ.Elem())
		return Shape{Items: &items}
	case reflect.Map:
		values := t.use(typ.Elem())
		return Shape{Values: &values}
	case reflect.Struct:
		name := typeName(typ)
		if !t.done[name] {
			shape := t.object(typ)
			t.add(NamedType{name, shape})
		}
		return Shape{Name: name}
	default:
		panic(fmt.Sprintf("wire: %s has no form on the wire", typ)) // found by the first test
	}
}

// typeName keeps names apart that two packages share.
func typeName(typ reflect.Type) string {
	switch typ {
	case reflect.TypeFor[chat.Attachment]():
		return "EntryAttachment"
	case reflect.TypeFor[Error]():
		return "WireError"
	}
	return typ.Name()
}

func (t *typeTable) object(typ reflect.Type) Shape {
	shape := Shape{Fields: []Field{}}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			shape.Fields = append(shape.Fields, t.object(f.Type).Fields...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		field := Field{Name: name, Doc: f.Tag.Get("doc"), Optional: options != ""}
		if as := f.Tag.Get("wire"); as != "" {
			as, null, _ := strings.Cut(as, ",")
			field.Shape = Shape{Name: as, Nullable: null == "null"}
			if f.Type.Kind() == reflect.Slice && f.Type != reflect.TypeFor[json.RawMessage]() {
				items := field.Shape
				field.Shape = Shape{Items: &items}
			}
		} else {
			field.Shape = t.use(f.Type)
		}
		shape.Fields = append(shape.Fields, field)
	}
	return shape
}
