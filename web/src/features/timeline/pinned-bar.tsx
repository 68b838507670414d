import { Pin } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { usePins } from "../../sync/group-queries.ts";
import { previewOf } from "../../sync/preview.ts";
import type { Conversation } from "../../wire/types.ts";

interface PinnedBarProps {
  conversation: Conversation;
  onJump: (seq: number) => void;
  onAll: () => void;
}

/** Below the header: what was pinned last; each click goes to the one before. */
export function PinnedBar({ conversation, onJump, onAll }: PinnedBarProps) {
  const t = useT();
  const count = conversation.pins ?? 0;
  const pins = usePins(conversation.id, count > 0).data ?? [];
  const [turn, setTurn] = useState(0);
  const message = pins[turn % Math.max(1, pins.length)];
  if (count === 0) return null;
  // Its place is there before what stands in it: nothing moves when that comes.
  if (!message) return <div className="h-[3.0625rem] shrink-0 border-b border-base-300 bg-base-100" />;
  return (
    <div className="h-[3.0625rem] shrink-0 flex items-center gap-2 border-b border-base-300 bg-base-100 px-3 py-1 md:px-4">
      <button
        type="button"
        title={t("pins.jump")}
        className="flex min-w-0 flex-1 items-center gap-3 rounded-field py-0.5 text-start text-sm hover:bg-base-200"
        onClick={() => {
          onJump(message.seq);
          setTurn(turn + 1);
        }}
      >
        <Pin size={16} className="shrink-0 text-brand" aria-hidden="true" />
        <span className="min-w-0 flex-1">
          <span className="block text-xs font-semibold text-brand">
            {t("pins.title")}
            {pins.length > 1 && ` ${String((turn % pins.length) + 1)}/${String(pins.length)}`}
          </span>
          <bdi className="block truncate text-base-content/80">{previewOf(message, t)}</bdi>
        </span>
      </button>
      {pins.length > 1 && (
        <button type="button" className="btn btn-ghost btn-xs" onClick={onAll}>
          {t("pins.all")}
        </button>
      )}
    </div>
  );
}
