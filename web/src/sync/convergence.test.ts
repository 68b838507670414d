import { QueryClient, QueryObserver } from "@tanstack/react-query";
import fc, { type Scheduler } from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiError } from "../wire/errors.ts";
import type { Conversation, Message } from "../wire/types.ts";
import { knownConversation, putConversation } from "./apply-entry.ts";
import { Engine } from "./engine.ts";
import { keys } from "./keys.ts";
import { listOptions, timelineOptions } from "./options.ts";
import { forgetfulStore, type Store } from "./store.ts";
import { pageLocks, type Tabs } from "./tabs.ts";
import { FakeNetwork } from "./testing/fake-network.ts";
import { conversationId as id, FakeServer, me, other } from "./testing/fake-server.ts";
import { rangeAt, tailOf, type Timeline } from "./timeline.ts";

const silentTabs: Tabs = { tell: () => undefined, hear: () => () => undefined, close: () => undefined };

class Client {
  readonly queries = new QueryClient({ defaultOptions: { queries: { retry: false, gcTime: Infinity } } });
  readonly engine: Engine;
  readonly #observers: (() => void)[] = [];

  constructor(network: FakeNetwork, store: Store, name: string) {
    let ids = 0;
    this.engine = new Engine({
      client: this.queries,
      api: network.api(),
      openLine: (cursor) => network.line(cursor),
      upload: () => Promise.reject(new ApiError("offline")),
      store,
      tabs: silentTabs,
      locks: pageLocks(),
      page: { isVisible: () => false, listen: () => () => undefined },
      me,
      now: () => (network.clock += 1),
      newId: () => `${name}-${String((ids += 1))}`,
      later: (_ms, task) => {
        let cancelled = false;
        void network.scheduler.schedule(Promise.resolve(), "timer").then(() => {
          if (!cancelled) task();
        });
        return () => {
          cancelled = true;
        };
      },
      onSignedOut: () => undefined,
      onRefused: () => undefined,
      onMessage: () => undefined,
    });
  }

  /** What an open conversation on screen does: it watches the list and the timeline. */
  open(): void {
    const list = new QueryObserver(this.queries, listOptions(this.engine));
    const timeline = new QueryObserver(this.queries, { ...timelineOptions(this.engine, id), retry: false });
    this.#observers.push(
      list.subscribe(() => undefined),
      timeline.subscribe(() => undefined),
    );
  }

  timeline(): Timeline | undefined {
    return this.queries.getQueryData<Timeline>(keys.timeline(id));
  }

  /** What "try again" does after a load that failed. */
  async retryLoads(): Promise<void> {
    await this.queries.refetchQueries({ predicate: (query) => query.state.status === "error" });
  }

  close(): void {
    for (const stop of this.#observers) stop();
    this.engine.close();
    this.queries.clear();
  }
}

type Step =
  | {
      do:
        | "theySend"
        | "iSend"
        | "goDown"
        | "comeUp"
        | "losePush"
        | "resync"
        | "theyRead"
        | "readThere"
        | "older"
        | "read"
        | "reload"
        | "role";
    }
  | { do: "theyEdit" | "theyDelete" | "theyReact" | "iReact" | "iEdit" | "iDelete" | "around"; pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Step>({ do: "theySend" }, { do: "iSend" }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Step>({ do: "goDown" }, { do: "comeUp" }, { do: "losePush" }, { do: "resync" }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ do: "theyRead" }, { do: "readThere" }) },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: "older" }, { do: "read" }, { do: "reload" }, { do: "role" }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom<Extract<Step, { pick: number }>["do"]>(
        "theyEdit",
        "theyDelete",
        "theyReact",
        "iReact",
        "iEdit",
        "iDelete",
        "around",
      ),
      pick: fc.nat(1_000),
    }),
  },
);

const sorted = (message: Message): Message => ({
  ...message,
  reactions: Object.fromEntries(
    Object.entries(message.reactions)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([emoji, users]) => [emoji, [...users].sort()]),
  ),
});

/** A lost last push leaves no gap to see; the server's own comparison of heads tells a gateway, which says `resync`. */
async function settle(network: FakeNetwork, client: Client): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    network.up();
    network.resync();
    await network.scheduler.waitIdle();
    await Promise.all([client.retryLoads(), network.scheduler.waitIdle()]);
    await network.scheduler.waitIdle();
  }
}

class World {
  readonly server = new FakeServer();
  readonly network: FakeNetwork;
  readonly #store = forgetfulStore();
  client: Client;
  sent: string[] = [];
  #names = 0;

  constructor(scheduler: Scheduler, history: number) {
    for (let i = 0; i < history; i += 1)
      this.server.send(i % 3 === 0 ? me : other, `h${String(i)}`, `history ${String(i)}`);
    this.network = new FakeNetwork(this.server, scheduler);
    this.client = this.#start();
    this.network.up();
  }

  #start(): Client {
    const client = new Client(this.network, this.#store, `page${String((this.#names += 1))}`);
    void client.engine.start();
    client.open();
    return client;
  }

  /** One of the messages of a person that still stand. */
  #pick(sender: string | null, pick: number): number | undefined {
    const candidates = this.server
      .messages()
      .filter((message) => !message.deleted_at && (sender === null || message.sender_id === sender));
    return candidates[pick % Math.max(1, candidates.length)]?.seq;
  }

  run(action: Step): void {
    const { server, network } = this;
    const { engine } = this.client;
    switch (action.do) {
      case "theySend":
        server.send(other, `o${String(server.head)}`, `theirs ${String(server.head)}`);
        break;
      case "iSend": {
        const text = `mine ${String(this.sent.length)}`;
        this.sent.push(text);
        engine.outbox.add(id, { kind: "message", text, files: [] });
        break;
      }
      case "goDown":
        network.down();
        break;
      case "comeUp":
        network.up();
        break;
      case "losePush":
        network.losePush = true;
        break;
      case "resync":
        network.resync();
        break;
      case "theyRead":
        network.tell(server.advance(other, server.head, server.head));
        break;
      case "readThere":
        // On another device of the same person.
        network.tell(server.advance(me, server.head, server.head));
        break;
      case "role":
        server.setRole(other, server.head % 2 === 0 ? "admin" : "member");
        break;
      case "older": {
        const timeline = this.client.timeline();
        if (timeline) void engine.timelines.loadBefore(id, tailOf(timeline).lo).catch(() => undefined);
        break;
      }
      case "read":
        engine.read(id, knownConversation(this.client.queries, id)?.last_seq ?? 0);
        break;
      case "reload":
        this.client.close();
        network.down();
        this.client = this.#start();
        network.up();
        break;
      default:
        this.#runPicked(action);
    }
  }

  #runPicked(action: Extract<Step, { pick: number }>): void {
    const { engine } = this.client;
    const target = this.#pick(
      action.do.startsWith("i") && action.do !== "iReact"
        ? me
        : action.do.startsWith("they") && action.do !== "theyReact"
          ? other
          : null,
      action.pick,
    );
    if (target === undefined) return;
    const emoji = action.pick % 2 === 0 ? "👍" : "🎉";
    switch (action.do) {
      case "theyEdit":
        this.server.edit(other, target, `edited ${String(action.pick)}`);
        break;
      case "theyDelete":
        this.server.remove(other, target);
        break;
      case "theyReact":
        this.server.react(other, target, emoji, action.pick % 3 !== 0);
        break;
      case "iReact":
        engine.outbox.add(id, { kind: "reaction", target, emoji, on: action.pick % 3 !== 0 });
        break;
      case "iEdit":
        engine.outbox.add(id, { kind: "edit", target, text: `my edit ${String(action.pick)}` });
        break;
      case "iDelete":
        engine.outbox.add(id, { kind: "delete", target });
        break;
      case "around":
        void engine.timelines.loadAround(id, target).catch(() => undefined);
        break;
    }
  }
}

describe("convergence", () => {
  test("what others read while the line was down is known after the reconnect", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { network, client, server } = new World(scheduler, 3);
        client.engine.outbox.add(id, { kind: "message", text: "did you see this?", files: [] });
        await settle(network, client);
        network.down();
        server.advance(other, server.head, server.head);
        network.up();
        await scheduler.waitIdle();
        const receipt = knownConversation(client.queries, id)?.receipts[0];
        expect(receipt?.read_seq).toBe(server.head);
        client.close();
      }),
      { numRuns: 3 },
    );
  });

  test("what was read on another device while the line was down is read here after the reconnect", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { network, client, server } = new World(scheduler, 0);
        for (let i = 0; i < 3; i += 1) server.send(other, `o${String(i)}`, "news");
        await settle(network, client);
        expect(knownConversation(client.queries, id)?.unread).toBe(3);
        network.down();
        server.advance(me, server.head, server.head);
        network.up();
        await scheduler.waitIdle();
        expect(knownConversation(client.queries, id)).toMatchObject({ read_seq: server.head, unread: 0 });
        client.close();
      }),
      { numRuns: 10 },
    );
  });

  // The next page knows only what the device kept; a list, a head or one conversation tells it where the server stands.
  test.each([
    { shows: true, missed: 0 },
    { shows: false, missed: 0 },
    { shows: true, missed: 1_100 },
    { shows: false, missed: 1_100 },
  ])("what was read when the page went is said by the next page: %o", async ({ shows, missed }) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { network, client, server } = new World(scheduler, 0);
        for (let i = 0; i < 3; i += 1) server.send(other, `o${String(i)}`, "news");
        await settle(network, client);
        network.down();
        const read = server.head;
        client.engine.read(id, read);
        const kept = knownConversation(client.queries, id);
        client.close();
        expect(kept?.unread).toBe(0);
        expect(server.conversation().unread).toBe(3);

        for (let i = 0; i < missed; i += 1) server.setRole(other, i % 2 === 0 ? "admin" : "member");
        // The device kept where the page stood, too.
        const device = { ...forgetfulStore(), cursor: () => Promise.resolve("1") };
        const next = new Client(network, device, "next");
        putConversation(next.queries, id, kept ?? failed());
        void next.queries.invalidateQueries({ queryKey: keys.conversations, refetchType: "none" });
        void next.engine.start();
        if (shows) next.open();
        await settle(network, next);
        expect(knownConversation(next.queries, id)).toMatchObject({ last_seq: server.head, read_seq: read, unread: 0 });
        expect(server.conversation()).toMatchObject({ read_seq: read, unread: 0 });
        next.close();
      }),
      { numRuns: 5 },
    );
  });

  // A line that takes up where an older page's was tells of what was written since, and not of what was read.
  test("where the server stands is taken as told along with what another device read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { network, client, server } = new World(scheduler, 0);
        for (let i = 0; i < 3; i += 1) server.send(other, `o${String(i)}`, "news");
        await settle(network, client);
        network.down();
        const kept = knownConversation(client.queries, id);
        client.close();
        expect(kept?.unread).toBe(3);
        server.advance(me, server.head, server.head);

        const device = { ...forgetfulStore(), cursor: () => Promise.resolve(String(server.head)) };
        const next = new Client(network, device, "next");
        putConversation(next.queries, id, kept ?? failed());
        void next.queries.invalidateQueries({ queryKey: keys.conversations, refetchType: "none" });
        const { engine, queries } = next;
        const readWhenTold: number[] = [];
        engine.told.listen(() => readWhenTold.push(knownConversation(queries, id)?.read_seq ?? 0));
        void engine.start();
        next.open();
        await settle(network, next);
        expect(engine.told.first(id)).toBe(server.head);
        expect(engine.told.firstRead(id)).toBe(server.head);
        expect(readWhenTold).toEqual([server.head]);
        next.close();
      }),
      { numRuns: 20 },
    );
  });

  test("what a page says itself before it is told is not taken for what another device read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat(20), async (scheduler, turns) => {
        const { network, client, server } = new World(scheduler, 0);
        for (let i = 0; i < 3; i += 1) server.send(other, `o${String(i)}`, "news");
        await settle(network, client);
        client.engine.read(id, 2);
        await settle(network, client);
        const kept = knownConversation(client.queries, id);
        network.down();
        client.close();
        expect(kept).toMatchObject({ read_seq: 2, unread: 2 });

        const device = { ...forgetfulStore(), cursor: () => Promise.resolve(String(server.head)) };
        const next = new Client(network, device, "next");
        putConversation(next.queries, id, kept ?? failed());
        void next.queries.invalidateQueries({ queryKey: keys.conversations, refetchType: "none" });
        void next.engine.start();
        next.open();
        network.up();
        for (let i = 0; i < turns && scheduler.count() > 0; i += 1) await scheduler.waitNext(1);
        next.engine.read(id, 3);
        await settle(network, next);
        expect(next.engine.told.first(id)).toBe(server.head);
        expect(next.engine.told.firstRead(id)).toBeLessThanOrEqual(2);
        expect(server.conversation().read_seq).toBe(3);
        next.close();
      }),
      { numRuns: 60 },
    );
  });

  test("what one sends is shown at every moment from then on, also while the conversation is still loaded", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { network, client } = new World(scheduler, 3);
        client.engine.outbox.add(id, { kind: "message", text: "here", files: [] });
        const isShown = (): boolean =>
          client.engine.outbox.items.length > 0 ||
          tailOf(client.timeline() ?? nothingLoaded).items.some(
            (item) => item.kind === "message" && item.text === "here",
          );
        const seen: boolean[] = [];
        while (scheduler.count() > 0) {
          await scheduler.waitNext(1);
          seen.push(isShown());
        }
        expect(seen).not.toContain(false);
        await settle(network, client);
        expect(client.engine.outbox.items).toEqual([]);
        expect(isShown()).toBe(true);
        client.close();
      }),
      { numRuns: 60 },
    );
  });

  test("any interleaving of pushes, pages, own doings, losses and reconnects ends with the server's list", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.constantFrom(0, 5, 130, 210),
        fc.array(fc.tuple(step, fc.nat(6)), { maxLength: 40 }),
        async (scheduler, history, steps) => {
          const world = new World(scheduler, history);
          for (const [action, turns] of steps) {
            world.run(action);
            for (let i = 0; i < turns && scheduler.count() > 0; i += 1) await scheduler.waitNext(1);
          }
          await settle(world.network, world.client);
          const { client, server } = world;

          // Each own message is there once, in the order it was written.
          const mine = server.log.filter((entry) => entry.kind === "message" && entry.client_id?.startsWith("page"));
          expect(mine.length).toBe(world.sent.length);
          const order = mine.map((entry) => (entry.kind === "message" ? entry.client_id : ""));
          expect(new Set(order).size).toBe(order.length);
          const texts = mine.flatMap((entry) => (entry.kind === "message" && !entry.redacted ? entry.text : []));
          expect(texts).toEqual(world.sent.filter((text) => texts.includes(text)));
          expect(client.engine.outbox.items).toEqual([]);

          // What is shown is what the server has, wherever one looks.
          const timeline = client.timeline();
          expect(timeline?.head).toBe(server.head);
          for (const range of timeline?.ranges ?? []) {
            const shown = range.items.map((item) => (item.kind === "message" ? sorted(item) : item.entry));
            const want = server.log.slice(range.lo - 1, range.hi).flatMap((entry) => {
              if (entry.kind === "message") return sorted(server.message(entry.seq));
              return entry.kind === "created" || entry.kind === "role" ? entry : [];
            });
            expect(shown).toEqual(want);
          }
          expect(rangeAt(timeline ?? failed(), server.head)?.hi).toBe(server.head);

          // So is the conversation's line in the list.
          const told = server.conversation();
          const known = knownConversation(client.queries, id);
          expect(known && { ...known, last_message: known.last_message && sorted(known.last_message) }).toMatchObject({
            last_seq: told.last_seq,
            messages: told.messages,
            unread: told.unread,
            read_seq: told.read_seq,
            last_message: told.last_message && sorted(told.last_message),
          });
          // Who has yet to read the last message is known at the end, whatever receipts were lost.
          const last = told.last_message;
          if (last?.sender_id === me && !last.deleted_at) {
            const seen = (conversation?: Conversation): boolean =>
              (conversation?.receipts[0]?.read_seq ?? 0) >= last.seq;
            expect(seen(known)).toBe(seen(told));
          }
          client.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});

const nothingLoaded: Timeline = { first: 1, head: 0, ranges: [], recent: [], recentFrom: 0 };

function failed(): never {
  throw new Error("the timeline was never loaded");
}
