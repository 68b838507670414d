import { type DBSchema, type IDBPDatabase, openDB } from "idb";
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
  /** Replaces the kept list. */
  setConversations(list: readonly Conversation[]): Promise<void>;
  tail(id: string): Promise<Range | undefined>;
  setTail(id: string, tail: Range): Promise<void>;
  removeTail(id: string): Promise<void>;
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

function storeOn(db: IDBPDatabase<Schema>): Store {
  return {
    me: async () => (await db.get("meta", "me")) as Me | undefined,
    setMe: async (me) => {
      await db.put("meta", me, "me");
    },
    cursor: async () => (await db.get("meta", "cursor")) as string | undefined,
    setCursor: async (cursor) => {
      await db.put("meta", cursor, "cursor");
    },
    conversations: () => db.getAll("conversations"),
    setConversations: async (list) => {
      const transaction = db.transaction("conversations", "readwrite");
      await transaction.store.clear();
      await Promise.all(list.map((conversation) => transaction.store.put(conversation, conversation.id)));
      await transaction.done;
    },
    tail: async (id) => (await db.get("tails", id))?.tail,
    setTail: async (id, tail) => {
      const transaction = db.transaction("tails", "readwrite");
      const known = await transaction.store.get(id);
      // Another tab may have got further.
      if (!known || known.tail.hi <= tail.hi) await transaction.store.put({ conversation_id: id, tail }, id);
      await transaction.done;
    },
    removeTail: (id) => db.delete("tails", id),
    outbox: async () => (await db.getAll("outbox")).sort((a, b) => a.order - b.order),
    putOutbox: async (item) => {
      await db.put("outbox", item, item.client_id);
    },
    removeOutbox: (clientId) => db.delete("outbox", clientId),
    drafts: () => db.getAll("drafts"),
    putDraft: async (draft) => {
      await db.put("drafts", draft, draft.conversation_id);
    },
    removeDraft: (id) => db.delete("drafts", id),
    wipe: async () => {
      const transaction = db.transaction(names, "readwrite");
      await Promise.all(names.map((name) => transaction.objectStore(name).clear()));
      await transaction.done;
    },
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
    setConversations: nothing,
    tail: unknown,
    setTail: nothing,
    removeTail: nothing,
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
