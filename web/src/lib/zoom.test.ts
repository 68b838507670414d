import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { moved, swiped, whole, type Zoom, zoomed } from "./zoom.ts";

const frame = { width: 400, height: 300 };
const picture = { width: 400, height: 200 };
const middle = { x: 0, y: 0 };

describe("a picture that is looked at closely", () => {
  test("keeps what is under the pointer there", () => {
    const zoom = zoomed(whole, 3, { x: 100, y: 20 }, picture, frame);
    expect(zoom).toEqual({ scale: 3, x: -200, y: -40 });
    expect(zoomed(zoom, 1 / 3, middle, picture, frame)).toEqual(whole);
  });

  test("is never smaller than whole, never larger than eight times, and never pushed out of its frame", () => {
    const step = fc.record({
      by: fc.double({ min: 0.05, max: 20, noNaN: true }),
      x: fc.integer({ min: -900, max: 900 }),
      y: fc.integer({ min: -900, max: 900 }),
      move: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let zoom: Zoom = whole;
        for (const { by, x, y, move } of steps) {
          zoom = move ? moved(zoom, { x, y }, picture, frame) : zoomed(zoom, by, { x, y }, picture, frame);
          expect(zoom.scale).toBeGreaterThanOrEqual(1);
          expect(zoom.scale).toBeLessThanOrEqual(8);
          expect(Math.abs(zoom.x)).toBeLessThanOrEqual(Math.max(0, (picture.width * zoom.scale - frame.width) / 2));
          expect(Math.abs(zoom.y)).toBeLessThanOrEqual(Math.max(0, (picture.height * zoom.scale - frame.height) / 2));
        }
      }),
    );
  });

  test("does not move while it is whole", () => {
    expect(moved(whole, { x: 50, y: -50 }, picture, frame)).toEqual(whole);
  });
});

test.each([
  [{ x: -80, y: 10 }, "left"],
  [{ x: 80, y: -10 }, "right"],
  [{ x: 10, y: 120 }, "down"],
  [{ x: 10, y: -120 }, null],
  [{ x: 80, y: 70 }, null],
  [{ x: 20, y: 20 }, null],
])("a finger that went %o meant %s", (way, meant) => {
  expect(swiped(way)).toBe(meant);
});
