import type { CallLine } from "../../sync/call-hub.ts";
import type { Call } from "../../wire/types.ts";
import type { CallIds } from "./call-requests.ts";
import type { LocalMedia, LocalMediaParts, LocalView } from "./local-media.ts";
import type { Mesh, PersonView } from "./mesh.ts";
import type { Peer, PeerParts } from "./peer.ts";
import type { Signal } from "./signal.ts";
import type { Ending, Trouble } from "./trouble.ts";

export type CallPhase = "idle" | "outgoing" | "incoming" | "connecting" | "live" | "reconnecting" | "ended";

/** A call as this tab sees it. */
export interface CallView {
  phase: CallPhase;
  callId: string;
  conversationId: string;
  callerId: string;
  /** Started with a camera. */
  video: boolean;
  /** Who is called and has not answered. */
  ringing: readonly string[];
  people: readonly PersonView[];
  local: LocalView;
  /** The person reads elsewhere meanwhile. */
  minimised: boolean;
  /** Something was pressed and is being done. */
  busy: boolean;
  /** When the first connection stood, by the clock of this machine. */
  since: number | undefined;
  trouble: Trouble | undefined;
  ending: Ending | undefined;
  /** What the server refused with. */
  refused: unknown;
  /** The last call to this person that ended before they answered. */
  missed: Call | undefined;
}

/** One call from its beginning to its end. */
export interface Session extends CallIds {
  video: boolean;
  /** `asking`: the server has yet to let this device in; `in`: it takes part. */
  stage: "starting" | "incoming" | "asking" | "in";
  call: Call | undefined;
  mesh: Mesh | undefined;
  /** What others said before this device knew that it is in. */
  early: { from: string; signal: Signal }[];
  busy: boolean;
  minimised: boolean;
  since: number | undefined;
  cancelTimer: () => void;
}

/** A call at its beginning. */
export function newSession(begin: Omit<CallIds, "deviceId"> & Pick<Session, "deviceId" | "video" | "stage">): Session {
  return {
    ...begin,
    call: undefined,
    mesh: undefined,
    early: [],
    busy: false,
    minimised: false,
    since: undefined,
    cancelTimer: () => undefined,
  };
}

export function phaseOf(session: Session): CallPhase {
  if (session.stage === "incoming") return "incoming";
  if (session.stage === "starting") return "outgoing";
  const people = session.mesh?.people ?? [];
  if (session.stage === "in" && people.length === 0 && session.since === undefined) return "outgoing";
  if (people.some(({ state }) => state === "connected")) return "live";
  return session.since === undefined ? "connecting" : "reconnecting";
}

/** What is shown of a call after its end, or of what stands in its way. */
export interface Aftermath {
  ended?: Session;
  ending?: Ending | undefined;
  trouble?: Trouble | undefined;
  refused?: unknown;
}

/** What a call is carried out with. */
export interface CallParts {
  line: CallLine;
  me: string;
  openMedia: (parts: Pick<LocalMediaParts, "onChange" | "onTrouble">) => LocalMedia;
  openPeer: (parts: PeerParts) => Peer;
  now: () => number;
  later: (ms: number, task: () => void) => () => void;
  newId: () => string;
  /** Which conversation this tab is in a call of. */
  onMine: (conversationId: string | undefined) => void;
}
