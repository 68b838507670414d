/** The closed set of codes that the server answers with, and two of our own: no line, and no answer in time. */
const codes = [
  "invalid",
  "unauthenticated",
  "forbidden",
  "not_found",
  "conflict",
  "too_large",
  "rate_limited",
  "overloaded",
  "unavailable",
  "internal",
  "offline",
  "timeout",
] as const;
export type ErrorCode = (typeof codes)[number];

export interface ErrorDetails {
  message?: string;
  reason?: string;
  retryAfterMs?: number;
  fields?: Record<string, string>;
}

/** Why a request failed. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly fields: Record<string, string>;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(details.message ?? code);
    this.name = "ApiError";
    this.code = code;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
    this.fields = details.fields ?? {};
  }
}

const isCode = (value: unknown): value is ErrorCode => codes.some((code) => code === value);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function stringFields(value: unknown): Record<string, string> | undefined {
  if (!isRecord(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

/** Reads an error as the server writes it, in a problem document, an ack or a connect error. */
export function readError(body: unknown, fallback: ErrorCode = "internal"): ApiError {
  if (!isRecord(body)) return new ApiError(fallback);
  const retry = body["retry_after_ms"];
  return new ApiError(isCode(body["code"]) ? body["code"] : fallback, {
    message: text(body["message"]) ?? text(body["detail"]) ?? text(body["title"]),
    reason: text(body["reason"]),
    retryAfterMs: typeof retry === "number" ? retry : undefined,
    fields: stringFields(body["fields"]),
  });
}

/** Turns whatever was thrown into an ApiError. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("internal", { message: String(error) });
}

/** Whether the same request may well succeed later. */
export function isTemporary(error: ApiError): boolean {
  switch (error.code) {
    case "rate_limited":
    case "overloaded":
    case "unavailable":
    case "internal":
    case "offline":
    case "timeout":
      return true;
    default:
      return false;
  }
}
