import { useT } from "../../lib/i18n/i18n.ts";
import { conversationAvatar, conversationName, conversationSeed, personName } from "../../sync/naming.ts";
import { useConversation, useUser } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import type { Conversation } from "../../wire/types.ts";

/** A face and a name. */
export interface Face {
  name: string;
  seed: string;
  src: string | undefined;
}

/** The conversation of a call, and how it is shown. */
export function useWith(conversationId: string): {
  conversation: Conversation | undefined;
  group: boolean;
  face: Face;
} {
  const t = useT();
  const { me } = useEngine();
  const conversation = useConversation(conversationId) ?? undefined;
  const face = conversation
    ? {
        name: conversationName(conversation, me, t("self.title")),
        seed: conversationSeed(conversation),
        src: conversationAvatar(conversation),
      }
    : { name: "…", seed: conversationId, src: undefined };
  return { conversation, group: conversation !== undefined && conversation.kind !== "direct", face };
}

/** Somebody in a call. */
export function usePerson(userId: string): Face {
  const user = useUser(userId);
  return { name: personName(user), seed: userId, src: user?.avatar_url };
}
