import { lazy, Suspense } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { Confirm } from "../../ui/dialog.tsx";
import type { Point } from "../../ui/menu.tsx";
import { Popover } from "../../ui/popover.tsx";
import type { Conversation, Message } from "../../wire/types.ts";
import type { TimelineActions } from "./actions.ts";
import { MessageMenu } from "./message-menu.tsx";
import { asItIsNow, type MessageRow, type Row } from "./rows.ts";
import { SeenBy } from "./seen-by.tsx";

const EmojiPicker = lazy(async () => ({ default: (await import("../../ui/emoji-picker.tsx")).EmojiPicker }));

/** What floats above the timeline. */
export type Overlay =
  | { kind: "menu"; row: MessageRow; at: Point }
  | { kind: "emoji"; message: Message; at: Point }
  | { kind: "delete"; row: MessageRow }
  | { kind: "seen"; message: Message };

interface OverlaysProps {
  overlay: Overlay | undefined;
  rows: readonly Row[];
  conversation: Conversation;
  me: string;
  actions: TimelineActions;
  onDelete: (message: Message) => void;
  show: (overlay: Overlay | undefined) => void;
}

export function Overlays({ overlay, rows, conversation, me, actions, onDelete, show }: OverlaysProps) {
  const t = useT();
  const close = (): void => {
    show(undefined);
  };
  switch (overlay?.kind) {
    case undefined:
      return null;
    case "menu": {
      const row = asItIsNow(rows, overlay.row);
      return (
        <MessageMenu
          row={row}
          at={overlay.at}
          me={me}
          moderates={conversation.kind !== "direct" && conversation.role !== "member"}
          isGroup={conversation.kind !== "direct"}
          mayPin={conversation.kind === "direct" || conversation.role !== "member"}
          actions={actions}
          onMoreEmoji={() => {
            show({ kind: "emoji", message: row.message, at: overlay.at });
          }}
          onClose={close}
        />
      );
    }
    case "emoji":
      return (
        <Popover label={t("emoji.title")} at={overlay.at} onClose={close}>
          <Suspense fallback={<div className="skeleton h-80 w-80" />}>
            <EmojiPicker
              onPick={(emoji) => {
                close();
                actions.react(overlay.message, emoji, !(overlay.message.reactions[emoji] ?? []).includes(me));
              }}
            />
          </Suspense>
        </Popover>
      );
    case "delete":
      return (
        <Confirm
          title={t("message.delete.title")}
          text={t("message.delete.text")}
          action={t("app.delete")}
          cancel={t("app.cancel")}
          onConfirm={() => {
            close();
            onDelete(overlay.row.message);
          }}
          onClose={close}
        />
      );
    case "seen":
      return <SeenBy message={overlay.message} onClose={close} />;
  }
}
