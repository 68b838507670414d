/** What the browser or the network forbids, each with a text of its own (`call.trouble.…`). */
export type Trouble =
  | "insecure"
  | "unsupported"
  | "micDenied"
  | "cameraDenied"
  | "noMic"
  | "noCamera"
  | "micInUse"
  | "cameraInUse"
  | "micGone"
  | "cameraGone"
  | "speakerGone"
  | "screenDenied"
  | "screenFailed"
  | "noWay"
  | "failed";

/** Why a call ended, each with a text of its own (`call.ended.…`). */
export type Ending = "answered" | "missed" | "declined" | "busy" | "failed" | "elsewhere" | "lost";

/** Something that stands in the way of a call. */
export class CallTrouble extends Error {
  readonly trouble: Trouble;
  constructor(trouble: Trouble) {
    super(trouble);
    this.name = "CallTrouble";
    this.trouble = trouble;
  }
}

/** What it means that the browser did not give a microphone or a camera. */
export function troubleOf(error: unknown, device: "mic" | "camera"): Trouble {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return `${device}Denied`;
    case "NotFoundError":
    case "OverconstrainedError":
      return device === "mic" ? "noMic" : "noCamera";
    case "NotReadableError":
    case "AbortError":
      return `${device}InUse`;
    default:
      return "failed";
  }
}
