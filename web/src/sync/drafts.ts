import { create } from "zustand";
import type { Draft, Store } from "./store.ts";

/** What the composer of a conversation is doing. `editing` is not kept: it ends with the page. */
export interface Composing {
  text: string;
  replyTo?: number;
  editing?: { seq: number; before: string };
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

export function setComposing(id: string, composing: Composing): void {
  useDrafts.setState(({ byConversation }) => ({ byConversation: { ...byConversation, [id]: composing } }));
  keep?.(id, composing);
}

function draftOf(id: string, composing: Composing): Draft | null {
  const text = composing.editing ? composing.editing.before : composing.text;
  if (text.trim() === "" && composing.replyTo === undefined) return null;
  return { conversation_id: id, text, ...(composing.replyTo === undefined ? {} : { reply_to: composing.replyTo }) };
}

/** Keeps drafts on the device from now on. Returns the way to stop; then they are forgotten on screen too. */
export async function keepDrafts(store: Pick<Store, "drafts" | "putDraft" | "removeDraft">): Promise<() => void> {
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
    // The first letter is kept at once, what follows when the typing pauses.
    if (!known) write(id, composing);
    const timer = setTimeout(() => {
      waiting.delete(id);
      write(id, composing);
    }, pauseMs);
    waiting.set(id, { composing, timer });
  };
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
