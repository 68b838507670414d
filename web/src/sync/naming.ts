import type { Conversation, User } from "../wire/types.ts";

export function isSelf(conversation: Conversation, me: string): boolean {
  return conversation.kind === "direct" && conversation.peer?.id === me;
}

/** The other person of a direct conversation; undefined for groups and for a note to self. */
export function peerOf(conversation: Conversation, me: string): User | undefined {
  return conversation.kind === "direct" && conversation.peer && conversation.peer.id !== me
    ? conversation.peer
    : undefined;
}

/** What a conversation is called. `self` is the word for a note to oneself. */
export function conversationName(conversation: Conversation, me: string, self: string): string {
  if (isSelf(conversation, me)) return self;
  return (conversation.peer?.display_name ?? conversation.title) || (conversation.peer?.username ?? "");
}

/** What the colour of a conversation's face derives from. */
export function conversationSeed(conversation: Conversation): string {
  return conversation.peer?.id ?? conversation.id;
}

/** The address of a conversation's picture. */
export function conversationAvatar(conversation: Conversation): string | undefined {
  if (conversation.kind === "direct") return conversation.peer?.avatar_url;
  if (conversation.avatar_url) return conversation.avatar_url;
  return conversation.avatar_id ? `/api/v1/files/${encodeURIComponent(conversation.avatar_id)}?thumb=1` : undefined;
}

export function personName(user: User | undefined): string {
  return (user?.display_name ?? "") || (user?.username ?? "…");
}
