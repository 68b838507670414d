import type { QueryClient } from "@tanstack/react-query";
import { createStore, type StoreApi } from "zustand";
import { type Api, api as realApi } from "../wire/api.ts";
import { asApiError } from "../wire/errors.ts";
import { openLine } from "../wire/socket.ts";
import type { Me } from "../wire/types.ts";
import { uploadFile } from "../wire/upload.ts";
import { browserPage } from "./attention.ts";
import { forgetChosen } from "./chosen-files.ts";
import type { ConversationList } from "./conversation-list.ts";
import { keepDrafts } from "./drafts.ts";
import { Engine, type EngineParts } from "./engine.ts";
import { keys } from "./keys.ts";
import { silenceDevice } from "./push.ts";
import type { Store } from "./store.ts";
import { browserLocks, type Tabs } from "./tabs.ts";

export type SessionState =
  { status: "unknown" } | { status: "unreachable" } | { status: "out" } | { status: "in"; engine: Engine };

export interface SessionParts {
  client: QueryClient;
  store: Store;
  tabs: Tabs;
  api?: Api;
  onRefused: EngineParts["onRefused"];
  onMessage: EngineParts["onMessage"];
}

/** Who is signed in, and the engine that works for them. */
export class SessionKeeper {
  readonly state: StoreApi<SessionState> = createStore<SessionState>(() => ({ status: "unknown" }));
  readonly #parts: SessionParts;
  readonly #api: Api;
  #forgetDrafts: (() => void) | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#api = parts.api ?? realApi;
    parts.tabs.hear((message) => {
      if (message.type === "signed-out") void this.#end();
      if (message.type === "signed-in" && this.state.getState().status === "out") void this.resume();
    });
  }

  /** Goes on where the last page left: paints from the device, then asks the server who this is. */
  async resume(): Promise<void> {
    const { store, client } = this.#parts;
    const kept = await store.me().catch(() => undefined);
    if (kept) {
      const conversations = await store.conversations().catch(() => []);
      if (conversations.length > 0) {
        const byId = Object.fromEntries(conversations.map((conversation) => [conversation.id, conversation]));
        client.setQueryData<ConversationList>(keys.conversations, { byId, nextPage: null });
        // What was kept is only for the first look: whoever shows the list asks the server at once.
        await client.invalidateQueries({ queryKey: keys.conversations, refetchType: "none" });
      }
      await this.#begin(kept);
    }
    await this.check();
  }

  /** Asks the server who this is. */
  async check(): Promise<void> {
    try {
      await this.signedIn(await this.#api.me());
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.code === "unauthenticated") await this.#end();
      else if (this.state.getState().status !== "in") this.state.setState({ status: "unreachable" });
    }
  }

  /** The server let this person in. */
  async signedIn(me: Me, options: { fresh?: boolean } = {}): Promise<void> {
    const state = this.state.getState();
    if (state.status === "in" && state.engine.me !== me.id) await this.#end();
    const kept = await this.#parts.store.me().catch(() => undefined);
    if (kept && kept.id !== me.id) await this.#parts.store.wipe();
    this.#parts.client.setQueryData(keys.me, me);
    await this.#parts.store.setMe(me).catch(() => undefined);
    if (this.state.getState().status !== "in") await this.#begin(me);
    if (options.fresh) this.#parts.tabs.tell({ type: "signed-in" });
  }

  /** Ends the session at the server, then forgets everything here. Throws ApiError if the server cannot be told. */
  async signOut(): Promise<void> {
    const state = this.state.getState();
    if (state.status === "in") state.engine.calls.leave();
    try {
      await this.#api.logOut();
    } catch (thrown) {
      if (asApiError(thrown).code !== "unauthenticated") throw thrown;
    }
    await this.ended();
  }

  /** The session is over, here and in the other tabs. */
  async ended(): Promise<void> {
    if (this.state.getState().status === "out") return;
    this.#parts.tabs.tell({ type: "signed-out" });
    await this.#end();
  }

  async #begin(me: Me): Promise<void> {
    const { client, store, tabs } = this.#parts;
    client.setQueryData(keys.me, me);
    const engine = new Engine({
      client,
      store,
      tabs,
      api: this.#api,
      openLine,
      upload: uploadFile,
      locks: browserLocks(),
      page: browserPage,
      me: me.id,
      now: Date.now,
      newId: newClientId,
      later: (ms, task) => {
        const timer = setTimeout(task, ms);
        return () => {
          clearTimeout(timer);
        };
      },
      onSignedOut: () => void this.ended(),
      onRefused: this.#parts.onRefused,
      onMessage: this.#parts.onMessage,
    });
    this.state.setState({ status: "in", engine }, true);
    this.#forgetDrafts = await keepDrafts(store, tabs);
    await engine.start();
  }

  async #end(): Promise<void> {
    const state = this.state.getState();
    if (state.status === "in") state.engine.close();
    this.#forgetDrafts?.();
    forgetChosen();
    this.state.setState({ status: "out" }, true);
    this.#parts.client.clear();
    await this.#parts.store.wipe().catch(() => undefined);
    // Where the browser has neither notifications nor pushes there is nothing to end.
    await silenceDevice().catch(() => undefined);
  }
}

/** crypto.randomUUID exists on secure pages only; a server in the local network may have no certificate. */
function newClientId(): string {
  if ("randomUUID" in crypto) return crypto.randomUUID();
  const bytes = (crypto as Crypto).getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
