/** What is searched for in a conversation, as the address has it. */
export interface SearchFilters {
  /** The words. */
  q?: string | undefined;
  /** A kind of what is attached or linked: `kinds`. */
  has?: string | undefined;
  /** The id of who sent it. */
  by?: string | undefined;
  /** The first and the last day it may have been sent on, as YYYY-MM-DD. */
  since?: string | undefined;
  until?: string | undefined;
}

/** An address without any filter. */
export const noFilters: SearchFilters = {
  q: undefined,
  has: undefined,
  by: undefined,
  since: undefined,
  until: undefined,
};

/** What the server takes for each kind that can be looked for. */
export const kinds = ["image,video", "audio", "file", "link"] as const;

const day = /^\d{4}-\d{2}-\d{2}$/;

function dayOf(value: unknown): string | undefined {
  return typeof value === "string" && day.test(value) && !Number.isNaN(Date.parse(value)) ? value : undefined;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** Reads the filters out of an address; what is no filter is left out. */
export function readFilters(search: Record<string, unknown>): SearchFilters {
  const filters: SearchFilters = {
    q: text(search["q"]),
    has: kinds.find((kind) => kind === search["has"]),
    by: text(search["by"]),
    since: dayOf(search["since"]),
    until: dayOf(search["until"]),
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

/** When a day begins where one is, or the day so many days later. */
export function beginOf(date: string | undefined, daysLater = 0): string | undefined {
  if (date === undefined) return undefined;
  const begin = new Date(`${date}T00:00`);
  begin.setDate(begin.getDate() + daysLater);
  return begin.toISOString();
}
