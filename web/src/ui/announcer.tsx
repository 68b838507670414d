import { create } from "zustand";

const useAnnouncement = create<{ text: string }>(() => ({ text: "" }));

/** What was said does not stay: it may be edited or deleted meanwhile. */
const stayMs = 3_000;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Has a screen reader say something, without moving the focus. */
export function announce(text: string): void {
  // The same text twice would not be said twice: an invisible difference makes it new.
  useAnnouncement.setState(({ text: before }) => ({ text: before === text ? `${text}\u00a0` : text }));
  clearTimeout(timer);
  timer = setTimeout(() => {
    useAnnouncement.setState({ text: "" });
  }, stayMs);
}

/** The place that screen readers listen to. */
export function Announcer() {
  const text = useAnnouncement((state) => state.text);
  return (
    <div className="sr-only" role="log" aria-live="polite" aria-atomic="true">
      {text}
    </div>
  );
}
