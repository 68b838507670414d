// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { itemOfEntry } from "./fold.ts";
import {
  type ClientEvents,
  decodeAnswer,
  decodeClientEvent,
  decodeServerEvent,
  type ServerEvents,
} from "../wire/events.gen.ts";

// The files are written by the server's own tests, and read there too: both sides mean the same bytes.
const golden = new URL("../../../internal/wire/testdata/golden/", import.meta.url);

interface File {
  name: string;
  value: unknown;
}

function read(folder: string): File[] {
  return readdirSync(new URL(folder, golden))
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      name: file.replace(/\.json$/, ""),
      value: JSON.parse(readFileSync(new URL(`${folder}/${file}`, golden), "utf8")) as unknown,
    }));
}

/** "entry.message" is one of several files of the event "entry". */
function eventOf(name: string): string {
  return name.startsWith("entry.") || name === "conversation.gone" ? (name.split(".")[0] ?? name) : name;
}

describe("what the server sends", () => {
  const files = read("server");
  test("every event has a file", () => {
    expect(new Set(files.map(({ name }) => eventOf(name))).size).toBe(10);
  });
  test.each(files)("$name is understood", ({ name, value }) => {
    expect(decodeServerEvent(eventOf(name) as keyof ServerEvents, value)).toBe(value);
  });
  test.each(files.filter(({ name }) => name.startsWith("entry.")))(
    "$name is told or changes a message",
    ({ name, value }) => {
      const entry = decodeServerEvent("entry", value);
      const isModifier = ["entry.edit", "entry.delete", "entry.reaction"].includes(name);
      expect(itemOfEntry(entry) === null).toBe(isModifier);
    },
  );
});

describe("what the client sends and is answered", () => {
  test.each(read("client"))("$name is a request", ({ name, value }) => {
    expect(decodeClientEvent(name as keyof ClientEvents, value)).toBe(value);
  });
  test.each(read("answer"))("$name is an answer", ({ name, value }) => {
    expect(decodeAnswer(name as keyof ClientEvents, value)).toBe(value);
  });
});
