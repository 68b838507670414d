import { type ApiError, asApiError } from "../wire/errors.ts";

type ErrorKey = `error.${ApiError["code"]}` | "error.blocked" | "error.blocking";

/** The key of the text for an error that is known by its code and, where the server gives one, its reason. */
export function reasonKey({ code, reason }: { code: ApiError["code"]; reason?: string | undefined }): ErrorKey {
  return reason === "blocked" || reason === "blocking" ? `error.${reason}` : `error.${code}`;
}

/** The key of the text that tells a person what went wrong. */
export function errorKey(thrown: unknown): ErrorKey {
  return reasonKey(asApiError(thrown));
}
