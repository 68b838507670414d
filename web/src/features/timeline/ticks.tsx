import { Check, CheckCheck, CircleAlert, Clock } from "lucide-react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import type { MemberReceipt } from "../../wire/types.ts";

export type Progress = "waiting" | "failed" | "sent" | "delivered" | "seen";

/** How far a message of one's own has got: seen and delivered count as soon as one other person is there. */
export function progressOf(seq: number, receipts: readonly MemberReceipt[]): Progress {
  if (receipts.some((receipt) => receipt.read_seq >= seq)) return "seen";
  return receipts.some((receipt) => receipt.delivered_seq >= seq) ? "delivered" : "sent";
}

const icons = { waiting: Clock, failed: CircleAlert, sent: Check, delivered: CheckCheck, seen: CheckCheck } as const;

/** Clock, one tick, two ticks, two ticks in the accent colour. */
export function Ticks({ progress }: { progress: Progress }) {
  const t = useT();
  const labels: Record<Progress, string> = {
    waiting: t("message.sending"),
    failed: t("message.failed.short"),
    sent: t("message.sent"),
    delivered: t("message.delivered"),
    seen: t("message.seen"),
  };
  const Icon = icons[progress];
  return (
    <Icon
      size={14}
      role="img"
      aria-label={labels[progress]}
      data-progress={progress}
      className={cx("shrink-0", progress === "seen" && "text-brand", progress === "failed" && "text-danger")}
    />
  );
}
