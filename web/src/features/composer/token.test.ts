import { describe, expect, test } from "vitest";
import { closedEmoji, completed, tokenAt } from "./token.ts";

describe("what is typed at the caret", () => {
  test("finds emoji by name and people, at the beginning of a word only", () => {
    expect(tokenAt("well :smi", 9)).toEqual({ kind: "emoji", from: 5, query: "smi" });
    expect(tokenAt("@a", 2)).toEqual({ kind: "mention", from: 0, query: "a" });
    expect(tokenAt("(@Zoë", 5)).toEqual({ kind: "mention", from: 1, query: "Zoë" });
    expect(tokenAt("hello @", 7)).toEqual({ kind: "mention", from: 6, query: "" });
    for (const text of ["at 10:30", ":s", ":)", "mail@example", "a :smile: b", ""])
      expect(tokenAt(text, text.length)).toBeNull();
  });

  test("looks before the caret, not behind it", () => {
    expect(tokenAt("@ada wrote :ta", 4)).toEqual({ kind: "mention", from: 0, query: "ada" });
  });

  test("puts the choice in its place, with one blank behind it", () => {
    const token = { kind: "mention", from: 3, query: "ad" } as const;
    expect(completed("hi @ad", token, 6, "@ada")).toEqual({ text: "hi @ada ", caret: 8 });
    expect(completed("hi @ad there", token, 6, "@ada")).toEqual({ text: "hi @ada there", caret: 8 });
  });

  test("knows an emoji that is closed", () => {
    expect(closedEmoji("yes :tada:", 10)).toEqual({ from: 4, name: "tada" });
    expect(closedEmoji("10:30:", 6)).toBeNull();
  });
});
