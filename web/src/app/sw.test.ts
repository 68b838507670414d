import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

interface Shown {
  title: string;
  body: string;
  tag: string;
  data: { path: string; until?: number };
  close: () => void;
}

type Options = Omit<Shown, "title" | "close">;

/** The service worker of the build, in a browser that shows notifications and has no page open. */
function openWorker(): {
  shown: Map<string, Shown>;
  look: () => void;
  push: (data: object) => Promise<unknown>;
  navigate: () => void;
} {
  const shown = new Map<string, Shown>();
  const pages: { visibilityState: string }[] = [];
  const listeners = new Map<string, (event: unknown) => void>();
  const self = {
    location: { origin: "https://chat.example" },
    clients: { matchAll: () => Promise.resolve(pages) },
    registration: {
      showNotification: (title: string, options: Options) => {
        const one = { ...options, title, close: () => shown.get(options.tag) === one && shown.delete(options.tag) };
        shown.set(options.tag, one);
        return Promise.resolve();
      },
      getNotifications: ({ tag }: { tag?: string } = {}) =>
        Promise.resolve([...shown.values()].filter((one) => tag === undefined || one.tag === tag)),
    },
    addEventListener: (name: string, listener: (event: unknown) => void) => listeners.set(name, listener),
  };
  const caches = {
    match: () => Promise.resolve(undefined),
    open: () => Promise.resolve({ match: () => Promise.resolve({}) }),
  };
  const source = readFileSync(join(process.cwd(), "worker/sw.js"), "utf8");
  const build = '{"version":"1","files":[]}';
  runInNewContext(source.replace("__BUILD__", build), { self, caches, Date, URL, setTimeout });
  return {
    shown,
    look: () => pages.push({ visibilityState: "visible" }),
    push: (data) => {
      let done: Promise<unknown> = Promise.resolve();
      const waitUntil = (work: Promise<unknown>): void => {
        done = work;
      };
      listeners.get("push")?.({ data: { json: () => data }, waitUntil });
      return done;
    },
    navigate: () => {
      const request = { method: "GET", mode: "navigate", url: "https://chat.example/c/1" };
      listeners.get("fetch")?.({ request, respondWith: () => undefined, waitUntil: () => undefined });
    },
  };
}

const start = Date.parse("2026-01-01T00:00:00.000Z");
const call = (kind: string, more: object = {}): object => ({ v: 1, kind, call_id: "7", conversation_id: "1", ...more });
const ring = call("call", { sender_name: "Ada", until: new Date(start + 45_000).toISOString() });

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(start);
});
afterEach(() => void vi.useRealTimers());

const bodies = ({ shown }: { shown: Map<string, Shown> }): string[] => [...shown.values()].map(({ body }) => body);

it("ends ringing by itself when nobody says that it is over", async () => {
  const worker = openWorker();
  const done = worker.push(ring);
  await vi.advanceTimersByTimeAsync(49_000);
  expect(bodies(worker)).toEqual(["Ada is calling…"]);
  await vi.advanceTimersByTimeAsync(2_000);
  await done;
  expect(bodies(worker)).toEqual(["It rings no more"]);
});

it("leaves what it was told meanwhile as it is", async () => {
  const worker = openWorker();
  const done = worker.push(ring);
  await vi.advanceTimersByTimeAsync(10_000);
  await worker.push(call("call_missed", { sender_name: "Ada" }));
  expect(bodies(worker)).toEqual(["Missed call from Ada"]);
  await vi.advanceTimersByTimeAsync(60_000);
  await done;
  expect(bodies(worker)).toEqual(["Missed call from Ada"]);
});

it("takes ringing away that is over where a page is looked at", async () => {
  const worker = openWorker();
  const done = worker.push(ring);
  worker.look();
  await vi.advanceTimersByTimeAsync(60_000);
  await done;
  expect(bodies(worker)).toEqual([]);
});

it("closes ringing that a stopped worker left, when a page opens and when something else comes", async () => {
  for (const wake of ["page", "push"]) {
    vi.setSystemTime(start);
    const worker = openWorker();
    void worker.push(ring);
    await vi.advanceTimersByTimeAsync(1_000);
    vi.clearAllTimers(); // the browser stops the worker
    vi.setSystemTime(start + 1_000);
    worker.navigate();
    await vi.advanceTimersByTimeAsync(0);
    expect(bodies(worker)).toEqual(["Ada is calling…"]);
    vi.setSystemTime(start + 60_000);
    if (wake === "page") worker.navigate();
    else await worker.push({ v: 1, kind: "message", conversation_id: "2", seq: 3, body: "hi" });
    await vi.advanceTimersByTimeAsync(0);
    expect(bodies(worker)).toEqual(wake === "page" ? [] : ["hi"]);
  }
});
