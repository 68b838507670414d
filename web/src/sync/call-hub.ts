import { ApiError } from "../wire/errors.ts";
import type { CallName, Calls, Line } from "../wire/socket.ts";
import type { Call, CallSignalled } from "../wire/types.ts";

/** What whoever carries out calls gets to hear. */
export type CallNews =
  | { type: "ringing" | "changed" | "ended"; call: Call }
  | { type: "signal"; signal: CallSignalled }
  /** After each connect: all that rings or goes on. What is not in it is over. */
  | { type: "list"; calls: readonly Call[] }
  | { type: "wish"; wish: CallWish }
  /** This person goes: out of the call. */
  | { type: "leave" };

/** This person wants to call, to join, or to see the call that goes on. */
export interface CallWish {
  conversationId: string;
  video: boolean;
}

export interface CallsKnown {
  /** Something rang or was wished: the part of the page that carries out calls is needed from now on. */
  needed: boolean;
  /** The calls that ring or go on, by their conversation. */
  byConversation: ReadonlyMap<string, Call>;
  /** The conversation that this tab is in a call of. */
  mine: string | undefined;
}

type CallRequest = Extract<CallName, `call.${string}`>;
/** What a call may ask of the server. */
export interface CallLine {
  ask<N extends CallRequest>(name: N, request: Calls[N]["payload"]): Promise<Calls[N]["answer"]>;
}

/** What came before the part that carries out calls was loaded. */
const maxWaiting = 100;
const retryMs = 3_000;

/**
 * Where calls meet the rest of the page. It is small, for it is loaded with the
 * page: it knows which calls there are, and keeps what happens for whoever
 * carries them out until they are there.
 */
export class CallHub implements CallLine {
  readonly #line: Line;
  readonly #later: (ms: number, task: () => void) => () => void;
  readonly #watchers = new Set<() => void>();
  #known: CallsKnown = { needed: false, byConversation: new Map(), mine: undefined };
  #listener: ((news: CallNews) => void) | undefined;
  #waiting: CallNews[] = [];
  #cancelRetry: (() => void) | undefined;

  constructor(parts: { line: Line; me: string; later: (ms: number, task: () => void) => () => void }) {
    this.#line = parts.line;
    this.#later = parts.later;
    const { line, me } = parts;
    line.on("ready", () => void this.#list(me));
    line.on("call.ringing", ({ call }) => {
      this.#put(call);
      this.#tell({ type: "ringing", call }, call.ringing.includes(me));
    });
    line.on("call.answered", ({ call }) => {
      this.#put(call);
      this.#tell({ type: "changed", call });
    });
    line.on("call.ended", ({ call }) => {
      this.#drop(call);
      this.#tell({ type: "ended", call });
    });
    line.on("call.signal", (signal) => {
      this.#tell({ type: "signal", signal });
    });
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  };
  readonly getSnapshot = (): CallsKnown => this.#known;

  /** Calls, joins what goes on there, or shows the call that this tab is in. */
  wish(wish: CallWish): void {
    this.#tell({ type: "wish", wish }, true);
  }

  /** Gives everything that happens to one listener, first what it missed. Returns the way to stop. */
  attach(listener: (news: CallNews) => void): () => void {
    this.#listener = listener;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const news of waiting) listener(news);
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  /** Says which conversation this tab is in a call of. */
  setMine(mine: string | undefined): void {
    if (mine !== this.#known.mine) this.#change({ mine });
  }

  ask<N extends CallRequest>(name: N, request: Calls[N]["payload"]): Promise<Calls[N]["answer"]> {
    return this.#line.call(name, request);
  }

  /** This person signs out: the others should not have to wait for them. */
  leave(): void {
    this.#tell({ type: "leave" });
  }

  close(): void {
    this.#cancelRetry?.();
    this.leave();
    this.#listener = undefined;
  }

  async #list(me: string): Promise<void> {
    this.#cancelRetry?.();
    try {
      const { calls } = await this.#line.call("call.list", {});
      this.#change({ byConversation: new Map(calls.map((call) => [call.conversation_id, call])) });
      this.#tell(
        { type: "list", calls },
        calls.some((call) => call.ringing.includes(me)),
      );
    } catch (thrown) {
      // Without a line the next connect asks again.
      const gone = thrown instanceof ApiError && thrown.code === "offline";
      if (!gone) this.#cancelRetry = this.#later(retryMs, () => void this.#list(me));
    }
  }

  #put(call: Call): void {
    this.#change({ byConversation: new Map(this.#known.byConversation).set(call.conversation_id, call) });
  }

  #drop(call: Call): void {
    if (this.#known.byConversation.get(call.conversation_id)?.id !== call.id) return;
    const byConversation = new Map(this.#known.byConversation);
    byConversation.delete(call.conversation_id);
    this.#change({ byConversation });
  }

  #tell(news: CallNews, needed = false): void {
    if (needed && !this.#known.needed) this.#change({ needed });
    if (this.#listener) this.#listener(news);
    // Until it is needed nobody will ever ask.
    else if (this.#known.needed) this.#waiting = [...this.#waiting, news].slice(-maxWaiting);
  }

  #change(change: Partial<CallsKnown>): void {
    this.#known = { ...this.#known, ...change };
    for (const changed of this.#watchers) changed();
  }
}
