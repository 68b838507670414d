import type { Line } from "../wire/socket.ts";

/** What is known of the person before the page. */
export interface Watched {
  isVisible(): boolean;
  /** Calls back whenever the page is shown, hidden or used. Returns the way to stop. */
  listen(changed: (used: boolean) => void): () => void;
}

export interface AttentionParts {
  line: Pick<Line, "call" | "isUp">;
  page: Watched;
  now: () => number;
  later: (ms: number, task: () => void) => () => void;
}

/** Whoever has not touched the page for so long has left it open and gone. */
export const idleMs = 120_000;

/** Tells the server whether somebody looks at this page: while nobody looks at any, notifications are pushed. */
export class Attention {
  readonly #parts: AttentionParts;
  readonly #unlisten: () => void;
  #usedAt: number;
  /** What the server was told on this connection. */
  #told = false;
  #cancel: (() => void) | undefined;

  constructor(parts: AttentionParts) {
    this.#parts = parts;
    this.#usedAt = parts.now();
    this.#unlisten = parts.page.listen((used) => {
      if (used) this.#usedAt = this.#parts.now();
      // Most uses change nothing: they have to cost nothing.
      if (!used || !this.#told) this.#look();
    });
  }

  /** The line is up: a new connection knows nothing yet. */
  begin(): void {
    this.#told = false;
    this.#look();
  }

  close(): void {
    this.#unlisten();
    this.#cancel?.();
  }

  #look(): void {
    const { page, now, line } = this.#parts;
    const left = this.#usedAt + idleMs - now();
    const on = page.isVisible() && left > 0;
    this.#cancel?.();
    this.#cancel = on ? this.#parts.later(left, () => this.#look()) : undefined;
    if (on === this.#told || !line.isUp()) return;
    this.#told = on;
    line.call("attention", { on }).catch(() => {
      // Without an answer the line is about to fall; the next one begins anew.
    });
  }
}

const uses = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focus"] as const;

/** The page as the browser shows it. */
export const browserPage: Watched = {
  isVisible: () => document.visibilityState === "visible",
  listen: (changed) => {
    const shown = (): void => changed(document.visibilityState === "visible");
    const used = (): void => changed(true);
    document.addEventListener("visibilitychange", shown);
    for (const event of uses) window.addEventListener(event, used, { passive: true });
    return () => {
      document.removeEventListener("visibilitychange", shown);
      for (const event of uses) window.removeEventListener(event, used);
    };
  },
};
