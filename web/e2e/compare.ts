import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { decodePng, encodePng, type Picture } from "./png.ts";

/** So many pixels to the side make one cell of a baseline. */
const cellSide = 8;
/** Colours are kept in steps of this size: files stay small. */
const colourStep = 4;

/** A cell differs if a channel of its mean colour is off by more than this, of 255. Smoother edges of letters and lines are off by less. */
const cellTolerance = 12;
/** So large a share of the cells may differ. */
const shareTolerance = 0.004;

/** Mean colours of squares of the picture: small, and blind to how edges are smoothed. */
export function shrink(picture: Picture): Picture {
  const width = Math.ceil(picture.width / cellSide);
  const height = Math.ceil(picture.height / cellSide);
  const sums = new Float64Array(width * height * 3);
  const counts = new Uint32Array(width * height);
  for (let y = 0; y < picture.height; y += 1) {
    for (let x = 0; x < picture.width; x += 1) {
      const cell = Math.floor(y / cellSide) * width + Math.floor(x / cellSide);
      const at = (y * picture.width + x) * 3;
      counts[cell] = (counts[cell] ?? 0) + 1;
      for (let c = 0; c < 3; c += 1) sums[cell * 3 + c] = (sums[cell * 3 + c] ?? 0) + (picture.rgb[at + c] ?? 0);
    }
  }
  const rgb = new Uint8Array(sums.length);
  for (let i = 0; i < sums.length; i += 1) {
    const mean = (sums[i] ?? 0) / (counts[Math.floor(i / 3)] ?? 1);
    rgb[i] = Math.min(255, Math.round(mean / colourStep) * colourStep);
  }
  return { width, height, rgb };
}

export interface Difference {
  same: boolean;
  /** The share of cells that differ, 0 to 1. */
  share: number;
  /** Where they are, in pixels of the screen; absent where sizes differ or nothing does. */
  box?: { left: number; top: number; right: number; bottom: number };
}

/** Compares two shrunk pictures. */
export function compare(actual: Picture, baseline: Picture): Difference {
  if (actual.width !== baseline.width || actual.height !== baseline.height) return { same: false, share: 1 };
  const box = { left: Infinity, top: Infinity, right: 0, bottom: 0 };
  let differing = 0;
  for (let cell = 0; cell < actual.width * actual.height; cell += 1) {
    const off = [0, 1, 2].map((c) => Math.abs((actual.rgb[cell * 3 + c] ?? 0) - (baseline.rgb[cell * 3 + c] ?? 0)));
    if (Math.max(...off) <= cellTolerance) continue;
    differing += 1;
    const x = (cell % actual.width) * cellSide;
    const y = Math.floor(cell / actual.width) * cellSide;
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + cellSide);
    box.bottom = Math.max(box.bottom, y + cellSide);
  }
  const share = differing / (actual.width * actual.height);
  return { same: share <= shareTolerance, share, ...(differing > 0 ? { box } : {}) };
}

/** Writes the baseline of a screenshot. */
export function keep(screenshot: Buffer, baselineFile: string): void {
  mkdirSync(dirname(baselineFile), { recursive: true });
  writeFileSync(baselineFile, encodePng(shrink(decodePng(screenshot))));
}

/** What is wrong with a screenshot beside its baseline, in a sentence; undefined if nothing is. */
export function judge(screenshot: Buffer, baselineFile: string): string | undefined {
  const { same, share, box } = compare(shrink(decodePng(screenshot)), decodePng(readFileSync(baselineFile)));
  if (same) return undefined;
  const where = box
    ? `between ${String(box.left)},${String(box.top)} and ${String(box.right)},${String(box.bottom)}`
    : "the sizes are not the same";
  return `${(share * 100).toFixed(2)} % of it differ from ${baselineFile}: ${where}`;
}
