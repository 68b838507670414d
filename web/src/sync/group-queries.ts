import {
  type InfiniteData,
  keepPreviousData,
  useInfiniteQuery,
  type UseInfiniteQueryResult,
  useMutation,
  type UseMutationResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from "@tanstack/react-query";
import { api, type FileKind, type NewInvite, type Preferences } from "../wire/api.ts";
import { ApiError } from "../wire/errors.ts";
import type {
  Blocked,
  Conversation,
  Found,
  FreshInvite,
  Invite,
  InvitePreview,
  Me,
  Message,
  Page,
  SharedFile,
} from "../wire/types.ts";
import { keys } from "./keys.ts";
import { useEngine } from "./session-context.ts";

const searchPage = 20;
const filesPage = 40;
/** The server bounds its work: a page may be short or empty while there is more. So many are asked for at a time. */
const maxEmptyPages = 5;

export interface SearchInput {
  text: string;
  conversationId?: string | undefined;
  /** file, image, video, audio or link; several joined by commas. */
  has?: string | undefined;
  /** Whose messages, by the id. */
  from?: string | undefined;
  /** Sent at this time or later, RFC 3339. */
  after?: string | undefined;
  /** Sent before this time. */
  before?: string | undefined;
}

async function searchOnce(input: SearchInput, from: string | undefined, signal: AbortSignal): Promise<Page<Found>> {
  let cursor = from;
  for (let pages = 0; ; pages += 1) {
    const { text, conversationId, ...filters } = input;
    const query = { q: text, conversation_id: conversationId, ...filters, limit: searchPage, cursor };
    const page = await api.search(query, { signal });
    if (page.items.length > 0 || page.next_cursor === null || pages >= maxEmptyPages) return page;
    cursor = page.next_cursor;
  }
}

/** Messages that hold what was typed, the newest first. */
export function useSearch(
  input: SearchInput,
  enabled: boolean,
): UseInfiniteQueryResult<InfiniteData<Page<Found>, string | undefined>> {
  return useInfiniteQuery({
    queryKey: ["search", input],
    queryFn: ({ pageParam, signal }) => searchOnce(input, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<Found>) => page.next_cursor ?? undefined,
    enabled,
    staleTime: 10_000,
    placeholderData: keepPreviousData,
  });
}

/** What was sent into a conversation, the newest first. */
export function useSharedFiles(
  id: string,
  kind: FileKind,
): UseInfiniteQueryResult<InfiniteData<Page<SharedFile>, string | undefined>> {
  return useInfiniteQuery({
    queryKey: keys.files(id, kind),
    queryFn: ({ pageParam, signal }) => api.files(id, { kind, limit: filesPage, cursor: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Page<SharedFile>) => page.next_cursor ?? undefined,
  });
}

/** The pinned messages of a conversation, the newest pin first. */
export function usePins(id: string, enabled = true): UseQueryResult<Message[]> {
  return useQuery({
    queryKey: keys.pins(id),
    queryFn: async ({ signal }) => (await api.pins(id, { signal })).items,
    enabled,
    staleTime: Infinity,
  });
}

export function useSetPinned(id: string): UseMutationResult<unknown, Error, { seq: number; on: boolean }> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ seq, on }: { seq: number; on: boolean }) => api.setPinned(id, seq, on),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.pins(id) }),
  });
}

/** Mutes, pins or archives a conversation for this person. */
export function useSetPreferences(id: string): UseMutationResult<Conversation, Error, Preferences> {
  const engine = useEngine();
  return useMutation({
    mutationFn: (body: Preferences) => api.setPreferences(id, body),
    onSuccess: (told) => {
      engine.catchUp.takeConversation(told);
    },
  });
}

export function useBlocks(): UseQueryResult<Blocked[]> {
  return useQuery({ queryKey: keys.blocks, queryFn: async ({ signal }) => (await api.blocks({ signal })).items });
}

/** Blocks a person, or lets them again. */
export function useSetBlocked(): UseMutationResult<unknown, Error, { userId: string; on: boolean }> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ userId, on }: { userId: string; on: boolean }) => api.setBlocked(userId, on),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.blocks }),
  });
}

export function useInvites(id: string): UseQueryResult<Invite[]> {
  return useQuery({
    queryKey: keys.invites(id),
    queryFn: async ({ signal }) => (await api.invites(id, { signal })).items,
  });
}

export function useCreateInvite(id: string): UseMutationResult<FreshInvite, Error, NewInvite> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewInvite) => api.createInvite(id, body),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.invites(id) }),
  });
}

export function useRevokeInvite(id: string): UseMutationResult<unknown, Error, string> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (invite: string) => api.revokeInvite(id, invite),
    onSettled: () => client.invalidateQueries({ queryKey: keys.invites(id) }),
  });
}

/** What an invitation leads to; null when it is not valid any more. */
export function useInvitePreview(token: string): UseQueryResult<InvitePreview | null> {
  return useQuery({
    queryKey: keys.invite(token),
    queryFn: async ({ signal }) => {
      try {
        return await api.previewInvite(token, { signal });
      } catch (error) {
        if (error instanceof ApiError && (error.code === "not_found" || error.code === "invalid")) return null;
        throw error;
      }
    },
    enabled: token !== "",
    gcTime: 0,
  });
}

export function useJoin(): UseMutationResult<Conversation, Error, string> {
  const engine = useEngine();
  return useMutation({
    mutationFn: api.joinInvite,
    onSuccess: (conversation) => {
      engine.catchUp.takeConversation(conversation);
    },
  });
}

/** Gives this person a picture; null takes it away. */
export function useSetMyAvatar(): UseMutationResult<Me, Error, Blob | null> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (picture: Blob | null) => (picture ? api.setMyAvatar(picture) : api.updateMe({ avatar_id: null })),
    onSuccess: (me) => {
      client.setQueryData(keys.me, me);
      client.setQueryData(keys.user(me.id), me);
    },
  });
}

/** Gives a group a picture; null takes it away. */
export function useSetAvatar(id: string): UseMutationResult<unknown, Error, Blob | null> {
  return useMutation({
    mutationFn: (picture: Blob | null) =>
      picture ? api.setAvatar(id, picture) : api.updateConversation(id, { avatar_id: null }),
  });
}
