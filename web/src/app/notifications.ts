import type { QueryClient } from "@tanstack/react-query";
import { currentT } from "../lib/i18n/i18n.ts";
import { knownConversation } from "../sync/apply-entry.ts";
import { messageOfEntry } from "../sync/fold.ts";
import { keys } from "../sync/keys.ts";
import { isTold } from "../sync/mute.ts";
import { conversationName, personName } from "../sync/naming.ts";
import { notifyPermission, useNotify } from "../sync/notify.ts";
import { previewOf } from "../sync/preview.ts";
import { api } from "../wire/api.ts";
import type { Conversation, Me, MessageEntry, User } from "../wire/types.ts";

/** The tab that somebody looks at has the first word. */
const otherTabsWaitMs = 150;
const holdMs = 5_000;

/** Whether somebody looks at a conversation in this tab. */
export function isLookedAt(conversationId: string): boolean {
  return document.visibilityState === "visible" && document.hasFocus() && location.pathname.includes(conversationId);
}

/** Runs the task in one of the tabs only: a message is told once. */
export async function inOneTab(name: string, task: () => Promise<void>): Promise<void> {
  const manager = (navigator as Partial<Navigator>).locks;
  if (!manager) {
    await task();
    return;
  }
  await manager.request(name, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    await task();
    await new Promise((resolve) => setTimeout(resolve, holdMs));
  });
}

export async function nameOf(client: QueryClient, id: string): Promise<string> {
  const user = await client
    .query<User>({ queryKey: keys.user(id), queryFn: () => api.user(id), staleTime: Infinity })
    .catch(() => undefined);
  return personName(user);
}

/** What is shown outside of the page, and where a click on it leads. */
export interface Notice {
  title: string;
  body: string;
  /** Shown instead of the body where the person wants no content on the screen. */
  plain: string;
  /** A newer one with the same tag takes its place. */
  tag: string;
  path: string;
}

const registration = (): Promise<ServiceWorkerRegistration | undefined> =>
  (navigator as Partial<Navigator>).serviceWorker?.getRegistration() ?? Promise.resolve(undefined);
const open = new Map<string, Notification>();

export async function showNotification({ title, body, plain, tag, path }: Notice): Promise<void> {
  const { content } = useNotify.getState();
  const shownTitle = content ? title : currentT()("app.name");
  const options: NotificationOptions = {
    body: content ? body : plain,
    tag,
    icon: "/icon-192.png",
    data: { path },
  };
  const worker = await registration();
  // A phone shows notifications through a service worker only; the worker opens the page on a click.
  if (worker?.active) {
    await worker.showNotification(shownTitle, options);
    return;
  }
  const shown = new Notification(shownTitle, options);
  open.set(tag, shown);
  shown.onclose = () => open.delete(tag);
  shown.onclick = () => {
    window.focus();
    window.dispatchEvent(new CustomEvent("parley-open", { detail: path }));
    shown.close();
  };
}

/** Takes away what is not true any more. */
export async function hideNotification(tag: string): Promise<void> {
  open.get(tag)?.close();
  const shown = (await (await registration())?.getNotifications({ tag })) ?? [];
  for (const notification of shown) notification.close();
}

/** Whether the person and the browser want notifications. */
export function mayNotify(): boolean {
  return useNotify.getState().on && notifyPermission() === "granted";
}

async function show(client: QueryClient, entry: MessageEntry, conversation: Conversation, me: string): Promise<void> {
  const t = currentT();
  const name = await nameOf(client, entry.sender_id);
  const text = previewOf(messageOfEntry(entry), t);
  const direct = conversation.kind === "direct";
  await showNotification({
    title: direct ? name : conversationName(conversation, me, t("self.title")),
    body: direct ? text : t("chat.announce", { name, text }),
    plain: t("notify.plain"),
    tag: entry.conversation_id,
    path: `/c/${entry.conversation_id}?at=${String(entry.seq)}`,
  });
}

/** Shows a message that came in, unless somebody looks at it. */
export async function notifyMessage(client: QueryClient, entry: MessageEntry): Promise<void> {
  // What no tab of this browser would show needs no word among them: a lock for each message of a busy hour is dear.
  if (!mayNotify()) return;
  const lock = `parley-notify-${entry.conversation_id}-${String(entry.seq)}`;
  if (isLookedAt(entry.conversation_id)) {
    await inOneTab(lock, () => Promise.resolve());
    return;
  }
  const conversation = knownConversation(client, entry.conversation_id);
  const me = client.getQueryData<Me>(keys.me);
  if (!conversation || !me || !isTold(conversation, entry.mentions?.includes(me.id) ?? false)) return;
  await new Promise((resolve) => setTimeout(resolve, otherTabsWaitMs));
  await inOneTab(lock, () => show(client, entry, conversation, me.id));
}
