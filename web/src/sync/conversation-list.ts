import type { Conversation } from "../wire/types.ts";
import { mergeConversation } from "./conversation-fold.ts";

/** A page of the list as the server told it. */
export interface ToldPage {
  items: readonly Conversation[];
  next: string | null;
  /** Whether it is the first page, which tells too what is gone. */
  first: boolean;
  /** What was known when the page was asked for. */
  before: ConversationList["byId"];
}

/** The conversations that are known here. */
export interface ConversationList {
  readonly byId: Readonly<Record<string, Conversation>>;
  /** Where the next page of the list begins; null when all are here. */
  readonly nextPage: string | null;
  /** A page that is to be merged into what is known by the time it is written; see `writeList`. */
  readonly told?: ToldPage;
}

export const emptyList: ConversationList = { byId: {}, nextPage: null };

/** The list with a page merged in, without going back behind what live delivery told meanwhile. */
export function mergePage(known: ConversationList, page: ToldPage): ConversationList {
  const byId = new Map(Object.entries(known.byId));
  for (const told of page.items) byId.set(told.id, mergeConversation(byId.get(told.id), told));
  if (page.first) {
    const told = new Set(page.items.map((conversation) => conversation.id));
    const oldest = page.next === null ? "" : (page.items.at(-1)?.active_at ?? "");
    for (const [id, old] of Object.entries(page.before)) {
      // It should be on this page, is not, and nothing happened to it meanwhile: this person was removed while away.
      if (!told.has(id) && old.active_at >= oldest && byId.get(id) === old) byId.delete(id);
    }
  }
  return { byId: Object.fromEntries(byId), nextPage: page.next };
}

/**
 * How the query cache writes the list: a page is merged at that very moment,
 * for a fetch may be overtaken by events. The cache asks it too about what
 * components select from the list, which may be anything and stays as it is.
 */
export function writeList(known: unknown, fresh: unknown): unknown {
  if (!isToldList(fresh)) return fresh;
  return mergePage((known as ConversationList | undefined) ?? emptyList, fresh.told);
}

function isToldList(value: unknown): value is ConversationList & { told: ToldPage } {
  return typeof value === "object" && value !== null && "told" in value && value.told !== undefined;
}

/** The conversations: those that are pinned, then the last active first. */
export function byActivity(list: ConversationList | undefined): Conversation[] {
  return Object.values(list?.byId ?? {}).sort(
    (a, b) =>
      Number(b.pinned ?? false) - Number(a.pinned ?? false) ||
      b.active_at.localeCompare(a.active_at) ||
      b.id.localeCompare(a.id),
  );
}
