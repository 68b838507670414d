import type { QueryClient } from "@tanstack/react-query";
import { plainText } from "../lib/markdown/parse.ts";
import { currentT } from "../lib/i18n/i18n.ts";
import { knownConversation } from "../sync/apply-entry.ts";
import { errorKey } from "../sync/error-text.ts";
import { keys } from "../sync/keys.ts";
import { personName } from "../sync/naming.ts";
import type { OutboxItem } from "../sync/outbox-item.ts";
import { previewOf } from "../sync/preview.ts";
import { announce } from "../ui/announcer.tsx";
import { toast } from "../ui/toasts.tsx";
import type { ApiError } from "../wire/errors.ts";
import type { Entry, MessageEntry, User } from "../wire/types.ts";
import { nameOf, notifyMessage } from "./notifications.ts";

/** Tells why an edit, a deletion or a reaction was undone. */
export function tellRefusal(_item: OutboxItem, error: ApiError): void {
  toast(currentT()(errorKey(error)), "error");
}

/** A message of somebody else came in. */
export function tellMessage(client: QueryClient, entry: Entry): void {
  announceMessage(client, entry);
  if (entry.kind === "message") void notifyMessage(client, entry);
}

/** A name that has to be asked for is waited for so long: what was written is worth more than by whom. */
const nameWaitMs = 2_000;

/** What is announced next comes after what came before it, though its sender's name may be known sooner. */
let before: Promise<void> = Promise.resolve();

async function senderName(client: QueryClient, { sender_id, conversation_id }: MessageEntry): Promise<string> {
  const known = client.getQueryData<User>(keys.user(sender_id));
  // Between two, the list knows the other one, whether or not their profile was asked for.
  const user = known ?? knownConversation(client, conversation_id)?.peer ?? undefined;
  if (user) return personName(user);
  const late = new Promise<string>((resolve) => {
    setTimeout(() => {
      resolve(personName(undefined));
    }, nameWaitMs);
  });
  return Promise.race([nameOf(client, sender_id), late]);
}

/** Has screen readers hear what came into the conversation that is open. */
function announceMessage(client: QueryClient, entry: Entry): void {
  const isOpen = (): boolean => location.pathname.includes(entry.conversation_id);
  if (entry.kind !== "message" || !isOpen()) return;
  const text = plainText(entry.text) || previewOf(entry, currentT());
  const asked = senderName(client, entry);
  before = before.then(async () => {
    const name = await asked;
    if (isOpen()) announce(currentT()("chat.announce", { name, text }));
  });
}
