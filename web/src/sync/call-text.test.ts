// @vitest-environment node
import { expect, test } from "vitest";
import { en } from "../lib/i18n/en.ts";
import { translator } from "../lib/i18n/i18n.ts";
import type { CallEntry } from "../wire/types.ts";
import { callText } from "./call-text.ts";

test.each([
  ["answered", false, 192_345, "Call, 3:12", "Call, 3:12"],
  ["answered", true, 3_605_000, "Video call, 1:00:05", "Video call, 1:00:05"],
  ["answered", false, 400, "Call, 0:00", "Call, 0:00"],
  ["missed", true, 0, "Call without an answer", "Missed call"],
  ["declined", false, 0, "Declined call", "Declined call"],
  ["busy", false, 0, "Call while busy", "Call while busy"],
  ["failed", false, 0, "Failed call", "Failed call"],
] as const)("a call that was %s (video: %s, %d ms)", (outcome, video, duration_ms, own, others) => {
  const entry: Pick<CallEntry, "call" | "sender_id"> = { sender_id: "ann", call: { outcome, video, duration_ms } };
  const t = translator("en", en);
  expect(callText(entry, "ann", t)).toBe(own);
  expect(callText(entry, "bob", t)).toBe(others);
});
