import { create } from "zustand";

/** What this device tells of messages while nobody looks at the page. */
interface Choice {
  on: boolean;
  /** Whether a notification shows who writes what, or only that something came. */
  content: boolean;
}

const storageKey = "parley.notify";

function restored(): Choice {
  const kept = localStorage.getItem(storageKey);
  return { on: kept === "content" || kept === "plain", content: kept !== "plain" };
}

export const useNotify = create<Choice>(restored);

// What is chosen in one tab holds in all.
window.addEventListener("storage", ({ key }) => {
  if (key === storageKey) useNotify.setState(restored());
});

/** Keeps the choice on this device. */
export function chooseNotify(choice: Choice): void {
  useNotify.setState(choice);
  if (choice.on) localStorage.setItem(storageKey, choice.content ? "content" : "plain");
  else localStorage.removeItem(storageKey);
}

/** What the browser allows: `unsupported` on pages that are not secure and in browsers without notifications. */
export type Permission = NotificationPermission | "unsupported";

export function notifyPermission(): Permission {
  return "Notification" in window ? Notification.permission : "unsupported";
}
