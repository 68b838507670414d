import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeAnswer, decodeClientEvent, decodeServerEvent, type ClientEvents, type ServerEvents } from "./events.gen";

// The files that the server's own tests compare its encoding with.
const golden = join(import.meta.dirname, "../../../internal/wire/testdata/golden");

function files(kind: string): { name: string; value: unknown }[] {
  return readdirSync(join(golden, kind)).map((file) => ({
    name: file.replace(/\.json$/, ""),
    value: JSON.parse(readFileSync(join(golden, kind, file), "utf8")) as unknown,
  }));
}

// server/entry.message.json is one of several samples of the event entry.
function eventOf(name: string): keyof ServerEvents {
  return (
    name.startsWith("entry.") ? "entry" : name === "conversation.gone" ? "conversation" : name
  ) as keyof ServerEvents;
}

describe("what the server sends", () => {
  it.each(files("server"))("$name is decoded", ({ name, value }) => {
    expect(decodeServerEvent(eventOf(name), value)).toBe(value);
  });

  it.each(files("answer"))("the answer to $name is decoded", ({ name, value }) => {
    expect(decodeAnswer(name as keyof ClientEvents, value)).toBe(value);
  });

  it("may have fields that this client does not know", () => {
    expect(() => decodeServerEvent("reconnect", { after_ms: 5, tomorrow: true })).not.toThrow();
  });
});

describe("what this client sends", () => {
  it.each(files("client"))("$name is what the server decodes", ({ name, value }) => {
    expect(decodeClientEvent(name as keyof ClientEvents, value)).toBe(value);
  });
});

describe("the decoder", () => {
  it.each([
    ["reconnect", {}, "after_ms is missing"],
    ["reconnect", { after_ms: "5" }, "after_ms is not of type integer"],
    ["reconnect", { after_ms: 0.5 }, "after_ms is not of type integer"],
    ["reconnect", null, "is not an object"],
    ["reconnect", [], "is not an object"],
    ["presence", { user_id: "x", online: true, last_seen_at: 5 }, "last_seen_at is not of type string"],
    ["entry", { kind: "message" }, "is missing"],
    ["ready", { user: {} }, "is missing"],
  ] as const)("refuses %s %j", (name, value, problem) => {
    expect(() => decodeServerEvent(name, value)).toThrow(problem);
  });

  it("refuses an event that does not exist", () => {
    expect(() => decodeServerEvent("nothing" as keyof ServerEvents, {})).toThrow("there is no event nothing");
  });
});
