import { io, type Socket } from "socket.io-client";
import { ApiError, readError } from "./errors.ts";
import type { ClientEvents, ServerEvents as GeneratedEvents } from "./events.gen.ts";
import type { Conversation, ConversationGone } from "./types.ts";

interface Payloads extends Omit<GeneratedEvents, "conversation"> {
  conversation: Conversation | ConversationGone;
}
/** What the server says unasked. */
export type ServerEvents = { [E in keyof Payloads]: (payload: Payloads[E]) => void };

/** What the client asks, and what it is answered. */
export type Calls = { [N in keyof ClientEvents]: ClientEvents[N] };
export type CallName = keyof Calls;

/** What happens to the line itself. */
export interface LineEvents {
  up: () => void;
  down: () => void;
  /** The server refused the connection, and says why. */
  refused: (error: ApiError) => void;
}

/** The realtime connection, as `sync` needs it. */
export interface Line {
  on<E extends keyof ServerEvents>(event: E, listener: ServerEvents[E]): void;
  onLine<E extends keyof LineEvents>(event: E, listener: LineEvents[E]): void;
  /** Asks and waits for the answer. Rejects with ApiError: `offline` at once when there is no line, `timeout` without an answer. */
  call<N extends CallName>(name: N, request: Calls[N]["payload"]): Promise<Calls[N]["answer"]>;
  isUp(): boolean;
  /** Connects now instead of at the next try. */
  connect(): void;
  close(): void;
}

/** How long an answer may take. The server gives up on its side earlier. */
const answerTimeoutMs = 10_000;

type Answer = { ok: true; data: unknown } | { ok: false; error: unknown };

interface Wire {
  on(event: string, listener: (...args: never[]) => void): unknown;
}

/** Opens the realtime connection; it reconnects by itself until closed. `cursor` is asked at each connect. */
export function openLine(cursor: () => string | undefined): Line {
  const socket: Socket = io({
    path: "/socket.io/",
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    withCredentials: true,
    autoConnect: false,
    reconnectionDelay: 500,
    reconnectionDelayMax: 10_000,
    randomizationFactor: 0.5,
    auth: (done) => {
      const known = cursor();
      done(known ? { cursor: known } : {});
    },
  });
  const wire: Wire = socket;
  let hint: ReturnType<typeof setTimeout> | undefined;

  wire.on("reconnect", (payload: { after_ms: number }) => {
    // The node is about to stop: come back when it says, spread over time.
    hint = setTimeout(() => socket.connect(), payload.after_ms);
  });
  socket.on("disconnect", (reason) => {
    // After the server's own goodbye socket.io does not come back by itself.
    if (reason === "io server disconnect" && hint === undefined) hint = setTimeout(() => socket.connect(), 1_000);
  });
  socket.on("connect", () => {
    clearTimeout(hint);
    hint = undefined;
  });

  const isUp = (): boolean => socket.connected;

  return {
    on: (event, listener) => {
      wire.on(event, listener);
    },
    onLine: (event, listener) => {
      if (event === "up") socket.on("connect", listener as LineEvents["up"]);
      if (event === "down") socket.on("disconnect", () => (listener as LineEvents["down"])());
      if (event === "refused") {
        socket.on("connect_error", (error: Error & { data?: unknown }) => {
          if (error.data !== undefined) listener(readError(error.data, "unavailable"));
          // A refused namespace is final for socket.io; a temporary refusal is not for us.
          if (error.data !== undefined && !socket.active && readError(error.data).code !== "unauthenticated") {
            hint = setTimeout(() => socket.connect(), readError(error.data).retryAfterMs ?? 5_000);
          }
        });
      }
    },
    call: async (name, request) => {
      if (!isUp()) throw new ApiError("offline");
      let answer: Answer;
      try {
        answer = (await socket.timeout(answerTimeoutMs).emitWithAck(name, request)) as Answer;
      } catch {
        throw new ApiError(isUp() ? "timeout" : "offline");
      }
      if (!answer.ok) throw readError(answer.error);
      return answer.data as never;
    },
    isUp,
    connect: () => {
      if (socket.connected) return;
      clearTimeout(hint);
      hint = undefined;
      // Between two tries, and during one over a network that is gone, socket.io takes no orders: it begins anew.
      if (socket.active) socket.disconnect();
      socket.connect();
    },
    close: () => {
      clearTimeout(hint);
      socket.removeAllListeners();
      socket.disconnect();
    },
  };
}
