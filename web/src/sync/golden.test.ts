// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeServerEvent } from "../wire/events.gen.ts";
import { changeMessage, changeOfEntry, isModifier, itemOfEntry, messageOfEntry } from "./fold.ts";

// The files are written by the server's own tests: what it sends is what is folded here.
const golden = new URL("../../../internal/wire/testdata/golden/server/", import.meta.url);
const entries = readdirSync(golden)
  .filter((file) => file.startsWith("entry."))
  .map((file) => {
    const value = JSON.parse(readFileSync(new URL(file, golden), "utf8")) as unknown;
    return [file, decodeServerEvent("entry", value)] as const;
  });

test("there is an entry of each kind", () => {
  expect(new Set(entries.map(([, entry]) => entry.kind)).size).toBe(12);
});

test.each(entries)("%s is a line of its own or changes a message", (_file, entry) => {
  const [, said] = entries.find(([, other]) => other.kind === "message") ?? [];
  if (said?.kind !== "message") throw new Error("no message among the golden files");
  const message = messageOfEntry(said);
  if (entry.kind === "block") {
    // It changes what may be sent, which the conversation itself tells.
    expect(itemOfEntry(entry)).toBeNull();
    return;
  }
  if (isModifier(entry)) {
    if (entry.kind === "pin") expect(itemOfEntry(entry)).toMatchObject(entry.on ? { seq: entry.seq } : {});
    else expect(itemOfEntry(entry)).toBeNull();
    expect(changeOfEntry(entry).kind).toBe(entry.kind);
    expect(changeMessage(message, changeOfEntry(entry)).seq).toBe(message.seq);
  } else {
    expect(itemOfEntry(entry)).toMatchObject({ seq: entry.seq, at: entry.at });
  }
});

test("a kind that this client does not know is passed over", () => {
  const unknown = { ...entries[0]?.[1], kind: "poll" } as unknown as Parameters<typeof itemOfEntry>[0];
  expect(itemOfEntry(unknown)).toBeNull();
});
