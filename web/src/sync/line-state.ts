import { create } from "zustand";

/** What people are told about the line. */
export type LineState = "connecting" | "up" | "offline";

interface State {
  line: LineState;
  /** The share of each file that is being uploaded, 0 to 1, by the file's key. */
  uploads: Readonly<Record<string, number>>;
}

/** The state of the line and of uploads: only on screen, nothing of it is kept. */
export const useLineState = create<State>(() => ({ line: "connecting", uploads: {} }));

export function setLine(line: LineState): void {
  if (useLineState.getState().line !== line) useLineState.setState({ line });
}

export function setUpload(key: string, share: number | null): void {
  useLineState.setState(({ uploads }) => {
    const { [key]: _, ...others } = uploads;
    return { uploads: share === null ? others : { ...others, [key]: share } };
  });
}
