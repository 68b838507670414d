import fc from "fast-check";
import { expect, test } from "vitest";
import { fitted } from "./crop-dialog.tsx";

test("wherever a picture is moved and however it is enlarged, it fills the frame", () => {
  const size = fc.integer({ min: 1, max: 5_000 });
  const any = fc.double({ min: -10, max: 10, noNaN: true });
  fc.assert(
    fc.property(size, size, any, any, any, (width, height, zoom, x, y) => {
      const crop = fitted({ zoom, x, y }, width, height);
      const short = Math.min(width, height);
      // The picture reaches to both edges, from its middle moved by x and y, in shares of the frame.
      expect((width / short) * crop.zoom).toBeGreaterThanOrEqual(1 + 2 * Math.abs(crop.x) - 1e-9);
      expect((height / short) * crop.zoom).toBeGreaterThanOrEqual(1 + 2 * Math.abs(crop.y) - 1e-9);
      expect(crop.zoom).toBeGreaterThanOrEqual(1);
    }),
  );
});
