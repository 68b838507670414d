import fc from "fast-check";
import { expect, test } from "vitest";
import { foldMarkdown, foldPlaces } from "./fold.ts";
import { plainText } from "./parse.ts";

/** What is marked in the folded text when each occurrence of a word in the written one is. */
function marked(source: string, word: string): string {
  const places = [...source.matchAll(new RegExp(word, "g"))].map(({ index }) => ({
    start: index,
    end: index + word.length,
  }));
  const folded = foldMarkdown(source);
  let out = "";
  let at = 0;
  for (const { start, end } of foldPlaces(folded, places)) {
    out += `${folded.text.slice(at, start)}{${folded.text.slice(start, end)}}`;
    at = end;
  }
  return out + folded.text.slice(at);
}

test.each([
  ["plain apple", "plain {apple}"],
  ["**bold** and *an apple*, ~~no apple~~", "bold and an {apple}, no {apple}"],
  ["**app**le apple", "apple {apple}"],
  ["one\n\n  two   apple\n", "one two {apple}"],
  ["- apple\n- pear\n1. apple", "{apple} pear {apple}"],
  ["> said apple\n> twice\nand **apple**", "said {apple} twice and {apple}"],
  ["[see](https://example.org/apple)apple", "see{apple}"],
  ["[**see**](https://example.org/apple) apple", "see {apple}"],
  ["https://example.org/apple", "https://example.org/{apple}"],
  ["https://example.org/```](apple) apple", "https://example.org/```]({apple}) {apple}"],
  ["[a\\\\](https://example.org/apple) apple", "a\\ {apple}"],
  ["```apple\neat apple\n``` \napple", "eat {apple} {apple}"],
  ["`an apple` and \\*apple\\*", "an {apple} and *{apple}*"],
  ["2 * 3 * apple", "2 * 3 * {apple}"],
  ["```\nnever closed apple", "``` never closed {apple}"],
  ["😀 **apple** 😀", "😀 {apple} 😀"],
  ["**** apple", "**** {apple}"],
])("%j reads %j", (source, want) => {
  expect(marked(source, "apple")).toBe(want);
});

test("whatever is written: the text that the list shows, each character from where it stood", () => {
  const pieces = fc.constantFrom(
    "a",
    "b ",
    " ",
    "\n",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```",
    "> ",
    "- ",
    "1. ",
    "[",
    "](",
    ")",
    "https://a.b/c",
    "\\",
    "😀",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const source = parts.join("");
      const { text, at } = foldMarkdown(source);
      expect(text).toBe(plainText(source, 1_000));
      expect(at.length).toBe(text.length);
      at.forEach((place, i) => {
        if (i > 0) expect(place).toBeGreaterThanOrEqual(at[i - 1] ?? 0);
        if (text[i] !== " ") expect(source[place]).toBe(text[i]);
      });
    }),
    { numRuns: 500 },
  );
});
