import { useT } from "../../lib/i18n/i18n.ts";
import { reasonKey } from "../../sync/error-text.ts";
import type { OutboxItem } from "../../sync/outbox-item.ts";
import type { TimelineActions } from "./actions.ts";

/** Why a message was not sent, and what can be done. */
export function PendingNote({ item, actions }: { item: OutboxItem; actions: TimelineActions }) {
  const t = useT();
  if (!item.failed) return null;
  return (
    <p role="alert" className="mt-1 flex flex-wrap items-center justify-end gap-x-3 text-xs text-danger">
      <span>{t("message.failed", { reason: t(reasonKey(item.failed)) })}</span>
      <button
        type="button"
        className="link font-medium"
        onClick={() => {
          actions.retry(item.client_id);
        }}
      >
        {t("message.retry")}
      </button>
      <button
        type="button"
        className="link"
        onClick={() => {
          actions.cancel(item.client_id);
        }}
      >
        {t("app.delete")}
      </button>
    </p>
  );
}
