interface Told {
  first: number;
  /** How far other devices had read it when the server first spoke of it. */
  firstRead: number;
  latest: number;
}

/**
 * How far the server said that each conversation's log goes, since the page is
 * there, along with how far it is read: another device may have read it
 * meanwhile. What the device kept is no such word: until it comes, nobody knows
 * what was missed. What lies behind the first word came while the page was there.
 */
export class ToldHeads {
  readonly #told = new Map<string, Told>();
  readonly #listeners = new Set<() => void>();

  /** The server says that the log of a conversation goes up to seq, and other devices have read it up to readSeq. */
  tell(id: string, seq: number, readSeq: number): void {
    const known = this.#told.get(id);
    if (known && known.latest >= seq) return;
    const { first, firstRead } = known ?? { first: seq, firstRead: readSeq };
    this.#told.set(id, { first, firstRead, latest: seq });
    if (!known) for (const hear of this.#listeners) hear();
  }

  /** What was said first; undefined until anything was. */
  first(id: string): number | undefined {
    return this.#told.get(id)?.first;
  }

  /** How far other devices had read it then; 0 if they had not, or nothing was said yet. */
  firstRead(id: string): number {
    return this.#told.get(id)?.firstRead ?? 0;
  }

  /** The furthest that was said; undefined until anything was. */
  latest(id: string): number | undefined {
    return this.#told.get(id)?.latest;
  }

  /** Calls back when something is said of a conversation for the first time. Returns the way to stop. */
  readonly listen = (hear: () => void): (() => void) => {
    this.#listeners.add(hear);
    return () => {
      this.#listeners.delete(hear);
    };
  };
}
