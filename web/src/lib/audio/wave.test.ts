import { expect, test } from "vitest";
import { mixed, waveFile } from "./wave.ts";

test("a sound becomes a file that says what it is, and what is too loud is cut", () => {
  const view = new DataView(waveFile(Float32Array.of(0, 0.5, -1, 2), 24_000));
  expect(view.byteLength).toBe(44 + 8);
  expect(view.getUint32(4, true)).toBe(36 + 8);
  expect(view.getUint32(24, true)).toBe(24_000);
  expect(view.getUint32(40, true)).toBe(8);
  expect([0, 1, 2, 3].map((n) => view.getInt16(44 + 2 * n, true))).toEqual([0, 16_384, -32_767, 32_767]);
});

test("several channels are heard as one", () => {
  expect([...mixed([Float32Array.of(1, 0), Float32Array.of(0, 0.5)])]).toEqual([0.5, 0.25]);
  expect(mixed([])).toHaveLength(0);
});
