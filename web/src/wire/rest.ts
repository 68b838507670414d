import { ApiError, type ErrorCode, readError } from "./errors.ts";

type Query = Record<string, string | number | undefined>;

export interface RequestOptions {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

const base = "/api/v1";

/** How long a request may take before it counts as failed. */
const timeoutMs = 20_000;

function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  const search = parameters.toString();
  return base + path + (search ? `?${search}` : "");
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return "unauthenticated";
  if (status === 403) return "forbidden";
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  if (status === 413) return "too_large";
  if (status === 429) return "rate_limited";
  if (status === 502 || status === 503 || status === 504) return "unavailable";
  return status < 500 ? "invalid" : "internal";
}

/** Reads the error that a REST answer carries. */
export function errorOfAnswer(status: number, body: string): ApiError {
  let problem: unknown;
  try {
    problem = JSON.parse(body);
  } catch {
    problem = undefined; // A proxy's page, not ours: the status says enough.
  }
  return readError(problem, codeOfStatus(status));
}

/** A form is sent as it is (the browser names its type), anything else as JSON. */
function content(body: unknown): Pick<RequestInit, "headers" | "body"> {
  const accept = { accept: "application/json" };
  if (body === undefined) return { headers: accept };
  if (body instanceof FormData) return { headers: accept, body };
  return { headers: { ...accept, "content-type": "application/json" }, body: JSON.stringify(body) };
}

/**
 * Sends one REST request; the session cookie says who asks. Throws ApiError, or
 * the abort reason of the signal.
 */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  let answer: Response;
  let body: string;
  try {
    answer = await fetch(address(path, options.query), {
      method,
      signal,
      credentials: "same-origin",
      ...content(options.body),
    });
    body = await answer.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(timeout.aborted ? "timeout" : "offline");
  }
  if (!answer.ok) throw errorOfAnswer(answer.status, body);
  // The types are the contract's; golden files and the end-to-end tests hold both sides to it.
  return (body ? JSON.parse(body) : undefined) as T;
}
