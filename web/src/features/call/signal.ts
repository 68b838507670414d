/** What one device tells another about the connection between them. */
export type Signal =
  | { type: "offer" | "answer"; sdp: string }
  /** Some candidates of one media line, one a line of text. */
  | { type: "candidate"; candidate: string; mid: string }
  /** Make me an offer: none came, or nothing came of it. */
  | { type: "renegotiate" }
  | { type: "state"; muted: boolean; camera: boolean; screen: boolean };

/** Reads what another device sent; undefined for what this client does not know. It is somebody else's text: nothing of it is trusted. */
export function readSignal(value: unknown): Signal | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, sdp, candidate, mid, muted, camera, screen } = value as Record<string, unknown>;
  switch (type) {
    case "offer":
    case "answer":
      return typeof sdp === "string" ? { type, sdp } : undefined;
    case "candidate":
      return typeof candidate === "string" ? { type, candidate, mid: typeof mid === "string" ? mid : "0" } : undefined;
    case "renegotiate":
      return { type };
    case "state":
      return { type, muted: muted === true, camera: camera === true, screen: screen === true };
    default:
      return undefined;
  }
}
