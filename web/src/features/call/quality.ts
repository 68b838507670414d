/** How good a connection is, in the words that people are told. */
export type Quality = "good" | "fair" | "poor";

/** Counters of a connection since it began. */
export interface Counters {
  received: number;
  lost: number;
  /** Share of what we sent that the other side misses lately, 0 to 1. */
  missed: number;
  /** Milliseconds there and back; undefined while it is not known. */
  rttMs: number | undefined;
}

/** Above these a call is tiring, and above those one does not understand each other any more. */
const fair = { loss: 0.03, rttMs: 250 };
const poor = { loss: 0.08, rttMs: 500 };

/** Judges the time between two readings of the counters, by the worse of both directions. */
export function judge(before: Counters, now: Counters): Quality {
  const received = Math.max(0, now.received - before.received);
  const lost = Math.max(0, now.lost - before.lost);
  const loss = Math.max(received + lost > 0 ? lost / (received + lost) : 0, now.missed);
  const rttMs = now.rttMs ?? 0;
  if (loss > poor.loss || rttMs > poor.rttMs) return "poor";
  return loss > fair.loss || rttMs > fair.rttMs ? "fair" : "good";
}

const numberOf = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);

/** Adds up what the browser counts of one connection. */
export function countersOf(report: Iterable<Record<string, unknown>>): Counters {
  const counters: Counters = { received: 0, lost: 0, missed: 0, rttMs: undefined };
  for (const stat of report) {
    if (stat["type"] === "inbound-rtp") {
      counters.received += numberOf(stat["packetsReceived"]);
      counters.lost += numberOf(stat["packetsLost"]);
    } else if (stat["type"] === "remote-inbound-rtp") {
      counters.missed = Math.max(counters.missed, numberOf(stat["fractionLost"]));
    } else if (stat["type"] === "candidate-pair" && stat["nominated"] === true) {
      const rtt = stat["currentRoundTripTime"];
      if (typeof rtt === "number") counters.rttMs = rtt * 1_000;
    }
  }
  return counters;
}
