import type { CallPresent, ICE } from "../../wire/types.ts";
import { type Drop, limitsOf, nextDrop, noDrop } from "./budget.ts";
import type { LocalMedia, LocalTracks } from "./local-media.ts";
import type { Peer, PeerParts, PeerState } from "./peer.ts";
import type { Quality } from "./quality.ts";
import type { Signal } from "./signal.ts";

/** Another device in the call, as it is shown. */
export interface PersonView {
  deviceId: string;
  userId: string;
  state: PeerState;
  quality: Quality | undefined;
  muted: boolean;
  camera: boolean;
  screen: boolean;
  audio: MediaStream | undefined;
  video: MediaStream | undefined;
}

/** What others are told of what this device sends. */
type SaidState = Extract<Signal, { type: "state" }>;

function stateOf({ view: { muted, camera, screen } }: Pick<LocalMedia, "view">): SaidState {
  return { type: "state", muted, camera, screen };
}

export interface MeshParts {
  deviceId: string;
  ice: ICE;
  media: Pick<LocalMedia, "view" | "tracks">;
  openPeer: (parts: PeerParts) => Peer;
  later: (ms: number, task: () => void) => () => void;
  onSignal: (to: string, signal: Signal) => void;
  onChange: () => void;
  /** This device begins or ends to send a picture. */
  onVideo: (on: boolean) => void;
}

const measureMs = 2_000;
const maxEarly = 50;
const maxEarlyDevices = 8;

/** The connections to all other devices of a call: each sends to each. */
export class Mesh {
  readonly #parts: MeshParts;
  readonly #peers = new Map<string, Peer>();
  readonly #drops = new Map<string, Drop>();
  #people: readonly PersonView[] = [];
  #ice: ICE;
  #tracks: LocalTracks;
  #state: SaidState;
  /** What was said by devices that we were not told of yet: the two come by different ways. */
  readonly #early = new Map<string, Signal[]>();
  #cancelMeasure: () => void;
  #closed = false;

  constructor(parts: MeshParts) {
    this.#parts = parts;
    this.#ice = parts.ice;
    this.#tracks = parts.media.tracks;
    this.#state = stateOf(parts.media);
    this.#cancelMeasure = parts.later(measureMs, () => void this.#measure());
  }

  get people(): readonly PersonView[] {
    return this.#people;
  }

  /** Connects to whoever came, lets go of whoever left. */
  sync(others: readonly CallPresent[]): void {
    const here = new Set(others.map((one) => one.device_id));
    for (const [device, peer] of this.#peers) {
      if (here.has(device)) continue;
      peer.close();
      this.#peers.delete(device);
      this.#drops.delete(device);
    }
    this.#people = this.#people.filter(({ deviceId }) => here.has(deviceId));
    for (const one of others) if (!this.#peers.has(one.device_id)) this.#open(one);
    this.#limit();
    this.#parts.onChange();
  }

  take(from: string, signal: Signal): void {
    const known = this.#people.some(({ deviceId }) => deviceId === from);
    if (!known) {
      const early = this.#early.get(from) ?? [];
      if (this.#early.has(from) || this.#early.size < maxEarlyDevices) this.#early.set(from, early);
      if (early.length < maxEarly) early.push(signal);
    } else if (signal.type === "state") {
      const { muted, camera, screen } = signal;
      this.#update(from, { muted, camera, screen });
    } else this.#peers.get(from)?.take(signal);
  }

  /** Something about one's own sound or picture is different. */
  send(): void {
    const before = this.#state;
    const state = stateOf(this.#parts.media);
    this.#tracks = this.#parts.media.tracks;
    this.#state = state;
    for (const peer of this.#peers.values()) peer.send(this.#tracks);
    this.#limit();
    if (state.muted === before.muted && state.camera === before.camera && state.screen === before.screen) return;
    for (const device of this.#peers.keys()) this.#parts.onSignal(device, state);
    const video = state.camera || state.screen;
    if (video !== (before.camera || before.screen)) this.#parts.onVideo(video);
  }

  /** After the line was down: what was said meanwhile may be lost. */
  refresh(ice: ICE | undefined): void {
    if (ice) this.#ice = ice;
    for (const [device, peer] of this.#peers) {
      peer.restart(ice);
      this.#parts.onSignal(device, this.#state);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelMeasure();
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    this.#people = [];
  }

  #open({ device_id: device, user_id: userId, video }: CallPresent): void {
    const view: PersonView = {
      deviceId: device,
      userId,
      state: "connecting",
      quality: undefined,
      muted: false,
      camera: video,
      screen: false,
      audio: undefined,
      video: undefined,
    };
    this.#people = [...this.#people, view];
    const { openPeer, later, onSignal, deviceId } = this.#parts;
    const peer = openPeer({
      ice: this.#ice,
      first: deviceId < device,
      tracks: this.#tracks,
      later,
      onSignal: (signal) => {
        onSignal(device, signal);
      },
      onState: (state) => {
        this.#update(device, { state, ...(state === "connected" ? {} : { quality: undefined }) });
      },
      onStreams: (streams) => {
        this.#update(device, streams);
      },
    });
    this.#peers.set(device, peer);
    onSignal(device, this.#state);
    const early = this.#early.get(device) ?? [];
    this.#early.delete(device);
    for (const signal of early) this.take(device, signal);
  }

  /** Shares what a line carries among the others; who is hard to reach gets less. */
  #limit(): void {
    const { video } = this.#tracks;
    const sent = { others: this.#peers.size, screen: this.#state.screen, height: video?.getSettings().height };
    for (const [device, peer] of this.#peers) {
      peer.limit(limitsOf({ ...sent, drop: (this.#drops.get(device) ?? noDrop).drop }));
    }
  }

  #update(device: string, change: Partial<PersonView>): void {
    this.#people = this.#people.map((one) => (one.deviceId === device ? { ...one, ...change } : one));
    this.#parts.onChange();
  }

  async #measure(): Promise<void> {
    for (const [device, peer] of this.#peers) {
      const quality = await peer.measure().catch(() => undefined);
      const known = this.#people.find(({ deviceId }) => deviceId === device);
      if (!quality || !known) continue;
      this.#drops.set(device, nextDrop(this.#drops.get(device) ?? noDrop, quality));
      if (known.quality !== quality) this.#update(device, { quality });
    }
    if (!this.#closed) this.#limit();
    // Between two readings it may have been closed.
    if (!this.#closed) this.#cancelMeasure = this.#parts.later(measureMs, () => void this.#measure());
  }
}
