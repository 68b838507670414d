// @vitest-environment node
import { expect, test } from "vitest";
import { countersOf, judge } from "./quality.ts";
import { readSignal } from "./signal.ts";

const none = { received: 0, lost: 0, missed: 0, rttMs: undefined };

test.each([
  ["good", { received: 100, lost: 0, missed: 0, rttMs: 20 }],
  ["good", { received: 100, lost: 3, missed: 0.01, rttMs: 240 }],
  ["fair", { received: 95, lost: 5, missed: 0, rttMs: 20 }],
  ["fair", { received: 100, lost: 0, missed: 0.05, rttMs: undefined }],
  ["fair", { received: 100, lost: 0, missed: 0, rttMs: 300 }],
  ["poor", { received: 85, lost: 15, missed: 0, rttMs: 20 }],
  ["poor", { received: 100, lost: 0, missed: 0, rttMs: 900 }],
  ["good", { received: 0, lost: 0, missed: 0, rttMs: undefined }],
] as const)("%s: %o", (quality, now) => {
  expect(judge(none, now)).toBe(quality);
});

test("only what was lost lately counts", () => {
  const before = { received: 1_000, lost: 400, missed: 0, rttMs: 20 };
  expect(judge(before, { ...before, received: 1_100 })).toBe("good");
  expect(judge(before, { ...before, received: 1_090, lost: 420 })).toBe("poor");
});

test("the counters of sound and picture are added up", () => {
  expect(
    countersOf([
      { type: "inbound-rtp", packetsReceived: 10, packetsLost: 1 },
      { type: "inbound-rtp", packetsReceived: 20, packetsLost: 2 },
      { type: "remote-inbound-rtp", fractionLost: 0.25 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.05 },
      { type: "candidate-pair", nominated: false, currentRoundTripTime: 3 },
      { type: "codec" },
    ]),
  ).toEqual({ received: 30, lost: 3, missed: 0.25, rttMs: 50 });
});

test.each([
  null,
  "offer",
  {},
  { type: "offer" },
  { type: "answer", sdp: 3 },
  { type: "candidate", candidate: {} },
  { type: "surprise" },
])("%j of another device is not taken", (signal) => {
  expect(readSignal(signal)).toBeUndefined();
});

test("candidates are read, whatever else is among them", () => {
  const read = { type: "candidate", candidate: "candidate:1", more: ["candidate:2"], mid: "1" };
  expect(readSignal({ ...read, more: ["candidate:2", 3] })).toEqual(read);
  expect(readSignal({ type: "candidate", candidate: "", more: "x" })).toMatchObject({ more: [], mid: "0" });
});

test("what another device says is read with nothing else in it", () => {
  expect(readSignal({ type: "offer", sdp: "v=0", more: 1 })).toEqual({ type: "offer", sdp: "v=0" });
  expect(readSignal({ type: "state", muted: true, camera: "yes" })).toEqual({
    type: "state",
    muted: true,
    camera: false,
    screen: false,
  });
});
