import type { ICE } from "../../wire/types.ts";
import type { PictureLimits } from "./budget.ts";
import type { LocalTracks } from "./local-media.ts";
import { type Counters, countersOf, judge, type Quality } from "./quality.ts";
import type { Signal } from "./signal.ts";

/** `failed`: no way was found between the two, though it was tried several times. */
export type PeerState = "connecting" | "connected" | "reconnecting" | "failed";

/** The connection to one other device of a call. */
export interface Peer {
  /** Takes what the other device says; in the order in which it was said. */
  take(signal: Signal): void;
  send(tracks: LocalTracks): void;
  /** What the picture may cost from now on. */
  limit(limits: PictureLimits): void;
  /** Looks for another way, with other servers if any are given. */
  restart(ice?: ICE): void;
  measure(): Promise<Quality | undefined>;
  close(): void;
}

export interface PeerParts {
  ice: ICE;
  /** Of the two, this one makes the first offer; where both offer at once, the other one gives way. */
  first: boolean;
  tracks: LocalTracks;
  later: (ms: number, task: () => void) => () => void;
  onSignal: (signal: Signal) => void;
  onState: (state: PeerState) => void;
  /** What comes from the other side; the same streams as long as the connection lives. */
  onStreams: (streams: { audio?: MediaStream; video?: MediaStream }) => void;
}

/** Candidates come in bursts: they are told together. */
const candidatesMs = 60;
/** A connection that breaks off often comes back by itself. */
const patienceMs = 4_000;
/** How long a way may take to be found before it is looked for anew. */
const searchMs = 10_000;
const maxSearches = 3;

/** A connection of the browser, negotiated perfectly (W3C WebRTC 1.0, section 10.7). */
export class BrowserPeer implements Peer {
  readonly #parts: PeerParts;
  readonly #pc: RTCPeerConnection;
  #tracks: LocalTracks;
  #limits: PictureLimits | undefined;
  #senders: Partial<Record<"audio" | "video", RTCRtpSender>> = {};
  #streams: { audio?: MediaStream; video?: MediaStream } = {};
  #offering = false;
  #ignoring = false;
  /** One thing at a time: descriptions and candidates have an order. */
  #queue: Promise<void> = Promise.resolve();
  #candidates: RTCIceCandidate[] = [];
  #cancelCandidates: (() => void) | undefined;
  #cancelSearch: (() => void) | undefined;
  #searches = 0;
  #wasConnected = false;
  #counters: Counters | undefined;

  constructor(parts: PeerParts) {
    this.#parts = parts;
    this.#tracks = parts.tracks;
    const pc = new RTCPeerConnection({ iceServers: parts.ice.servers, bundlePolicy: "max-bundle" });
    this.#pc = pc;
    pc.onnegotiationneeded = () => void this.#do(() => this.#offer());
    pc.onicecandidate = ({ candidate }) => {
      if (candidate) this.#gather(candidate);
    };
    pc.ontrack = ({ track }) => {
      this.#receive(track);
    };
    pc.onconnectionstatechange = () => {
      this.#stateChanged();
    };
    this.#search();
    // Both lines are there from the beginning, so that a camera or a screen that comes later negotiates nothing.
    if (parts.first) {
      for (const kind of ["audio", "video"] as const) {
        const { sender } = pc.addTransceiver(kind, { direction: "sendrecv" });
        this.#senders[kind] = sender;
      }
      this.send(this.#tracks);
    }
  }

  take(signal: Signal): void {
    void this.#do(() => this.#take(signal));
  }

  send(tracks: LocalTracks): void {
    this.#tracks = tracks;
    for (const kind of ["audio", "video"] as const) {
      const sender = this.#senders[kind];
      if (sender && sender.track !== tracks[kind]) sender.replaceTrack(tracks[kind]).catch(() => undefined);
    }
  }

  limit(limits: PictureLimits): void {
    const known = this.#limits;
    if (known?.maxBitrate === limits.maxBitrate && known.scaleResolutionDownBy === limits.scaleResolutionDownBy) return;
    this.#limits = limits;
    void this.#do(() => this.#applyLimits());
  }

  restart(ice?: ICE): void {
    if (ice) this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers: ice.servers });
    if (this.#pc.connectionState === "connected") return;
    this.#searches = 0;
    this.#again();
  }

  async measure(): Promise<Quality | undefined> {
    if (this.#pc.connectionState !== "connected") return undefined;
    const report: Record<string, unknown>[] = [];
    (await this.#pc.getStats()).forEach((stat: Record<string, unknown>) => report.push(stat));
    const counters = countersOf(report);
    const before = this.#counters;
    this.#counters = counters;
    return before && judge(before, counters);
  }

  close(): void {
    this.#cancelCandidates?.();
    this.#cancelSearch?.();
    const pc = this.#pc;
    pc.onnegotiationneeded = pc.onicecandidate = pc.ontrack = pc.onconnectionstatechange = null;
    pc.close();
  }

  #do(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(task).catch(() => {
      // What cannot be negotiated is tried anew by the search; a connection that is closed needs nothing.
    });
    return this.#queue;
  }

  async #offer(): Promise<void> {
    if (this.#pc.signalingState !== "stable") return;
    this.#offering = true;
    try {
      await this.#pc.setLocalDescription();
    } finally {
      this.#offering = false;
    }
    this.#say("offer");
  }

  #say(type: "offer" | "answer"): void {
    const sdp = this.#pc.localDescription?.sdp;
    if (sdp !== undefined && this.#pc.localDescription?.type === type) this.#parts.onSignal({ type, sdp });
  }

  async #take(signal: Signal): Promise<void> {
    const pc = this.#pc;
    if (signal.type === "renegotiate") {
      if (pc.connectionState !== "connected") this.#again();
    } else if (signal.type === "candidate") {
      for (const candidate of [signal.candidate, ...signal.more]) {
        await pc.addIceCandidate({ candidate, sdpMid: signal.mid }).catch(() => {
          // One of an offer that was ignored, or of a kind that this browser does not know: others do.
        });
      }
    } else if (signal.type === "offer") {
      const collides = this.#offering || pc.signalingState !== "stable";
      this.#ignoring = collides && this.#parts.first;
      if (this.#ignoring) return;
      await pc.setRemoteDescription(signal);
      await this.#adopt();
      await pc.setLocalDescription();
      this.#say("answer");
    } else if (signal.type === "answer" && !this.#ignoring && pc.signalingState === "have-local-offer") {
      await pc.setRemoteDescription(signal);
    }
  }

  async #applyLimits(): Promise<void> {
    const sender = this.#senders.video;
    const parameters = sender?.getParameters();
    // Before the first negotiation some browsers have nothing to limit: it is done when the connection stands.
    const [encoding] = parameters?.encodings ?? [];
    if (!sender || !parameters || !encoding || !this.#limits) return;
    Object.assign(encoding, this.#limits);
    await sender.setParameters(parameters);
  }

  /** Takes the lines that the other side's first offer opened. */
  async #adopt(): Promise<void> {
    for (const transceiver of this.#pc.getTransceivers()) {
      const kind = transceiver.receiver.track.kind === "audio" ? "audio" : "video";
      if (this.#senders[kind]) continue;
      transceiver.direction = "sendrecv";
      this.#senders[kind] = transceiver.sender;
      await transceiver.sender.replaceTrack(this.#tracks[kind]);
    }
  }

  #receive(track: MediaStreamTrack): void {
    const kind = track.kind === "audio" ? "audio" : "video";
    this.#streams = { ...this.#streams, [kind]: new MediaStream([track]) };
    this.#parts.onStreams(this.#streams);
  }

  #gather(candidate: RTCIceCandidate): void {
    this.#candidates.push(candidate);
    this.#cancelCandidates ??= this.#parts.later(candidatesMs, () => {
      this.#cancelCandidates = undefined;
      const gathered = this.#candidates;
      this.#candidates = [];
      for (const mid of new Set(gathered.map(({ sdpMid }) => sdpMid ?? "0"))) {
        const ofLine = gathered.filter(({ sdpMid }) => (sdpMid ?? "0") === mid);
        const [candidate, ...more] = ofLine.map((one) => one.candidate);
        if (candidate !== undefined) this.#parts.onSignal({ type: "candidate", candidate, more, mid });
      }
    });
  }

  #stateChanged(): void {
    const state = this.#pc.connectionState;
    if (state === "connected") {
      this.#cancelSearch?.();
      this.#cancelSearch = undefined;
      this.#searches = 0;
      this.#wasConnected = true;
      void this.#do(() => this.#applyLimits());
      this.#parts.onState("connected");
    } else if (state === "disconnected" || state === "failed") {
      this.#parts.onState(this.#wasConnected ? "reconnecting" : "connecting");
      this.#cancelSearch?.();
      this.#cancelSearch = this.#parts.later(state === "failed" ? 0 : patienceMs, () => this.#again());
    }
  }

  /** Looks for a way anew, from the side that can. */
  #again(): void {
    if (this.#searches >= maxSearches) this.#parts.onState("failed");
    this.#searches += 1;
    if (this.#senders.audio) {
      // An offer that nobody answered is said once more, with what was found out meanwhile.
      if (this.#pc.signalingState === "have-local-offer") this.#say("offer");
      else this.#pc.restartIce();
    } else this.#parts.onSignal({ type: "renegotiate" });
    this.#search();
  }

  #search(): void {
    this.#cancelSearch?.();
    this.#cancelSearch = this.#parts.later(searchMs, () => {
      if (this.#pc.connectionState !== "connected") this.#again();
    });
  }
}
