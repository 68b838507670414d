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
import type { Entry, User } from "../wire/types.ts";
import { notifyMessage } from "./notifications.ts";

/** Tells why an edit, a deletion or a reaction was undone. */
export function tellRefusal(_item: OutboxItem, error: ApiError): void {
  toast(currentT()(errorKey(error)), "error");
}

/** A message of somebody else came in. */
export function tellMessage(client: QueryClient, entry: Entry): void {
  announceMessage(client, entry);
  if (entry.kind === "message") void notifyMessage(client, entry);
}

/** Has screen readers hear what came into the conversation that is open. */
function announceMessage(client: QueryClient, entry: Entry): void {
  if (entry.kind !== "message" || !location.pathname.includes(entry.conversation_id)) return;
  const known = client.getQueryData<User>(keys.user(entry.sender_id));
  // Between two, the list knows the other one, whether or not their profile was asked for.
  const name = personName(known ?? knownConversation(client, entry.conversation_id)?.peer ?? undefined);
  const text = plainText(entry.text) || previewOf(entry, currentT());
  announce(currentT()("chat.announce", { name, text }));
}
