import { expect, test } from "vitest";
import { cutMentions } from "./mentions.ts";

const people = new Map([
  ["ada", "id-ada"],
  ["grace.h", "id-grace"],
]);

test("people are named at the beginning of a word, whatever the case, and by their whole name", () => {
  expect(cutMentions("Hi @Ada, and @grace.h.", people)).toEqual([
    { text: "Hi " },
    { text: "@Ada", userId: "id-ada" },
    { text: ", and " },
    { text: "@grace.h", userId: "id-grace" },
    { text: "." },
  ]);
  for (const text of ["mail@ada", "@adam", "@@ada", "https://x/@ada", "@linus"]) {
    expect(cutMentions(text, people)).toEqual([{ text }]);
  }
  expect(cutMentions("", people)).toEqual([]);
  expect(cutMentions("@ada @ada", people).filter((piece) => piece.userId)).toHaveLength(2);
});
