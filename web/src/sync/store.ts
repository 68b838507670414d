import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import type { Conversation, Me } from "../wire/types.ts";
import type { OutboxItem } from "./outbox-item.ts";
import type { Range } from "./timeline.ts";

/** What a person was writing in one conversation. */
export interface Draft {
  conversation_id: string;
  text: string;
  reply_to?: number;
}

/** The newest part of a conversation, to paint before the network answers. */
export interface KeptTail {
  conversation_id: string;
  tail: Range;
}

/** What changed since the last time. */
export interface Kept {
  /** Replaces the kept list. */
  conversations?: readonly Conversation[] | undefined;
  tails: readonly KeptTail[];
  /** Conversations that are not this person's any more. */
  gone: readonly string[];
}

interface Schema extends DBSchema {
  meta: { key: "me" | "cursor" | "next_page"; value: unknown };
  conversations: { key: string; value: Conversation };
  tails: { key: string; value: KeptTail };
  outbox: { key: string; value: OutboxItem };
  drafts: { key: string; value: Draft };
}

/** What one person's device keeps. All of it goes at sign-out. */
export interface Store {
  me(): Promise<Me | undefined>;
  setMe(me: Me): Promise<void>;
  cursor(): Promise<string | undefined>;
  setCursor(cursor: string): Promise<void>;
  conversations(): Promise<Conversation[]>;
  tail(id: string): Promise<Range | undefined>;
  /** Writes what changed, all of it or nothing. */
  keep(change: Kept): Promise<void>;
  outbox(): Promise<OutboxItem[]>;
  putOutbox(item: OutboxItem): Promise<void>;
  removeOutbox(clientId: string): Promise<void>;
  drafts(): Promise<Draft[]>;
  putDraft(draft: Draft): Promise<void>;
  removeDraft(id: string): Promise<void>;
  wipe(): Promise<void>;
  close(): void;
}

const databaseName = "parley";
const names = ["meta", "conversations", "tails", "outbox", "drafts"] as const;

type Name = (typeof names)[number];
type Stores = IDBPTransaction<Schema, Name[], "readwrite">;

function storeOn(db: IDBPDatabase<Schema>): Store {
  /**
   * Every write is asked for and committed in one go, without waiting for an
   * answer in between: so it is done even if the page is gone a moment later.
   * A transaction that still waits for its page is aborted with it.
   */
  const write = async (stores: readonly Name[], ask: (transaction: Stores) => Promise<unknown>[]): Promise<void> => {
    const transaction = db.transaction([...stores], "readwrite");
    // What fails of it fails as a whole: `done` tells.
    for (const asked of ask(transaction)) asked.catch(() => undefined);
    transaction.commit();
    await transaction.done;
  };
  return {
    me: async () => (await db.get("meta", "me")) as Me | undefined,
    setMe: (me) => write(["meta"], (t) => [t.objectStore("meta").put(me, "me")]),
    cursor: async () => (await db.get("meta", "cursor")) as string | undefined,
    setCursor: (cursor) => write(["meta"], (t) => [t.objectStore("meta").put(cursor, "cursor")]),
    conversations: () => db.getAll("conversations"),
    tail: async (id) => (await db.get("tails", id))?.tail,
    keep: ({ conversations, tails, gone }) =>
      write(["conversations", "tails"], (t) => {
        const list = t.objectStore("conversations");
        const kept = t.objectStore("tails");
        return [
          ...(conversations ? [list.clear(), ...conversations.map((one) => list.put(one, one.id))] : []),
          ...tails.map((one) => kept.put(one, one.conversation_id)),
          ...gone.map((id) => kept.delete(id)),
        ];
      }),
    outbox: async () => (await db.getAll("outbox")).sort((a, b) => a.order - b.order),
    putOutbox: (item) => write(["outbox"], (t) => [t.objectStore("outbox").put(item, item.client_id)]),
    removeOutbox: (clientId) => write(["outbox"], (t) => [t.objectStore("outbox").delete(clientId)]),
    drafts: () => db.getAll("drafts"),
    putDraft: (draft) => write(["drafts"], (t) => [t.objectStore("drafts").put(draft, draft.conversation_id)]),
    removeDraft: (id) => write(["drafts"], (t) => [t.objectStore("drafts").delete(id)]),
    wipe: () => write(names, (t) => names.map((name) => t.objectStore(name).clear())),
    close: () => {
      db.close();
    },
  };
}

/** A store that forgets with the page, for browsers that forbid IndexedDB. */
export function forgetfulStore(): Store {
  const outbox = new Map<string, OutboxItem>();
  const nothing = (): Promise<void> => Promise.resolve();
  const unknown = (): Promise<undefined> => Promise.resolve(undefined);
  return {
    me: unknown,
    setMe: nothing,
    cursor: unknown,
    setCursor: nothing,
    conversations: () => Promise.resolve([]),
    tail: unknown,
    keep: nothing,
    outbox: () => Promise.resolve([...outbox.values()].sort((a, b) => a.order - b.order)),
    putOutbox: (item) => Promise.resolve(void outbox.set(item.client_id, item)),
    removeOutbox: (clientId) => Promise.resolve(void outbox.delete(clientId)),
    drafts: () => Promise.resolve([]),
    putDraft: nothing,
    removeDraft: nothing,
    wipe: () => {
      outbox.clear();
      return nothing();
    },
    close: () => undefined,
  };
}

/** Opens what this device keeps. Never fails: without IndexedDB nothing outlives the page. */
export async function openStore(): Promise<Store> {
  try {
    const db = await openDB<Schema>(databaseName, 1, {
      upgrade: (fresh) => {
        for (const name of names) fresh.createObjectStore(name);
      },
      blocking: (_current, _blocked, event) => {
        // A newer version of the client waits in another tab: make room for it.
        (event.target as IDBDatabase).close();
      },
    });
    return storeOn(db);
  } catch {
    return forgetfulStore();
  }
}
