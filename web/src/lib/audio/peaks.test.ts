import { describe, expect, test } from "vitest";
import { duration, peaksOf } from "./peaks.ts";

describe("the shape of a sound", () => {
  test("is as loud as its parts, the loudest being 1", () => {
    const samples = new Float32Array(400).map((_, at) => (at < 200 ? 0.1 : 0.2) * (at % 2 === 0 ? 1 : -1));
    const peaks = peaksOf(samples, 4);
    expect(peaks.map((value) => Math.round(value * 100))).toEqual([50, 50, 100, 100]);
  });

  test("of silence, of noise and of nothing is flat", () => {
    expect(peaksOf(new Float32Array(100), 5)).toEqual([0, 0, 0, 0, 0]);
    expect(peaksOf(new Float32Array(100).fill(0.0001), 2)).toEqual([0, 0]);
    expect(peaksOf(new Float32Array(0), 3)).toEqual([0, 0, 0]);
  });

  test("its length reads as a clock", () => {
    expect([0, 5.9, 65, 600].map(duration)).toEqual(["0:00", "0:05", "1:05", "10:00"]);
    expect(duration(-1)).toBe("0:00");
  });
});
