import type { Entry, Message, MessageEntry, ModifierEntry, SystemEntry } from "../wire/types.ts";

/** A fact that is told as a line of its own, like "Ada added Bo". */
export interface SystemItem {
  kind: "system";
  seq: number;
  at: string;
  entry: SystemEntry;
}
/** What a timeline shows at one seq. */
export type Item = Message | SystemItem;

/** What a modifier says, without its place in the log: a change that is not committed yet has none. */
export type Change =
  | { kind: "edit"; text: string; at: string; redacted?: boolean }
  | { kind: "delete"; at: string }
  | { kind: "reaction"; emoji: string; on: boolean; user: string }
  | { kind: "pin"; on: boolean; at: string };

/** A message as it is when it was just sent. */
export function messageOfEntry(entry: MessageEntry): Message {
  return {
    conversation_id: entry.conversation_id,
    seq: entry.seq,
    at: entry.at,
    sender_id: entry.sender_id,
    kind: "message",
    client_id: entry.client_id ?? "",
    ordinal: entry.ordinal,
    text: entry.text,
    ...(entry.reply_to ? { reply_to: entry.reply_to } : {}),
    attachments: entry.attachments,
    ...(entry.mentions ? { mentions: entry.mentions } : {}),
    reactions: {},
  };
}

export function changeOfEntry(entry: ModifierEntry): Change {
  switch (entry.kind) {
    case "edit":
      return { kind: "edit", text: entry.text, at: entry.at, ...(entry.redacted ? { redacted: true } : {}) };
    case "delete":
      return { kind: "delete", at: entry.at };
    case "reaction":
      return { kind: "reaction", emoji: entry.emoji, on: entry.on, user: entry.sender_id };
    case "pin":
      return { kind: "pin", on: entry.on, at: entry.at };
  }
}

export function isModifier(entry: Entry): entry is ModifierEntry {
  return entry.kind === "edit" || entry.kind === "delete" || entry.kind === "reaction" || entry.kind === "pin";
}

/** The line that an entry adds to a timeline; null for most modifiers and for kinds that this client does not know. */
export function itemOfEntry(entry: Entry): Item | null {
  switch (entry.kind) {
    case "message":
      return messageOfEntry(entry);
    case "created":
    case "member_added":
    case "member_removed":
    case "role":
    case "updated":
    case "call":
      return { kind: "system", seq: entry.seq, at: entry.at, entry };
    case "pin":
      return entry.on ? { kind: "system", seq: entry.seq, at: entry.at, entry } : null;
    default:
      return null;
  }
}

function withPin(message: Message, on: boolean, at: string): Message {
  const { pinned_at: _, ...rest } = message;
  return on ? { ...rest, pinned_at: at } : rest;
}

function withReaction(message: Message, change: Extract<Change, { kind: "reaction" }>): Message {
  const given = message.reactions[change.emoji] ?? [];
  if (given.includes(change.user) === change.on) return message;
  const users = change.on ? [...given, change.user] : given.filter((user) => user !== change.user);
  const { [change.emoji]: _, ...others } = message.reactions;
  return { ...message, reactions: users.length > 0 ? { ...others, [change.emoji]: users } : others };
}

/**
 * The message after a change. Repeating a run of changes that are already
 * folded in leads to the same state, so a page that the server made a little
 * later than we think does no harm. Deletion is final.
 */
export function changeMessage(message: Message, change: Change): Message {
  if (message.deleted_at) return message;
  switch (change.kind) {
    case "edit":
      // The text of a deleted message's edits is gone; its deletion follows in the log.
      return change.redacted ? message : { ...message, text: change.text, edited_at: change.at };
    case "reaction":
      return withReaction(message, change);
    case "pin":
      return withPin(message, change.on, change.at);
    case "delete": {
      const { edited_at: _, pinned_at: _pin, mentions: _mentions, ...rest } = message;
      return { ...rest, text: "", attachments: [], reactions: {}, deleted_at: change.at };
    }
  }
}
