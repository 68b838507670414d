import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { mentionPattern } from "../../lib/mentions.ts";
import { findMembersNamed, knownMembers, useConversation, useMessageAt } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { useSettled } from "../../ui/use-settled.ts";
import type { Member } from "../../wire/types.ts";

const maxMentions = 50;
/** No message has it: nothing is loaded where nothing is replied to. */
const noReply = 0;

/** The usernames that stand in a text behind an @, in lower case, each once. */
export function namesIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(mentionPattern), ([, , name = ""]) => name.toLowerCase()))];
}

/** Who is to be told of a message: the author of what it replies to, and the members it names. */
export function mentionsOf(text: string, members: readonly Member[], author: string | undefined): string[] {
  const named = new Set(namesIn(text));
  const people = members.filter(({ user }) => named.has(user.username.toLowerCase())).map(({ user }) => user.id);
  return [...new Set([...(author === undefined ? [] : [author]), ...people])].slice(0, maxMentions);
}

/** Knows at any time who is to be told of what is written. Names that were typed or pasted are looked up meanwhile. */
export function useMentions(id: string, text: string, replyTo: number | undefined): (text: string) => string[] {
  const client = useQueryClient();
  const { me } = useEngine();
  const inGroup = (useConversation(id)?.kind ?? "direct") !== "direct";
  const settled = useSettled(text);
  useEffect(() => {
    const names = inGroup ? namesIn(settled) : [];
    if (names.length > 0) void findMembersNamed(client, id, names);
  }, [client, id, inGroup, settled]);
  const answered = useMessageAt(id, replyTo ?? noReply)?.sender_id;
  const author = inGroup && replyTo !== undefined && answered !== me ? answered : undefined;
  return (sent) => mentionsOf(sent, knownMembers(client, id), author);
}
