import type { Translate } from "../lib/i18n/i18n.ts";
import { spellDuration } from "../lib/time.ts";
import type { CallEntry } from "../wire/types.ts";

/** What became of a call, in a few words: "Missed call", "Call, 3:12". */
export function callText({ call, sender_id }: Pick<CallEntry, "call" | "sender_id">, me: string, t: Translate): string {
  switch (call.outcome) {
    case "answered":
      return t(call.video ? "callLog.video" : "callLog.audio", { time: spellDuration(call.duration_ms) });
    case "missed":
      return t(sender_id === me ? "callLog.unanswered" : "callLog.missed");
    case "declined":
      return t("callLog.declined");
    case "busy":
      return t("callLog.busy");
    case "failed":
      return t("callLog.failed");
  }
}
