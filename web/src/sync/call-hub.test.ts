// @vitest-environment node
import { expect, test } from "vitest";
import { ApiError } from "../wire/errors.ts";
import type { Line } from "../wire/socket.ts";
import type { Call } from "../wire/types.ts";
import { CallHub, type CallNews } from "./call-hub.ts";

const call: Call = {
  id: "k1",
  conversation_id: "c1",
  caller_id: "ada",
  video: false,
  state: "ringing",
  version: 1,
  started_at: "2026-01-01T00:00:00.000Z",
  ringing: ["grace"],
  participants: [],
};

class FakeLine {
  readonly listeners = new Map<string, (payload: never) => void>();
  list: () => Call[] = () => [];
  on(event: string, listener: (payload: never) => void): void {
    this.listeners.set(event, listener);
  }
  emit(event: string, payload: unknown): void {
    this.listeners.get(event)?.(payload as never);
  }
  async call(): Promise<{ calls: Call[] }> {
    await Promise.resolve();
    return { calls: this.list() };
  }
}

function open(me: string) {
  const line = new FakeLine();
  const timers: (() => void)[] = [];
  const later = (_ms: number, task: () => void): (() => void) => {
    timers.push(task);
    return () => undefined;
  };
  const hub = new CallHub({ line: line as unknown as Line, me, later });
  const heard: CallNews[] = [];
  return { line, hub, timers, heard, attach: () => hub.attach((news) => heard.push(news)) };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test("a call that rings for this person needs what carries out calls, which gets all that came meanwhile", () => {
  const { line, hub, heard, attach } = open("grace");
  expect(hub.getSnapshot().needed).toBe(false);
  line.emit("call.ringing", { call });
  line.emit("call.answered", { call: { ...call, version: 2 } });
  expect(hub.getSnapshot().needed).toBe(true);
  attach();
  expect(heard.map(({ type }) => type)).toEqual(["ringing", "changed"]);
  line.emit("call.ended", { call: { ...call, state: "ended" } });
  expect(heard.map(({ type }) => type)).toEqual(["ringing", "changed", "ended"]);
});

test("calls of others need nothing, but are known as long as they go on", () => {
  const { line, hub } = open("linus");
  line.emit("call.ringing", { call });
  expect(hub.getSnapshot()).toMatchObject({ needed: false });
  expect(hub.getSnapshot().byConversation.get("c1")?.id).toBe("k1");
  line.emit("call.ended", { call: { ...call, id: "an older one", state: "ended" } });
  expect(hub.getSnapshot().byConversation.size).toBe(1);
  line.emit("call.ended", { call: { ...call, state: "ended" } });
  expect(hub.getSnapshot().byConversation.size).toBe(0);
});

test("after each connect what the server lists is all there is", async () => {
  const { line, hub, heard, attach } = open("grace");
  attach();
  line.emit("call.ringing", { call: { ...call, conversation_id: "c2", id: "k2" } });
  line.list = () => [call];
  line.emit("ready", {});
  await settled();
  expect([...hub.getSnapshot().byConversation.keys()]).toEqual(["c1"]);
  expect(heard.at(-1)).toEqual({ type: "list", calls: [call] });
});

test("a server that cannot list calls now is asked again", async () => {
  const { line, hub, timers } = open("grace");
  line.list = () => {
    throw new ApiError("unavailable");
  };
  line.emit("ready", {});
  await settled();
  expect(timers).toHaveLength(1);
  line.list = () => [call];
  timers[0]?.();
  await settled();
  expect(hub.getSnapshot().needed).toBe(true);
});

test("who signs out leaves the call", () => {
  const { hub, heard, attach } = open("grace");
  attach();
  hub.wish({ conversationId: "c1", video: false });
  hub.close();
  expect(heard.map(({ type }) => type)).toEqual(["wish", "leave"]);
});
