import { describe, expect, test } from "vitest";
import { ApiError } from "../wire/errors.ts";
import type { Line } from "../wire/socket.ts";
import type { Attachment, Entry } from "../wire/types.ts";
import { Outbox, type OutboxParts } from "./outbox.ts";
import type { OutboxItem } from "./outbox-item.ts";
import { forgetfulStore, type Store } from "./store.ts";
import { type Locks, pageLocks, type TabMessage, type Tabs } from "./tabs.ts";
import { conversationId as id, FakeServer } from "./testing/fake-server.ts";

/** Tabs that hear each other, as a BroadcastChannel has it. */
class Room {
  readonly #listeners: { owner: number; listener: (message: TabMessage) => void }[] = [];
  #tabs = 0;

  join(): Tabs {
    const owner = (this.#tabs += 1);
    return {
      tell: (message) => {
        for (const other of this.#listeners) if (other.owner !== owner) queueMicrotask(() => other.listener(message));
      },
      hear: (listener) => {
        this.#listeners.push({ owner, listener });
        return () => undefined;
      },
      close: () => undefined,
    };
  }
}

interface World {
  server: FakeServer;
  store: Store;
  locks: Locks;
  room: Room;
  calls: string[];
  /** What the next calls meet instead of the server. */
  faults: ApiError[];
  up: boolean;
}

const newWorld = (): World => ({
  server: new FakeServer(),
  store: forgetfulStore(),
  locks: pageLocks(),
  room: new Room(),
  calls: [],
  faults: [],
  up: true,
});

interface Tab {
  outbox: Outbox;
  entries: Entry[];
  refused: string[];
}

function newTab(world: World, name: string, parts: Partial<OutboxParts> = {}): Tab {
  const entries: Entry[] = [];
  const refused: string[] = [];
  let ids = 0;
  const line: Pick<Line, "call" | "isUp"> = {
    isUp: () => world.up,
    call: (event, request) => {
      world.calls.push(event);
      const fault = world.faults.shift();
      if (fault) return Promise.reject(fault);
      try {
        return Promise.resolve(world.server.call(event, request));
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error("unknown"));
      }
    },
  };
  const outbox = new Outbox({
    line,
    store: world.store,
    locks: world.locks,
    tabs: world.room.join(),
    upload: () => Promise.reject(new ApiError("offline")),
    now: () => 1_800_000_000_000,
    newId: () => `${name}-${String((ids += 1))}`,
    wait: () => Promise.resolve(),
    onChange: () => undefined,
    onEntry: (entry) => entries.push(entry),
    onRefused: (item, error) => refused.push(`${item.action.kind} ${error.code}`),
    onProgress: () => undefined,
    ...parts,
  });
  return { outbox, entries, refused };
}

const write = (tab: Tab, text: string): OutboxItem => tab.outbox.add(id, { kind: "message", text, files: [] });

/** Lets everything that is under way come to its end. */
async function rest(): Promise<void> {
  for (let i = 0; i < 300; i += 1) await Promise.resolve();
}

const texts = (world: World): string[] => world.server.messages().map((message) => message.text);

describe("the outbox", () => {
  test("sends in order, one at a time, and hands over what the server made", async () => {
    const world = newWorld();
    const tab = newTab(world, "a");
    write(tab, "one");
    write(tab, "two");
    write(tab, "three");
    await rest();
    expect(texts(world)).toEqual(["one", "two", "three"]);
    expect(tab.entries.map((entry) => entry.seq)).toEqual([2, 3, 4]);
    tab.outbox.settle(id, 4);
    expect(tab.outbox.items).toEqual([]);
    expect(await world.store.outbox()).toEqual([]);
  });

  test("what was sent before its conversation was here is still there for the next page, sent once", async () => {
    const world = newWorld();
    const first = newTab(world, "a");
    write(first, "one");
    await rest();
    expect(texts(world)).toEqual(["one"]);
    first.outbox.close(); // The conversation never came.

    const next = newTab(world, "b");
    await next.outbox.load();
    await rest();
    expect(next.outbox.items).toMatchObject([{ client_id: "a-1", acked: 2 }]);
    expect(texts(world)).toEqual(["one"]);
    next.outbox.settle(id, 2);
    await rest();
    expect(next.outbox.items).toEqual([]);
    expect(await world.store.outbox()).toEqual([]);
  });

  test("what is shown is taken off the device once, before the next one goes", async () => {
    const world = newWorld();
    const removed: string[] = [];
    const { store } = world;
    world.store = {
      ...store,
      removeOutbox: (clientId) => {
        removed.push(clientId);
        return store.removeOutbox(clientId);
      },
    };
    const tab = newTab(world, "a", {
      onEntry: (entry) => {
        tab.outbox.settle(id, entry.seq);
      },
    });
    write(tab, "one");
    write(tab, "two");
    await rest();
    expect(texts(world)).toEqual(["one", "two"]);
    expect(removed).toEqual(["a-1", "a-2"]);
    expect(await world.store.outbox()).toEqual([]);
  });

  test("a device that lets go of nothing has each message sent once, and does not keep its tabs busy", async () => {
    const world = newWorld();
    let tries = 0;
    world.store.removeOutbox = () => {
      tries += 1;
      if (tries > 100) throw new Error("tried for ever");
      return Promise.reject(new Error("full"));
    };
    const sender = newTab(world, "a", {
      onEntry: (entry) => {
        sender.outbox.settle(id, entry.seq);
      },
    });
    const other = newTab(world, "b");
    other.outbox.settle(id, 3);
    write(sender, "one");
    write(sender, "two");
    await rest();
    await other.outbox.load();
    await rest();
    expect(texts(world)).toEqual(["one", "two"]);
    expect(world.calls.filter((call) => call === "message.send").length).toBeLessThanOrEqual(4);
    expect(tries).toBeLessThanOrEqual(4);
    expect(sender.outbox.items).toEqual([]);
  });

  test("what a page sends that does not show its conversation is taken off by the one that does", async () => {
    const world = newWorld();
    const [sender, shower] = [newTab(world, "a"), newTab(world, "b")];
    shower.outbox.settle(id, 2);
    write(sender, "one");
    await rest();
    expect(texts(world)).toEqual(["one"]);
    expect(shower.outbox.items).toEqual([]);
    expect(await world.store.outbox()).toEqual([]);
  });

  test("two tabs send each message once, whoever wrote it", async () => {
    const world = newWorld();
    const [first, second] = [newTab(world, "a"), newTab(world, "b")];
    for (let i = 0; i < 5; i += 1) {
      write(first, `first ${String(i)}`);
      write(second, `second ${String(i)}`);
    }
    await rest();
    await rest();
    expect(texts(world).length).toBe(10);
    expect(new Set(texts(world)).size).toBe(10);
    expect(world.calls.length).toBe(10);
    expect(texts(world).filter((text) => text.startsWith("first"))).toEqual(
      [0, 1, 2, 3, 4].map((i) => `first ${String(i)}`),
    );
  });

  test("an answer that is lost is asked for again, with the same client_id: one message", async () => {
    const world = newWorld();
    const tab = newTab(world, "a");
    world.server.send("00000000-0000-7000-8000-000000000001", "a-1", "once");
    world.faults = [new ApiError("timeout"), new ApiError("unavailable", { retryAfterMs: 5 })];
    write(tab, "once");
    await rest();
    expect(texts(world)).toEqual(["once"]);
    expect(world.calls.length).toBe(3);
  });

  test("what is refused for good waits for the person, and does not hold up what follows", async () => {
    const world = newWorld();
    const tab = newTab(world, "a");
    world.faults = [new ApiError("forbidden")];
    const item = write(tab, "no");
    write(tab, "yes");
    await rest();
    expect(texts(world)).toEqual(["yes"]);
    expect(tab.outbox.items.find((one) => one.client_id === item.client_id)?.failed?.code).toBe("forbidden");
    tab.outbox.retry(item.client_id);
    await rest();
    expect(texts(world)).toEqual(["yes", "no"]);
  });

  test("a refused change is dropped and told", async () => {
    const world = newWorld();
    const tab = newTab(world, "a");
    world.faults = [new ApiError("conflict")];
    tab.outbox.add(id, { kind: "reaction", target: 1, emoji: "👍", on: true });
    await rest();
    expect(tab.refused).toEqual(["reaction conflict"]);
    expect(tab.outbox.items).toEqual([]);
  });

  test("without a line everything waits; the next page sends it", async () => {
    const world = newWorld();
    world.up = false;
    const tab = newTab(world, "a");
    write(tab, "kept");
    await rest();
    tab.outbox.close();
    expect(world.calls).toEqual([]);
    world.up = true;
    const next = newTab(world, "b");
    await next.outbox.load();
    await rest();
    expect(texts(world)).toEqual(["kept"]);
  });

  test("a file is uploaded before its message goes; taking the message back stops the upload", async () => {
    const world = newWorld();
    const attachment: Attachment = { id: "file", name: "a.txt", size: 1, mime: "text/plain" };
    let finish: (value: Attachment) => void = () => undefined;
    const tab = newTab(world, "a", {
      upload: (_file, _name, { signal }) =>
        new Promise((resolve, reject) => {
          finish = resolve;
          signal.addEventListener("abort", () => {
            reject(new DOMException("cancelled", "AbortError"));
          });
        }),
    });
    const file = { key: "k", name: "a.txt", size: 1, mime: "text/plain", blob: new Blob(["x"]) };
    const given = tab.outbox.add(id, { kind: "message", text: "given up", files: [file] });
    await rest();
    expect(tab.outbox.cancel(given.client_id)).toBe(true);
    await rest();
    expect(world.calls).toEqual([]);
    tab.outbox.add(id, { kind: "message", text: "with a file", files: [file] });
    await rest();
    expect(world.calls).toEqual([]);
    finish(attachment);
    await rest();
    expect(texts(world)).toEqual(["with a file"]);
  });
});
