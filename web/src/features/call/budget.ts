import type { Quality } from "./quality.ts";

/** What a picture may cost on its way to one other device. */
export interface PictureLimits {
  /** Bits per second. */
  maxBitrate: number;
  /** By how much it is made smaller before it is sent, 1 or more. */
  scaleResolutionDownBy: number;
}

/**
 * How large pictures of a camera are, and the bits per second that they may take: what
 * Jitsi Meet gives VP8 in these sizes (STANDARD_VIDEO_BITRATES of lib-jitsi-meet), with
 * half of the last for lines that carry hardly anything.
 */
const lowest = { height: 180, maxBitrate: 100_000 };
const steps = [
  { height: 720, maxBitrate: 1_500_000 },
  { height: 360, maxBitrate: 500_000 },
  { height: 180, maxBitrate: 200_000 },
  lowest,
];
export const worstStep = steps.length - 1;

/** A screen is read, so it stays as large as it is: the same source gives it 2.5 Mbit/s, here shared by all. */
const screenBitrate = 2_500_000;
const leastScreenBitrate = 150_000;

/**
 * In a mesh each device sends to each other one: with 1, 2, 3 and 4 to 7 others that is
 * at most 1.5, 1, 1.5 and 1.4 Mbit/s, less than many lines at home carry upwards.
 */
function stepFor(others: number): number {
  if (others <= 1) return 0;
  return others <= 3 ? 1 : 2;
}

export interface Sent {
  /** To how many other devices it is sent. */
  others: number;
  screen: boolean;
  /** The height of what the camera gives, in pixels; undefined while it is not known. */
  height: number | undefined;
  /** How many steps below what the number of people allows, see `nextDrop`. */
  drop: number;
}

/** What a picture may cost, so that all of them together fit. */
export function limitsOf({ others, screen, height = 720, drop }: Sent): PictureLimits {
  if (screen) {
    const each = screenBitrate / Math.max(1, others) / 2 ** drop;
    return { maxBitrate: Math.max(leastScreenBitrate, Math.floor(each)), scaleResolutionDownBy: 1 };
  }
  const step = steps[Math.min(worstStep, stepFor(others) + drop)] ?? lowest;
  return { maxBitrate: step.maxBitrate, scaleResolutionDownBy: Math.max(1, height / step.height) };
}

/** How a connection has been doing: how far its picture was taken down, and since how many readings it is good. */
export interface Drop {
  drop: number;
  good: number;
}
export const noDrop: Drop = { drop: 0, good: 0 };

/** Up again only after so many good readings in a row: what comes and goes is worse than what is small. */
const goodReadings = 5;

/** Takes a picture down by a step at each poor reading, and up by one when the connection has been good for a while. */
export function nextDrop({ drop, good }: Drop, quality: Quality): Drop {
  if (quality === "poor") return { drop: Math.min(worstStep, drop + 1), good: 0 };
  if (quality === "fair" || drop === 0) return { drop, good: 0 };
  return good + 1 < goodReadings ? { drop, good: good + 1 } : { drop: drop - 1, good: 0 };
}
