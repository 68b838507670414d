import type { Draft } from "./store.ts";

/** What the tabs of one browser tell each other. */
export type TabMessage =
  | { type: "outbox" }
  | { type: "signed-out" }
  | { type: "signed-in" }
  /** This person has seen a conversation up to seq. */
  | { type: "read"; conversation_id: string; seq: number }
  /** What this person writes in a conversation now; null: nothing any more. */
  | { type: "draft"; conversation_id: string; draft: Draft | null };

export interface Tabs {
  tell(message: TabMessage): void;
  /** Hears the other tabs, not this one. Returns the way to stop. */
  hear(listener: (message: TabMessage) => void): () => void;
  close(): void;
}

/** Locks that hold across tabs. */
export interface Locks {
  /** Runs the task when nobody else holds the name. */
  hold(name: string, task: () => Promise<void>): Promise<void>;
}

export function openTabs(): Tabs {
  const channel = new BroadcastChannel("parley");
  return {
    tell: (message) => {
      channel.postMessage(message);
    },
    hear: (listener) => {
      const handle = (event: MessageEvent<TabMessage>): void => {
        listener(event.data);
      };
      channel.addEventListener("message", handle);
      return () => {
        channel.removeEventListener("message", handle);
      };
    },
    close: () => {
      channel.close();
    },
  };
}

/** Locks of this page only. */
export function pageLocks(): Locks {
  const tails = new Map<string, Promise<void>>();
  return {
    hold: (name, task) => {
      const turn = (tails.get(name) ?? Promise.resolve()).then(task);
      tails.set(
        name,
        turn.catch(() => undefined),
      );
      return turn;
    },
  };
}

/** Locks across tabs where the browser has them (secure pages); else of this page only, where the server's `client_id` rule still prevents doubles. */
export function browserLocks(): Locks {
  // Missing on pages that are not secure, whatever the type says.
  const manager = (navigator as Partial<Navigator>).locks;
  if (!manager) return pageLocks();
  return { hold: (name, task) => manager.request(name, task) };
}
