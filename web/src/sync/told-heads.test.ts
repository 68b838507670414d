import { expect, test } from "vitest";
import { ToldHeads } from "./told-heads.ts";

test("what the server says first of a conversation is told apart from what it says last", () => {
  const told = new ToldHeads();
  let heard = 0;
  const stop = told.listen(() => {
    heard += 1;
  });
  expect([told.first("a"), told.latest("a")]).toEqual([undefined, undefined]);
  told.tell("a", 5, 3);
  told.tell("a", 9, 8);
  told.tell("a", 7, 7);
  expect([told.first("a"), told.latest("a")]).toEqual([5, 9]);
  expect([told.firstRead("a"), told.firstRead("b")]).toEqual([3, 0]);
  expect(heard).toBe(1);
  stop();
  told.tell("b", 0, 0);
  expect(told.first("b")).toBe(0);
  expect(heard).toBe(1);
});
