import { create } from "zustand";
import type { Draft, Store } from "./store.ts";
import type { Tabs } from "./tabs.ts";

/** What the composer of a conversation is doing. `editing` is not kept: it ends with the page. */
export interface Composing {
  text: string;
  replyTo?: number;
  editing?: { seq: number; before: string };
  /** It was written in another tab: a caret that stands in it stays where it is. */
  heard?: true;
}

interface State {
  byConversation: Readonly<Record<string, Composing>>;
}

const idle: Composing = { text: "" };
const pauseMs = 400;

export const useDrafts = create<State>(() => ({ byConversation: {} }));

let keep: ((id: string, composing: Composing) => void) | undefined;

export function composingOf(id: string): Composing {
  return useDrafts.getState().byConversation[id] ?? idle;
}

export function useComposing(id: string): Composing {
  return useDrafts((state) => state.byConversation[id] ?? idle);
}

export function setComposing(id: string, { heard: _, ...composing }: Composing): void {
  useDrafts.setState(({ byConversation }) => ({ byConversation: { ...byConversation, [id]: composing } }));
  keep?.(id, composing);
}

function draftOf(id: string, composing: Composing): Draft | null {
  const text = composing.editing ? composing.editing.before : composing.text;
  if (text.trim() === "" && composing.replyTo === undefined) return null;
  return { conversation_id: id, text, ...(composing.replyTo === undefined ? {} : { reply_to: composing.replyTo }) };
}

/** What a conversation's composer holds after another tab told its draft. An edit goes on, and comes back to that draft. */
function heardInto(composing: Composing, draft: Draft | null): Composing {
  const { editing } = composing;
  if (editing) return { ...composing, editing: { ...editing, before: draft?.text ?? "" } };
  return { ...(draft ? composingOfDraft(draft) : idle), heard: true };
}

/**
 * Keeps drafts on the device from now on, and the same in all tabs: what was
 * typed last holds. Returns the way to stop; then they are forgotten on screen too.
 */
export async function keepDrafts(
  store: Pick<Store, "drafts" | "putDraft" | "removeDraft">,
  tabs: Pick<Tabs, "tell" | "hear">,
): Promise<() => void> {
  const waiting = new Map<string, { composing: Composing; timer: ReturnType<typeof setTimeout> }>();
  const write = (id: string, composing: Composing): void => {
    const draft = draftOf(id, composing);
    // A draft that cannot be kept is still on screen.
    (draft ? store.putDraft(draft) : store.removeDraft(id)).catch(() => undefined);
  };
  const flush = (): void => {
    for (const [id, { composing, timer }] of waiting) {
      clearTimeout(timer);
      write(id, composing);
    }
    waiting.clear();
  };
  keep = (id, composing) => {
    const known = waiting.get(id);
    clearTimeout(known?.timer);
    tabs.tell({ type: "draft", conversation_id: id, draft: draftOf(id, composing) });
    // The first letter is kept at once, what follows when the typing pauses.
    if (!known) write(id, composing);
    const timer = setTimeout(() => {
      waiting.delete(id);
      write(id, composing);
    }, pauseMs);
    waiting.set(id, { composing, timer });
  };
  const unhear = tabs.hear((message) => {
    if (message.type !== "draft") return;
    const { conversation_id: id, draft } = message;
    // The tab that tells keeps it on the device; what waits here is older.
    clearTimeout(waiting.get(id)?.timer);
    waiting.delete(id);
    useDrafts.setState(({ byConversation }) => ({
      byConversation: { ...byConversation, [id]: heardInto(byConversation[id] ?? idle, draft) },
    }));
  });
  window.addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", flush);
  const kept = await store.drafts().catch(() => []);
  useDrafts.setState(({ byConversation }) => ({
    byConversation: {
      ...Object.fromEntries(kept.map((draft) => [draft.conversation_id, composingOfDraft(draft)])),
      ...byConversation,
    },
  }));
  return () => {
    unhear();
    window.removeEventListener("pagehide", flush);
    document.removeEventListener("visibilitychange", flush);
    for (const { timer } of waiting.values()) clearTimeout(timer);
    keep = undefined;
    useDrafts.setState({ byConversation: {} });
  };
}

function composingOfDraft(draft: Draft): Composing {
  return { text: draft.text, ...(draft.reply_to === undefined ? {} : { replyTo: draft.reply_to }) };
}
