// @vitest-environment node
import { expect, test } from "vitest";
import { limitsOf, nextDrop, noDrop, worstStep } from "./budget.ts";
import type { Quality } from "./quality.ts";

test.each([
  [1, 1_500_000, 1],
  [2, 500_000, 2],
  [3, 500_000, 2],
  [4, 200_000, 4],
  [7, 200_000, 4],
])("a camera to %i others: %i bits per second each, %i times smaller", (others, maxBitrate, scaleResolutionDownBy) => {
  expect(limitsOf({ others, screen: false, height: 720, drop: 0 })).toEqual({ maxBitrate, scaleResolutionDownBy });
});

test("all pictures of a device together fit a line of 2.5 Mbit/s, whatever the number of people", () => {
  for (let others = 1; others <= 7; others += 1) {
    for (const screen of [false, true]) {
      const { maxBitrate } = limitsOf({ others, screen, height: 720, drop: 0 });
      expect(maxBitrate * others, `${String(others)} others`).toBeLessThanOrEqual(2_500_000);
    }
  }
});

test("a small camera is not made smaller than needed, and never larger", () => {
  expect(limitsOf({ others: 2, screen: false, height: 480, drop: 0 }).scaleResolutionDownBy).toBeCloseTo(4 / 3);
  expect(limitsOf({ others: 1, screen: false, height: 480, drop: 0 }).scaleResolutionDownBy).toBe(1);
  expect(limitsOf({ others: 7, screen: false, height: undefined, drop: 0 }).scaleResolutionDownBy).toBe(4);
});

test("a screen keeps its size, however poor the line is", () => {
  expect(limitsOf({ others: 1, screen: true, height: 1080, drop: 0 })).toEqual({
    maxBitrate: 2_500_000,
    scaleResolutionDownBy: 1,
  });
  const worst = limitsOf({ others: 7, screen: true, height: 1080, drop: worstStep });
  expect(worst).toEqual({ maxBitrate: 150_000, scaleResolutionDownBy: 1 });
});

test("poor readings take a picture down step by step, and no further than to the last", () => {
  const rates: number[] = [];
  let state = noDrop;
  for (let reading = 0; reading < 5; reading += 1) {
    rates.push(limitsOf({ others: 1, screen: false, height: 720, drop: state.drop }).maxBitrate);
    state = nextDrop(state, "poor");
  }
  expect(rates).toEqual([1_500_000, 500_000, 200_000, 100_000, 100_000]);
});

test("only five good readings in a row take it up again, one step at a time", () => {
  const after = (...readings: Quality[]): number => readings.reduce(nextDrop, { drop: 2, good: 0 }).drop;
  expect(after("good", "good", "good", "good")).toBe(2);
  expect(after("good", "good", "good", "good", "good")).toBe(1);
  expect(after("good", "good", "good", "good", "fair", "good")).toBe(2);
  expect(after(...Array.from({ length: 30 }, () => "good" as const))).toBe(0);
});
