import { type Browser, expect, type Locator } from "@playwright/test";
import {
  ask,
  composer,
  newPerson,
  openBrowser,
  type Person,
  type PersonOptions,
  password,
  startDirect,
} from "./people.ts";

/** What a page has open for its calls. */
export interface Watched {
  lines: WebSocket[];
  peers: RTCPeerConnection[];
  media: MediaStreamTrack[];
}
export type WatchedWindow = Window & { watched: Watched };

/** Keeps hold of the page's line, its connections and of what it took from the microphone and the camera. */
export function watch(): void {
  const watched: Watched = { lines: [], peers: [], media: [] };
  (window as unknown as WatchedWindow).watched = watched;
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      watched.peers.push(this);
    }
  };
  const Line = window.WebSocket;
  window.WebSocket = class extends Line {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      watched.lines.push(this);
    }
  };
  const { mediaDevices } = navigator;
  for (const name of ["getUserMedia", "getDisplayMedia"] as const) {
    const take = mediaDevices[name].bind(mediaDevices);
    mediaDevices[name] = async (constraints) => {
      const stream = await take(constraints);
      watched.media.push(...stream.getTracks());
      return stream;
    };
  }
}

/** Somebody whose calls are watched; `open` loads the page anew. */
export async function newCaller(browser: Browser, name: string, options: PersonOptions = {}): Promise<Person> {
  const person = await newPerson(browser, name, options);
  await person.context.addInitScript(watch);
  return person;
}

/** Two people with a direct conversation, both in front of it. */
export async function two(
  browser: Browser,
  options: PersonOptions = {},
): Promise<{ ada: Person; grace: Person; id: string }> {
  const ada = await newCaller(browser, "Ada Lovelace", options);
  const grace = await newCaller(browser, "Grace Hopper", options);
  const id = await startDirect(ada, grace);
  await open(grace, id);
  return { ada, grace, id };
}

export async function open(person: Person, id: string): Promise<void> {
  await person.page.goto(`/c/${id}`);
  await expect(composer(person)).toBeVisible();
}

/** A further device of a person. */
export async function another(browser: Browser, person: Person): Promise<Person> {
  const device = await openBrowser(browser, person.name);
  await device.context.addInitScript(watch);
  await ask(device, "POST", "/auth/login", { username: person.username, password });
  await device.page.goto("/");
  await expect(device.page.getByRole("link", { name: "New conversation" }).first()).toBeVisible();
  return device;
}

export const button = ({ page }: Person, name: string | RegExp): Locator =>
  page.getByRole("button", { name, exact: true });
export const ring = ({ page }: Person): Locator => page.getByRole("alertdialog");
export const screen = ({ page }: Person): Locator => page.getByRole("dialog", { name: /^Call with/ });
export const timer = (person: Person): Locator => person.page.getByRole("timer");
export const line = ({ page }: Person, text: string | RegExp): Locator => page.getByRole("log").getByText(text);

/** How much of a kind of media came over all connections of a page. */
export async function received({ page }: Person, kind: "audio" | "video"): Promise<number> {
  return page.evaluate(async (wanted) => {
    let sum = 0;
    for (const peer of (window as unknown as WatchedWindow).watched.peers) {
      (await peer.getStats()).forEach((stat: { type: string; kind?: string; [key: string]: unknown }) => {
        if (stat.type !== "inbound-rtp" || stat.kind !== wanted) return;
        sum += Number(stat[wanted === "audio" ? "bytesReceived" : "framesDecoded"] ?? 0);
      });
    }
    return sum;
  }, kind);
}

/** Sound or pictures really come, and go on coming. */
export async function expectFlow(person: Person, kind: "audio" | "video"): Promise<void> {
  await expect.poll(() => received(person, kind), { timeout: 60_000 }).toBeGreaterThan(0);
  const before = await received(person, kind);
  await expect.poll(() => received(person, kind), { timeout: 60_000 }).toBeGreaterThan(before);
}

/** The microphone and the camera are let go: their lights are out. */
export async function expectLetGo({ page }: Person): Promise<void> {
  const live = (): Promise<number> =>
    page.evaluate(
      () =>
        (window as unknown as WatchedWindow).watched.media.filter((track) => track.readyState === "live").length +
        (window as unknown as WatchedWindow).watched.peers.filter((peer) => peer.signalingState !== "closed").length,
    );
  await expect.poll(live).toBe(0);
}

export async function expectLive(...people: Person[]): Promise<void> {
  for (const person of people) await expect(timer(person)).toBeVisible({ timeout: 60_000 });
}
