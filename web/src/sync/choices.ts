import { useDeferredValue } from "react";
import { useT } from "../lib/i18n/i18n.ts";
import { conversationAvatar, conversationName, conversationSeed, isSelf, personName } from "./naming.ts";
import { useConversations, usePeople } from "./queries.ts";
import { useEngine } from "./session-context.ts";

/** A place to go to: a conversation that is there, or a person to begin one with. */
export interface Choice {
  key: string;
  name: string;
  note: string;
  seed: string;
  src?: string | undefined;
  group: boolean;
  self: boolean;
  conversationId?: string;
  userId?: string;
}

const maxChoices = 30;

/** Lower case without accents: "Zoë" is found by "zoe". */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function matches(query: string, ...texts: string[]): boolean {
  return texts.some((text) =>
    folded(text)
      .split(/[\s@._-]+/)
      .concat(folded(text))
      .some((word) => word.startsWith(query)),
  );
}

/** Places to go to whose names begin with what was typed; people that one never wrote to come last. */
export function useChoices(text: string): Choice[] {
  const t = useT();
  const { me } = useEngine();
  const query = useDeferredValue(folded(text.trim()));
  const conversations = useConversations().data ?? [];
  const people = usePeople(query).data ?? [];
  const known = conversations.map((conversation): Choice => {
    const self = isSelf(conversation, me);
    return {
      key: conversation.id,
      name: conversationName(conversation, me, t("self.title")),
      note: conversation.peer && !self ? `@${conversation.peer.username}` : "",
      seed: conversationSeed(conversation),
      src: self ? undefined : conversationAvatar(conversation),
      group: conversation.kind !== "direct",
      self,
      conversationId: conversation.id,
    };
  });
  const met = new Set(conversations.flatMap((conversation) => conversation.peer?.id ?? []));
  const found = known.filter((choice) => query === "" || matches(query, choice.name, choice.note));
  if (query === "") return found.slice(0, maxChoices);
  const others = people
    .filter((user) => user.id !== me && !met.has(user.id))
    .map((user): Choice => ({
      key: user.id,
      name: personName(user),
      note: `@${user.username}`,
      seed: user.id,
      src: user.avatar_url,
      group: false,
      self: false,
      userId: user.id,
    }));
  return [...found, ...others].slice(0, maxChoices);
}
