import type { QueryClient } from "@tanstack/react-query";
import type { Conversation, Entry } from "../wire/types.ts";
import { foldConversation } from "./conversation-fold.ts";
import { type ConversationList, emptyList } from "./conversation-list.ts";
import { keys } from "./keys.ts";
import { append, type Timeline } from "./timeline.ts";

/** What became of an entry. `gap`: entries before it are missing. `unknown`: so is its conversation. */
export type Applied = "applied" | "old" | "gap" | "unknown";

export function knownConversation(client: QueryClient, id: string): Conversation | undefined {
  return client.getQueryData<ConversationList>(keys.conversations)?.byId[id];
}

/** Puts a conversation into the list, or takes it out. */
export function putConversation(client: QueryClient, id: string, conversation: Conversation | null): void {
  client.setQueryData<ConversationList>(keys.conversations, (list = emptyList) => {
    if (list.byId[id] === (conversation ?? undefined)) return list;
    const { [id]: _, ...others } = list.byId;
    return { ...list, byId: conversation ? { ...others, [id]: conversation } : others };
  });
}

/** Up to which seq everything that is shown of a conversation is complete; undefined when nothing is. */
export function appliedSeq(client: QueryClient, id: string): number | undefined {
  const conversation = knownConversation(client, id);
  const timeline = client.getQueryData<Timeline>(keys.timeline(id));
  if (!conversation) return undefined;
  return timeline ? Math.min(conversation.last_seq, timeline.head) : conversation.last_seq;
}

/**
 * Writes one committed entry into what is shown: the conversation's line in the
 * list and its timeline, each guarded by its own seq, so that an entry counts
 * once however often and over whatever way it comes.
 */
export function applyEntry(client: QueryClient, entry: Entry, me: string): Applied {
  const id = entry.conversation_id;
  const conversation = knownConversation(client, id);
  if (!conversation) return "unknown";
  const timeline = client.getQueryData<Timeline>(keys.timeline(id));
  const appended = timeline && append(timeline, entry);
  if (entry.seq > conversation.last_seq + 1 || appended?.result === "gap") return "gap";

  if (appended?.result === "applied") client.setQueryData<Timeline>(keys.timeline(id), appended.timeline);
  if (entry.seq <= conversation.last_seq) return appended?.result === "applied" ? "applied" : "old";

  putConversation(client, id, foldConversation(conversation, entry, me));
  if (entry.kind === "member_added" || entry.kind === "member_removed" || entry.kind === "role") {
    void client.invalidateQueries({ queryKey: keys.members(id) });
  }
  if (entry.kind === "pin") void client.invalidateQueries({ queryKey: keys.pins(id) });
  if (entry.kind === "message" && entry.attachments.length > 0) {
    void client.invalidateQueries({ queryKey: ["files", id] });
  }
  return "applied";
}
