import { ApiError, asApiError, isTemporary } from "../wire/errors.ts";
import type { Line } from "../wire/socket.ts";
import type { Attachment, Entry } from "../wire/types.ts";
import type { UploadOptions } from "../wire/upload.ts";
import type { Action, MessageAction, OutboxItem } from "./outbox-item.ts";
import type { Store } from "./store.ts";
import type { Locks, Tabs } from "./tabs.ts";

export interface OutboxParts {
  line: Pick<Line, "call" | "isUp">;
  store: Pick<Store, "outbox" | "putOutbox" | "removeOutbox">;
  locks: Locks;
  tabs: Pick<Tabs, "tell" | "hear">;
  upload: (file: Blob, name: string, options: UploadOptions) => Promise<Attachment>;
  now: () => number;
  newId: () => string;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The items as they are now, in order. */
  onChange: (items: readonly OutboxItem[]) => void;
  /** The entry that the server made of an item. */
  onEntry: (entry: Entry) => void;
  /** A change (not a message) that was refused; it is dropped. */
  onRefused: (item: OutboxItem, error: ApiError) => void;
  /** The share of a file that is sent, 0 to 1; null when it is done or given up. */
  onProgress: (fileKey: string, share: number | null) => void;
}

const firstPauseMs = 500;
const maxPauseMs = 15_000;

/**
 * What this person did, on its way to the server: kept on the device before it
 * is sent, sent in order for each conversation, one at a time, repeated with
 * the same client_id until the server answers. Tabs share the queue; a lock
 * for each conversation lets one of them send.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  #items: readonly OutboxItem[] = [];
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  /** Items whose call is on the wire: too late to take back. */
  readonly #calling = new Set<string>();
  readonly #uploads = new Map<string, AbortController>();
  readonly #writes = new Map<string, Promise<void>>();
  /** Items that the device could not keep (it is full, say): they live as long as the page. */
  readonly #unkept = new Set<string>();
  readonly #stop = new AbortController();
  readonly #unhear: () => void;
  /** Items that are done, of which the device does not let go. */
  readonly #stuck = new Set<string>();
  /** Up to where the timelines show their conversations. */
  readonly #shown = new Map<string, number>();
  #lastOrder = 0;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    this.#unhear = parts.tabs.hear((message) => {
      if (message.type === "outbox") void this.load();
    });
  }

  get items(): readonly OutboxItem[] {
    return this.#items;
  }

  /** Reads what earlier pages or other tabs left, and sends it when there is a line. */
  async load(): Promise<void> {
    await this.#reload();
    this.flush();
  }

  add(conversationId: string, action: Action): OutboxItem {
    const now = this.#parts.now();
    this.#lastOrder = Math.max(now, this.#lastOrder + 0.001);
    const item: OutboxItem = {
      client_id: this.#parts.newId(),
      conversation_id: conversationId,
      order: this.#lastOrder,
      at: new Date(now).toISOString(),
      action,
    };
    this.#set([...this.#items, item]);
    void this.#save(item).then(() => {
      this.#parts.tabs.tell({ type: "outbox" });
      void this.#run(conversationId);
    });
    return item;
  }

  /** Tries a failed item again. */
  retry(clientId: string): void {
    const item = this.#items.find((candidate) => candidate.client_id === clientId);
    if (!item) return;
    const { failed: _, ...fresh } = item;
    this.#replace(fresh);
    void this.#save(fresh).then(() => this.#run(fresh.conversation_id));
  }

  /** Takes an item back. Returns false when it is too late: it is on the wire. */
  cancel(clientId: string): boolean {
    if (this.#calling.has(clientId)) return false;
    this.#uploads.get(clientId)?.abort(new DOMException("cancelled", "AbortError"));
    void this.#drop(clientId);
    return true;
  }

  /** Sends what waits; called when the line is up. */
  flush(): void {
    for (const id of new Set(this.#items.map((item) => item.conversation_id))) void this.#run(id);
  }

  /** The timeline has got to head: what was acked up to there is shown by it now. */
  settle(conversationId: string, head: number): void {
    this.#shown.set(conversationId, Math.max(head, this.#shown.get(conversationId) ?? 0));
    const settled = this.#items.filter((item) => this.#isShown(item));
    if (settled.length === 0) return;
    this.#set(this.#items.filter((item) => !this.#isShown(item)));
    // What is still being delivered is forgotten there, before the next one goes.
    for (const item of settled) if (!this.#calling.has(item.client_id)) void this.#forget(item.client_id);
  }

  close(): void {
    this.#unhear();
    this.#stop.abort();
    for (const upload of this.#uploads.values()) upload.abort(new DOMException("closed", "AbortError"));
  }

  #isShown(item: OutboxItem): boolean {
    return item.acked !== undefined && item.acked <= (this.#shown.get(item.conversation_id) ?? 0);
  }

  async #forget(clientId: string): Promise<void> {
    try {
      await this.#parts.store.removeOutbox(clientId);
    } catch {
      // The next page tries again; this one does not take it for unsent, and other tabs have nothing new to hear.
      this.#stuck.add(clientId);
      return;
    }
    this.#parts.tabs.tell({ type: "outbox" });
  }

  #set(items: readonly OutboxItem[]): void {
    this.#items = items;
    this.#parts.onChange(items);
  }

  #replace(item: OutboxItem): void {
    this.#set(this.#items.map((old) => (old.client_id === item.client_id ? item : old)));
  }

  #save(item: OutboxItem): Promise<void> {
    const write = this.#parts.store
      .putOutbox(item)
      .catch(() => void this.#unkept.add(item.client_id))
      .finally(() => this.#writes.delete(item.client_id));
    this.#writes.set(item.client_id, write);
    return write;
  }

  async #drop(clientId: string): Promise<void> {
    this.#set(this.#items.filter((item) => item.client_id !== clientId));
    await this.#writes.get(clientId);
    await this.#parts.store.removeOutbox(clientId);
    this.#parts.tabs.tell({ type: "outbox" });
  }

  async #reload(): Promise<void> {
    const all = await this.#parts.store.outbox();
    // What another page sent may be shown by this one alone.
    const open = all.filter((item) => !this.#stuck.has(item.client_id));
    for (const item of open) if (this.#isShown(item)) void this.#forget(item.client_id);
    const kept = open.filter((item) => !this.#isShown(item));
    const known = new Set(kept.map((item) => item.client_id));
    // Of ours that the store does not have: those being written, and those that are acked but not shown yet.
    const held = (id: string): boolean => this.#writes.has(id) || this.#unkept.has(id);
    const ours = this.#items.filter(
      (item) => !known.has(item.client_id) && (held(item.client_id) || item.acked !== undefined),
    );
    const acked = new Map(this.#items.filter((item) => item.acked !== undefined).map((i) => [i.client_id, i]));
    // A clock that was set back must not put new items before these.
    this.#lastOrder = Math.max(this.#lastOrder, kept.at(-1)?.order ?? 0);
    this.#set([...kept.map((item) => acked.get(item.client_id) ?? item), ...ours].sort((a, b) => a.order - b.order));
  }

  async #run(conversationId: string): Promise<void> {
    if (this.#running.has(conversationId)) {
      this.#again.add(conversationId);
      return;
    }
    this.#running.add(conversationId);
    try {
      do {
        this.#again.delete(conversationId);
        await this.#parts.locks.hold(`parley-outbox-${conversationId}`, () => this.#drain(conversationId));
      } while (this.#again.has(conversationId) && !this.#stop.signal.aborted);
    } finally {
      this.#running.delete(conversationId);
    }
  }

  /** Sends a conversation's items until none is left or the line is down. Only the holder of the lock is here. */
  async #drain(conversationId: string): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!this.#stop.signal.aborted && this.#parts.line.isUp()) {
      await this.#reload(); // Another tab may have sent some, or added some.
      const item = this.#items.find(
        (candidate) =>
          candidate.conversation_id === conversationId && !candidate.failed && candidate.acked === undefined,
      );
      if (!item) return;
      try {
        await this.#deliver(item);
        pauseMs = firstPauseMs;
      } catch (thrown) {
        if (thrown instanceof DOMException && thrown.name === "AbortError") continue; // taken back, or closing
        const error = asApiError(thrown);
        if (error.code === "offline" || error.code === "unauthenticated") return;
        if (isTemporary(error)) {
          await this.#parts.wait(error.retryAfterMs ?? pauseMs, this.#stop.signal);
          pauseMs = Math.min(pauseMs * 2, maxPauseMs);
        } else {
          await this.#refuse(item, error);
        }
      }
    }
  }

  async #refuse(item: OutboxItem, error: ApiError): Promise<void> {
    if (item.action.kind !== "message") {
      this.#parts.onRefused(item, error);
      await this.#drop(item.client_id);
      return;
    }
    const current = this.#items.find((candidate) => candidate.client_id === item.client_id) ?? item;
    const { code, message, reason } = error;
    const failed: OutboxItem = { ...current, failed: { code, message, ...(reason === undefined ? {} : { reason }) } };
    this.#replace(failed);
    await this.#save(failed);
    this.#parts.tabs.tell({ type: "outbox" });
  }

  async #deliver(item: OutboxItem): Promise<void> {
    const ready = item.action.kind === "message" ? await this.#uploadFiles(item, item.action) : item;
    if (!this.#items.some((candidate) => candidate.client_id === item.client_id)) return; // taken back meanwhile
    this.#calling.add(item.client_id);
    try {
      const entry = await this.#call(ready);
      // First the entry, then the item: on screen one takes the other's place.
      if (entry) {
        this.#replace({ ...ready, acked: entry.seq });
        this.#parts.onEntry(entry);
        // Until the conversation itself is here the device has nothing else of it: a page that goes now leaves it to the next.
        const waits = this.#items.find((one) => one.client_id === item.client_id && !this.#isShown(one));
        if (waits) await this.#save(waits);
        else await this.#forget(item.client_id);
      } else {
        await this.#drop(item.client_id);
      }
    } finally {
      this.#calling.delete(item.client_id);
    }
  }

  async #call(item: OutboxItem): Promise<Entry | null> {
    const { line } = this.#parts;
    const { action, conversation_id } = item;
    switch (action.kind) {
      case "message": {
        const answer = await line.call("message.send", {
          conversation_id,
          client_id: item.client_id,
          text: action.text,
          ...(action.reply_to ? { reply_to: action.reply_to } : {}),
          ...(action.mentions?.length ? { mentions: action.mentions } : {}),
          ...(action.files.length > 0
            ? { attachments: action.files.flatMap((file) => file.attachment?.id ?? []) }
            : {}),
        });
        return answer.entry;
      }
      case "edit":
        return (await line.call("message.edit", { conversation_id, seq: action.target, text: action.text })).entry;
      case "delete":
        return (await line.call("message.delete", { conversation_id, seq: action.target })).entry;
      case "reaction": {
        const { target, emoji, on } = action;
        return (await line.call("reaction.set", { conversation_id, seq: target, emoji, on })).entry;
      }
    }
  }

  async #uploadFiles(item: OutboxItem, action: MessageAction): Promise<OutboxItem> {
    let current = item;
    for (const file of action.files) {
      if (file.attachment || !file.blob) continue;
      const controller = new AbortController();
      this.#uploads.set(item.client_id, controller);
      try {
        const attachment = await this.#parts.upload(file.blob, file.name, {
          signal: controller.signal,
          onProgress: (share) => {
            this.#parts.onProgress(file.key, share);
          },
        });
        current = withUpload(current, file.key, attachment);
        this.#replace(current);
        await this.#save(current);
      } finally {
        this.#uploads.delete(item.client_id);
        this.#parts.onProgress(file.key, null);
      }
    }
    return current;
  }
}

function withUpload(item: OutboxItem, key: string, attachment: Attachment): OutboxItem {
  if (item.action.kind !== "message") return item;
  const files = item.action.files.map((file) => {
    if (file.key !== key) return file;
    return { ...file, attachment };
  });
  return { ...item, action: { ...item.action, files } };
}
