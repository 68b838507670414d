import { Link } from "@tanstack/react-router";
import { PinOff } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { usePins, useSetPinned } from "../../sync/group-queries.ts";
import { personName } from "../../sync/naming.ts";
import { previewOf } from "../../sync/preview.ts";
import { useUser } from "../../sync/queries.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Conversation, Message } from "../../wire/types.ts";

interface PinRowProps {
  message: Message;
  beside: boolean;
  onUnpin: (() => void) | undefined;
}

function PinRow({ message, beside, onUnpin }: PinRowProps) {
  const t = useT();
  const sender = useUser(message.sender_id);
  return (
    <li className="flex items-start gap-2 rounded-box px-3 py-2 hover:bg-base-200">
      <Link
        to="."
        search={(before) => (beside ? { ...before, at: message.seq } : { at: message.seq })}
        resetScroll={false}
        className="min-w-0 flex-1"
      >
        <bdi className="block truncate text-sm font-medium">{personName(sender)}</bdi>
        <bdi className="line-clamp-3 text-sm text-base-content/80">{previewOf(message, t)}</bdi>
      </Link>
      {onUnpin && <IconButton label={t("message.unpin")} icon={<PinOff size={16} />} onClick={onUnpin} />}
    </li>
  );
}

interface PinListProps {
  conversation: Conversation;
  /** The messages are seen beside it; otherwise the one that is gone to takes its place. */
  beside: boolean;
}

/** All that is pinned in a conversation. */
export function PinList({ conversation, beside }: PinListProps) {
  const t = useT();
  const pins = usePins(conversation.id);
  const setPinned = useSetPinned(conversation.id);
  const may = conversation.kind === "direct" || conversation.role !== "member";
  const unpin = (seq: number): void => {
    setPinned.mutate(
      { seq, on: false },
      {
        onError: (error) => {
          toast(t(errorKey(error)), "error");
        },
      },
    );
  };
  if (pins.isPending) return <SkeletonRows count={3} label={t("app.loading")} />;
  return (
    <ul className="min-h-0 flex-1 overflow-y-auto p-2">
      {pins.data?.map((message) => (
        <PinRow
          beside={beside}
          key={message.seq}
          message={message}
          onUnpin={
            may
              ? () => {
                  unpin(message.seq);
                }
              : undefined
          }
        />
      ))}
      {pins.data?.length === 0 && <li className="p-6 text-center text-sm text-base-content/70">{t("pins.none")}</li>}
    </ul>
  );
}
