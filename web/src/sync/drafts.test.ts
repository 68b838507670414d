import { afterEach, beforeEach, expect, test } from "vitest";
import { composingOf, keepDrafts, setComposing } from "./drafts.ts";
import type { Draft } from "./store.ts";
import type { TabMessage } from "./tabs.ts";

let told: TabMessage[];
let written: (Draft | null)[];
let tell: (message: TabMessage) => void;
let stop: () => void;

const draft = (text: string, reply?: number): Draft => ({
  conversation_id: "c",
  text,
  ...(reply === undefined ? {} : { reply_to: reply }),
});
const hear = (heard: Draft | null): void => {
  tell({ type: "draft", conversation_id: "c", draft: heard });
};

beforeEach(async () => {
  told = [];
  written = [];
  stop = await keepDrafts(
    {
      drafts: () => Promise.resolve([]),
      putDraft: (one) => Promise.resolve(void written.push(one)),
      removeDraft: () => Promise.resolve(void written.push(null)),
    },
    {
      tell: (message) => void told.push(message),
      hear: (listener) => {
        tell = listener;
        return () => undefined;
      },
    },
  );
});
afterEach(() => {
  stop();
});

test("what is written here is told to the other tabs, until nothing is left of it", () => {
  setComposing("c", { text: "half", replyTo: 4 });
  setComposing("c", { text: "" });
  expect(told).toEqual([
    { type: "draft", conversation_id: "c", draft: draft("half", 4) },
    { type: "draft", conversation_id: "c", draft: null },
  ]);
});

test("what is written elsewhere is here too, and is neither told again nor kept twice", () => {
  hear(draft("from there", 4));
  expect(composingOf("c")).toMatchObject({ text: "from there", replyTo: 4, heard: true });
  hear(null);
  expect(composingOf("c")).toMatchObject({ text: "" });
  expect(composingOf("c").replyTo).toBeUndefined();
  expect([told, written]).toEqual([[], []]);
});

test("what was typed last holds: what waits to be kept here is older than what another tab tells", () => {
  setComposing("c", { text: "a" });
  setComposing("c", { text: "ab" });
  hear(draft("other"));
  document.dispatchEvent(new Event("visibilitychange"));
  expect(written).toEqual([draft("a")]);
  // Typing here goes on from what was heard, and is one's own again.
  setComposing("c", { ...composingOf("c"), text: "other!" });
  expect(composingOf("c")).toEqual({ text: "other!" });
});

test("an edit goes on while another tab writes, and comes back to what was written there", () => {
  setComposing("c", { text: "said", editing: { seq: 2, before: "old" } });
  hear(draft("new"));
  expect(composingOf("c")).toEqual({ text: "said", editing: { seq: 2, before: "new" } });
});
