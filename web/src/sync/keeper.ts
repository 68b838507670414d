import type { QueryClient } from "@tanstack/react-query";
import { byActivity, type ConversationList } from "./conversation-list.ts";
import { keys } from "./keys.ts";
import type { Store } from "./store.ts";
import { tailOf, type Timeline } from "./timeline.ts";

export interface KeeperParts {
  client: QueryClient;
  store: Pick<Store, "keep">;
  later: (ms: number, task: () => void) => () => void;
}

/** How long it rests after a write: in a burst many changes become one. */
const restMs = 300;
const keptConversations = 100;
const keptItems = 60;

/**
 * Keeps the list and the newest part of each opened conversation on the device,
 * so that the next start paints at once. The first change is written as soon as
 * it is painted, what follows after a short rest, and the page's last words when
 * it goes (`flush`).
 */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #changed = new Set<string>();
  readonly #unsubscribe: () => void;
  #listed: ConversationList["byId"] = {};
  #listChanged = false;
  #resting = false;
  #cancel: (() => void) | undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.client.getQueryCache().subscribe((event) => {
      if (event.type !== "updated" || event.action.type !== "success") return;
      const [kind, id] = event.query.queryKey as readonly unknown[];
      if (kind === "conversations") this.#listChanged = true;
      else if (kind === "timeline" && typeof id === "string") this.#changed.add(id);
      else return;
      if (!this.#resting) this.#cancel ??= parts.later(0, this.#turn);
    });
  }

  /** Writes what changed since the last time. All is asked for before it returns: the page may go. */
  flush(): void {
    if (!this.#listChanged && this.#changed.size === 0) return;
    const list = this.#parts.client.getQueryData<ConversationList>(keys.conversations);
    const byId = list?.byId ?? this.#listed;
    const gone = Object.keys(this.#listed).filter((id) => !(id in byId));
    const tails = [...this.#changed].flatMap((id) => {
      const timeline = this.#parts.client.getQueryData<Timeline>(keys.timeline(id));
      return timeline && id in byId ? [{ conversation_id: id, tail: newest(timeline) }] : [];
    });
    const conversations = this.#listChanged && list ? byActivity(list).slice(0, keptConversations) : undefined;
    this.#listed = byId;
    this.#listChanged = false;
    this.#changed.clear();
    // A full or closed device store costs only the next start's head start.
    this.#parts.store.keep({ conversations, tails, gone }).catch(() => undefined);
  }

  close(): void {
    this.#unsubscribe();
    this.#cancel?.();
  }

  readonly #turn = (): void => {
    this.#cancel = undefined;
    this.#resting = this.#listChanged || this.#changed.size > 0;
    this.flush();
    if (this.#resting) this.#cancel = this.#parts.later(restMs, this.#turn);
  };
}

function newest(timeline: Timeline): { lo: number; hi: number; items: Timeline["ranges"][number]["items"] } {
  const tail = tailOf(timeline);
  const items = tail.items.slice(-keptItems);
  return { lo: items.length < tail.items.length ? (items[0]?.seq ?? tail.lo) : tail.lo, hi: tail.hi, items };
}
