import type { Conversation } from "../wire/types.ts";

/** What the server calls "for ever". */
export const forEver = "9999-12-31T00:00:00.000Z";

/** Whether a conversation is to be quiet now. */
export function isMuted(conversation: Pick<Conversation, "muted_until">, now = Date.now()): boolean {
  return conversation.muted_until !== undefined && Date.parse(conversation.muted_until) > now;
}

/** Whether a message of a conversation is to be told. */
export function isTold(
  conversation: Pick<Conversation, "muted_until" | "notify">,
  mentionsMe: boolean,
  now = Date.now(),
): boolean {
  if (conversation.notify === "none") return false;
  if (mentionsMe) return true;
  return conversation.notify !== "mentions" && !isMuted(conversation, now);
}
