// @vitest-environment node
import { beforeEach, expect, test } from "vitest";
import { BrowserMedia } from "./local-media.ts";
import type { Trouble } from "./trouble.ts";

class FakeTrack extends EventTarget {
  readyState = "live";
  enabled = true;
  contentHint = "";
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
  stop(): void {
    this.readyState = "ended";
  }
  getSettings(): MediaTrackSettings {
    return { deviceId: this.name };
  }
}

/** A browser with some devices; what is asked for is kept. */
class FakeDevices extends EventTarget {
  readonly tracks: FakeTrack[] = [];
  cameras = ["front", "back"];
  refuses: DOMException | undefined;

  #give(name: string): Promise<MediaStream> {
    const track = new FakeTrack(name);
    this.tracks.push(track);
    return Promise.resolve({ getTracks: () => [track] } as unknown as MediaStream);
  }
  getUserMedia({ audio, video }: MediaStreamConstraints): Promise<MediaStream> {
    if (this.refuses) return Promise.reject(this.refuses);
    if (audio) return this.#give("mic");
    const wanted = (video as MediaTrackConstraints).deviceId as { exact?: string } | undefined;
    if (wanted?.exact === undefined) return this.#give(this.cameras[0] ?? "none");
    if (this.cameras.includes(wanted.exact)) return this.#give(wanted.exact);
    return Promise.reject(new DOMException("deviceId", "OverconstrainedError"));
  }
  getDisplayMedia(): Promise<MediaStream> {
    return this.refuses ? Promise.reject(this.refuses) : this.#give("screen");
  }
  enumerateDevices(): Promise<MediaDeviceInfo[]> {
    const cameras = this.cameras.map((id) => ({ kind: "videoinput", deviceId: id, label: id, groupId: "" }));
    return Promise.resolve(cameras as MediaDeviceInfo[]);
  }
  get live(): string[] {
    return this.tracks.filter(({ readyState }) => readyState === "live").map(({ name }) => name);
  }
}

let devices: FakeDevices;
let troubles: (Trouble | undefined)[];
let kept: Map<string, string>;

function openMedia(): BrowserMedia {
  return new BrowserMedia({
    devices: devices as unknown as MediaDevices,
    storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
    onChange: () => undefined,
    onTrouble: (trouble) => troubles.push(trouble),
  });
}

beforeEach(() => {
  devices = new FakeDevices();
  troubles = [];
  kept = new Map();
  Object.assign(globalThis, {
    MediaStream: class {
      readonly tracks: MediaStreamTrack[];
      constructor(tracks: MediaStreamTrack[]) {
        this.tracks = tracks;
      }
      getTracks(): MediaStreamTrack[] {
        return this.tracks;
      }
    },
  });
});

test("the camera that was chosen is used, in the next call too, and another one when it is gone", async () => {
  const media = openMedia();
  await media.open(true);
  expect(devices.live).toEqual(["mic", "front"]);
  await media.choose("camera", "back");
  expect(devices.live).toEqual(["mic", "back"]);
  media.close();
  expect(devices.live).toEqual([]);
  const next = openMedia();
  await next.open(true);
  expect(devices.live).toEqual(["mic", "back"]);
  next.close();
  devices.cameras = ["front"];
  const last = openMedia();
  await last.open(true);
  expect(devices.live).toEqual(["mic", "front"]);
  expect(troubles.filter(Boolean)).toEqual([]);
});

test("a screen goes in the place of the camera, and the camera comes back", async () => {
  const media = openMedia();
  await media.open(true);
  const sent = (): unknown => media.tracks.video?.getSettings().deviceId;
  await media.setScreen(true);
  expect([sent(), media.view.screen, media.view.camera]).toEqual(["screen", true, true]);
  devices.tracks.find(({ name }) => name === "screen")?.dispatchEvent(new Event("ended"));
  expect([sent(), media.view.screen]).toEqual(["front", false]);
});

test.each([
  ["NotAllowedError", "screenDenied"],
  ["NotReadableError", "screenFailed"],
])("a screen that is refused with %s: %s, until something else is wanted", async (name, trouble) => {
  const media = openMedia();
  await media.open(false);
  devices.refuses = new DOMException("", name);
  await media.setScreen(true);
  expect([troubles.at(-1), media.view.screen]).toEqual([trouble, false]);
  devices.refuses = undefined;
  await media.setCamera(true);
  expect(troubles.at(-1)).toBeUndefined();
});
