import { useMutation, type UseMutationResult } from "@tanstack/react-query";
import { useSessionKeeper } from "../../sync/session-context.ts";
import { api, type SignUp } from "../../wire/api.ts";
import type { Me } from "../../wire/types.ts";

export function useLogIn(): UseMutationResult<{ user: Me }, Error, { username: string; password: string }> {
  const session = useSessionKeeper();
  return useMutation({ mutationFn: api.logIn, onSuccess: ({ user }) => session.signedIn(user, { fresh: true }) });
}

export function useSignUp(): UseMutationResult<{ user: Me }, Error, SignUp> {
  const session = useSessionKeeper();
  return useMutation({ mutationFn: api.signUp, onSuccess: ({ user }) => session.signedIn(user, { fresh: true }) });
}
