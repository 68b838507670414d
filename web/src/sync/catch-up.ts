import type { QueryClient } from "@tanstack/react-query";
import type { Api } from "../wire/api.ts";
import { asApiError } from "../wire/errors.ts";
import type { Line } from "../wire/socket.ts";
import type { Conversation, Entry, Head } from "../wire/types.ts";
import { appliedSeq, applyEntry, knownConversation, putConversation } from "./apply-entry.ts";
import { foldOwnRead, mergeConversation } from "./conversation-fold.ts";
import type { ConversationList } from "./conversation-list.ts";
import { keys } from "./keys.ts";
import type { Timeline } from "./timeline.ts";

export interface CatchUpParts {
  client: QueryClient;
  line: Pick<Line, "call" | "isUp">;
  api: Pick<Api, "conversation" | "entries">;
  me: string;
  later: (ms: number, task: () => void) => () => void;
  /** An entry came to be shown, for the first time. */
  onApplied: (entry: Entry) => void;
  /** The server told of a conversation. */
  onTold: (conversation: Conversation) => void;
  /** The server told where a conversation that is known here stands. */
  onHead: (head: Head) => void;
  /** A conversation's log is applied up to a new seq. */
  onAdvanced: (conversationId: string, seq: number) => void;
}

/** An entry that comes out of order is often followed by the missing one at once. */
const patienceMs = 80;
const retryMs = 3_000;
const pageSize = 200;
/** Whoever is further behind loads the newest part anew instead of everything between. */
const tooFar = 1_000;
const maxHeld = 500;
/** Up to this many changed conversations are asked for one by one. */
const fewHeads = 4;

/** Whether somebody has yet to read what this person wrote last. */
function awaited({ last_message: last, receipts }: Conversation, me: string): boolean {
  return (
    last?.sender_id === me && !last.deleted_at && receipts.some((one) => one.user_id !== me && one.read_seq < last.seq)
  );
}

/**
 * Takes entries in whatever order and over whatever way they come, and applies
 * them in the order of the log. What is missing is fetched (`repair`); what
 * came too early is held until then. No hole is ever shown.
 */
export class CatchUp {
  readonly #parts: CatchUpParts;
  readonly #held = new Map<string, Map<number, Entry>>();
  readonly #repairs = new Map<string, Promise<void>>();
  readonly #fetches = new Map<string, Promise<Conversation | null>>();
  readonly #planned = new Map<string, () => void>();

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  ingest(entry: Entry): void {
    const id = entry.conversation_id;
    switch (applyEntry(this.#parts.client, entry, this.#parts.me)) {
      case "applied":
        this.#parts.onApplied(entry);
        this.#release(id);
        break;
      case "old":
        this.#advanced(id);
        break;
      case "gap":
        this.#hold(entry);
        this.#plan(id, patienceMs);
        break;
      case "unknown":
        this.#hold(entry);
        void this.fetchConversation(id).catch(() => undefined);
        break;
    }
  }

  /** Takes what the server says about where conversations stand, after a connect or a resync. */
  takeHeads(heads: readonly Head[]): void {
    for (const head of heads) {
      const id = head.conversation_id;
      const known = knownConversation(this.#parts.client, id);
      if (!known) {
        void this.fetchConversation(id).catch(() => undefined);
        continue;
      }
      if (head.read_seq !== undefined && head.read_seq > known.read_seq) {
        putConversation(this.#parts.client, id, foldOwnRead(known, head.read_seq, head.unread ?? known.unread));
      }
      this.#parts.onHead(head);
      if (head.last_seq > (appliedSeq(this.#parts.client, id) ?? 0)) void this.repair(id);
    }
    this.#refreshReceipts(heads);
  }

  /**
   * Heads do not tell how far others have read, and a conversation in which
   * nothing else happened has none, though this person may have read it on
   * another device: what may have moved is asked for each conversation, or for all at once.
   */
  #refreshReceipts(heads: readonly Head[]): void {
    const list = this.#parts.client.getQueryData<ConversationList>(keys.conversations)?.byId ?? {};
    const moved = new Set(heads.map((head) => head.conversation_id));
    const asked = Object.values(list).filter(
      (one) =>
        (one.unread > 0 && !moved.has(one.id)) ||
        (one.receipts.length > 0 && (moved.has(one.id) || awaited(one, this.#parts.me))),
    );
    if (moved.size > fewHeads || asked.length > fewHeads) {
      void this.#parts.client.invalidateQueries({ queryKey: keys.conversations });
      return;
    }
    for (const { id } of asked) void this.fetchConversation(id).catch(() => undefined);
  }

  /**
   * The line came up and nobody can say what happened since the pages that are
   * here were asked for, as in a browser that was never connected before: all is asked again.
   */
  beginAnew(): void {
    const { client } = this.#parts;
    void client.invalidateQueries({ queryKey: keys.conversations });
    for (const [key, timeline] of client.getQueriesData<Timeline>({ queryKey: ["timeline"] })) {
      if (timeline && typeof key[1] === "string") void this.fetchConversation(key[1]).catch(() => undefined);
    }
  }

  /** Takes a conversation as the server tells it. */
  takeConversation(told: Conversation): void {
    const known = knownConversation(this.#parts.client, told.id);
    putConversation(this.#parts.client, told.id, mergeConversation(known, told));
    this.#parts.onTold(told);
    this.#release(told.id);
    this.verify(told.id);
  }

  /** Forgets a conversation that is not this person's any more. */
  forget(id: string): void {
    putConversation(this.#parts.client, id, null);
    this.#parts.client.removeQueries({ queryKey: keys.timeline(id) });
    this.#held.delete(id);
  }

  /** Repairs if the list and the timeline do not stand at the same seq, or entries wait behind a hole. */
  verify(id: string): void {
    const conversation = knownConversation(this.#parts.client, id);
    const timeline = this.#parts.client.getQueryData<Timeline>(keys.timeline(id));
    const apart = conversation && timeline && conversation.last_seq !== timeline.head;
    if (apart || this.#held.has(id)) this.#plan(id, patienceMs);
    else this.#advanced(id);
  }

  /** Repairs whatever was left open when the line went down. */
  resume(): void {
    const timelines = this.#parts.client.getQueriesData<Timeline>({ queryKey: ["timeline"] });
    for (const [key, timeline] of timelines) if (timeline && typeof key[1] === "string") this.verify(key[1]);
    for (const id of this.#held.keys()) this.#plan(id, 0);
  }

  /** Fetches what is missing of a conversation's log and applies it. One repair of a conversation runs at a time. */
  repair(id: string): Promise<void> {
    const running = this.#repairs.get(id);
    if (running) return running;
    const repair = this.#repair(id).finally(() => {
      this.#repairs.delete(id);
      if (this.#held.has(id)) this.#plan(id, retryMs);
    });
    this.#repairs.set(id, repair);
    return repair;
  }

  /** Asks the server for one conversation; null when there is none for this person. */
  fetchConversation(id: string): Promise<Conversation | null> {
    const running = this.#fetches.get(id);
    if (running) return running;
    const fetch = this.#fetchConversation(id).finally(() => this.#fetches.delete(id));
    this.#fetches.set(id, fetch);
    return fetch;
  }

  close(): void {
    for (const cancel of this.#planned.values()) cancel();
    this.#planned.clear();
  }

  async #fetchConversation(id: string): Promise<Conversation | null> {
    try {
      this.takeConversation(await this.#parts.api.conversation(id));
      return knownConversation(this.#parts.client, id) ?? null;
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.code !== "not_found" && error.code !== "forbidden") throw error;
      this.forget(id);
      return null;
    }
  }

  async #repair(id: string): Promise<void> {
    try {
      for (;;) {
        const from = appliedSeq(this.#parts.client, id);
        if (from === undefined) {
          await this.fetchConversation(id);
          return;
        }
        const page = await this.#entriesAfter(id, from);
        const first = page.entries[0];
        if (!first) {
          this.#release(id);
          return;
        }
        // What lies between was never this person's to see, or is too much: begin anew from the newest.
        if (first.seq > from + 1 || page.head - from > tooFar) {
          await this.#startAnew(id);
          return;
        }
        for (const entry of page.entries) this.ingest(entry);
        this.#release(id);
        const now = appliedSeq(this.#parts.client, id) ?? 0;
        if (now >= page.head || now <= from) return;
      }
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.code === "not_found") this.forget(id);
      else if (error.code !== "unauthenticated" && this.#parts.line.isUp())
        this.#plan(id, error.retryAfterMs ?? retryMs);
      // Without a line: the next connection says which heads moved.
    }
  }

  async #entriesAfter(id: string, seq: number): Promise<{ entries: Entry[]; head: number }> {
    if (this.#parts.line.isUp()) {
      return this.#parts.line.call("entries.after", { conversation_id: id, seq, limit: pageSize });
    }
    const page = await this.#parts.api.entries(id, { after: seq, limit: pageSize });
    return { entries: page.items, head: page.head };
  }

  async #startAnew(id: string): Promise<void> {
    this.#held.delete(id);
    const fresh = await this.#parts.api.conversation(id);
    putConversation(this.#parts.client, id, mergeConversation(knownConversation(this.#parts.client, id), fresh));
    this.#parts.onTold(fresh);
    const timeline = { queryKey: keys.timeline(id), exact: true };
    await this.#parts.client.resetQueries({ ...timeline, type: "inactive" });
    // Whoever looks at it sees what was there until the newest part is.
    await this.#parts.client.refetchQueries({ ...timeline, type: "active" }, { throwOnError: true });
    this.verify(id);
  }

  #hold(entry: Entry): void {
    const id = entry.conversation_id;
    const held = this.#held.get(id) ?? new Map<number, Entry>();
    this.#held.set(id, held);
    // Beyond the bound the entry is dropped: the repair brings it again.
    if (held.size < maxHeld) held.set(entry.seq, entry);
  }

  /** Applies the held entries whose turn has come. */
  #release(id: string): void {
    const held = this.#held.get(id);
    while (held) {
      const applied = appliedSeq(this.#parts.client, id);
      if (applied === undefined) break;
      for (const seq of held.keys()) if (seq <= applied) held.delete(seq);
      const next = held.get(applied + 1);
      if (!next || applyEntry(this.#parts.client, next, this.#parts.me) !== "applied") break;
      this.#parts.onApplied(next);
    }
    if (held?.size === 0) this.#held.delete(id);
    this.#advanced(id);
  }

  #advanced(id: string): void {
    // Where somebody waits for the timeline, nothing of it is shown yet.
    const query = this.#parts.client.getQueryCache().find({ queryKey: keys.timeline(id), exact: true });
    if (query?.isActive() && query.state.data === undefined) return;
    const applied = appliedSeq(this.#parts.client, id);
    if (applied !== undefined) this.#parts.onAdvanced(id, applied);
  }

  #plan(id: string, ms: number): void {
    if (this.#planned.has(id)) return;
    const cancel = this.#parts.later(ms, () => {
      this.#planned.delete(id);
      const applied = appliedSeq(this.#parts.client, id);
      const timeline = this.#parts.client.getQueryData<Timeline>(keys.timeline(id));
      const conversation = knownConversation(this.#parts.client, id);
      const whole = timeline === undefined || conversation?.last_seq === timeline.head;
      if (applied === undefined || this.#held.has(id) || !whole) void this.repair(id);
    });
    this.#planned.set(id, cancel);
  }
}
