import { expect, test } from "vitest";
import { beginOf, readFilters } from "./filters.ts";

test("an address gives the filters that it names, and nothing else", () => {
  expect(readFilters({})).toEqual({});
  const all = { q: "two words", has: "audio", by: "u1", since: "2026-02-28", until: "2026-03-01" };
  expect(readFilters({ ...all, at: 4 })).toEqual(all);
  expect(readFilters({ q: "", has: "secrets", by: 7, since: "yesterday", until: "2026-13-01" })).toEqual({});
});

test("a day begins at midnight where one is, also where the clock is put forward", () => {
  expect(beginOf(undefined)).toBeUndefined();
  expect(beginOf("2026-03-01")).toBe(new Date(2026, 2, 1).toISOString());
  expect(beginOf("2026-02-28", 1)).toBe(new Date(2026, 2, 1).toISOString());
  expect(beginOf("2026-12-31", 1)).toBe(new Date(2027, 0, 1).toISOString());
});
