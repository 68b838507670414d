import { expect, test } from "vitest";
import { characters, firstCharacters } from "./characters.ts";

test("counts and cuts by code points, as the server does", () => {
  expect(characters("Zoë 🎉")).toBe(5);
  expect(firstCharacters("🎉🎉🎉", 2)).toBe("🎉🎉");
  expect(firstCharacters("🎉🎉🎉", 3)).toBe("🎉🎉🎉");
  expect(firstCharacters("abc", 5)).toBe("abc");
});
