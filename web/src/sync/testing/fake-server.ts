import type { Api } from "../../wire/api.ts";
import { ApiError } from "../../wire/errors.ts";
import type { Calls, CallName } from "../../wire/socket.ts";
import type { Conversation, Entry, Message, Receipt, Role } from "../../wire/types.ts";

export const conversationId = "00000000-0000-7000-8000-00000000c001";
export const me = "00000000-0000-7000-8000-000000000001";
export const other = "00000000-0000-7000-8000-000000000002";

function refuseCall(): never {
  throw new ApiError("not_found");
}

type Draft<T> = T extends Entry ? Omit<T, "conversation_id" | "seq" | "at"> : never;

/**
 * A server of one group, by the rules of the log and nothing else. It folds
 * messages in its own way, from the whole log each time, so that the client's
 * fold has something to be compared with.
 */
export class FakeServer {
  readonly log: Entry[] = [];
  readonly receipts = new Map<string, { delivered: number; read: number }>();
  onEntry: (entry: Entry) => void = () => undefined;

  constructor() {
    this.append({ kind: "created", sender_id: me, conversation_kind: "group", title: "Group", user_ids: [me, other] });
  }

  get head(): number {
    return this.log.length;
  }

  append(draft: Draft<Entry>): Entry {
    const seq = this.log.length + 1;
    const at = new Date(1_700_000_000_000 + seq * 1_000).toISOString();
    const entry = { ...draft, conversation_id: conversationId, seq, at };
    this.log.push(entry);
    this.onEntry(entry);
    return entry;
  }

  /** A message; the same client_id gives the entry that is there. */
  send(sender: string, clientId: string, text: string, replyTo?: number): Entry {
    const known = this.log.find(
      (entry) => entry.kind === "message" && entry.sender_id === sender && entry.client_id === clientId,
    );
    if (known) return known;
    const ordinal = this.messages().length + 1;
    const reply = replyTo ? { reply_to: replyTo } : {};
    const entry = this.append({
      kind: "message",
      sender_id: sender,
      client_id: clientId,
      ordinal,
      text,
      ...reply,
      attachments: [],
    });
    this.advance(sender, entry.seq, entry.seq);
    return entry;
  }

  edit(sender: string, target: number, text: string): Entry | null {
    const message = this.message(target);
    if (message.sender_id !== sender) throw new ApiError("forbidden");
    if (message.deleted_at) throw new ApiError("conflict");
    return message.edited_at && message.text === text
      ? null
      : this.append({ kind: "edit", sender_id: sender, target, text });
  }

  remove(sender: string, target: number): Entry | null {
    if (this.message(target).deleted_at) return null;
    this.log.forEach((entry, index) => {
      const gone =
        (entry.kind === "message" && entry.seq === target) || (entry.kind === "edit" && entry.target === target);
      if (gone)
        this.log[index] = {
          ...entry,
          text: "",
          redacted: true,
          ...(entry.kind === "message" ? { attachments: [] } : {}),
        };
    });
    return this.append({ kind: "delete", sender_id: sender, target });
  }

  react(sender: string, target: number, emoji: string, on: boolean): Entry | null {
    const message = this.message(target);
    if (message.deleted_at) throw new ApiError("conflict");
    const given = message.reactions[emoji]?.includes(sender) ?? false;
    return given === on ? null : this.append({ kind: "reaction", sender_id: sender, target, emoji, on });
  }

  setRole(target: string, role: Role): Entry {
    return this.append({ kind: "role", sender_id: me, user_ids: [target], role });
  }

  advance(userId: string, delivered: number, read: number): Receipt {
    const known = this.receipts.get(userId) ?? { delivered: 0, read: 0 };
    const next = { delivered: Math.max(known.delivered, delivered, read), read: Math.max(known.read, read) };
    this.receipts.set(userId, next);
    return { conversation_id: conversationId, user_id: userId, delivered_seq: next.delivered, read_seq: next.read };
  }

  /** All messages, folded from the whole log. */
  messages(): Message[] {
    return this.log.flatMap((entry) => (entry.kind === "message" ? this.message(entry.seq) : []));
  }

  message(seq: number): Message {
    const entry = this.log[seq - 1];
    if (entry?.kind !== "message") throw new ApiError("not_found");
    const later = this.log.slice(seq);
    const edits = later.filter((one) => one.kind === "edit" && one.target === seq && !one.redacted);
    const deletion = later.find((one) => one.kind === "delete" && one.target === seq);
    const last = edits.at(-1);
    const reactions = new Map<string, Set<string>>();
    for (const one of later) {
      if (one.kind !== "reaction" || one.target !== seq) continue;
      const given = reactions.get(one.emoji) ?? new Set<string>();
      if (one.on) given.add(one.sender_id);
      else given.delete(one.sender_id);
      reactions.set(one.emoji, given);
    }
    const { kind, conversation_id, at, sender_id, client_id, ordinal, attachments, reply_to } = entry;
    const clientId = client_id ?? "";
    const base = {
      kind,
      conversation_id,
      seq,
      at,
      sender_id,
      client_id: clientId,
      ordinal,
      ...(reply_to ? { reply_to } : {}),
    };
    if (deletion) return { ...base, text: "", attachments: [], reactions: {}, deleted_at: deletion.at };
    const left = [...reactions]
      .filter(([, users]) => users.size > 0)
      .map(([emoji, users]): [string, string[]] => [emoji, [...users]]);
    return {
      ...base,
      text: last?.kind === "edit" ? last.text : entry.text,
      attachments,
      reactions: Object.fromEntries(left),
      ...(last ? { edited_at: last.at } : {}),
    };
  }

  conversation(): Conversation {
    const messages = this.messages();
    const mine = this.receipts.get(me) ?? { delivered: 0, read: 0 };
    const readOrdinal = messages.findLast((message) => message.seq <= mine.read)?.ordinal ?? 0;
    const last = messages.at(-1) ?? null;
    const them = this.receipts.get(other) ?? { delivered: 0, read: 0 };
    return {
      id: conversationId,
      kind: "group",
      title: "Group",
      created_by: me,
      created_at: this.log[0]?.at ?? "",
      active_at: last?.at ?? this.log[0]?.at ?? "",
      members_count: 2,
      role: "owner",
      visible_from: 1,
      last_seq: this.head,
      messages: messages.length,
      delivered_seq: mine.delivered,
      read_seq: mine.read,
      unread: messages.length - readOrdinal,
      last_entry: this.log.at(-1) ?? null,
      last_message: last,
      peer: null,
      receipts: [{ user_id: other, delivered_seq: them.delivered, read_seq: them.read }],
    };
  }

  headOf() {
    const { last_seq, delivered_seq, read_seq, unread } = this.conversation();
    return { conversation_id: conversationId, last_seq, delivered_seq, read_seq, unread };
  }

  /** Answers one realtime call of `me`. Throws ApiError. */
  call<N extends CallName>(name: N, request: Calls[N]["payload"]): Calls[N]["answer"] {
    const answers: { [K in CallName]: (r: Calls[K]["payload"]) => Calls[K]["answer"] } = {
      "message.send": (r) => ({ entry: this.send(me, r.client_id, r.text ?? "", r.reply_to) }),
      "message.edit": (r) => ({ entry: this.edit(me, r.seq, r.text) }),
      "message.delete": (r) => ({ entry: this.remove(me, r.seq) }),
      "reaction.set": (r) => ({ entry: this.react(me, r.seq, r.emoji, r.on) }),
      "conversation.delivered": (r) => this.advance(me, r.seq, 0),
      "conversation.read": (r) => this.advance(me, r.seq, r.seq),
      typing: () => ({}),
      attention: () => ({}),
      "presence.watch": () => ({ presence: [] }),
      // Nobody calls anybody here; calls have a fake of their own beside them.
      "call.list": () => ({ calls: [] }),
      "call.start": refuseCall,
      "call.answer": refuseCall,
      "call.signal": refuseCall,
      "call.update": refuseCall,
      "call.end": refuseCall,
      "entries.after": (r) => ({ entries: this.log.slice(r.seq, r.seq + (r.limit ?? 200)), head: this.head }),
    };
    return answers[name](request);
  }

  /** The REST calls that the sync layer makes. */
  readonly rest: Pick<Api, "conversation" | "conversations" | "entries" | "messages" | "sync"> = {
    conversation: () => Promise.resolve(this.conversation()),
    conversations: () => Promise.resolve({ items: [this.conversation()], next_cursor: null }),
    entries: (_id, { after, limit }) =>
      Promise.resolve({ items: this.log.slice(after, after + limit), next_cursor: null, head: this.head }),
    messages: (_id, { after = 0, limit }) => {
      const items = this.messages()
        .filter((message) => message.seq > after)
        .slice(0, limit);
      const last = items.at(-1)?.seq ?? 0;
      return Promise.resolve({ items, next_cursor: null, has_before: after > 0, has_after: last < this.head });
    },
    sync: (cursor) =>
      Promise.resolve({
        // Only what moved in the log: that others have read is not told.
        conversations: Number(cursor) < this.head ? [this.headOf()] : [],
        gone: [],
        cursor: String(this.head),
      }),
  };
}
