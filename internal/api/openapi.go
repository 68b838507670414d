package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// document grows into the OpenAPI 3.1 document as operations are registered, so
// that it cannot name a route that does not exist, nor leave one out.
type document struct {
	api      *huma.OpenAPI
	registry huma.Registry
	problem  *huma.Schema
	entry    *huma.Schema
}

const schemaPrefix = "#/components/schemas/"

func newDocument(version string) *document {
	d := &document{registry: huma.NewMapRegistry(schemaPrefix, schemaName)}
	for of, as := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[chat.UserID](): reflect.TypeFor[uuidText](), reflect.TypeFor[chat.ConversationID](): reflect.TypeFor[uuidText](),
		reflect.TypeFor[chat.FileID](): reflect.TypeFor[uuidText](), reflect.TypeFor[chat.SessionID](): reflect.TypeFor[uuidText](),
		reflect.TypeFor[chat.InviteID](): reflect.TypeFor[uuidText](), reflect.TypeFor[chat.PushID](): reflect.TypeFor[uuidText](),
		reflect.TypeFor[chat.Time](): reflect.TypeFor[timeText](), reflect.TypeFor[chat.Seq](): reflect.TypeFor[seqNumber](),
		reflect.TypeFor[wire.AttachmentRef](): reflect.TypeFor[attachmentRef](),
	} {
		d.registry.RegisterTypeAlias(of, as)
	}
	d.api = &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Parley", Version: version,
			Description: "Everything but the realtime events, which AsyncAPI describes. Every refusal is a problem (RFC 9457) with a stable code. " +
				"Clients ignore fields of answers that they do not know; unknown fields of requests are refused.",
		},
		Components: &huma.Components{
			Schemas: d.registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", Description: "The token that log-in gives."},
				"cookie": {Type: "apiKey", In: "cookie", Name: cookieSecure, Description: "Set by log-in; without https its name is " + cookiePlain + "."},
			},
		},
		Tags: []*huma.Tag{{Name: "accounts"}, {Name: "people"}, {Name: "conversations"}, {Name: "members"}, {Name: "messages"}, {Name: "files"}, {Name: "notifications"}, {Name: "server"}},
	}
	d.problem = d.schema(reflect.TypeFor[Problem]())
	d.entry = d.schema(reflect.TypeFor[chat.Entry]())
	return d
}

// schemaName keeps apart types of the same name.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[chat.Attachment]() {
		return "StoredAttachment"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// schema gives the schema of a type, with what huma cannot see: fields that hold
// JSON made elsewhere.
func (d *document) schema(t reflect.Type) *huma.Schema {
	if t == reflect.TypeFor[json.RawMessage]() {
		return d.entryOrUnchanged()
	}
	s := d.registry.Schema(t, true, "")
	d.complete(t, map[reflect.Type]bool{})
	return s
}

// complete walks through a type and corrects the schemas of its structs.
func (d *document) complete(t reflect.Type, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return
	}
	seen[t] = true
	s := d.registry.Map()[schemaName(t, "")]
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || s == nil || s.Properties[name] == nil {
			continue
		}
		s.Properties[name] = d.field(f, s.Properties[name])
		d.complete(f.Type, seen)
	}
}

func (d *document) field(f reflect.StructField, s *huma.Schema) *huma.Schema {
	doc := f.Tag.Get("doc")
	switch f.Tag.Get("schema") {
	case "uuid,null":
		return &huma.Schema{Type: huma.TypeString, Format: "uuid", Nullable: true, Description: doc}
	case "time,null":
		return &huma.Schema{Type: huma.TypeString, Format: "date-time", Nullable: true, Description: doc}
	case "object":
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: doc}
	}
	switch f.Tag.Get("wire") {
	case "Entry":
		if s.Items != nil || f.Type.Kind() == reflect.Slice && f.Type != reflect.TypeFor[json.RawMessage]() {
			return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Ref: schemaPrefix + "Entry"}, Description: doc}
		}
		return &huma.Schema{Ref: schemaPrefix + "Entry"}
	case "Entry,null":
		return &huma.Schema{AnyOf: []*huma.Schema{{Ref: schemaPrefix + "Entry"}, {Type: "null"}}, Description: doc}
	}
	switch {
	case f.Type == reflect.TypeFor[json.RawMessage]():
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: doc}
	case s.Type == huma.TypeArray:
		s.Nullable = false // an empty list is [], never null
	case f.Type.Kind() == reflect.Pointer && s.Ref != "" && !strings.Contains(f.Tag.Get("json"), "omitempty"):
		return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}, Description: doc}
	}
	return s
}

// entryOrUnchanged is what changes of a conversation answer.
func (d *document) entryOrUnchanged() *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{d.entry, d.schema(reflect.TypeFor[unchangedAnswer]())}}
}

// unchangedAnswer says that there was nothing to change.
type unchangedAnswer struct {
	Unchanged bool `json:"unchanged" doc:"always true"`
}

// add documents an operation.
func (d *document) add(op *operation, body, out reflect.Type) {
	o := &huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Summary: op.summary, Tags: []string{op.tag},
		Responses: map[string]*huma.Response{"default": {
			Description: "A refusal", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: d.problem}},
		}},
	}
	if op.access == loggedIn {
		o.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	}
	for _, p := range op.params {
		o.Parameters = append(o.Parameters, &huma.Param{
			Name: p.name, In: p.in, Description: p.doc, Required: p.required || p.in == "path", Schema: paramSchema(p.schema),
		})
	}
	switch {
	case op.upload:
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
			Type: huma.TypeObject, Required: []string{"file"},
			Properties: map[string]*huma.Schema{"file": {Type: huma.TypeString, Format: "binary"}},
		}}}}
	case body != reflect.TypeFor[none]():
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: d.schema(body)}}}
	}
	answer := d.answer(op, out)
	o.Responses[strconv.Itoa(op.status)] = answer
	if op.also != 0 {
		again := *answer
		again.Description = http.StatusText(op.also) + ": it was there already"
		o.Responses[strconv.Itoa(op.also)] = &again
	}
	if op.raw {
		o.Responses["206"] = &huma.Response{Description: "A part of the file", Content: answer.Content}
		o.Responses["304"] = &huma.Response{Description: "The file that the client has"}
	}
	d.api.AddOperation(o)
}

func (d *document) answer(op *operation, out reflect.Type) *huma.Response {
	r := &huma.Response{Description: http.StatusText(op.status)}
	switch {
	case op.raw:
		r.Content = map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	case op.id == "send-message":
		r.Content = map[string]*huma.MediaType{"application/json": {Schema: d.entry}}
	case out != reflect.TypeFor[none]():
		r.Content = map[string]*huma.MediaType{"application/json": {Schema: d.schema(out)}}
	}
	return r
}

// json gives the document.
func (d *document) json() ([]byte, error) {
	b, err := json.Marshal(d.api)
	if err != nil {
		return nil, fmt.Errorf("encode OpenAPI document: %w", err)
	}
	return b, nil
}

var (
	conversationParam = idParam("conversation")
	seqParam          = param{name: "seq", in: "path", doc: "of the message", schema: "seq", required: true}
	paging            = []param{
		{name: "limit", in: "query", doc: "1 to 200; larger ones are cut", schema: "count"},
		{name: "cursor", in: "query", doc: "next_cursor of the part before", schema: "string"},
	}
)

// idParam is the id of a thing, in the path.
func idParam(of string) param {
	return param{name: "id", in: "path", doc: "id of the " + of, schema: "uuid", required: true}
}

func paramSchema(name string) *huma.Schema {
	switch name {
	case "uuid":
		return uuidText{}.Schema(nil)
	case "seq":
		return seqNumber{}.Schema(nil)
	case "count":
		return &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64)}
	default:
		return &huma.Schema{Type: huma.TypeString}
	}
}

// The types below stand for types of package chat in schemas.

type uuidText struct{}

// Schema implements huma.SchemaProvider.
func (uuidText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid"}
}

type timeText struct{}

// Schema implements huma.SchemaProvider.
func (timeText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Description: "RFC 3339, UTC, with milliseconds"}
}

type seqNumber struct{}

// Schema implements huma.SchemaProvider.
func (seqNumber) Schema(huma.Registry) *huma.Schema {
	least, most := 0.0, float64(chat.MaxSeq)
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least, Maximum: &most}
}

type attachmentRef struct{}

// Schema implements huma.SchemaProvider.
func (attachmentRef) Schema(huma.Registry) *huma.Schema {
	id := uuidText{}.Schema(nil)
	return &huma.Schema{OneOf: []*huma.Schema{id, {
		Type: huma.TypeObject, Properties: map[string]*huma.Schema{"id": id}, Required: []string{"id"}, AdditionalProperties: true,
	}}}
}
