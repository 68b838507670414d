import { Archive, ArchiveRestore, AtSign, Bell, BellOff, Pin, PinOff } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSetPreferences } from "../../sync/group-queries.ts";
import { forEver, isMuted } from "../../sync/mute.ts";
import { Menu, type MenuItem, type Point } from "../../ui/menu.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Preferences } from "../../wire/api.ts";
import type { Conversation } from "../../wire/types.ts";

interface ConversationMenuProps {
  conversation: Conversation;
  at: Point;
  /** Stand before the others. */
  first?: readonly MenuItem[];
  onClose: () => void;
}

const size = 16;
const hourMs = 3_600_000;
const inHours = (hours: number): string => new Date(Date.now() + hours * hourMs).toISOString();

/** What this person can do about a conversation; nobody else sees any of it. */
export function ConversationMenu({ conversation, at, first = [], onClose }: ConversationMenuProps) {
  const t = useT();
  const set = useSetPreferences(conversation.id);
  const change = (body: Preferences): void => {
    set.mutate(body, {
      onError: (error) => {
        toast(t(errorKey(error)), "error");
      },
    });
  };
  const muted = isMuted(conversation);
  const item = (label: string, icon: MenuItem["icon"], body: () => Preferences): MenuItem => ({
    label,
    icon,
    onSelect: () => {
      change(body());
    },
  });
  const mentionsOnly = conversation.notify === "mentions";
  const items: MenuItem[] = [
    ...first,
    ...(muted
      ? [item(t("mute.off"), <Bell size={size} />, () => ({ muted_until: null }))]
      : [
          item(t("mute.hour"), <BellOff size={size} />, () => ({ muted_until: inHours(1) })),
          item(t("mute.hours"), <BellOff size={size} />, () => ({ muted_until: inHours(8) })),
          item(t("mute.ever"), <BellOff size={size} />, () => ({ muted_until: forEver })),
        ]),
    ...(conversation.kind === "direct"
      ? []
      : [
          item(mentionsOnly ? t("mute.all") : t("mute.mentions"), <AtSign size={size} />, () => ({
            notify: mentionsOnly ? "all" : "mentions",
          })),
        ]),
    conversation.pinned
      ? item(t("list.unpin"), <PinOff size={size} />, () => ({ pinned: false }))
      : item(t("list.pin"), <Pin size={size} />, () => ({ pinned: true })),
    conversation.archived
      ? item(t("list.unarchive"), <ArchiveRestore size={size} />, () => ({ archived: false }))
      : item(t("list.archive"), <Archive size={size} />, () => ({ archived: true })),
  ];
  return <Menu label={t("list.actions")} at={at} items={items} onClose={onClose} />;
}
