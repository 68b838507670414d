import type { CallNews, CallWish } from "../../sync/call-hub.ts";
import { asApiError } from "../../wire/errors.ts";
import type { Call, ICE } from "../../wire/types.ts";
import { CallRequests } from "./call-requests.ts";
import { type Aftermath, type CallParts, type CallView, newSession, phaseOf, type Session } from "./call-view.ts";
import type { LocalMedia } from "./local-media.ts";
import { Mesh } from "./mesh.ts";
import { readSignal, type Signal } from "./signal.ts";
import { CallTrouble, type Ending } from "./trouble.ts";

/** Longer than the server rings: what it said of the end was lost then. */
const patienceMs = 60_000;
/** How long is shown that a call is over, and why. */
const endedMs = 4_000;
const maxEarly = 100;

/** Carries out one call at a time: a plain state machine with subscribe and getSnapshot, in which nothing knows of the page. */
export class CallMachine {
  readonly #parts: CallParts;
  /** Microphone, camera and screen of this person. */
  readonly media: LocalMedia;
  readonly #requests: CallRequests;
  readonly #watchers = new Set<() => void>();
  #session: Session | undefined;
  #after: Aftermath = {};
  #missedCall: Call | undefined;
  #cancelEnded: (() => void) | undefined;
  #view: CallView;

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.#requests = new CallRequests(parts.line);
    this.media = parts.openMedia({
      onChange: () => {
        this.#session?.mesh?.send();
        this.#emit();
      },
      onTrouble: (trouble) => {
        // That no way is found is not about a microphone or a camera: it stays until there is one.
        if (trouble || this.#after.trouble !== "noWay") this.#after = { ...this.#after, trouble };
        this.#emit();
      },
    });
    this.#view = this.#look();
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  };
  readonly getSnapshot = (): CallView => this.#view;

  /** Takes what happens at the server, and what this person wishes elsewhere on the page. */
  readonly hear = (news: CallNews): void => {
    switch (news.type) {
      case "wish":
        void this.start(news.wish);
        break;
      case "ringing":
        this.#rings(news.call);
        break;
      case "changed":
      case "ended":
        this.#take(news.call);
        break;
      case "signal":
        this.#signalled(news.signal.call_id, news.signal.from, readSignal(news.signal.signal));
        break;
      case "leave":
        this.close();
        break;
      case "list":
        void this.#relist(news.calls);
        break;
    }
  };

  /** Calls somebody, or joins what goes on in the conversation. */
  async start({ conversationId, video }: CallWish): Promise<void> {
    if (this.#session?.stage === "incoming" && this.#session.conversationId === conversationId) {
      await this.accept(video);
      return;
    }
    if (this.#session) {
      if (this.#session.conversationId === conversationId) this.setMinimised(false);
      return;
    }
    const session = this.#begin({ conversationId, video, callId: this.#parts.newId(), stage: "starting" });
    if (!(await this.#openMedia(session, video))) return;
    try {
      const { call, ice } = await this.#requests.start(session, video);
      // Whoever hung up meanwhile calls nobody.
      if (!this.#has(session)) this.#requests.leave(session);
      else if (call.id === session.callId) this.#entered(session, call, ice);
      // Two called each other at once, or a call of the group goes on: that one it is.
      else await this.#join(Object.assign(session, { callId: call.id, call }));
    } catch (error) {
      this.#requests.leave(session);
      this.#fail(session, error);
    }
  }

  /** Answers the call that rings. */
  async accept(video: boolean): Promise<void> {
    const session = this.#session;
    if (session?.stage !== "incoming" || session.busy) return;
    session.busy = true;
    this.#after = {};
    this.#emit();
    const opened = await this.#openMedia(session, video);
    session.busy = false;
    if (opened) await this.#join(session);
  }

  decline(): void {
    const session = this.#session;
    if (session?.stage !== "incoming") return;
    this.#requests.refuse(session, false);
    this.#close(session);
  }

  hangUp(): void {
    const session = this.#session;
    if (!session) return;
    if (session.stage === "incoming") this.decline();
    else {
      this.#requests.leave(session);
      this.#close(session);
    }
  }

  setMinimised(minimised: boolean): void {
    if (this.#session) this.#session.minimised = minimised;
    this.#emit();
  }

  /** The person has read what is shown of the trouble, or of the end. */
  dismiss(): void {
    this.#cancelEnded?.();
    this.#after = {};
    this.#emit();
  }

  /** The page goes, or the person signs out: out of the call, as far as it can still be said. */
  close(): void {
    if (this.#session?.stage === "incoming") this.#close(this.#session);
    this.hangUp();
    this.dismiss();
  }

  #begin(session: Pick<Session, "conversationId" | "callId" | "video" | "stage">): Session {
    this.dismiss();
    const { newId, later, onMine } = this.#parts;
    const begun = newSession({ ...session, deviceId: newId() });
    begun.cancelTimer = later(patienceMs, () => {
      // Nobody came, and nobody said so.
      if (begun.stage === "incoming") this.#close(begun);
      else if ((begun.call?.participants.length ?? 0) < 2) this.#over(begun, "missed");
    });
    this.#session = begun;
    if (session.stage !== "incoming") onMine(session.conversationId);
    this.#emit();
    return begun;
  }

  async #openMedia(session: Session, video: boolean): Promise<boolean> {
    try {
      await this.media.open(video);
    } catch (error) {
      if (!this.#has(session)) return false;
      this.#after = { trouble: error instanceof CallTrouble ? error.trouble : "failed" };
      session.busy = false;
      if (session.stage === "incoming") this.#emit();
      else this.#over(session, undefined);
      return false;
    }
    if (this.#has(session)) return true;
    // Hung up while the browser asked. A newer call has its own.
    if (!this.#session) this.media.close();
    return false;
  }

  /** Whether nothing else came in the place of a call, meanwhile. */
  #has(session: Session): boolean {
    return this.#session === session;
  }

  /** Into a call that somebody else began, or back into it. */
  async #join(session: Session): Promise<void> {
    if (session.stage !== "in") session.stage = "asking";
    this.#parts.onMine(session.conversationId);
    this.#emit();
    try {
      const { call, ice } = await this.#requests.join(session, this.media.view.camera);
      if (!this.#has(session)) this.#requests.leave(session);
      else this.#entered(session, call, ice);
    } catch (thrown) {
      const { code } = asApiError(thrown);
      // In a call, the next connect tries again.
      if (session.stage === "in" && (code === "offline" || code === "timeout")) return;
      if (code === "conflict") this.#over(session, session.stage === "in" ? "lost" : "elsewhere");
      else if (code === "not_found") this.#over(session, "lost");
      else this.#fail(session, thrown);
    }
  }

  #entered(session: Session, call: Call, ice: ICE = { servers: [] }): void {
    session.stage = "in";
    if (session.mesh) session.mesh.refresh(ice);
    else {
      const { openPeer, later } = this.#parts;
      session.mesh = new Mesh({
        deviceId: session.deviceId,
        ice,
        media: this.media,
        openPeer,
        later,
        onSignal: (to, signal) => {
          this.#requests.signal(session, to, signal);
        },
        onChange: () => {
          this.#connected(session);
        },
        onVideo: (on) => {
          this.#requests.update(session, on);
        },
      });
    }
    this.#take(call);
    for (const { from, signal } of session.early) session.mesh.take(from, signal);
    session.early = [];
  }

  #rings(call: Call): void {
    if (!call.ringing.includes(this.#parts.me)) return;
    const session = this.#session;
    if (!session) {
      this.#begin({ conversationId: call.conversation_id, callId: call.id, video: call.video, stage: "incoming" });
      this.#take(call);
    } else if (session.conversationId !== call.conversation_id) {
      const ids = { conversationId: call.conversation_id, callId: call.id, deviceId: this.#parts.newId() };
      this.#requests.refuse(ids, true);
    } else this.#take(call);
  }

  /** Takes a call as the server tells it; what is older than what is known changes nothing. */
  #take(call: Call): void {
    const session = this.#session;
    if (call.id !== session?.callId) return;
    if (session.call && session.call.version > call.version && call.state !== "ended") return;
    session.call = call;
    const { me } = this.#parts;
    if (call.state === "ended") {
      if (session.stage !== "incoming") this.#over(session, call.outcome ?? "failed");
      else {
        if (call.outcome !== "declined") this.#missedCall = call;
        this.#close(session);
      }
    } else if (session.stage === "incoming") {
      // Answered or declined on another device.
      if (!call.ringing.includes(me)) this.#close(session);
      else this.#emit();
    } else if (session.stage === "in") {
      const mine = call.participants.some((one) => one.device_id === session.deviceId);
      if (mine) session.mesh?.sync(call.participants.filter((one) => one.device_id !== session.deviceId));
      // The server has given this device up, yet here it is.
      else void this.#join(session);
    }
  }

  async #relist(calls: readonly Call[]): Promise<void> {
    const session = this.#session;
    const call = session && calls.find(({ id }) => id === session.callId);
    if (session?.stage === "in") {
      if (call) await this.#join(session);
      else this.#over(session, "lost");
    } else if (session?.stage === "incoming") {
      if (call) this.#take(call);
      else this.#close(session);
    }
    for (const one of calls) if (one.id !== this.#session?.callId) this.#rings(one);
  }

  #signalled(callId: string, from: string, signal: Signal | undefined): void {
    const session = this.#session;
    if (callId !== session?.callId || !signal) return;
    if (session.mesh) session.mesh.take(from, signal);
    else if (session.early.length < maxEarly) session.early.push({ from, signal });
  }

  #connected(session: Session): void {
    const people = session.mesh?.people ?? [];
    if (people.some(({ state }) => state === "connected")) session.since ??= this.#parts.now();
    if (people.some(({ state }) => state === "failed")) this.#after = { trouble: "noWay" };
    else if (this.#after.trouble === "noWay") this.#after = {};
    this.#emit();
  }

  #fail(session: Session, error: unknown): void {
    if (this.#has(session)) this.#after = { refused: error };
    this.#over(session, undefined);
  }

  /** The call is over without this person having ended it: they are told for a moment. */
  #over(session: Session, ending: Ending | undefined): void {
    if (!this.#has(session)) return;
    this.#after = { ...this.#after, ended: session, ending };
    this.#close(session);
    // What went wrong stays until it is read.
    if (ending) this.#cancelEnded = this.#parts.later(endedMs, () => this.dismiss());
  }

  #close(session: Session): void {
    if (!this.#has(session)) return;
    session.cancelTimer();
    session.mesh?.close();
    this.#session = undefined;
    this.media.close();
    this.#parts.onMine(undefined);
    this.#emit();
  }

  #look(): CallView {
    const { ended, trouble, ending, refused } = this.#after;
    const session = this.#session ?? ended;
    return {
      phase: this.#session ? phaseOf(this.#session) : ended ? "ended" : "idle",
      callId: session?.callId ?? "",
      conversationId: session?.conversationId ?? "",
      callerId: session?.call?.caller_id ?? this.#parts.me,
      video: session?.video ?? false,
      ringing: session?.call?.ringing ?? [],
      people: this.#session?.mesh?.people ?? [],
      local: this.media.view,
      busy: session?.busy ?? false,
      minimised: session?.minimised ?? false,
      since: session?.since,
      trouble,
      ending,
      refused,
      missed: this.#missedCall,
    };
  }

  #emit(): void {
    this.#view = this.#look();
    for (const changed of this.#watchers) changed();
  }
}
