import type { QueryClient } from "@tanstack/react-query";
import { limits } from "../wire/events.gen.ts";
import type { Line } from "../wire/socket.ts";
import type { Presence } from "../wire/types.ts";
import { keys } from "./keys.ts";

export interface PresenceParts {
  line: Pick<Line, "call" | "isUp">;
  client: QueryClient;
  later: (ms: number, task: () => void) => () => void;
}

const gatherMs = 100;

/** Watches whether the people on screen are online. Each watch is counted; the whole set is told again after a reconnect. */
export class PresenceWatch {
  readonly #parts: PresenceParts;
  readonly #watched = new Map<string, number>();
  #cancel: (() => void) | undefined;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  /** Watches a person until the returned function is called. */
  watch(userId: string): () => void {
    const count = this.#watched.get(userId) ?? 0;
    this.#watched.set(userId, count + 1);
    if (count === 0) this.#soon();
    return () => {
      const left = (this.#watched.get(userId) ?? 1) - 1;
      if (left > 0) this.#watched.set(userId, left);
      else this.#watched.delete(userId);
    };
  }

  /** Asks again; called when the line is up. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#watched.size > 0 && this.#parts.line.isUp()) void this.#ask([...this.#watched.keys()]);
  }

  /** Without a line nobody's presence is known. */
  forget(): void {
    // Told, not removed: who looks at a query that is removed goes on seeing what it said last.
    this.#parts.client.setQueriesData({ queryKey: ["presence"] }, null);
  }

  put(presence: Presence): void {
    this.#parts.client.setQueryData<Presence>(keys.presence(presence.user_id), presence);
  }

  close(): void {
    this.#cancel?.();
  }

  #soon(): void {
    this.#cancel ??= this.#parts.later(gatherMs, () => {
      this.flush();
    });
  }

  async #ask(ids: string[]): Promise<void> {
    try {
      const answer = await this.#parts.line.call("presence.watch", { user_ids: ids.slice(-limits.watched) });
      for (const presence of answer.presence) this.put(presence);
    } catch {
      // Presence is a courtesy: the next connection asks again.
    }
  }
}
