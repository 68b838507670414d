import type { QueryClient } from "@tanstack/react-query";
import type { Line } from "../wire/socket.ts";
import type { Typing } from "../wire/types.ts";
import { keys } from "./keys.ts";

export interface TypingParts {
  line: Pick<Line, "call" | "isUp">;
  client: QueryClient;
  now: () => number;
  later: (ms: number, task: () => void) => () => void;
}

/** "Is typing" is said again this often while somebody types, … */
const sayAgainMs = 3_000;
/** … is taken back after this much silence, … */
const silentMs = 4_000;
/** … and others forget it after this, should the taking back be lost. */
const forgetMs = 6_000;

/** Says that this person types, and keeps who else does. Nothing of it is stored or repeated. */
export class TypingLine {
  readonly #parts: TypingParts;
  readonly #heard = new Map<string, () => void>();
  #saying: { id: string; saidAt: number; cancel: () => void } | undefined;

  constructor(parts: TypingParts) {
    this.#parts = parts;
  }

  /** Called at each keystroke. */
  typed(conversationId: string): void {
    if (this.#saying && this.#saying.id !== conversationId) this.stopped();
    const now = this.#parts.now();
    const saidAt = this.#saying?.saidAt ?? -Infinity;
    const due = now - saidAt >= sayAgainMs;
    this.#saying?.cancel();
    const cancel = this.#parts.later(silentMs, () => {
      this.stopped();
    });
    this.#saying = { id: conversationId, saidAt: due ? now : saidAt, cancel };
    if (due) this.#say(conversationId, true);
  }

  /** Called when the message is sent or given up. */
  stopped(): void {
    if (!this.#saying) return;
    this.#saying.cancel();
    this.#say(this.#saying.id, false);
    this.#saying = undefined;
  }

  hear(typing: Typing): void {
    const key = `${typing.conversation_id} ${typing.user_id}`;
    this.#heard.get(key)?.();
    this.#heard.delete(key);
    const others = this.#typists(typing.conversation_id).filter((user) => user !== typing.user_id);
    if (typing.on) {
      this.#heard.set(
        key,
        this.#parts.later(forgetMs, () => {
          this.hear({ ...typing, on: false });
        }),
      );
    }
    this.#parts.client.setQueryData(
      keys.typing(typing.conversation_id),
      typing.on ? [...others, typing.user_id] : others,
    );
  }

  /** Without a line nobody is known to type. */
  forget(): void {
    for (const cancel of this.#heard.values()) cancel();
    this.#heard.clear();
    this.#parts.client.setQueriesData({ queryKey: ["typing"] }, []);
  }

  close(): void {
    this.#saying?.cancel();
    for (const cancel of this.#heard.values()) cancel();
  }

  #typists(id: string): string[] {
    return this.#parts.client.getQueryData<string[]>(keys.typing(id)) ?? [];
  }

  #say(conversationId: string, on: boolean): void {
    if (!this.#parts.line.isUp()) return;
    this.#parts.line.call("typing", { conversation_id: conversationId, on }).catch(() => undefined);
  }
}
