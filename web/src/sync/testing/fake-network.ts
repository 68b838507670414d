import type { Scheduler } from "fast-check";
import type { Api } from "../../wire/api.ts";
import { ApiError } from "../../wire/errors.ts";
import type { Line, LineEvents, ServerEvents } from "../../wire/socket.ts";
import type { Receipt } from "../../wire/types.ts";
import { type FakeServer, me } from "./fake-server.ts";

type Listeners = { [E in keyof ServerEvents]?: ServerEvents[E] };

/** A network of which the scheduler decides what arrives when; answers, pushes and timers alike. */
export class FakeNetwork {
  readonly server: FakeServer;
  readonly scheduler: Scheduler;
  /** Grows with each connection: what was under way on an older one is lost. */
  connection = 0;
  isUp = false;
  clock = 1_800_000_000_000;
  losePush = false;
  #cursor: () => string | undefined = () => undefined;
  #listeners: Listeners = {};
  #lineListeners: { [E in keyof LineEvents]?: LineEvents[E] } = {};

  constructor(server: FakeServer, scheduler: Scheduler) {
    this.server = server;
    this.scheduler = scheduler;
    server.onEntry = (entry) => {
      const { connection } = this;
      if (!this.isUp || this.losePush) {
        this.losePush = false;
        return;
      }
      void scheduler.schedule(Promise.resolve(), `push ${String(entry.seq)}`).then(() => {
        if (this.isUp && connection === this.connection) this.#listeners.entry?.(entry);
      });
    };
  }

  up(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.connection += 1;
    const { connection } = this;
    void this.scheduler.schedule(Promise.resolve(), "ready").then(() => {
      if (connection !== this.connection || !this.isUp) return;
      this.#lineListeners.up?.();
      this.#listeners.ready?.({
        user: {
          id: me,
          username: "me",
          display_name: "me",
          bio: "",
          created_at: "2026-01-01T00:00:00.000Z",
          settings: {},
          limits: { text_bytes: 16_384, attachments: 10, attachment_bytes: 1_000, frame_bytes: 131_072 },
        },
        server_time: "2026-01-01T00:00:00.000Z",
        cursor: String(this.server.head),
        // Who has no cursor is told of none, as the server does it.
        heads_changed: Number(this.#cursor() ?? this.server.head) < this.server.head ? [this.server.headOf()] : [],
      });
    });
  }

  down(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.#lineListeners.down?.();
  }

  /** Pushes a receipt, which nothing repeats if it is lost. */
  tell(receipt: Receipt): void {
    const { connection } = this;
    void this.scheduler.schedule(Promise.resolve(), "receipt").then(() => {
      if (this.isUp && connection === this.connection) this.#listeners.receipt?.(receipt);
    });
  }

  resync(): void {
    if (this.isUp) this.#listeners.resync?.({});
  }

  line(cursor: () => string | undefined): Line {
    this.#cursor = cursor;
    this.#listeners = {};
    this.#lineListeners = {};
    return {
      on: (event, listener) => {
        this.#listeners[event] = listener;
      },
      onLine: (event, listener) => {
        this.#lineListeners[event] = listener;
      },
      isUp: () => this.isUp,
      connect: () => undefined,
      close: () => undefined,
      call: async (name, request) => {
        const { connection } = this;
        const alive = (): boolean => this.isUp && connection === this.connection;
        if (!this.isUp) throw new ApiError("offline");
        // The request may be lost, or its answer after it was done.
        await this.scheduler.schedule(Promise.resolve(), `ask ${name}`);
        if (!alive()) throw new ApiError("offline");
        const answer = this.server.call(name, request);
        await this.scheduler.schedule(Promise.resolve(), `answer ${name}`);
        if (!alive()) throw new ApiError("timeout");
        return answer;
      },
    };
  }

  api(): Api {
    const delayed =
      <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        await this.scheduler.schedule(Promise.resolve(), `get ${name}`);
        if (!this.isUp) throw new ApiError("offline");
        const answer = await call(...args);
        await this.scheduler.schedule(Promise.resolve(), `got ${name}`);
        return structuredClone(answer);
      };
    const { rest } = this.server;
    const api = {
      conversation: delayed("conversation", rest.conversation),
      conversations: delayed("conversations", rest.conversations),
      entries: delayed("entries", rest.entries),
      messages: delayed("messages", rest.messages),
      sync: delayed("sync", rest.sync),
    };
    return api as Partial<Api> as Api;
  }
}
