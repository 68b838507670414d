import type { Conversation, Entry, MemberReceipt, Message, Receipt } from "../wire/types.ts";
import { changeMessage, changeOfEntry, isModifier, messageOfEntry } from "./fold.ts";

/** A receipt that is at least as far in both numbers: receipts only grow. */
function furthest(a: MemberReceipt, b: MemberReceipt): MemberReceipt {
  if (a.delivered_seq >= b.delivered_seq && a.read_seq >= b.read_seq) return a;
  return {
    user_id: a.user_id,
    delivered_seq: Math.max(a.delivered_seq, b.delivered_seq),
    read_seq: Math.max(a.read_seq, b.read_seq),
  };
}

export function mergeReceipts(old: readonly MemberReceipt[], update: readonly MemberReceipt[]): MemberReceipt[] {
  const merged = new Map(old.map((receipt) => [receipt.user_id, receipt]));
  for (const receipt of update) {
    const known = merged.get(receipt.user_id);
    merged.set(receipt.user_id, known ? furthest(known, receipt) : receipt);
  }
  return [...merged.values()];
}

function foldMessage(conversation: Conversation, message: Message, me: string): Conversation {
  const mine = message.sender_id === me;
  const seen = { user_id: message.sender_id, delivered_seq: message.seq, read_seq: message.seq };
  return {
    ...conversation,
    messages: message.ordinal,
    last_message: message,
    active_at: message.at > conversation.active_at ? message.at : conversation.active_at,
    // Who writes has seen all before it; the server counts the same way.
    ...(mine
      ? { read_seq: message.seq, delivered_seq: message.seq, unread: 0, mentions: 0 }
      : {
          unread: conversation.unread + 1,
          ...(message.mentions?.includes(me) ? { mentions: (conversation.mentions ?? 0) + 1 } : {}),
          receipts: conversation.receipts.length > 0 ? mergeReceipts(conversation.receipts, [seen]) : [],
        }),
  };
}

/** The conversation after the next entry of its log; null when it is not this person's any more. The caller guards the order. */
export function foldConversation(conversation: Conversation, entry: Entry, me: string): Conversation | null {
  const next: Conversation = { ...conversation, last_seq: entry.seq, last_entry: entry };
  if (isModifier(entry)) {
    // How many are pinned, the conversation itself tells; until then this is right but for repeats.
    if (entry.kind === "pin") next.pins = Math.max(0, (next.pins ?? 0) + (entry.on ? 1 : -1));
    if (next.last_message?.seq !== entry.target) return next;
    return { ...next, last_message: changeMessage(next.last_message, changeOfEntry(entry)) };
  }
  switch (entry.kind) {
    case "message":
      return foldMessage(next, messageOfEntry(entry), me);
    case "member_added":
      return { ...next, members_count: next.members_count + entry.user_ids.length };
    case "member_removed":
      if (entry.user_ids.includes(me)) return null;
      return {
        ...next,
        members_count: next.members_count - entry.user_ids.length,
        receipts: next.receipts.filter((receipt) => !entry.user_ids.includes(receipt.user_id)),
      };
    case "role":
      return entry.user_ids.includes(me) ? { ...next, role: entry.role } : next;
    case "updated": {
      const { avatar_id: _, ...rest } = next;
      const avatar = entry.avatar_id ? { avatar_id: entry.avatar_id } : {};
      return next.kind === "direct" ? next : { ...rest, ...avatar, title: entry.title };
    }
    case "call":
      return { ...next, active_at: entry.at > next.active_at ? entry.at : next.active_at };
    default:
      return next;
  }
}

/** Takes a conversation as the server tells it, without going back behind what live delivery told already. */
export function mergeConversation(known: Conversation | undefined, told: Conversation): Conversation {
  if (!known) return told;
  const [newer, older] = told.last_seq >= known.last_seq ? [told, known] : [known, told];
  const furtherRead = older.read_seq > newer.read_seq ? older : newer;
  const { muted_until, notify, pinned, archived, blocking, blocked } = told;
  return {
    ...newer,
    // What is nobody else's business has no place in the log: what was told last holds.
    muted_until,
    notify,
    pinned,
    archived,
    blocking,
    blocked,
    mentions: furtherRead === newer ? newer.mentions : older.mentions,
    delivered_seq: Math.max(known.delivered_seq, told.delivered_seq),
    read_seq: furtherRead.read_seq,
    unread: furtherRead === newer ? newer.unread : Math.max(0, newer.messages - older.messages + older.unread),
    receipts: newer.receipts.length > 0 ? mergeReceipts(older.receipts, newer.receipts) : [],
  };
}

/** Takes a receipt of somebody else. */
export function foldReceipt(conversation: Conversation, receipt: Receipt): Conversation {
  const { conversation_id: _, ...mine } = receipt;
  return { ...conversation, receipts: mergeReceipts(conversation.receipts, [mine]) };
}

/** Takes one's own reading, from here or from another device. `unread` is what is left after it. */
export function foldOwnRead(conversation: Conversation, seq: number, unread: number): Conversation {
  if (seq <= conversation.read_seq) return conversation;
  return {
    ...conversation,
    read_seq: seq,
    delivered_seq: Math.max(conversation.delivered_seq, seq),
    unread: Math.min(conversation.unread, unread),
    mentions: unread === 0 ? 0 : Math.min(conversation.mentions ?? 0, unread),
  };
}
