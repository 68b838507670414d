package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// TypeScript gives the web client's types of every event, and a decoder that
// checks what arrives against them.
func TypeScript() []byte {
	var b strings.Builder
	b.WriteString("// Code generated from internal/wire by go generate. DO NOT EDIT.\n\n")
	for _, t := range Types() {
		if t.Shape.Fields == nil {
			fmt.Fprintf(&b, "export type %s = %s;\n\n", t.Name, t.Shape.typeScript())
			continue
		}
		fmt.Fprintf(&b, "export interface %s {\n", t.Name)
		for _, f := range t.Shape.Fields {
			if f.Doc != "" {
				fmt.Fprintf(&b, "  /** %s */\n", f.Doc)
			}
			mark := ""
			if f.Optional {
				mark = "?"
			}
			fmt.Fprintf(&b, "  %s%s: %s;\n", f.Name, mark, f.Shape.typeScript())
		}
		b.WriteString("}\n\n")
	}
	b.WriteString("/** The answer to every client event. */\n")
	b.WriteString("export type Ack<T> = { ok: true; data: T } | { ok: false; error: WireError };\n\n")
	b.WriteString("/** What a client may send, and the data of its acknowledgement. */\nexport interface ClientEvents {\n")
	for _, e := range ClientEvents() {
		fmt.Fprintf(&b, "  /** %s */\n  %q: { payload: %s; answer: %s };\n", e.Summary, e.Name, ShapeOf(e.Payload...).typeScript(), ShapeOf(e.Answer).typeScript())
	}
	b.WriteString("}\n\n/** What the server sends. */\nexport interface ServerEvents {\n")
	for _, e := range ServerEvents() {
		fmt.Fprintf(&b, "  /** %s */\n  %q: %s;\n", e.Summary, e.Name, ShapeOf(e.Payload...).typeScript())
	}
	b.WriteString("}\n\n")
	writeLimits(&b)
	writeShapes(&b)
	b.WriteString(decoderTypeScript)
	return []byte(b.String())
}

func writeLimits(b *strings.Builder) {
	fmt.Fprintf(b, "export const limits = {\n  frameBytes: %d,\n  watched: %d,\n  entriesAfter: %d,\n", MaxFrameBytes, MaxWatched, MaxEntriesAfter)
	fmt.Fprintf(b, "  callRingMs: %d,\n  callLeaseMs: %d,\n  callParticipants: %d,\n  callMembers: %d,\n  signalBytes: %d,\n} as const;\n\n",
		chat.CallRings.Milliseconds(), chat.CallLease.Milliseconds(), chat.MaxCallParticipants, chat.MaxCallMembers, chat.MaxSignalBytes)
}

func (s Shape) typeScript() string {
	text := s.typeScriptBare()
	if s.Nullable {
		return text + " | null"
	}
	return text
}

func (s Shape) typeScriptBare() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Const != "":
		return strconv.Quote(s.Const)
	case s.Enum != nil:
		quoted := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			quoted[i] = strconv.Quote(v)
		}
		return strings.Join(quoted, " | ")
	case s.Items != nil:
		if s.Items.Nullable || s.Items.OneOf != nil {
			return "(" + s.Items.typeScript() + ")[]"
		}
		return s.Items.typeScript() + "[]"
	case s.Values != nil:
		return "Record<string, " + s.Values.typeScript() + ">"
	case s.OneOf != nil:
		parts := make([]string, len(s.OneOf))
		for i, o := range s.OneOf {
			parts[i] = o.typeScript()
		}
		return strings.Join(parts, " | ")
	}
	switch s.Basic {
	case "integer":
		return "number"
	case "boolean":
		return "boolean"
	case "object":
		return "Record<string, unknown>"
	}
	return "string"
}

// writeShapes writes the forms as data, for the decoder.
func writeShapes(b *strings.Builder) {
	b.WriteString("type Shape =\n  | \"string\"\n  | \"integer\"\n  | \"boolean\"\n  | \"object\"\n  | { name: string }\n  | { is: readonly string[] }\n" +
		"  | { items: Shape }\n  | { values: Shape }\n  | { oneOf: readonly Shape[] }\n  | { nullable: Shape }\n  | { fields: Record<string, Shape>; optional: readonly string[] };\n\n")
	b.WriteString("const shapes: Record<string, Shape> = {\n")
	for _, t := range Types() {
		fmt.Fprintf(b, "  %s: %s,\n", t.Name, t.Shape.data())
	}
	b.WriteString("};\n\n")
	for _, list := range []struct {
		name   string
		events []Event
		shape  func(Event) Shape
	}{
		{"serverEventShapes", ServerEvents(), func(e Event) Shape { return ShapeOf(e.Payload...) }},
		{"clientEventShapes", ClientEvents(), func(e Event) Shape { return ShapeOf(e.Payload...) }},
		{"answerShapes", ClientEvents(), func(e Event) Shape { return ShapeOf(e.Answer) }},
	} {
		fmt.Fprintf(b, "const %s: Record<string, Shape> = {\n", list.name)
		for _, e := range list.events {
			fmt.Fprintf(b, "  %q: %s,\n", e.Name, list.shape(e).data())
		}
		b.WriteString("};\n\n")
	}
}

// data gives the shape as a TypeScript expression.
func (s Shape) data() string {
	if s.Nullable {
		s.Nullable = false
		return "{ nullable: " + s.data() + " }"
	}
	switch {
	case s.Name != "":
		return fmt.Sprintf("{ name: %q }", s.Name)
	case s.Const != "":
		return fmt.Sprintf("{ is: [%q] }", s.Const)
	case s.Enum != nil:
		quoted := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			quoted[i] = strconv.Quote(v)
		}
		return "{ is: [" + strings.Join(quoted, ", ") + "] }"
	case s.Items != nil:
		return "{ items: " + s.Items.data() + " }"
	case s.Values != nil:
		return "{ values: " + s.Values.data() + " }"
	case s.OneOf != nil:
		parts := make([]string, len(s.OneOf))
		for i, o := range s.OneOf {
			parts[i] = o.data()
		}
		return "{ oneOf: [" + strings.Join(parts, ", ") + "] }"
	case s.Fields != nil:
		var fields, optional []string
		for _, f := range s.Fields {
			fields = append(fields, fmt.Sprintf("%s: %s", f.Name, f.Shape.data()))
			if f.Optional {
				optional = append(optional, strconv.Quote(f.Name))
			}
		}
		return "{ fields: { " + strings.Join(fields, ", ") + " }, optional: [" + strings.Join(optional, ", ") + "] }"
	}
	switch s.Basic {
	case "uuid", "time":
		return `"string"`
	}
	return strconv.Quote(s.Basic)
}

const decoderTypeScript = `/** Says what is wrong with a value, or null. Fields that are not known are no fault. */
function fault(value: unknown, shape: Shape, path: string): string | null {
  if (typeof shape === "string") {
    const ok =
      shape === "integer"
        ? Number.isSafeInteger(value)
        : shape === "object"
          ? typeof value === "object" && value !== null && !Array.isArray(value)
          : typeof value === shape;
    return ok ? null : ` + "`${path} is not of type ${shape}`" + `;
  }
  if ("name" in shape) {
    const named = shapes[shape.name];
    return named ? fault(value, named, path) : ` + "`${path} has the unknown type ${shape.name}`" + `;
  }
  if ("is" in shape) {
    return typeof value === "string" && shape.is.includes(value) ? null : ` + "`${path} is not ${shape.is.join(\" or \")}`" + `;
  }
  if ("nullable" in shape) {
    return value === null ? null : fault(value, shape.nullable, path);
  }
  if ("oneOf" in shape) {
    const faults = shape.oneOf.map((one) => fault(value, one, path));
    return faults.includes(null) ? null : faults.join("; or ");
  }
  if ("items" in shape) {
    if (!Array.isArray(value)) return ` + "`${path} is not a list`" + `;
    return first(value.map((item, i) => fault(item, shape.items, ` + "`${path}[${i}]`" + `)));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return ` + "`${path} is not an object`" + `;
  const object = value as Record<string, unknown>;
  if ("values" in shape) {
    return first(Object.entries(object).map(([key, item]) => fault(item, shape.values, ` + "`${path}.${key}`" + `)));
  }
  return first(
    Object.entries(shape.fields).map(([key, field]) => {
      if (object[key] === undefined) return shape.optional.includes(key) ? null : ` + "`${path}.${key} is missing`" + `;
      return fault(object[key], field, ` + "`${path}.${key}`" + `);
    }),
  );
}

function first(faults: (string | null)[]): string | null {
  return faults.find((f) => f !== null) ?? null;
}

function decode(kind: Record<string, Shape>, name: string, value: unknown): void {
  const shape = kind[name];
  const problem = shape ? fault(value, shape, name) : ` + "`there is no event ${name}`" + `;
  if (problem !== null) throw new TypeError(problem);
}

/** Checks the payload of a server event; throws a TypeError that says what is wrong. */
export function decodeServerEvent<N extends keyof ServerEvents>(name: N, value: unknown): ServerEvents[N] {
  decode(serverEventShapes, name, value);
  return value as ServerEvents[N];
}

/** Checks the payload of a client event; throws a TypeError that says what is wrong. */
export function decodeClientEvent<N extends keyof ClientEvents>(name: N, value: unknown): ClientEvents[N]["payload"] {
  decode(clientEventShapes, name, value);
  return value as ClientEvents[N]["payload"];
}

/** Checks the data of an acknowledgement; throws a TypeError that says what is wrong. */
export function decodeAnswer<N extends keyof ClientEvents>(name: N, value: unknown): ClientEvents[N]["answer"] {
  decode(answerShapes, name, value);
  return value as ClientEvents[N]["answer"];
}
`
