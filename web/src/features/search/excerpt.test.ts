import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { excerpt } from "./excerpt.ts";

describe("what was found, in its surroundings", () => {
  test("marks each place", () => {
    expect(
      excerpt("one two one", [
        { start: 0, end: 3 },
        { start: 8, end: 11 },
      ]),
    ).toEqual([
      { text: "one", found: true },
      { text: " two ", found: false },
      { text: "one", found: true },
    ]);
  });

  test("cuts a long text around the first place", () => {
    const text = `${"a".repeat(500)}needle${"b".repeat(500)}`;
    const pieces = excerpt(text, [{ start: 500, end: 506 }]);
    expect(pieces.map((piece) => piece.text.length)).toEqual([1, 40, 6, 154, 1]);
    expect(pieces[2]).toEqual({ text: "needle", found: true });
  });

  test("never shows what is not in the text, whatever places are told", () => {
    const place = fc.record({ start: fc.nat(300), end: fc.nat(300) });
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.array(place), (text, places) => {
        const shown = excerpt(text, places)
          .map((piece) => piece.text)
          .join("")
          .replace(/^…|…$/g, "");
        expect(text.includes(shown) || shown.length <= 200).toBe(true);
      }),
    );
  });
});
