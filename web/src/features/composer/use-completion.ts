import { useEffect, useState } from "react";
import { personName } from "../../sync/naming.ts";
import { useFoundMembers, useMembers } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { useSettled } from "../../ui/use-settled.ts";
import type { Member, User } from "../../wire/types.ts";
import type { Token } from "./token.ts";

/** One thing to choose. */
export interface Suggestion {
  key: string;
  /** What is put into the text. */
  insert: string;
  label: string;
  note: string;
  user?: User;
  emoji?: string;
}

const maxSuggestions = 8;

type EmojiList = readonly (readonly [string, string])[];

async function loadEmoji(): Promise<EmojiList> {
  const { emojiGroups } = await import("../../ui/emoji-data.ts");
  return emojiGroups.flatMap((group) => group.emoji);
}

/** The emoji whose name begins with the query, then those that a word of finds. */
export function findEmoji(all: EmojiList, query: string): EmojiList {
  const wanted = query.toLowerCase();
  const words = (names: string): string[] => names.split(" ");
  const first = all.filter(([, names]) => names.startsWith(wanted));
  const later = all.filter(
    ([, names]) => !names.startsWith(wanted) && words(names).some((word) => word.startsWith(wanted)),
  );
  return [...first, ...later];
}

/** The emoji that has exactly this name, for ":name:". */
export async function emojiNamed(name: string): Promise<string | undefined> {
  const wanted = name.toLowerCase();
  const all = await loadEmoji();
  return all.find(([, names]) => names.replaceAll(" ", "_") === wanted || names.split(" ").includes(wanted))?.[0];
}

function useEmoji(query: string | undefined): Suggestion[] {
  const [all, setAll] = useState<EmojiList>([]);
  const wanted = query !== undefined;
  useEffect(() => {
    if (!wanted) return;
    let dropped = false;
    void loadEmoji().then((list) => {
      if (!dropped) setAll(list);
    });
    return () => {
      dropped = true;
    };
  }, [wanted]);
  if (query === undefined) return [];
  return findEmoji(all, query).map(([emoji, names]) => ({
    key: emoji,
    insert: emoji,
    label: `:${names.split(" ")[0] ?? ""}:`,
    note: names,
    emoji,
  }));
}

const folded = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The members whose names begin with the query, then those the server found by it, each once. */
export function matchMembers(
  known: readonly Member[],
  found: readonly Member[],
  query: string,
  me: string,
): readonly User[] {
  const wanted = folded(query);
  const begins = ({ user }: Member): boolean =>
    [user.username, ...personName(user).split(/\s+/)].some((word) => folded(word).startsWith(wanted));
  // What was found may still be of an earlier query.
  const holds = ({ user }: Member): boolean => folded(`${user.username} ${personName(user)}`).includes(wanted);
  const people = new Map([...known.filter(begins), ...found.filter(holds)].map(({ user }) => [user.id, user]));
  people.delete(me);
  return [...people.values()];
}

const nobody: readonly Member[] = [];

function usePeopleHere(id: string, query: string | undefined): Suggestion[] {
  const { me } = useEngine();
  const members = useMembers(id, query !== undefined);
  // A large group is not known whole: the server finds whom the first pages lack.
  const found = useFoundMembers(id, useSettled(query ?? ""), query !== undefined && members.hasNextPage);
  if (query === undefined) return [];
  const known = (members.data?.pages ?? []).flatMap((page) => page.items);
  return matchMembers(known, found.data ?? nobody, query, me).map((user) => ({
    key: user.id,
    insert: `@${user.username}`,
    label: personName(user),
    note: `@${user.username}`,
    user,
  }));
}

/** What can stand in the place of what is typed. */
export function useCompletion(id: string, token: Token | null): Suggestion[] {
  const emoji = useEmoji(token?.kind === "emoji" ? token.query : undefined);
  const people = usePeopleHere(id, token?.kind === "mention" ? token.query : undefined);
  return [...people, ...emoji].slice(0, maxSuggestions);
}
