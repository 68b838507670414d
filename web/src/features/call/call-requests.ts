import type { CallLine } from "../../sync/call-hub.ts";
import type { Call, ICE } from "../../wire/types.ts";
import type { Signal } from "./signal.ts";

/** Which call, and which device of this person. */
export interface CallIds {
  conversationId: string;
  callId: string;
  deviceId: string;
}

function idsOf({ conversationId, callId, deviceId }: CallIds) {
  return { conversation_id: conversationId, call_id: callId, device_id: deviceId };
}

/** What a call asks of the server. What may be lost without harm does not fail. */
export class CallRequests {
  readonly #line: CallLine;

  constructor(line: CallLine) {
    this.#line = line;
  }

  start(ids: CallIds, video: boolean): Promise<{ call: Call; ice?: ICE }> {
    return this.#line.ask("call.start", { ...idsOf(ids), video });
  }

  join(ids: CallIds, video: boolean): Promise<{ call: Call; ice?: ICE }> {
    return this.#line.ask("call.answer", { ...idsOf(ids), accept: true, video });
  }

  /** Without an answer it stops ringing by itself. */
  refuse(ids: CallIds, busy: boolean): void {
    this.#line.ask("call.answer", { ...idsOf(ids), accept: false, busy }).catch(() => undefined);
  }

  /** Without an answer the server misses this device by itself. */
  leave(ids: CallIds): void {
    this.#line.ask("call.end", idsOf(ids)).catch(() => undefined);
  }

  /** What does not come through is said again by the search for a way, or after the next connect. */
  signal(ids: CallIds, to: string, signal: Signal): void {
    this.#line.ask("call.signal", { ...idsOf(ids), to, signal: { ...signal } }).catch(() => undefined);
  }

  /** The others in the call have it from this device itself. */
  update(ids: CallIds, video: boolean): void {
    this.#line.ask("call.update", { ...idsOf(ids), video }).catch(() => undefined);
  }
}
