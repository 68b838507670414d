import { expect, test } from "vitest";
import type { Message } from "../wire/types.ts";
import { endedAt, firstAfter, timelineOfTail } from "./timeline.ts";

const message = (seq: number, sender: string): Message => ({
  conversation_id: "c",
  seq,
  at: "2026-01-01T00:00:00.000Z",
  sender_id: sender,
  kind: "message",
  client_id: "",
  ordinal: seq,
  text: "",
  attachments: [],
  reactions: {},
});
// Seqs 12 and 15 are changes, of which nothing is shown.
const items = [message(11, "you"), message(13, "me"), message(14, "you")];
const range = { lo: 11, hi: 15, items };

test("the first message of others after a seq is told, or that there is none, or that nobody knows", () => {
  const timeline = timelineOfTail(1, range);
  expect(firstAfter(timeline, 10, "me")).toBe(11);
  expect(firstAfter(timeline, 11, "me")).toBe(14);
  expect(firstAfter(timeline, 14, "me")).toBe(Infinity);
  expect(firstAfter(timeline, 9, "me")).toBeUndefined();
});

test("a stretch as it was when it ended earlier", () => {
  expect(endedAt(range, 20)).toBe(range);
  expect(endedAt(range, 13)).toEqual({ lo: 11, hi: 13, items: items.slice(0, 2) });
  expect(endedAt(range, 10)).toEqual({ lo: 11, hi: 10, items: [] });
  expect(endedAt(range, 9)).toBeUndefined();
});
