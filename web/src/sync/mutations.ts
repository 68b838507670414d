import { useMutation, type UseMutationResult, useQueryClient } from "@tanstack/react-query";
import { api, type NewConversation, type PasswordChange, type ProfileChange } from "../wire/api.ts";
import type { Conversation, Me, Role } from "../wire/types.ts";
import { keys } from "./keys.ts";
import { useEngine } from "./session-context.ts";

/** Starts a conversation, or finds the one there is with this person. */
export function useCreateConversation(): UseMutationResult<Conversation, Error, NewConversation> {
  const engine = useEngine();
  return useMutation({
    mutationFn: api.createConversation,
    onSuccess: (conversation) => {
      engine.catchUp.takeConversation(conversation);
    },
  });
}

export function useRenameConversation(id: string): UseMutationResult<unknown, Error, string> {
  return useMutation({ mutationFn: (title: string) => api.updateConversation(id, { title }) });
}

export function useAddMembers(id: string): UseMutationResult<unknown, Error, string[]> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (userIds: string[]) => api.addMembers(id, userIds),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.members(id) }),
  });
}

export function useSetRole(id: string): UseMutationResult<unknown, Error, { userId: string; role: Role }> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ userId, role }: { userId: string; role: Role }) => api.setRole(id, userId, role),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.members(id) }),
  });
}

export function useRemoveMember(id: string): UseMutationResult<unknown, Error, string> {
  const client = useQueryClient();
  const engine = useEngine();
  return useMutation({
    mutationFn: (userId: string) => api.removeMember(id, userId),
    onSuccess: async (_answer, userId) => {
      if (userId === engine.me) engine.catchUp.forget(id);
      else await client.invalidateQueries({ queryKey: keys.members(id) });
    },
  });
}

export function useUpdateMe(): UseMutationResult<Me, Error, ProfileChange> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: api.updateMe,
    onSuccess: (me) => {
      client.setQueryData(keys.me, me);
      client.setQueryData(keys.user(me.id), me);
    },
  });
}

export function useChangePassword(): UseMutationResult<unknown, Error, PasswordChange> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: api.changePassword,
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sessions }),
  });
}

export function useRevokeSession(): UseMutationResult<unknown, Error, string> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: api.revokeSession,
    onSettled: () => client.invalidateQueries({ queryKey: keys.sessions }),
  });
}
