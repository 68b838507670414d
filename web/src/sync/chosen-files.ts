import { create } from "zustand";
import type { OutboxFile } from "./outbox-item.ts";

type Files = readonly OutboxFile[];

const none: Files = [];

const useChosenFiles = create<{ byConversation: Readonly<Record<string, Files>> }>(() => ({ byConversation: {} }));

/** What was chosen to go along with a conversation's next message. It lives as long as the page. */
export function useChosen(id: string): Files {
  return useChosenFiles((state) => state.byConversation[id] ?? none);
}

export function changeChosen(id: string, change: (before: Files) => Files): void {
  useChosenFiles.setState(({ byConversation }) => {
    const { [id]: before = none, ...others } = byConversation;
    const files = change(before);
    return { byConversation: files.length > 0 ? { ...others, [id]: files } : others };
  });
}

/** Whoever comes next has chosen nothing. */
export function forgetChosen(): void {
  useChosenFiles.setState({ byConversation: {} });
}
