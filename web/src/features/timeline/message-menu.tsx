import { Copy, Eye, Forward, Link2, Pencil, Pin, PinOff, Reply, SmilePlus, Trash2 } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { handyEmoji } from "../../ui/emoji-recent.ts";
import { Menu, type MenuItem, type Point } from "../../ui/menu.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { TimelineActions } from "./actions.ts";
import type { MessageRow } from "./rows.ts";

interface MessageMenuProps {
  row: MessageRow;
  at: Point;
  me: string;
  /** Whether this person may delete what others wrote. */
  moderates: boolean;
  isGroup: boolean;
  mayPin: boolean;
  actions: TimelineActions;
  onMoreEmoji: () => void;
  onClose: () => void;
}

const size = 16;

async function copy(text: string, done: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toast(done);
}

/** What can be done with one message. */
export function MessageMenu({
  row,
  at,
  me,
  moderates,
  isGroup,
  mayPin,
  actions,
  onMoreEmoji,
  onClose,
}: MessageMenuProps) {
  const t = useT();
  const { message, pending } = row;
  const own = message.sender_id === me;
  const hasText = message.text !== "";
  const link = `${location.origin}/c/${message.conversation_id}?at=${String(message.seq)}`;
  const items: (MenuItem | false)[] = [
    !pending && {
      label: t("message.reply"),
      icon: <Reply size={size} />,
      onSelect: () => {
        actions.reply(message);
      },
    },
    own &&
      !pending && {
        label: t("message.edit"),
        icon: <Pencil size={size} />,
        onSelect: () => {
          actions.edit(message);
        },
      },
    !pending && {
      label: t("message.forward"),
      icon: <Forward size={size} className="rtl:-scale-x-100" />,
      onSelect: () => {
        actions.forward(message);
      },
    },
    !pending &&
      mayPin && {
        label: message.pinned_at ? t("message.unpin") : t("message.pin"),
        icon: message.pinned_at ? <PinOff size={size} /> : <Pin size={size} />,
        onSelect: () => {
          actions.pin(message, message.pinned_at === undefined);
        },
      },
    hasText && {
      label: t("message.copy"),
      icon: <Copy size={size} />,
      onSelect: () => void copy(message.text, t("app.copied")),
    },
    !pending && {
      label: t("message.copyLink"),
      icon: <Link2 size={size} />,
      onSelect: () => void copy(link, t("app.copied")),
    },
    own &&
      !pending &&
      isGroup && {
        label: t("message.seenBy"),
        icon: <Eye size={size} />,
        onSelect: () => {
          actions.showSeenBy(message);
        },
      },
    (own || moderates) && {
      label: pending ? t("message.cancel") : t("message.delete"),
      icon: <Trash2 size={size} />,
      danger: true,
      onSelect: () => {
        if (pending) actions.cancel(pending.client_id);
        else actions.askDelete(row);
      },
    },
  ];
  const header = pending ? undefined : (
    <div className="flex justify-between gap-1 border-b border-base-200 pb-1">
      {handyEmoji().map((emoji) => (
        <button
          key={emoji}
          type="button"
          role="menuitem"
          tabIndex={-1}
          aria-label={`${t("message.react")} ${emoji}`}
          className="flex size-9 items-center justify-center rounded-full text-xl hover:bg-base-200 focus:bg-base-200 focus:outline-none"
          onClick={() => {
            onClose();
            actions.react(message, emoji, !(message.reactions[emoji] ?? []).includes(me));
          }}
        >
          {emoji}
        </button>
      ))}
      <button
        type="button"
        role="menuitem"
        tabIndex={-1}
        aria-label={t("message.reaction.add")}
        className="flex size-9 items-center justify-center rounded-full hover:bg-base-200 focus:bg-base-200 focus:outline-none"
        onClick={onMoreEmoji}
      >
        <SmilePlus size={18} />
      </button>
    </div>
  );
  return (
    <Menu
      label={t("message.actions")}
      at={at}
      header={header}
      items={items.filter((item): item is MenuItem => item !== false)}
      onClose={onClose}
    />
  );
}
