import "fake-indexeddb/auto";
import { QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { putConversation } from "./apply-entry.ts";
import { Keeper } from "./keeper.ts";
import { keys } from "./keys.ts";
import { openStore, type Kept, type Store } from "./store.ts";
import { conversationId as id, FakeServer, other } from "./testing/fake-server.ts";
import { append, type Timeline, timelineOfEntries } from "./timeline.ts";

let store: Store;
beforeEach(async () => {
  store = await openStore();
  await store.wipe();
});

describe("the device's store", () => {
  test("asks for each write and commits it in one go, before any answer came", async () => {
    const commit = vi.spyOn(IDBTransaction.prototype, "commit");
    const conversation = new FakeServer().conversation();
    const writes = [
      () => store.putDraft({ conversation_id: id, text: "half a thought" }),
      () => store.keep({ conversations: [conversation], tails: [], gone: [] }),
      () => store.setCursor("7"),
      () =>
        store.putOutbox({
          client_id: "a",
          conversation_id: id,
          order: 1,
          at: "",
          action: { kind: "delete", target: 1 },
        }),
    ];
    for (const [index, write] of writes.entries()) {
      const done = write();
      expect(commit).toHaveBeenCalledTimes(index + 1);
      await done;
    }
    expect(await store.conversations()).toEqual([conversation]);
    expect((await store.drafts())[0]?.text).toBe("half a thought");
    expect(await store.cursor()).toBe("7");
    expect(await store.outbox()).toHaveLength(1);
  });
});

interface Bench {
  client: QueryClient;
  keeper: Keeper;
  kept: Kept[];
  /** Lets the planned tasks run. */
  tick: () => void;
  planned: { ms: number; task: () => void }[];
}

function newBench(server: FakeServer): Bench {
  const client = new QueryClient();
  const kept: Kept[] = [];
  const planned: { ms: number; task: () => void }[] = [];
  const keeper = new Keeper({
    client,
    store: { keep: (change) => Promise.resolve(void kept.push(change)) },
    later: (ms, task) => {
      planned.push({ ms, task });
      return () => undefined;
    },
  });
  putConversation(client, id, server.conversation());
  client.setQueryData<Timeline>(keys.timeline(id), timelineOfEntries(1, 1, server.log));
  return { client, keeper, kept, planned, tick: () => planned.splice(0).forEach(({ task }) => task()) };
}

function grow(bench: Bench, server: FakeServer, text: string): void {
  const entry = server.send(other, text, text);
  const before = bench.client.getQueryData<Timeline>(keys.timeline(id));
  if (before) bench.client.setQueryData(keys.timeline(id), append(before, entry).timeline);
}

const lastKept = (bench: Bench): unknown => bench.kept.at(-1)?.tails[0]?.tail.items.at(-1);

describe("the keeper", () => {
  test("writes the first change at once, rests, and writes what came meanwhile", () => {
    const server = new FakeServer();
    const bench = newBench(server);
    expect(bench.planned.map(({ ms }) => ms)).toEqual([0]);
    bench.tick();
    expect(bench.kept).toHaveLength(1);
    for (let n = 0; n < 100; n += 1) grow(bench, server, `line ${String(n)}`);
    expect(bench.kept).toHaveLength(1);
    bench.tick();
    expect(bench.kept).toHaveLength(2);
    expect(lastKept(bench)).toMatchObject({ text: "line 99" });
    expect(bench.kept[1]?.tails[0]?.tail.items).toHaveLength(60);
    bench.tick();
    bench.tick();
    expect(bench.kept).toHaveLength(2);
    grow(bench, server, "after the rest");
    expect(bench.planned.map(({ ms }) => ms)).toEqual([0]);
  });

  test("a page that goes while it rests has its last words written", () => {
    const server = new FakeServer();
    const bench = newBench(server);
    bench.tick();
    grow(bench, server, "painted a moment ago");
    bench.keeper.flush();
    expect(lastKept(bench)).toMatchObject({ text: "painted a moment ago" });
    bench.keeper.flush();
    expect(bench.kept).toHaveLength(2);
  });

  test("forgets the messages of a conversation that is gone", () => {
    const bench = newBench(new FakeServer());
    bench.tick();
    putConversation(bench.client, id, null);
    bench.tick();
    expect(bench.kept.at(-1)).toEqual({ conversations: [], tails: [], gone: [id] });
  });
});
