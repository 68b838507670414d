import { describe, expect, test } from "vitest";
import { forEver, isMuted, isTold } from "./mute.ts";

const now = Date.parse("2026-05-05T12:00:00.000Z");

describe("what is told", () => {
  test("a conversation is quiet until its time is over", () => {
    expect(isMuted({}, now)).toBe(false);
    expect(isMuted({ muted_until: "2026-05-05T12:00:01.000Z" }, now)).toBe(true);
    expect(isMuted({ muted_until: "2026-05-05T11:59:59.000Z" }, now)).toBe(false);
    expect(isMuted({ muted_until: forEver }, now)).toBe(true);
  });

  test.each([
    [{}, false, true],
    [{ muted_until: forEver }, false, false],
    [{ muted_until: forEver }, true, true],
    [{ notify: "mentions" }, false, false],
    [{ notify: "mentions" }, true, true],
    [{ notify: "none" }, true, false],
  ])("%j, mentioned: %s", (conversation, mentioned, told) => {
    expect(isTold(conversation, mentioned, now)).toBe(told);
  });
});
