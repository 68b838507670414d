/** A place in this tab's history, as the router's history tells it. */
export interface Place {
  href: string;
  /** How many of this client's pages are before it in the tab. */
  index: number;
}

/** Where this tab has been: what the pages before the one that is shown are. Browsers do not tell. */
export class Trail {
  readonly #hrefs: string[];
  readonly #keep: (hrefs: readonly string[]) => void;
  #index = 0;

  constructor(kept: readonly string[] = [], keep: (hrefs: readonly string[]) => void = () => undefined) {
    this.#hrefs = [...kept];
    this.#keep = keep;
  }

  /** The tab is at this place now. */
  at({ href, index }: Place): void {
    // What was ahead is gone once another page was opened.
    if (this.#hrefs[index] !== undefined && this.#hrefs[index] !== href) this.#hrefs.length = index;
    this.#hrefs[index] = href;
    this.#index = index;
    this.#keep(this.#hrefs);
  }

  /** Forgets all: the next person at this tab has been nowhere. */
  forget(): void {
    this.#hrefs.length = 0;
    this.#keep(this.#hrefs);
  }

  /** How many steps back the tab was at this address last; 0 if it was not. */
  stepsTo(href: string): number {
    const found = this.#hrefs.slice(0, this.#index).lastIndexOf(href);
    return found < 0 ? 0 : this.#index - found;
  }
}

const storageKey = "parley.trail";

function restored(): string[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? "[]");
    return Array.isArray(kept) && kept.every((one) => typeof one === "string") ? kept : [];
  } catch {
    return [];
  }
}

/** The trail of this tab; it survives a reload. */
export function openTrail(): Trail {
  return new Trail(restored(), (hrefs) => {
    sessionStorage.setItem(storageKey, JSON.stringify(hrefs));
  });
}
