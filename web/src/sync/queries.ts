import {
  type InfiniteData,
  type QueryClient,
  queryOptions,
  useInfiniteQuery,
  useQueries,
  type UseInfiniteQueryResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { api } from "../wire/api.ts";
import type { Conversation, Me, Member, Message, Page, Presence, Session, User } from "../wire/types.ts";
import { byActivity, type ConversationList } from "./conversation-list.ts";
import { listOptions, timelineOptions } from "./options.ts";
import { keys } from "./keys.ts";
import { isMuted } from "./mute.ts";
import type { OutboxItem } from "./outbox-item.ts";
import { useEngine } from "./session-context.ts";
import { personName } from "./naming.ts";
import { findItem, type Timeline } from "./timeline.ts";

const noItems: readonly never[] = [];
const minuteMs = 60_000;
/** How many members one search gives, and how many names in a text are looked up. */
const mostFound = 50;
const mostLookedUp = 10;

export function useMe(): Me {
  const { data } = useQuery<Me>({
    queryKey: keys.me,
    queryFn: ({ signal }) => api.me({ signal }),
    staleTime: Infinity,
  });
  if (!data) throw new Error("nobody is signed in");
  return data;
}

function useList<T>(select: (list: ConversationList) => T): UseQueryResult<T> {
  const engine = useEngine();
  return useQuery({ ...listOptions(engine), select });
}

/** The list of conversations, last active first. */
export function useConversations(): UseQueryResult<Conversation[]> {
  return useList(byActivity);
}

export function useHasMoreConversations(): boolean {
  return useList((list) => list.nextPage !== null).data ?? false;
}

export function useTotalUnread(): number {
  return (
    useList(
      (list) => Object.values(list.byId).filter((c) => c.unread > 0 && (!isMuted(c) || (c.mentions ?? 0) > 0)).length,
    ).data ?? 0
  );
}

/** One conversation; undefined while it is loaded, null when it is not there for this person. */
export function useConversation(id: string): Conversation | null | undefined {
  const engine = useEngine();
  const listed = useList((list) => list.byId[id] ?? null);
  const known = listed.data;
  const fetched = useQuery({
    queryKey: ["conversation", id],
    queryFn: () => engine.catchUp.fetchConversation(id),
    enabled: listed.isSuccess && !known,
    staleTime: 0,
    gcTime: 0,
  });
  if (known) return known;
  return fetched.isFetching || !fetched.isFetched ? undefined : null;
}

/** A conversation's log as far as it is loaded; live. */
export function useTimeline(id: string): UseQueryResult<Timeline> {
  const engine = useEngine();
  return useQuery(timelineOptions(engine, id));
}

/** What is not confirmed yet, in order. */
export function useOutbox(): readonly OutboxItem[] {
  const engine = useEngine();
  const { data } = useQuery<readonly OutboxItem[]>({
    queryKey: keys.outbox,
    queryFn: () => engine.outbox.items,
    staleTime: Infinity,
    gcTime: Infinity,
  });
  return data ?? noItems;
}

/** The newest message of one's own in a conversation that is not confirmed, or null: for the list. */
export function useUnsent(id: string): OutboxItem | null {
  const engine = useEngine();
  const select = useCallback(
    (items: readonly OutboxItem[]) =>
      items.findLast(
        (item) => item.conversation_id === id && item.action.kind === "message" && item.acked === undefined,
      ) ?? null,
    [id],
  );
  const { data } = useQuery({
    queryKey: keys.outbox,
    queryFn: () => engine.outbox.items,
    select,
    structuralSharing: false,
    staleTime: Infinity,
    gcTime: Infinity,
  });
  return data ?? null;
}

export function useOutboxOf(id: string): readonly OutboxItem[] {
  const all = useOutbox();
  return useMemo(() => all.filter((item) => item.conversation_id === id), [all, id]);
}

export function useMembers(
  id: string,
  enabled = true,
): UseInfiniteQueryResult<InfiniteData<Page<Member>, string | undefined>> {
  const client = useQueryClient();
  return useInfiniteQuery({
    queryKey: keys.members(id),
    queryFn: async ({ pageParam, signal }) => {
      const page = await api.members(id, { limit: 100, cursor: pageParam }, { signal });
      for (const { user } of page.items) client.setQueryData(keys.user(user.id), user);
      return page;
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<Member>) => page.next_cursor ?? undefined,
    staleTime: minuteMs,
    enabled,
  });
}

function foundMembersOptions(client: QueryClient, id: string, query: string) {
  return queryOptions({
    queryKey: keys.membersFound(id, query),
    queryFn: async ({ signal }) => {
      const { items } = await api.members(id, { limit: mostFound, query }, { signal });
      for (const { user } of items) client.setQueryData(keys.user(user.id), user);
      return items;
    },
    staleTime: minuteMs,
  });
}

/** The members whose username begins with a text or whose name holds it, as the server finds them. */
export function useFoundMembers(id: string, query: string, enabled: boolean): UseQueryResult<Member[]> {
  const client = useQueryClient();
  return useQuery({
    ...foundMembersOptions(client, id, query),
    enabled: enabled && query !== "",
    placeholderData: (before) => before,
  });
}

/** Finds the members of these usernames, so that they are known when the message is sent. */
export async function findMembersNamed(client: QueryClient, id: string, usernames: readonly string[]): Promise<void> {
  const known = new Set(knownMembers(client, id).map(({ user }) => user.username.toLowerCase()));
  const missing = usernames.filter((name) => !known.has(name)).slice(0, mostLookedUp);
  // Who cannot be found now is not told by name: the message itself is worth more than that.
  await Promise.all(missing.map((name) => client.query(foundMembersOptions(client, id, name)).catch(() => undefined)));
}

/** All members that were met so far: in pages of the list, and by search. */
export function knownMembers(client: QueryClient, id: string): Member[] {
  return client
    .getQueriesData<InfiniteData<Page<Member>> | Member[]>({ queryKey: keys.members(id) })
    .flatMap(([, data]) => (Array.isArray(data) ? data : (data?.pages ?? []).flatMap((page) => page.items)));
}

/** Somebody's public profile. */
export function useUser(id: string | undefined): User | undefined {
  const { data } = useQuery({
    queryKey: keys.user(id ?? ""),
    queryFn: ({ signal }) => api.user(id ?? "", { signal }),
    enabled: id !== undefined,
    staleTime: 10 * minuteMs,
  });
  return data;
}

export function usePeople(query: string): UseQueryResult<User[]> {
  const client = useQueryClient();
  return useQuery({
    queryKey: keys.people(query),
    queryFn: async ({ signal }) => {
      const { items } = await api.findUsers(query, { signal });
      for (const user of items) client.setQueryData(keys.user(user.id), user);
      return items;
    },
    staleTime: minuteMs / 2,
    placeholderData: (before) => before,
  });
}

/** Whether somebody is online; undefined while that is not known. */
export function usePresence(userId: string | undefined): Presence | undefined {
  const engine = useEngine();
  useEffect(() => (userId === undefined ? undefined : engine.presence.watch(userId)), [engine, userId]);
  const { data } = useQuery<Presence | null>({
    queryKey: keys.presence(userId ?? ""),
    queryFn: () => null,
    enabled: false,
    staleTime: Infinity,
  });
  return data ?? undefined;
}

/** Who types in a conversation right now. */
export function useTyping(id: string): readonly string[] {
  const { data } = useQuery<string[]>({ queryKey: keys.typing(id), queryFn: () => [], enabled: false });
  return data ?? noItems;
}

export function useSessions(): UseQueryResult<Session[]> {
  return useQuery({
    queryKey: keys.sessions,
    queryFn: async ({ signal }) => (await api.sessions({ signal })).items,
  });
}

/** Who has seen one message of a group. */
export function useMessageReceipts(
  id: string,
  seq: number,
): UseQueryResult<{ seen: string[]; delivered: string[]; seenCount: number }> {
  return useQuery({
    queryKey: keys.receipts(id, seq),
    queryFn: async ({ signal }) => {
      const answer = await api.receipts(id, seq, { signal });
      return {
        seen: answer.seen.map((one) => one.user_id),
        delivered: answer.delivered.map((one) => one.user_id),
        seenCount: answer.seen_count,
      };
    },
    staleTime: 0,
  });
}

/** The names of several people, in order; "…" while one is loaded. */
export function useNames(ids: readonly string[]): string[] {
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: keys.user(id),
      queryFn: ({ signal }: { signal: AbortSignal }) => api.user(id, { signal }),
      staleTime: 10 * minuteMs,
    })),
    combine: namesOf,
  });
}

const nobodyNamed: readonly string[] = [];

/** The people that a message names: ids by username in lower case. */
export function usePeopleNamed(ids: readonly string[] = nobodyNamed): ReadonlyMap<string, string> {
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: keys.user(id),
      queryFn: ({ signal }: { signal: AbortSignal }) => api.user(id, { signal }),
      staleTime: 10 * minuteMs,
    })),
    combine: peopleOf,
  });
}

const noPeople: ReadonlyMap<string, string> = new Map();

function peopleOf(results: readonly UseQueryResult<User>[]): ReadonlyMap<string, string> {
  if (results.length === 0) return noPeople;
  return new Map(results.flatMap(({ data }) => (data ? [[data.username.toLowerCase(), data.id] as const] : [])));
}

function namesOf(results: readonly UseQueryResult<User>[]): string[] {
  return results.map((result) => personName(result.data));
}

/** One message by its seq; null if it is not there, undefined while it is loaded. */
export function useMessageAt(id: string, seq: number): Message | null | undefined {
  const timeline = useTimeline(id).data;
  const item = timeline && findItem(timeline, seq);
  const known = item?.kind === "message" ? item : undefined;
  const fetched = useQuery({
    queryKey: ["message", id, seq],
    queryFn: async ({ signal }) => {
      const page = await api.messages(id, { after: seq - 1, limit: 1 }, { signal });
      return page.items.find((message) => message.seq === seq) ?? null;
    },
    enabled: seq > 0 && timeline !== undefined && known === undefined,
    staleTime: minuteMs,
  });
  return known ?? fetched.data;
}
