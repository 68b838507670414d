import { asApiError, isTemporary } from "../wire/errors.ts";
import type { Line } from "../wire/socket.ts";

type Kind = "conversation.delivered" | "conversation.read";

export interface ReceiptParts {
  line: Pick<Line, "call" | "isUp">;
  /** Runs the task once, after the pause. Returns the way to call it off. */
  later: (ms: number, task: () => void) => () => void;
}

/** How long receipts are gathered before they are sent. */
const gatherMs = 250;
const retryMs = 3_000;

/**
 * Tells the server how far this person has received and read. The numbers only
 * grow; several of one conversation become one; what was not confirmed is sent
 * again when the line is back.
 */
export class ReceiptSender {
  readonly #parts: ReceiptParts;
  readonly #wanted: Record<Kind, Map<string, number>> = {
    "conversation.delivered": new Map(),
    "conversation.read": new Map(),
  };
  readonly #said = new Map<string, number>();
  #cancel: (() => void) | undefined;

  constructor(parts: ReceiptParts) {
    this.#parts = parts;
  }

  delivered(conversationId: string, seq: number): void {
    this.#want("conversation.delivered", conversationId, seq);
  }

  read(conversationId: string, seq: number): void {
    this.#want("conversation.read", conversationId, seq);
    // Who has read has received.
    const delivered = this.#wanted["conversation.delivered"];
    if ((delivered.get(conversationId) ?? Infinity) <= seq) delivered.delete(conversationId);
  }

  /** How far this page told the server that a conversation is read; 0 if it did not. */
  saidRead(conversationId: string): number {
    return this.#said.get(conversationId) ?? 0;
  }

  /** Sends what is not confirmed; called when the line is up. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (!this.#parts.line.isUp()) return;
    for (const kind of ["conversation.read", "conversation.delivered"] as const) {
      for (const [id, seq] of this.#wanted[kind]) void this.#send(kind, id, seq);
    }
  }

  close(): void {
    this.#cancel?.();
  }

  #want(kind: Kind, id: string, seq: number): void {
    if (seq <= (this.#wanted[kind].get(id) ?? 0)) return;
    this.#wanted[kind].set(id, seq);
    this.#soon(gatherMs);
  }

  #soon(ms: number): void {
    this.#cancel ??= this.#parts.later(ms, () => {
      this.flush();
    });
  }

  async #send(kind: Kind, id: string, seq: number): Promise<void> {
    if (kind === "conversation.read") this.#said.set(id, seq);
    try {
      await this.#parts.line.call(kind, { conversation_id: id, seq });
    } catch (thrown) {
      // Stays wanted: it is sent again with the next receipt, over the next connection, or a little later.
      if (isTemporary(asApiError(thrown)) && this.#parts.line.isUp()) this.#soon(retryMs);
      return;
    }
    if (this.#wanted[kind].get(id) === seq) this.#wanted[kind].delete(id);
  }
}
