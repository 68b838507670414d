import "fake-indexeddb/auto";
import type { IRawProperty, Parameters } from "fast-check";
import { vi } from "vitest";

// TEST_RUNS=100 tries each property a hundred times as often as usual; how often that is stands beside it.
const times = Number(process.env["TEST_RUNS"] ?? 1);
const usualRuns = 100;

if (times > 1) {
  vi.setConfig({ testTimeout: 0 });
  vi.doMock(import("fast-check"), async (original) => {
    const real = await original();
    const assert = ((property: IRawProperty<unknown>, parameters?: Parameters<unknown>) =>
      real.assert(property, {
        ...parameters,
        numRuns: (parameters?.numRuns ?? usualRuns) * times,
      })) as typeof real.assert;
    return { ...real, assert, default: { ...real.default, assert } };
  });
}
