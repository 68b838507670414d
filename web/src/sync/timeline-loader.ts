import type { QueryClient } from "@tanstack/react-query";
import type { Api } from "../wire/api.ts";
import { ApiError, asApiError } from "../wire/errors.ts";
import type { Conversation, Entry, Message } from "../wire/types.ts";
import { knownConversation } from "./apply-entry.ts";
import type { CatchUp } from "./catch-up.ts";
import { type Item, itemOfEntry } from "./fold.ts";
import { keys } from "./keys.ts";
import type { Store } from "./store.ts";
import { insertBlock, rangeAt, tailOf, type Timeline, timelineOfEntries, timelineOfTail, trim } from "./timeline.ts";

export interface TimelineLoaderParts {
  client: QueryClient;
  api: Pick<Api, "entries" | "messages">;
  store: Pick<Store, "tail">;
  catchUp: Pick<CatchUp, "fetchConversation" | "verify">;
  later: (ms: number, task: () => void) => () => void;
}

/** How many entries one page holds. The log is dense, so a page is a stretch of seqs. */
export const pageSize = 100;
/** How many items may gather while somebody watches the end, and how many of them are left then. */
const maxWatched = 6 * pageSize;
const keptWatched = 2 * pageSize;
/** A kept tail that is further behind is not worth catching up. */
const keptIsStale = 400;

/** Loads parts of conversations' logs into the query cache. */
export class TimelineLoader {
  readonly #parts: TimelineLoaderParts;
  readonly #loading = new Map<string, Promise<void>>();

  constructor(parts: TimelineLoaderParts) {
    this.#parts = parts;
  }

  /** The newest part of a conversation: from the device if it has it, else from the server. */
  async loadTail(id: string): Promise<Timeline> {
    try {
      return await this.#loadTail(id);
    } finally {
      // Once the query has the data, live delivery takes over; whatever came in between is fetched.
      this.#parts.later(0, () => {
        this.#parts.catchUp.verify(id);
      });
    }
  }

  async #loadTail(id: string): Promise<Timeline> {
    const kept = await this.#parts.store.tail(id);
    const conversation = knownConversation(this.#parts.client, id) ?? (await this.#parts.catchUp.fetchConversation(id));
    if (!conversation) throw new ApiError("not_found");
    const first = Math.max(conversation.visible_from, 1);
    const usable = kept && kept.lo >= first && kept.hi + keptIsStale > conversation.last_seq;
    if (usable) return timelineOfTail(first, kept);
    try {
      return await this.#fetchTail(conversation, first);
    } catch (thrown) {
      if (kept && asApiError(thrown).code === "offline") return timelineOfTail(first, kept);
      throw thrown;
    }
  }

  /** Makes sure that the page around a seq is loaded. */
  loadAround(id: string, seq: number): Promise<void> {
    const timeline = this.#timeline(id);
    if (!timeline || rangeAt(timeline, seq)) return Promise.resolve();
    const lo = Math.max(timeline.first, seq - pageSize / 2);
    return this.#once(`${id} around ${String(seq)}`, () => this.#loadStretch(id, lo, lo + pageSize - 1));
  }

  /** Loads the page before the range that begins at lo. */
  loadBefore(id: string, lo: number): Promise<void> {
    const first = this.#timeline(id)?.first ?? 1;
    if (lo <= first) return Promise.resolve();
    return this.#once(`${id} before`, () => this.#loadStretch(id, Math.max(first, lo - pageSize), lo - 1));
  }

  /** Loads the page after the range that ends at hi. */
  loadAfter(id: string, hi: number): Promise<void> {
    if (hi >= (this.#timeline(id)?.head ?? 0)) return Promise.resolve();
    return this.#once(`${id} after`, () => this.#loadStretch(id, hi + 1, hi + pageSize));
  }

  /** Lets go of all but the newest part of a conversation that is not looked at. */
  trim(id: string): void {
    const timeline = this.#timeline(id);
    if (timeline) this.#put(id, trim(timeline, pageSize));
  }

  /** Lets go of what is far above the end, where somebody is who watches what comes: that may go on for days. */
  trimBehind(id: string): void {
    const timeline = this.#timeline(id);
    if (timeline && tailOf(timeline).items.length > maxWatched) this.#put(id, trim(timeline, keptWatched));
  }

  #timeline(id: string): Timeline | undefined {
    return this.#parts.client.getQueryData<Timeline>(keys.timeline(id));
  }

  #put(id: string, timeline: Timeline): void {
    this.#parts.client.setQueryData<Timeline>(keys.timeline(id), timeline);
  }

  #once(name: string, load: () => Promise<void>): Promise<void> {
    const running = this.#loading.get(name);
    if (running) return running;
    const loading = load().finally(() => this.#loading.delete(name));
    this.#loading.set(name, loading);
    return loading;
  }

  async #fetchTail(conversation: Conversation, first: number): Promise<Timeline> {
    const lo = Math.max(first, conversation.last_seq - pageSize + 1);
    const entries: Entry[] = [];
    for (;;) {
      const page = await this.#parts.api.entries(conversation.id, {
        after: entries.at(-1)?.seq ?? lo - 1,
        limit: 2 * pageSize,
      });
      entries.push(...page.items);
      const reached = entries.at(-1)?.seq ?? lo - 1;
      if (page.items.length === 0 || reached >= page.head) return timelineOfEntries(first, lo, entries);
    }
  }

  /** Loads lo..hi, which may take several answers: the server bounds them by bytes too. */
  async #loadStretch(id: string, lo: number, hi: number): Promise<void> {
    let from = lo;
    while (from <= hi) {
      const reached = await this.#loadBlock(id, from, hi);
      if (reached < from) return;
      from = reached + 1;
    }
  }

  async #loadBlock(id: string, lo: number, hi: number): Promise<number> {
    const asOf = this.#timeline(id)?.head;
    if (asOf === undefined || lo > asOf) return lo - 1;
    const limit = Math.min(hi, asOf) - lo + 1;
    // The entries tell who came and went, the messages what later edits and reactions made of them.
    const [log, folded] = await Promise.all([
      this.#parts.api.entries(id, { after: lo - 1, limit }),
      this.#parts.api.messages(id, { after: lo - 1, limit }),
    ]);
    const last = log.items.at(-1)?.seq ?? lo - 1;
    const reached = Math.min(last, lastFolded(log.items, folded.items));
    const timeline = this.#timeline(id);
    if (!timeline) return lo - 1;
    const next = insertBlock(timeline, { lo, hi: reached, asOf, items: itemsOf(log.items, folded.items, reached) });
    if (!next) return this.#loadBlock(id, lo, hi);
    this.#put(id, next);
    return reached;
  }
}

/** The seq up to which every message entry has its folded message. */
function lastFolded(entries: readonly Entry[], messages: readonly Message[]): number {
  const known = new Set(messages.map((message) => message.seq));
  const missing = entries.find((entry) => entry.kind === "message" && !known.has(entry.seq));
  return missing ? missing.seq - 1 : (entries.at(-1)?.seq ?? 0);
}

function itemsOf(entries: readonly Entry[], messages: readonly Message[], hi: number): Item[] {
  const folded = new Map(messages.map((message) => [message.seq, message]));
  return entries.flatMap((entry) => {
    if (entry.seq > hi) return [];
    const item = entry.kind === "message" ? folded.get(entry.seq) : itemOfEntry(entry);
    return item ?? [];
  });
}
