import type { QueryClient } from "@tanstack/react-query";
import { byActivity, type ConversationList } from "./conversation-list.ts";
import { keys } from "./keys.ts";
import type { Store } from "./store.ts";
import { tailOf, type Timeline } from "./timeline.ts";

export interface KeeperParts {
  client: QueryClient;
  store: Pick<Store, "setConversations" | "setTail" | "removeTail">;
  later: (ms: number, task: () => void) => () => void;
}

const pauseMs = 800;
const keptConversations = 100;
const keptItems = 60;

/** Keeps the list and the newest part of each opened conversation on the device, so that the next start paints at once. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #changed = new Set<string>();
  #listChanged = false;
  #cancel: (() => void) | undefined;
  readonly #unsubscribe: () => void;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#unsubscribe = parts.client.getQueryCache().subscribe((event) => {
      if (event.type !== "updated" || event.action.type !== "success") return;
      const [kind, id] = event.query.queryKey as readonly unknown[];
      if (kind === "conversations") this.#listChanged = true;
      else if (kind === "timeline" && typeof id === "string") this.#changed.add(id);
      else return;
      this.#cancel ??= parts.later(pauseMs, () => {
        this.#cancel = undefined;
        void this.keep();
      });
    });
  }

  /** Writes what changed since the last time. */
  async keep(): Promise<void> {
    const { client, store } = this.#parts;
    const list = client.getQueryData<ConversationList>(keys.conversations);
    const ids = [...this.#changed];
    this.#changed.clear();
    try {
      if (this.#listChanged && list) {
        this.#listChanged = false;
        await store.setConversations(byActivity(list).slice(0, keptConversations));
      }
      for (const id of ids) {
        const timeline = client.getQueryData<Timeline>(keys.timeline(id));
        if (!timeline) await store.removeTail(id);
        else await store.setTail(id, newest(timeline));
      }
    } catch {
      // A full or closed device store costs only the next start's head start.
    }
  }

  close(): void {
    this.#unsubscribe();
    this.#cancel?.();
  }
}

function newest(timeline: Timeline): { lo: number; hi: number; items: Timeline["ranges"][number]["items"] } {
  const tail = tailOf(timeline);
  const items = tail.items.slice(-keptItems);
  return { lo: items.length < tail.items.length ? (items[0]?.seq ?? tail.lo) : tail.lo, hi: tail.hi, items };
}
