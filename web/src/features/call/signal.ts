/** What one device tells another about the connection between them. */
export type Signal =
  | { type: "offer" | "answer"; sdp: string }
  /** A candidate of one media line, and those that were found together with it. */
  | { type: "candidate"; candidate: string; more: string[]; mid: string }
  /** Make me an offer: none came, or nothing came of it. */
  | { type: "renegotiate" }
  | { type: "state"; muted: boolean; camera: boolean; screen: boolean };

const maxMore = 50;
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string").slice(0, maxMore) : [];

/** Reads what another device sent; undefined for what this client does not know. It is somebody else's text: nothing of it is trusted. */
export function readSignal(value: unknown): Signal | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, sdp, candidate, more, mid, muted, camera, screen } = value as Record<string, unknown>;
  switch (type) {
    case "offer":
    case "answer":
      return typeof sdp === "string" ? { type, sdp } : undefined;
    case "candidate":
      if (typeof candidate !== "string") return undefined;
      return { type, candidate, more: texts(more), mid: typeof mid === "string" ? mid : "0" };
    case "renegotiate":
      return { type };
    case "state":
      return { type, muted: muted === true, camera: camera === true, screen: screen === true };
    default:
      return undefined;
  }
}
