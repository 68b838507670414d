import type { QueryClient } from "@tanstack/react-query";
import type { Api } from "../wire/api.ts";
import type { ApiError } from "../wire/errors.ts";
import type { Line } from "../wire/socket.ts";
import type { Conversation, Entry, Receipt } from "../wire/types.ts";
import type { uploadFile } from "../wire/upload.ts";
import { knownConversation, putConversation } from "./apply-entry.ts";
import { Attention, type Watched } from "./attention.ts";
import { CallHub } from "./call-hub.ts";
import { CatchUp } from "./catch-up.ts";
import { foldOwnRead, foldReceipt } from "./conversation-fold.ts";
import { type ConversationList, emptyList, mergePage, type ToldPage } from "./conversation-list.ts";
import { Keeper } from "./keeper.ts";
import { keys } from "./keys.ts";
import { setLine, setUpload } from "./line-state.ts";
import { Outbox } from "./outbox.ts";
import type { OutboxItem } from "./outbox-item.ts";
import { pause } from "./pause.ts";
import { PresenceWatch } from "./presence.ts";
import { ReceiptSender } from "./receipts.ts";
import type { Store } from "./store.ts";
import type { Locks, Tabs } from "./tabs.ts";
import { countAfter, type Timeline } from "./timeline.ts";
import { TimelineLoader } from "./timeline-loader.ts";
import { ToldHeads } from "./told-heads.ts";
import { TypingLine } from "./typing.ts";

export interface EngineParts {
  client: QueryClient;
  api: Api;
  /** Opens the line; the function tells where to go on from. */
  openLine: (cursor: () => string | undefined) => Line;
  upload: typeof uploadFile;
  store: Store;
  tabs: Tabs;
  locks: Locks;
  page: Watched;
  me: string;
  now: () => number;
  newId: () => string;
  later: (ms: number, task: () => void) => () => void;
  /** The server ended this session. */
  onSignedOut: () => void;
  /** A change that the server refused; the person should hear why. */
  onRefused: (item: OutboxItem, error: ApiError) => void;
  /** A message of somebody else came in. */
  onMessage: (entry: Entry) => void;
}

const listPage = 50;

/** Everything that goes on between one signed-in person and the server while the page lives. */
export class Engine {
  readonly me: string;
  readonly outbox: Outbox;
  readonly catchUp: CatchUp;
  readonly timelines: TimelineLoader;
  readonly presence: PresenceWatch;
  readonly typing: TypingLine;
  readonly calls: CallHub;
  readonly told = new ToldHeads();
  readonly #parts: EngineParts;
  readonly #line: Line;
  readonly #receipts: ReceiptSender;
  readonly #attention: Attention;
  readonly #keeper: Keeper;
  readonly #unhear: () => void;
  #cursor: string | undefined;
  #hasNetwork = true;

  constructor(parts: EngineParts) {
    const { client, store, tabs, locks, later, me, now } = parts;
    this.me = me;
    this.#parts = parts;
    this.#line = parts.openLine(() => this.#cursor);
    const line = this.#line;
    this.#receipts = new ReceiptSender({ line, later });
    this.#attention = new Attention({ line, page: parts.page, now, later });
    this.presence = new PresenceWatch({ line, client, later });
    this.typing = new TypingLine({ line, client, now, later });
    this.calls = new CallHub({ line, me, later });
    this.catchUp = new CatchUp({
      client,
      line,
      api: parts.api,
      me,
      later,
      onApplied: (entry) => {
        this.#applied(entry);
      },
      onTold: (told) => {
        this.#received(told);
      },
      onHead: (head) => {
        if (head.read_seq !== undefined) this.#tell(head.conversation_id, head.last_seq, head.read_seq);
        this.#sayRead(head.conversation_id, head.read_seq, head.last_seq);
      },
      onAdvanced: (id, seq) => {
        this.outbox.settle(id, seq);
      },
    });
    this.timelines = new TimelineLoader({ client, api: parts.api, store, catchUp: this.catchUp, later });
    this.#keeper = new Keeper({ client, store, later });
    this.outbox = new Outbox({
      line,
      store,
      locks,
      tabs,
      now,
      upload: parts.upload,
      newId: parts.newId,
      wait: (ms, signal) => pause(ms, signal, later),
      onChange: (items) => client.setQueryData(keys.outbox, items),
      onEntry: (entry) => {
        this.catchUp.ingest(entry);
      },
      onRefused: parts.onRefused,
      onProgress: setUpload,
    });
    this.#listen();
    this.#unhear = tabs.hear((message) => {
      if (message.type === "read") this.#foldRead(message.conversation_id, message.seq);
    });
  }

  /** Connects, and sends what an earlier page left. */
  async start(): Promise<void> {
    this.#cursor = await this.#parts.store.cursor().catch(() => undefined);
    setLine("connecting");
    this.#line.connect();
    await this.outbox.load();
  }

  /** Tries to connect now: the page is looked at again. */
  wake(): void {
    this.#line.connect();
  }

  /** The browser says whether the device has any network. A line that holds without one, to the device itself, is left alone. */
  setNetwork(isThere: boolean): void {
    this.#hasNetwork = isThere;
    if (this.#line.isUp()) return;
    setLine(this.#lineLost());
    if (isThere) this.#line.connect();
  }

  /** The first page of the list, to be merged by `writeList`. */
  async loadConversations(): Promise<ConversationList> {
    return { ...emptyList, told: await this.#loadPage(undefined) };
  }

  /** The next page of the list, if there is one. */
  async loadMoreConversations(): Promise<void> {
    const { client } = this.#parts;
    const cursor = client.getQueryData<ConversationList>(keys.conversations)?.nextPage;
    if (!cursor) return;
    const page = await this.#loadPage(cursor);
    client.setQueryData<ConversationList>(keys.conversations, (list = emptyList) => mergePage(list, page));
  }

  /** This person has seen everything up to seq. The other tabs hear it at once, with or without a line. */
  read(id: string, seq: number): void {
    if (!this.#foldRead(id, seq)) return;
    this.#receipts.read(id, seq);
    this.#parts.tabs.tell({ type: "read", conversation_id: id, seq });
  }

  /** The page is about to go: what was gathered is said now. */
  leave(): void {
    this.#receipts.flush();
    this.typing.stopped();
    this.#keeper.flush();
  }

  close(): void {
    this.#unhear();
    this.calls.close();
    this.#line.close();
    this.outbox.close();
    this.catchUp.close();
    this.#receipts.close();
    this.presence.close();
    this.#attention.close();
    this.typing.close();
    this.#keeper.close();
  }

  /** Asks for a conversation on screen that the server has not told of since the page is there. */
  askUntold(id: string): void {
    if (this.told.first(id) !== undefined || !this.#line.isUp()) return;
    this.catchUp.fetchConversation(id).catch(() => {
      // What nobody can tell is not waited for, or what comes live would not be shown.
      const known = knownConversation(this.#parts.client, id);
      if (known && this.#line.isUp()) this.told.tell(id, known.last_seq, 0);
    });
  }

  async #loadPage(cursor: string | undefined): Promise<ToldPage> {
    const before = this.#parts.client.getQueryData<ConversationList>(keys.conversations)?.byId ?? {};
    const page = await this.#parts.api.conversations({ limit: listPage, cursor });
    // Once the page is in the list, timelines that are behind it catch up.
    this.#parts.later(0, () => {
      for (const told of page.items) {
        this.#received(told);
        this.catchUp.verify(told.id);
      }
    });
    return { items: page.items, next: page.next_cursor, first: cursor === undefined, before };
  }

  /**
   * Whatever way messages come here, their senders are told that they came, and
   * the server what was read of them when no line was there to say so.
   */
  #received(told: Conversation): void {
    this.#tell(told.id, told.last_seq, told.read_seq);
    this.#sayRead(told.id, told.read_seq, told.last_seq);
    const last = told.last_message;
    if (told.unread > 0 && last && last.seq > told.delivered_seq) this.#receipts.delivered(told.id, last.seq);
  }

  /** What this page said itself is nothing that another device has read. */
  #tell(id: string, seq: number, readSeq: number): void {
    this.told.tell(id, seq, readSeq > this.#receipts.saidRead(id) ? readSeq : 0);
  }

  /** The device knows of what was read, even if the page that showed it went before it could say it. */
  #sayRead(id: string, toldRead: number | undefined, last: number): void {
    const seq = Math.min(knownConversation(this.#parts.client, id)?.read_seq ?? 0, last);
    if (toldRead !== undefined && seq > toldRead) this.#receipts.read(id, seq);
  }

  #listen(): void {
    const line = this.#line;
    line.on("ready", (ready) => {
      setLine("up");
      const begins = this.#cursor === undefined;
      this.#setCursor(ready.cursor);
      for (const id of ready.gone ?? []) this.catchUp.forget(id);
      this.catchUp.takeHeads(ready.heads_changed);
      if (begins) this.catchUp.beginAnew();
      else this.#askUntold();
      this.catchUp.resume();
      this.outbox.flush();
      this.#receipts.flush();
      this.presence.flush();
      this.#attention.begin();
    });
    line.on("entry", (entry) => {
      this.catchUp.ingest(entry);
    });
    line.on("receipt", (receipt) => {
      this.#takeReceipt(receipt);
    });
    line.on("typing", (typing) => {
      if (typing.user_id !== this.me) this.typing.hear(typing);
    });
    line.on("presence", (presence) => {
      this.presence.put(presence);
    });
    line.on("conversation", (told) => {
      if ("gone" in told) this.catchUp.forget(told.id);
      else this.catchUp.takeConversation(told);
    });
    line.on("block", () => {
      void this.#parts.client.invalidateQueries({ queryKey: keys.blocks });
    });
    line.on("profile", ({ user }) => {
      this.#parts.client.setQueryData(keys.me, user);
    });
    line.on("resync", () => {
      void this.#resync();
    });
    line.on("session.revoked", this.#parts.onSignedOut);
    line.onLine("down", () => {
      setLine(this.#lineLost());
      this.presence.forget();
      this.typing.forget();
    });
    line.onLine("refused", (error) => {
      if (error.code === "unauthenticated") this.#parts.onSignedOut();
    });
  }

  #lineLost(): "connecting" | "offline" {
    return this.#hasNetwork ? "connecting" : "offline";
  }

  /** Who has a cursor is told of what moved since, but not of what was read elsewhere. */
  #askUntold(): void {
    for (const [key] of this.#parts.client.getQueriesData<Timeline>({ queryKey: ["timeline"] })) {
      if (typeof key[1] === "string") this.askUntold(key[1]);
    }
  }

  async #resync(): Promise<void> {
    if (this.#cursor === undefined) return;
    try {
      const answer = await this.#parts.api.sync(this.#cursor);
      this.#setCursor(answer.cursor);
      for (const id of answer.gone) this.catchUp.forget(id);
      this.catchUp.takeHeads(answer.conversations);
    } catch {
      this.#parts.later(2_000, () => {
        if (this.#line.isUp()) void this.#resync();
      });
    }
  }

  #setCursor(cursor: string): void {
    this.#cursor = cursor;
    this.#parts.store.setCursor(cursor).catch(() => undefined);
  }

  #applied(entry: Entry): void {
    if (entry.kind !== "message" || entry.sender_id === this.me) return;
    this.typing.hear({ conversation_id: entry.conversation_id, user_id: entry.sender_id, on: false });
    this.#receipts.delivered(entry.conversation_id, entry.seq);
    this.#parts.onMessage(entry);
  }

  /** Returns whether it was news. */
  #foldRead(id: string, seq: number): boolean {
    const conversation = knownConversation(this.#parts.client, id);
    if (!conversation || seq <= conversation.read_seq) return false;
    putConversation(this.#parts.client, id, foldOwnRead(conversation, seq, this.#unreadAfter(id, seq)));
    return true;
  }

  #takeReceipt(receipt: Receipt): void {
    const id = receipt.conversation_id;
    const conversation = knownConversation(this.#parts.client, id);
    if (!conversation) return;
    if (receipt.user_id === this.me) this.#foldRead(id, receipt.read_seq);
    else putConversation(this.#parts.client, id, foldReceipt(conversation, receipt));
  }

  #unreadAfter(id: string, seq: number): number {
    const conversation = knownConversation(this.#parts.client, id);
    if (!conversation || (conversation.last_message?.seq ?? 0) <= seq) return 0;
    const timeline = this.#parts.client.getQueryData<Timeline>(keys.timeline(id));
    const counted = timeline && countAfter(timeline, seq, this.me);
    if (counted !== undefined && counted !== null) return counted;
    void this.catchUp.fetchConversation(id).catch(() => undefined);
    return conversation.unread;
  }
}
