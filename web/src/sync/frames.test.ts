import { expect, test } from "vitest";
import { inFrames } from "./frames.ts";

test("the first change is told at once, what follows within a frame together and in order", () => {
  let clock = 1_000;
  const timers: { ms: number; task: () => void }[] = [];
  const told: string[] = [];
  const schedule = inFrames(
    () => clock,
    (ms, task) => {
      timers.push({ ms, task });
    },
  );
  const change = (name: string): void => {
    schedule(() => {
      told.push(name);
    });
  };
  change("a");
  expect(timers.map(({ ms }) => ms)).toEqual([0]);
  timers.shift()?.task();
  expect(told).toEqual(["a"]);

  clock += 4;
  change("b");
  change("c");
  change("d");
  expect(timers.map(({ ms }) => ms)).toEqual([12]);
  clock += 12;
  timers.shift()?.task();
  expect(told).toEqual(["a", "b", "c", "d"]);

  clock += 500;
  schedule(() => {
    told.push("e");
    change("what a change leads to");
  });
  expect(timers.map(({ ms }) => ms)).toEqual([0]);
  timers.shift()?.task();
  expect(told.at(-1)).toBe("e");
  timers.shift()?.task();
  expect(told.at(-1)).toBe("what a change leads to");
});
