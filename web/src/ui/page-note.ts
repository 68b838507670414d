import { create } from "zustand";

/** What stands in the title of the page instead of its name, while something waits for the person. */
const usePageNotes = create<{ note: string | undefined }>(() => ({ note: undefined }));

export function setPageNote(note: string | undefined): void {
  usePageNotes.setState({ note });
}

export function usePageNote(): string | undefined {
  return usePageNotes((state) => state.note);
}
