package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// AsyncAPI gives the AsyncAPI 3.0 document of the realtime interface, made from
// this package's types.
func AsyncAPI() ([]byte, error) {
	messages, operations := object{}, object{}
	channelMessages := object{}
	addMessage := func(id, name, summary string, payload object) {
		messages[id] = object{"name": name, "summary": summary, "contentType": "application/json", "payload": payload}
		channelMessages[id] = ref("components/messages/" + id)
	}
	for _, e := range ClientEvents() {
		id := messageID(e.Name)
		addMessage(id, e.Name, e.Summary, ShapeOf(e.Payload...).schema())
		addMessage(id+"Ack", e.Name+" (acknowledgement)", "The answer to "+e.Name+".", ackSchema(e.Answer))
		operations[id] = object{
			"action": "receive", "summary": e.Summary, "channel": ref("channels/socket"),
			"messages": []object{ref("channels/socket/messages/" + id)},
			"reply": object{
				"channel": ref("channels/socket"), "messages": []object{ref("channels/socket/messages/" + id + "Ack")},
			},
		}
	}
	for _, e := range ServerEvents() {
		id := "server" + strings.ToUpper(messageID(e.Name)[:1]) + messageID(e.Name)[1:]
		addMessage(id, e.Name, e.Summary, ShapeOf(e.Payload...).schema())
		operations[id] = object{
			"action": "send", "summary": e.Summary, "channel": ref("channels/socket"),
			"messages": []object{ref("channels/socket/messages/" + id)},
		}
	}
	addMessage("connect", "auth", "What a client gives when it connects.", ShapeOf(reflect.TypeFor[Connect]()).schema())
	addMessage("connectError", "connect_error", "Why a connection was refused, as data of the error.", ShapeOf(reflect.TypeFor[Error]()).schema())
	schemas := object{}
	for _, t := range Types() {
		schemas[t.Name] = t.Shape.schema()
	}
	doc := object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "Parley realtime", "version": "1",
			"description": "Socket.IO 4 (protocol 5, Engine.IO 4, WebSocket and polling) at /socket.io/, namespace /. " +
				"Connect with auth {token} or the session cookie. Every event has one argument, an object. Every client event takes an acknowledgement. " +
				"Unknown fields of a request are refused; clients ignore unknown fields of what they receive.",
			"license": object{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
		},
		"defaultContentType": "application/json",
		"channels": object{"socket": object{
			"address": "/socket.io/", "description": "One Socket.IO connection.", "messages": channelMessages,
		}},
		"operations": operations,
		"components": object{"messages": messages, "schemas": schemas},
	}
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode AsyncAPI: %w", err)
	}
	return append(data, '\n'), nil
}

// object is a JSON object of the document.
type object map[string]any

func ref(path string) object { return object{"$ref": "#/" + path} }

// messageID turns an event's name into a key: message.send into messageSend.
func messageID(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' })
	for i := 1; i < len(parts); i++ {
		parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
	}
	return strings.Join(parts, "")
}

func ackSchema(answer reflect.Type) object {
	return object{"oneOf": []object{
		{
			"type": "object", "required": []string{"ok", "data"},
			"properties": object{"ok": object{"const": true}, "data": ShapeOf(answer).schema()},
		},
		{
			"type": "object", "required": []string{"ok", "error"},
			"properties": object{"ok": object{"const": false}, "error": ShapeOf(reflect.TypeFor[Error]()).schema()},
		},
	}}
}

// schema gives the shape as JSON Schema.
func (s Shape) schema() object {
	if s.Nullable {
		s.Nullable = false
		return object{"oneOf": []object{s.schema(), {"type": "null"}}}
	}
	switch {
	case s.Name != "":
		return ref("components/schemas/" + s.Name)
	case s.Const != "":
		return object{"const": s.Const}
	case s.Enum != nil:
		return object{"type": "string", "enum": s.Enum}
	case s.Items != nil:
		return object{"type": "array", "items": s.Items.schema()}
	case s.Values != nil:
		return object{"type": "object", "additionalProperties": s.Values.schema()}
	case s.OneOf != nil:
		var of []object
		for _, o := range s.OneOf {
			of = append(of, o.schema())
		}
		return object{"oneOf": of}
	case s.Fields != nil:
		return s.objectSchema()
	case s.Basic == "uuid":
		return object{"type": "string", "format": "uuid"}
	case s.Basic == "time":
		return object{"type": "string", "format": "date-time"}
	}
	return object{"type": s.Basic}
}

func (s Shape) objectSchema() object {
	properties, required := object{}, []string{}
	for _, f := range s.Fields {
		p := f.Shape.schema()
		if f.Doc != "" {
			if _, isRef := p["$ref"]; isRef {
				p = object{"allOf": []object{p}}
			}
			p["description"] = f.Doc
		}
		properties[f.Name] = p
		if !f.Optional {
			required = append(required, f.Name)
		}
	}
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
