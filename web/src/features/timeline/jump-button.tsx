import { ArrowDown } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";

/** Back to the newest message, with the number of those that were not read yet. */
export function JumpButton({ unread, onJump }: { unread: number; onJump: () => void }) {
  const t = useT();
  const label = unread > 0 ? t("chat.jump.unread", { count: unread }) : t("chat.jump");
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className="btn absolute end-4 bottom-3 btn-circle border-base-300 bg-base-100 shadow-md"
      onClick={onJump}
    >
      <ArrowDown size={20} />
      {unread > 0 && (
        <span aria-hidden="true" className="absolute -top-2 badge rounded-full badge-sm badge-primary tabular-nums">
          {unread > 999 ? "999+" : unread}
        </span>
      )}
    </button>
  );
}
