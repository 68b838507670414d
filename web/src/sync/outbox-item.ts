import type { ErrorCode } from "../wire/errors.ts";
import type { Attachment } from "../wire/types.ts";
import type { Change } from "./fold.ts";

/** A file of a message that is not sent yet. */
export interface OutboxFile {
  key: string;
  name: string;
  size: number;
  mime: string;
  width?: number;
  height?: number;
  /** What is to be uploaded; dropped once `attachment` is there. */
  blob?: Blob;
  attachment?: Attachment;
}

export interface MessageAction {
  kind: "message";
  text: string;
  reply_to?: number;
  /** Who is to be told. */
  mentions?: string[];
  files: OutboxFile[];
}
export type Action =
  | MessageAction
  | { kind: "edit"; target: number; text: string }
  | { kind: "delete"; target: number }
  | { kind: "reaction"; target: number; emoji: string; on: boolean };

/** Something that this person did and that the server has not confirmed. */
export interface OutboxItem {
  /** The idempotency key: a repeat of the same item is the same message. */
  client_id: string;
  conversation_id: string;
  /** Where it stands in the queue; grows with time. */
  order: number;
  at: string;
  action: Action;
  /** Why it cannot be sent as it is; waits for the person. */
  failed?: { code: ErrorCode; message: string; reason?: string };
  /** The seq that the server gave, until the timeline has got there. */
  acked?: number;
}

/** The change that an unconfirmed item makes to a message already, so that it shows at once. */
export function changeOfItem(item: OutboxItem, me: string): { target: number; change: Change } | null {
  const { action, at } = item;
  switch (action.kind) {
    case "message":
      return null;
    case "edit":
      return { target: action.target, change: { kind: "edit", text: action.text, at } };
    case "delete":
      return { target: action.target, change: { kind: "delete", at } };
    case "reaction":
      return { target: action.target, change: { kind: "reaction", emoji: action.emoji, on: action.on, user: me } };
  }
}
