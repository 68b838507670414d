import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { currentT } from "../lib/i18n/i18n.ts";
import { knownConversation } from "../sync/apply-entry.ts";
import { isTold } from "../sync/mute.ts";
import { toast } from "../ui/toasts.tsx";
import type { Call } from "../wire/types.ts";
import { hideNotification, inOneTab, mayNotify, nameOf, showNotification } from "./notifications.ts";

interface Ring {
  callId: string;
  conversationId: string;
  name: string;
  video: boolean;
}

const tagOf = (callId: string): string => `call-${callId}`;
const pathOf = (conversationId: string): string => `/c/${conversationId}`;
const isHidden = (): boolean => document.visibilityState === "hidden" || !document.hasFocus();

function notifyRing({ callId, conversationId, name, video }: Ring): () => void {
  const t = currentT();
  if (!mayNotify() || !isHidden()) return () => undefined;
  void inOneTab(`parley-call-${callId}`, () =>
    showNotification({
      title: name,
      body: video ? t("call.incomingVideo") : t("call.incomingVoice"),
      plain: t("call.notify"),
      tag: tagOf(callId),
      path: pathOf(conversationId),
    }),
  );
  return () => void hideNotification(tagOf(callId));
}

async function notifyMissed(client: QueryClient, call: Call): Promise<void> {
  const t = currentT();
  const conversation = knownConversation(client, call.conversation_id);
  if (!conversation || !isTold(conversation, false)) return;
  const name = await nameOf(client, call.caller_id);
  const text = t("call.missedFrom", { name });
  // Whoever looks at the page sees it here, whoever comes back to it too.
  if (document.visibilityState === "visible") toast(text);
  if (!mayNotify() || !isHidden()) return;
  await inOneTab(`parley-missed-${call.id}`, () =>
    showNotification({
      title: name,
      body: t("call.notifyMissed"),
      plain: t("call.notifyMissed"),
      tag: `missed-${call.id}`,
      path: pathOf(call.conversation_id),
    }),
  );
}

/** What is told of calls outside of the page, and of those that were missed. */
export function useCallNotices() {
  const client = useQueryClient();
  return useMemo(() => ({ notifyRing, notifyMissed: (call: Call) => void notifyMissed(client, call) }), [client]);
}
