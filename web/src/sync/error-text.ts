import { asApiError } from "../wire/errors.ts";

type ErrorKey = `error.${ReturnType<typeof asApiError>["code"]}`;

/** The key of the text that tells a person what went wrong. */
export function errorKey(thrown: unknown): ErrorKey {
  return `error.${asApiError(thrown).code}`;
}
