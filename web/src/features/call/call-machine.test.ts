// @vitest-environment node
import { beforeEach, describe, expect, test } from "vitest";
import type { CallLine, CallNews } from "../../sync/call-hub.ts";
import { ApiError } from "../../wire/errors.ts";
import type { CallName, Calls } from "../../wire/socket.ts";
import type { Call } from "../../wire/types.ts";
import type { PictureLimits } from "./budget.ts";
import { CallMachine } from "./call-machine.ts";
import type { LocalMedia, LocalMediaParts, LocalView } from "./local-media.ts";
import type { Peer, PeerParts } from "./peer.ts";
import type { Quality } from "./quality.ts";
import type { Signal } from "./signal.ts";
import { CallTrouble, type Trouble } from "./trouble.ts";

const conversation = "c1";

/** A server of one conversation, by the rules of calls and nothing else. Machines hang on it as devices. */
class FakeCalls {
  call: Call | undefined;
  readonly devices: FakeDevice[] = [];

  tell(news: CallNews, to: (device: FakeDevice) => boolean = () => true): void {
    for (const device of this.devices) if (device.online && to(device)) device.machine.hear(news);
  }

  get known(): Call {
    if (!this.call) throw new Error("no call");
    return this.call;
  }

  change(change: Partial<Call>): Call {
    this.call = { ...this.known, ...change, version: this.known.version + 1 };
    this.tell({ type: this.call.state === "ended" ? "ended" : "changed", call: this.call });
    return this.call;
  }

  end(outcome: Call["outcome"]): Call {
    return this.change({ state: "ended", ringing: [], participants: [], ...(outcome ? { outcome } : {}) });
  }

  answer(device: FakeDevice, name: CallName, request: Record<string, unknown>): unknown {
    const { call } = this;
    const self = { user_id: device.user, device_id: String(request["device_id"]), video: request["video"] === true };
    if (name === "call.start") {
      if (call && call.state !== "ended") return { call };
      this.call = {
        id: String(request["call_id"]),
        conversation_id: conversation,
        caller_id: device.user,
        video: self.video,
        state: "ringing",
        version: 1,
        started_at: "2026-01-01T00:00:00.000Z",
        ringing: [...new Set(this.devices.map(({ user }) => user))].filter((user) => user !== device.user),
        participants: [self],
      };
      this.tell({ type: "ringing", call: this.call });
      return { call: this.call, ice: { servers: [] } };
    }
    if (call?.id !== request["call_id"] || !call) throw new ApiError("not_found");
    const others = call.participants.filter((one) => one.device_id !== self.device_id);
    if (name === "call.answer") return this.#answered(device, request, others, self);
    if (name === "call.end") {
      if (call.state === "ended") return { call };
      return { call: this.end(call.state === "live" ? "answered" : "missed") };
    }
    if (name === "call.signal") {
      const { to, signal } = request as unknown as Calls["call.signal"]["payload"];
      const signalled = { conversation_id: conversation, call_id: call.id, from: self.device_id, to, signal };
      this.tell(
        { type: "signal", signal: { ...signalled, user_id: device.user } },
        (one) => one.deviceId === to && one !== device,
      );
      return {};
    }
    return { call: this.change({ participants: [...others, self] }) };
  }

  #answered(
    device: FakeDevice,
    { accept, busy }: Record<string, unknown>,
    others: Call["participants"],
    self: Call["participants"][number],
  ): unknown {
    const { call } = this;
    if (!call || call.state === "ended") throw new ApiError("conflict");
    const ringing = call.ringing.filter((user) => user !== device.user);
    if (accept !== true) {
      if (ringing.length > 0 || call.state === "live") return { call: this.change({ ringing }) };
      return { call: this.end(busy === true ? "busy" : "declined") };
    }
    if (others.some(({ user_id }) => user_id === device.user)) throw new ApiError("conflict");
    const participants = [...others, self];
    return { call: this.change({ ringing, participants, state: "live" }), ice: { servers: [] } };
  }
}

class FakeMedia implements LocalMedia {
  view: LocalView = {
    muted: false,
    camera: false,
    screen: false,
    picture: undefined,
    devices: { mic: [], camera: [], speaker: [] },
    chosen: {},
  };
  tracks = { audio: null, video: null };
  opened = 0;
  forbidden: Trouble | undefined;
  /** Set: the browser asks, and nobody has answered yet. */
  gate: Promise<void> | undefined;
  readonly #changed: () => void;
  readonly trouble: LocalMediaParts["onTrouble"];
  constructor({ onChange, onTrouble }: Pick<LocalMediaParts, "onChange" | "onTrouble">) {
    this.#changed = onChange;
    this.trouble = onTrouble;
  }
  async open(camera: boolean): Promise<void> {
    await this.gate;
    if (this.forbidden) throw new CallTrouble(this.forbidden);
    this.opened += 1;
    this.#put({ camera });
  }
  setMuted(muted: boolean): void {
    this.#put({ muted });
  }
  setCamera(camera: boolean): Promise<void> {
    this.#put({ camera });
    return Promise.resolve();
  }
  setScreen(screen: boolean): Promise<void> {
    this.trouble(undefined);
    this.#put({ screen });
    return Promise.resolve();
  }
  choose(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {
    this.opened = 0;
    this.#put({ muted: false, camera: false, screen: false });
  }
  #put(change: Partial<LocalView>): void {
    this.view = { ...this.view, ...change };
    this.#changed();
  }
}

class FakePeer implements Peer {
  readonly heard: Signal[] = [];
  closed = false;
  restarted = 0;
  readonly parts: PeerParts;
  constructor(parts: PeerParts) {
    this.parts = parts;
    if (parts.first) parts.onSignal({ type: "offer", sdp: "v=0" });
  }
  take(signal: Signal): void {
    this.heard.push(signal);
    if (signal.type === "offer") {
      this.parts.onSignal({ type: "answer", sdp: "v=0" });
      this.parts.onState("connected");
    }
    if (signal.type === "answer") this.parts.onState("connected");
  }
  limits: PictureLimits | undefined;
  quality: Quality | undefined;
  limit(limits: PictureLimits): void {
    this.limits = limits;
  }
  send(): void {
    // No picture goes anywhere here.
  }
  restart(): void {
    this.restarted += 1;
  }
  measure(): Promise<Quality | undefined> {
    return Promise.resolve(this.quality);
  }
  close(): void {
    this.closed = true;
  }
}

let serial = 0;

class FakeDevice {
  readonly machine: CallMachine;
  readonly user: string;
  readonly peers: FakePeer[] = [];
  readonly asked: string[] = [];
  readonly timers: { ms: number; task: () => void }[] = [];
  media!: FakeMedia;
  online = true;
  deviceId = "";
  mine: string | undefined;

  constructor(server: FakeCalls, user: string) {
    this.user = user;
    const line: CallLine = {
      ask: async (name, request) => {
        await Promise.resolve();
        if (!this.online) throw new ApiError("offline");
        this.asked.push(name);
        if ("device_id" in request && name !== "call.signal") this.deviceId ||= request.device_id;
        return server.answer(this, name, { ...request }) as never;
      },
    };
    this.machine = new CallMachine({
      line,
      me: user,
      openMedia: (parts) => (this.media = new FakeMedia(parts)),
      openPeer: (parts) => {
        const peer = new FakePeer(parts);
        this.peers.push(peer);
        return peer;
      },
      now: () => 1_000,
      later: (ms, task) => {
        const timer = { ms, task };
        this.timers.push(timer);
        return () => void this.timers.splice(0, this.timers.length, ...this.timers.filter((one) => one !== timer));
      },
      newId: () => `id-${String((serial += 1)).padStart(6, "0")}`,
      onMine: (id) => (this.mine = id),
    });
    server.devices.push(this);
  }

  get view() {
    return this.machine.getSnapshot();
  }
  get missed() {
    return this.view.missed?.outcome;
  }
  get phase() {
    return this.view.phase;
  }
  /** Runs what was to run after so many milliseconds. */
  pass(ms: number): void {
    for (const timer of this.timers.filter((one) => one.ms === ms)) timer.task();
  }
}

/** Everything that waits for an answer has it. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

let server: FakeCalls;
let ada: FakeDevice;
let grace: FakeDevice;
beforeEach(() => {
  server = new FakeCalls();
  ada = new FakeDevice(server, "ada");
  grace = new FakeDevice(server, "grace");
});

async function inCall(): Promise<void> {
  ada.machine.hear({ type: "wish", wish: { conversationId: conversation, video: false } });
  await settled();
  await grace.machine.accept(false);
  await settled();
}

describe("two people", () => {
  test("one calls, the other answers, both are connected, one hangs up", async () => {
    void ada.machine.start({ conversationId: conversation, video: false });
    expect(ada.phase).toBe("outgoing");
    await settled();
    expect([ada.phase, grace.phase]).toEqual(["outgoing", "incoming"]);
    expect([ada.media.opened, grace.media.opened]).toEqual([1, 0]);
    expect([ada.peers.length, grace.peers.length], "no connection before the answer").toEqual([0, 0]);
    await grace.machine.accept(false);
    await settled();
    expect([ada.phase, grace.phase]).toEqual(["live", "live"]);
    expect([ada.mine, grace.mine]).toEqual([conversation, conversation]);
    expect(ada.peers.map(({ parts }) => parts.first)).not.toEqual(grace.peers.map(({ parts }) => parts.first));
    grace.machine.hangUp();
    await settled();
    expect([ada.phase, grace.phase]).toEqual(["ended", "idle"]);
    expect(ada.view.ending).toBe("answered");
    expect([...ada.peers, ...grace.peers].every(({ closed }) => closed)).toBe(true);
    expect([ada.media.opened, grace.media.opened]).toEqual([0, 0]);
    expect([ada.mine, grace.mine]).toEqual([undefined, undefined]);
    ada.pass(4_000);
    expect(ada.phase).toBe("idle");
  });

  test("the other one declines", async () => {
    void ada.machine.start({ conversationId: conversation, video: true });
    await settled();
    grace.machine.decline();
    await settled();
    expect([ada.phase, ada.view.ending, grace.phase]).toEqual(["ended", "declined", "idle"]);
    expect(grace.missed).toBeUndefined();
  });

  test("the caller hangs up before: missed", async () => {
    void ada.machine.start({ conversationId: conversation, video: false });
    await settled();
    ada.machine.hangUp();
    await settled();
    expect([ada.phase, grace.phase]).toEqual(["idle", "idle"]);
    expect(grace.missed).toBe("missed");
  });

  test("both call each other at once: one call, and nobody has to press anything", async () => {
    void ada.machine.start({ conversationId: conversation, video: false });
    void grace.machine.start({ conversationId: conversation, video: false });
    await settled();
    expect([ada.phase, grace.phase]).toEqual(["live", "live"]);
    expect(ada.view.callId).toBe(grace.view.callId);
  });

  test("what is muted and shown is told to the other one", async () => {
    await inCall();
    ada.machine.media.setMuted(true);
    await ada.machine.media.setCamera(true);
    await settled();
    expect(grace.view.people).toMatchObject([{ userId: "ada", muted: true, camera: true, screen: false }]);
    expect(ada.asked.filter((name) => name === "call.update")).toHaveLength(1);
  });

  test("hanging up while the browser still asks for the microphone lets go of it and calls nobody", async () => {
    let open = (): void => undefined;
    ada.media.gate = new Promise((resolve) => (open = resolve));
    void ada.machine.start({ conversationId: conversation, video: false });
    ada.machine.hangUp();
    open();
    await settled();
    expect([ada.phase, ada.media.opened]).toEqual(["idle", 0]);
    expect(ada.asked).not.toContain("call.start");
  });

  test("hanging up before the server knows of the call ends it", async () => {
    void ada.machine.start({ conversationId: conversation, video: false });
    await Promise.resolve();
    await Promise.resolve();
    ada.machine.hangUp();
    await settled();
    expect([ada.phase, grace.phase]).toEqual(["idle", "idle"]);
  });
});

describe("several devices and calls", () => {
  test("answered or declined on one device, it stops ringing on the other", async () => {
    const tablet = new FakeDevice(server, "grace");
    void ada.machine.start({ conversationId: conversation, video: false });
    await settled();
    expect([grace.phase, tablet.phase]).toEqual(["incoming", "incoming"]);
    await grace.machine.accept(false);
    await settled();
    expect([ada.phase, grace.phase, tablet.phase]).toEqual(["live", "live", "idle"]);
    expect(tablet.missed).toBeUndefined();
  });

  test("both devices answer at once: one wins, the other says where the call is", async () => {
    const tablet = new FakeDevice(server, "grace");
    void ada.machine.start({ conversationId: conversation, video: false });
    await settled();
    void grace.machine.accept(false);
    void tablet.machine.accept(false);
    await settled();
    const phases = [grace.phase, tablet.phase].sort();
    expect(phases).toEqual(["ended", "live"]);
    expect([grace, tablet].find(({ phase }) => phase === "ended")?.view.ending).toBe("elsewhere");
    expect(ada.view.people).toHaveLength(1);
  });

  test("who is in a call is busy for others", async () => {
    await inCall();
    const other = { ...server.known, id: "other", conversation_id: "c2", caller_id: "bo", ringing: ["grace"] };
    const refused: unknown[] = [];
    const answer = server.answer.bind(server);
    server.answer = (device, name, request) =>
      request["call_id"] === "other" ? refused.push(request) : answer(device, name, request);
    grace.machine.hear({ type: "ringing", call: other });
    await settled();
    expect(refused).toMatchObject([{ accept: false, busy: true, conversation_id: "c2" }]);
    expect(grace.phase).toBe("live");
  });

  test("three in a group: each is connected to each, one leaves, two go on", async () => {
    const linus = new FakeDevice(server, "linus");
    await inCall();
    expect(linus.phase).toBe("incoming");
    await linus.machine.accept(true);
    await settled();
    for (const one of [ada, grace, linus]) {
      expect(one.view.people.map(({ state }) => state)).toEqual(["connected", "connected"]);
    }
    server.change({ participants: server.call?.participants.filter(({ user_id }) => user_id !== "linus") ?? [] });
    expect(ada.view.people.map(({ userId }) => userId)).toEqual(["grace"]);
    expect(ada.peers.map(({ closed }) => closed)).toEqual([false, true]);
  });

  test("with each who comes the pictures get smaller, with each who leaves larger; a poor line gets less still", async () => {
    const linus = new FakeDevice(server, "linus");
    const rates = (): (number | undefined)[] => ada.peers.map(({ limits }) => limits?.maxBitrate);
    await inCall();
    expect(rates()).toEqual([1_500_000]);
    await linus.machine.accept(true);
    await settled();
    expect(rates()).toEqual([500_000, 500_000]);
    const [toGrace] = ada.peers;
    if (toGrace) toGrace.quality = "poor";
    ada.pass(2_000);
    await settled();
    expect(rates()).toEqual([200_000, 500_000]);
    expect(ada.view.people.map(({ quality }) => quality)).toEqual(["poor", undefined]);
    server.change({ participants: server.known.participants.filter(({ user_id }) => user_id !== "linus") });
    expect(rates()[0]).toBe(500_000);
  });

  test("what is older than what is known changes nothing", async () => {
    await inCall();
    const old = {
      ...server.known,
      version: 1,
      participants: [],
      ringing: ["grace"],
      state: "ringing" as const,
    };
    ada.machine.hear({ type: "changed", call: old });
    expect(ada.phase).toBe("live");
  });
});

describe("when something goes wrong", () => {
  test("without a microphone nobody is called, and the person hears why until they have read it", async () => {
    ada.media.forbidden = "micDenied";
    await ada.machine.start({ conversationId: conversation, video: false });
    expect([ada.phase, ada.view.trouble]).toEqual(["ended", "micDenied"]);
    expect(ada.asked).toEqual([]);
    ada.pass(4_000);
    expect(ada.phase).toBe("ended");
    ada.machine.dismiss();
    expect(ada.phase).toBe("idle");
  });

  test("without a microphone it goes on ringing: another device may answer", async () => {
    grace.media.forbidden = "noMic";
    void ada.machine.start({ conversationId: conversation, video: false });
    await settled();
    await grace.machine.accept(false);
    expect([grace.phase, grace.view.trouble, grace.view.busy]).toEqual(["incoming", "noMic", false]);
  });

  test("what stood in the way is told until something else is wanted; that there is no way, until there is one", async () => {
    await inCall();
    ada.media.trouble("screenDenied");
    expect(ada.view.trouble).toBe("screenDenied");
    await ada.machine.media.setScreen(true);
    expect(ada.view.trouble).toBeUndefined();
    ada.peers[0]?.parts.onState("failed");
    await ada.machine.media.setScreen(false);
    expect(ada.view.trouble).toBe("noWay");
  });

  test("what the server refuses is told", async () => {
    server.answer = () => {
      throw new ApiError("forbidden");
    };
    await ada.machine.start({ conversationId: conversation, video: false });
    expect([ada.phase, ada.view.refused]).toEqual(["ended", new ApiError("forbidden")]);
    expect(ada.media.opened).toBe(0);
  });

  test("after the line was down a device comes back into its call with the same name", async () => {
    await inCall();
    const before = ada.view.callId;
    ada.online = false;
    ada.peers[0]?.parts.onState("reconnecting");
    expect(ada.phase).toBe("reconnecting");
    ada.online = true;
    ada.machine.hear({ type: "list", calls: [server.known] });
    await settled();
    expect(ada.asked.filter((name) => name === "call.answer")).toHaveLength(1);
    expect(server.call?.participants).toHaveLength(2);
    expect(ada.peers.map(({ restarted }) => restarted)).toEqual([1]);
    ada.peers[0]?.parts.onState("connected");
    expect([ada.phase, ada.view.callId]).toEqual(["live", before]);
  });

  test("a call that ended while the line was down is over here too", async () => {
    await inCall();
    ada.online = false;
    server.end("answered");
    ada.online = true;
    ada.machine.hear({ type: "list", calls: [] });
    await settled();
    expect([ada.phase, ada.view.ending, ada.media.opened]).toEqual(["ended", "lost", 0]);
  });

  test("a call that stopped ringing while the line was down stops here; one that began rings", async () => {
    void ada.machine.start({ conversationId: conversation, video: false });
    await settled();
    grace.machine.hear({ type: "list", calls: [] });
    expect(grace.phase).toBe("idle");
    grace.machine.hear({ type: "list", calls: [server.known] });
    expect(grace.phase).toBe("incoming");
  });

  test("nobody answers and the server does not say so: it ends by itself", async () => {
    void ada.machine.start({ conversationId: conversation, video: false });
    await settled();
    ada.pass(60_000);
    grace.pass(60_000);
    expect([ada.phase, ada.view.ending, grace.phase]).toEqual(["ended", "missed", "idle"]);
  });

  test("no way between the two is told, and taken back when there is one", async () => {
    await inCall();
    ada.peers[0]?.parts.onState("failed");
    expect([ada.phase, ada.view.trouble]).toEqual(["reconnecting", "noWay"]);
    ada.peers[0]?.parts.onState("connected");
    expect([ada.phase, ada.view.trouble]).toEqual(["live", undefined]);
  });

  test("the page goes: out of the call, but what only rings is left to other devices", async () => {
    const tablet = new FakeDevice(server, "grace");
    void ada.machine.start({ conversationId: conversation, video: false });
    await settled();
    tablet.machine.close();
    await settled();
    expect([tablet.phase, grace.phase]).toEqual(["idle", "incoming"]);
    ada.machine.hear({ type: "leave" });
    await settled();
    expect([ada.phase, ada.media.opened, grace.phase]).toEqual(["idle", 0, "idle"]);
  });
});
