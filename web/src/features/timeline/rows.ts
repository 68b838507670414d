import { changeMessage, type Item, type SystemItem } from "../../sync/fold.ts";
import { changeOfItem, type OutboxItem } from "../../sync/outbox-item.ts";
import type { Attachment, Message } from "../../wire/types.ts";

/** A message as it is drawn: with this person's unconfirmed changes, or not confirmed itself. */
export interface MessageRow {
  kind: "message";
  key: string;
  message: Message;
  /** Set while the server has not confirmed the message; its seq is 0 then. */
  pending?: OutboxItem;
  /** The first and the last of a run of messages by one person. */
  first: boolean;
  last: boolean;
}
export type Row =
  | MessageRow
  | { kind: "system"; key: string; item: SystemItem }
  | { kind: "day"; key: string; at: string }
  | { kind: "new"; key: string }
  | { kind: "start"; key: string };

export interface RowsInput {
  items: readonly Item[];
  /** This person's unconfirmed doings in the conversation. */
  outbox: readonly OutboxItem[];
  /** Whether `items` begin with the first message that this person may see. */
  atStart: boolean;
  /** Whether the conversation is between two: its beginning needs no line of its own. */
  direct: boolean;
  /** Whether `items` reach to the newest message: then unsent ones follow. */
  atTail: boolean;
  me: string;
  /** The line "New" stands before the first message of others after this seq. */
  newAfter: number | null;
}

/** Messages of one person within this time stand together. */
const groupMs = 5 * 60_000;

const days = new Map<string, string>();
const maxDays = 5_000;

/** The day of a time where this person is. Asked for each message of a conversation: known by the quarter of an hour, for no zone's day begins within one. */
function dayOf(at: string): string {
  const quarter = at.slice(0, 14) + String(Math.floor(Number(at.slice(14, 16)) / 15));
  const known = days.get(quarter);
  if (known !== undefined) return known;
  const date = new Date(at);
  const day = `${String(date.getFullYear())}-${String(date.getMonth())}-${String(date.getDate())}`;
  if (days.size >= maxDays) days.clear();
  days.set(quarter, day);
  return day;
}

export function keyOfMessage(message: Pick<Message, "sender_id" | "client_id" | "seq">, me: string): string {
  // One's own keep their key from "waiting" to "sent": nothing blinks.
  return message.sender_id === me && message.client_id ? `c-${message.client_id}` : `s-${String(message.seq)}`;
}

/** A waiting message in the form of a sent one. */
export function messageOfItem(item: OutboxItem, me: string): Message | null {
  if (item.action.kind !== "message") return null;
  const { text, reply_to, files, mentions } = item.action;
  return {
    conversation_id: item.conversation_id,
    seq: 0,
    at: item.at,
    sender_id: me,
    kind: "message",
    client_id: item.client_id,
    ordinal: 0,
    text,
    ...(reply_to ? { reply_to } : {}),
    ...(mentions ? { mentions } : {}),
    attachments: files.map((file): Attachment => ({ id: file.key, ...attachmentFields(file) })),
    reactions: {},
  };
}

function attachmentFields(file: { name: string; size: number; mime: string; width?: number; height?: number }) {
  const { name, size, mime, width, height } = file;
  return { name, size, mime, ...(width && height ? { width, height } : {}) };
}

function confirmedIds(items: readonly Item[], outbox: readonly OutboxItem[]): Set<string> {
  if (outbox.length === 0) return new Set();
  // What is confirmed now was sent lately: far enough back to find it, not the whole log.
  const recent = items.slice(-4 * outbox.length - 200);
  return new Set(recent.flatMap((item) => (item.kind === "message" ? [item.client_id] : [])));
}

function pendingChanges(outbox: readonly OutboxItem[], me: string): Map<number, ReturnType<typeof changeOfItem>[]> {
  const changes = new Map<number, ReturnType<typeof changeOfItem>[]>();
  for (const item of outbox) {
    const change = changeOfItem(item, me);
    if (change) changes.set(change.target, [...(changes.get(change.target) ?? []), change]);
  }
  return changes;
}

/** What is drawn of a stretch of a conversation, from top to bottom. */
export function buildRows({ items, outbox, atStart, direct, atTail, me, newAfter }: RowsInput): Row[] {
  const rows: Row[] = atStart ? [{ kind: "start", key: "start" }] : [];
  const changes = pendingChanges(outbox, me);
  let day = "";
  let before: MessageRow | undefined;
  let newShown = newAfter === null;

  const startDay = (at: string): void => {
    const next = dayOf(at);
    if (next === day) return;
    day = next;
    rows.push({ kind: "day", key: `d-${next}`, at });
    before = undefined;
  };
  const addMessage = (message: Message, pending?: OutboxItem): void => {
    startDay(message.at);
    if (!newShown && newAfter !== null && message.seq > newAfter && message.sender_id !== me) {
      newShown = true;
      rows.push({ kind: "new", key: "new" });
      before = undefined;
    }
    const joins =
      before?.message.sender_id === message.sender_id &&
      Date.parse(message.at) - Date.parse(before.message.at) < groupMs;
    if (joins && before) before.last = false;
    const row: MessageRow = {
      kind: "message",
      key: keyOfMessage(message, me),
      message,
      first: !joins,
      last: true,
      ...(pending ? { pending } : {}),
    };
    rows.push(row);
    before = row;
  };

  for (const item of items) {
    if (item.kind === "message") {
      let message = item;
      for (const change of changes.get(item.seq) ?? []) if (change) message = changeMessage(message, change.change);
      addMessage(message);
    } else if (!direct || item.entry.kind === "call") {
      startDay(item.at);
      rows.push({ kind: "system", key: `s-${String(item.seq)}`, item });
      before = undefined;
    }
  }
  if (atTail) {
    const confirmed = confirmedIds(items, outbox);
    for (const item of outbox) {
      const message = confirmed.has(item.client_id) ? null : messageOfItem(item, me);
      if (message) addMessage(message, item);
    }
  }
  return rows;
}

/** The seq of a row, 0 if it has none. */
export function seqOfRow(row: Row | undefined): number {
  if (row?.kind === "message") return row.message.seq;
  return row?.kind === "system" ? row.item.seq : 0;
}

/** The row of the same message as it is now: what waited when somebody chose it may be sent by then. */
export function asItIsNow(rows: readonly Row[], row: MessageRow): MessageRow {
  const now = rows.find(({ key }) => key === row.key);
  return now?.kind === "message" ? now : row;
}
