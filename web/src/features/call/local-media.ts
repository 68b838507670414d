import { CallTrouble, type Trouble, troubleOf } from "./trouble.ts";

export interface Device {
  id: string;
  name: string;
}
export type DeviceKind = "mic" | "camera" | "speaker";

/** What this device gives to a call. */
export interface LocalView {
  muted: boolean;
  camera: boolean;
  screen: boolean;
  /** One's own picture, as the others get it. */
  picture: MediaStream | undefined;
  devices: Readonly<Record<DeviceKind, readonly Device[]>>;
  chosen: Readonly<Partial<Record<DeviceKind, string>>>;
}
export interface LocalTracks {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
}

/** Microphone, camera and screen, as a call needs them. */
export interface LocalMedia {
  readonly view: LocalView;
  readonly tracks: LocalTracks;
  /** Asks for the microphone and perhaps the camera. Throws CallTrouble without a microphone; without a camera the call goes on without it. */
  open(camera: boolean): Promise<void>;
  setMuted(muted: boolean): void;
  setCamera(on: boolean): Promise<void>;
  setScreen(on: boolean): Promise<void>;
  choose(kind: DeviceKind, id: string): Promise<void>;
  /** Lets go of everything: the light of the camera goes out. */
  close(): void;
}

export interface LocalMediaParts {
  /** Missing on pages that are not secure. */
  devices: MediaDevices | undefined;
  /** What is remembered of the last call's choice. */
  storage: Pick<Storage, "getItem" | "setItem">;
  /** Something of the view or the tracks is different. */
  onChange: () => void;
  /** What stands in the way of what the person wants; undefined when they want something else. */
  onTrouble: (trouble: Trouble | undefined) => void;
}

type Source = "mic" | "camera" | "screen";
const storageKey = "parley.call.devices";
const noDevices = { mic: [], camera: [], speaker: [] };
const kinds: Partial<Record<MediaDeviceKind, DeviceKind>> = {
  audioinput: "mic",
  videoinput: "camera",
  audiooutput: "speaker",
};

function restored(storage: LocalMediaParts["storage"]): LocalView["chosen"] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(storageKey) ?? "{}");
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {};
  }
}

/** The microphone, camera and screen of this browser. */
export class BrowserMedia implements LocalMedia {
  readonly #parts: LocalMediaParts;
  readonly #tracks: Partial<Record<Source, MediaStreamTrack>> = {};
  #view: LocalView;
  /** What was asked for before the last `close` comes too late. */
  #round = 0;

  constructor(parts: LocalMediaParts) {
    this.#parts = parts;
    const chosen = restored(parts.storage);
    this.#view = { muted: false, camera: false, screen: false, picture: undefined, devices: noDevices, chosen };
  }

  get view(): LocalView {
    return this.#view;
  }

  get tracks(): LocalTracks {
    return { audio: this.#tracks.mic ?? null, video: this.#tracks.screen ?? this.#tracks.camera ?? null };
  }

  async open(camera: boolean): Promise<void> {
    const { devices } = this.#parts;
    if (!devices) throw new CallTrouble(window.isSecureContext ? "unsupported" : "insecure");
    devices.addEventListener("devicechange", this.#devicesChanged);
    try {
      await this.#take("mic");
    } catch (error) {
      const trouble = error instanceof CallTrouble ? error : new CallTrouble(troubleOf(error, "mic"));
      // A mere try does not end what is open.
      if (!this.#tracks.mic) this.close();
      throw trouble;
    }
    if (camera) await this.setCamera(true);
    await this.#readDevices();
  }

  setMuted(muted: boolean): void {
    if (this.#tracks.mic) this.#tracks.mic.enabled = !muted;
    this.#change({ muted });
  }

  async setCamera(on: boolean): Promise<void> {
    this.#parts.onTrouble(undefined);
    if (!on) {
      this.#drop("camera");
      return;
    }
    try {
      await this.#take("camera");
      await this.#readDevices();
    } catch (error) {
      this.#parts.onTrouble(troubleOf(error, "camera"));
    }
  }

  async setScreen(on: boolean): Promise<void> {
    this.#parts.onTrouble(undefined);
    if (!on) {
      this.#drop("screen");
      return;
    }
    try {
      await this.#take("screen");
    } catch (error) {
      // Some systems refuse without a question, and look like a person who said no.
      const denied = error instanceof DOMException && error.name === "NotAllowedError";
      this.#parts.onTrouble(denied ? "screenDenied" : "screenFailed");
    }
  }

  async choose(kind: DeviceKind, id: string): Promise<void> {
    const chosen = { ...this.#view.chosen, [kind]: id };
    this.#parts.storage.setItem(storageKey, JSON.stringify(chosen));
    this.#change({ chosen });
    this.#parts.onTrouble(undefined);
    if (kind === "speaker" || !this.#tracks[kind]) return;
    try {
      await this.#take(kind);
    } catch (error) {
      this.#parts.onTrouble(troubleOf(error, kind));
    }
  }

  close(): void {
    this.#round += 1;
    this.#parts.devices?.removeEventListener("devicechange", this.#devicesChanged);
    for (const track of Object.values(this.#tracks)) track.stop();
    for (const source of ["mic", "camera", "screen"] as const) Reflect.deleteProperty(this.#tracks, source);
    this.#change({ muted: false });
  }

  /** Asks the browser for one source, in the place of what is there of it. */
  async #take(source: Source): Promise<void> {
    const { devices } = this.#parts;
    if (!devices) throw new CallTrouble("unsupported");
    const round = this.#round;
    const { chosen } = this.#view;
    // Some phones give a camera only once: the old one is let go first.
    if (source === "camera") this.#tracks.camera?.stop();
    const stream = await (source === "screen"
      ? devices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false })
      : openDevice(devices, source === "mic" ? micOf : cameraOf, chosen[source]));
    const [track] = stream.getTracks();
    if (!track || round !== this.#round) {
      for (const late of stream.getTracks()) late.stop();
      return;
    }
    this.#tracks[source]?.stop();
    if (source === "mic") track.enabled = !this.#view.muted;
    if (source === "screen") track.contentHint = "detail";
    track.addEventListener("ended", () => void this.#ended(source, track));
    this.#tracks[source] = track;
    this.#change({});
  }

  #drop(source: Source): void {
    this.#tracks[source]?.stop();
    Reflect.deleteProperty(this.#tracks, source);
    this.#change({});
  }

  /** The device was unplugged, or the browser's own button stopped it. */
  async #ended(source: Source, track: MediaStreamTrack): Promise<void> {
    if (this.#tracks[source] !== track) return;
    this.#drop(source);
    if (source === "screen") return;
    if (source === "camera") {
      this.#parts.onTrouble("cameraGone");
      return;
    }
    try {
      // Another microphone is better than none.
      await this.#take("mic");
    } catch {
      this.#parts.onTrouble("micGone");
    }
  }

  readonly #devicesChanged = (): void => void this.#readDevices();

  async #readDevices(): Promise<void> {
    const round = this.#round;
    const all = await this.#parts.devices?.enumerateDevices().catch(() => []);
    if (!all || round !== this.#round) return;
    const devices: Record<DeviceKind, Device[]> = { mic: [], camera: [], speaker: [] };
    for (const { kind, deviceId, label } of all) {
      const ours = kinds[kind];
      if (ours && deviceId !== "" && label !== "") devices[ours].push({ id: deviceId, name: label });
    }
    const { speaker } = this.#view.chosen;
    if (speaker !== undefined && speaker !== "" && !devices.speaker.some(({ id }) => id === speaker)) {
      const had = this.#view.devices.speaker.some(({ id }) => id === speaker);
      this.#change({ devices, chosen: { ...this.#view.chosen, speaker: "" } });
      if (had) this.#parts.onTrouble("speakerGone");
    } else this.#change({ devices });
  }

  #change(change: Partial<LocalView>): void {
    const { video } = this.tracks;
    const shown = this.#view.picture?.getTracks()[0];
    const picture = video === (shown ?? null) ? this.#view.picture : video ? new MediaStream([video]) : undefined;
    const camera = this.#tracks.camera !== undefined;
    const screen = this.#tracks.screen !== undefined;
    this.#view = { ...this.#view, ...change, camera, screen, picture };
    this.#parts.onChange();
  }
}

type ConstraintsOf = (device: MediaTrackConstraints | undefined) => MediaStreamConstraints;

/**
 * The device that was chosen, and no other that the browser likes better (of a mere wish it
 * makes one among others, like the size of the picture); where it is gone, another one.
 */
async function openDevice(devices: MediaDevices, of: ConstraintsOf, id: string | undefined): Promise<MediaStream> {
  if (!id) return devices.getUserMedia(of(undefined));
  try {
    return await devices.getUserMedia(of({ deviceId: { exact: id } }));
  } catch (error) {
    const gone = error instanceof DOMException && /^(OverconstrainedError|NotFoundError)$/.test(error.name);
    if (!gone) throw error;
    return devices.getUserMedia(of(undefined));
  }
}

const micOf: ConstraintsOf = (device) => ({
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...device },
});

const cameraOf: ConstraintsOf = (device = { facingMode: "user" }) => ({
  video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { max: 30 }, ...device },
});
