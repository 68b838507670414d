import { Ellipsis, Reply, SmilePlus } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import type { TimelineActions } from "./actions.ts";
import type { MessageRow } from "./rows.ts";

const button = "btn btn-circle btn-ghost btn-xs size-7";

/** What is done most with a message, beside it while the pointer or the focus is near. */
export function MessageToolbar({ row, actions }: { row: MessageRow; actions: TimelineActions }) {
  const t = useT();
  return (
    <div className="hidden shrink-0 items-center self-center opacity-0 group-focus-within/row:opacity-100 group-hover/row:opacity-100 pointer-fine:flex">
      <button
        type="button"
        tabIndex={-1}
        aria-label={t("message.react")}
        title={t("message.react")}
        className={button}
        onClick={(event) => {
          actions.pickEmoji(row.message, event.currentTarget);
        }}
      >
        <SmilePlus size={16} />
      </button>
      <button
        type="button"
        tabIndex={-1}
        aria-label={t("message.reply")}
        title={t("message.reply")}
        className={button}
        onClick={() => {
          actions.reply(row.message);
        }}
      >
        <Reply size={16} />
      </button>
      <button
        type="button"
        tabIndex={-1}
        aria-label={t("message.actions")}
        title={t("message.actions")}
        className={button}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          actions.openMenu(row, { x: box.left, y: box.bottom + 4 });
        }}
      >
        <Ellipsis size={16} />
      </button>
    </div>
  );
}
