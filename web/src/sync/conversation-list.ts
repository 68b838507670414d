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
  const byId: Record<string, Conversation> = { ...known.byId };
  for (const told of page.items) byId[told.id] = mergeConversation(byId[told.id], told);
  if (page.first) {
    const told = new Set(page.items.map((conversation) => conversation.id));
    const oldest = page.next === null ? "" : (page.items.at(-1)?.active_at ?? "");
    for (const [id, old] of Object.entries(page.before)) {
      // It should be on this page, is not, and nothing happened to it meanwhile: this person was removed while away.
      if (!told.has(id) && old.active_at >= oldest && byId[id] === old) delete byId[id];
    }
  }
  return { byId, nextPage: page.next };
}

/** How the query cache writes the list: a page is merged at that very moment, for a fetch may be overtaken by events. */
export function writeList(known: unknown, fresh: unknown): unknown {
  const { told } = fresh as ConversationList;
  return told ? mergePage((known as ConversationList | undefined) ?? emptyList, told) : fresh;
}

/** The conversations, last active first. */
export function byActivity(list: ConversationList | undefined): Conversation[] {
  return Object.values(list?.byId ?? {}).sort(
    (a, b) => b.active_at.localeCompare(a.active_at) || b.id.localeCompare(a.id),
  );
}
