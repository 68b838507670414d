import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { dayName } from "../../lib/time.ts";
import { conversationName, isSelf } from "../../sync/naming.ts";
import type { Conversation } from "../../wire/types.ts";

/** What stands above the first message. */
export function Beginning({ conversation, me }: { conversation: Conversation; me: string }) {
  const t = useT();
  const text = isSelf(conversation, me)
    ? t("chat.empty.self")
    : conversation.kind === "direct"
      ? t("chat.empty.direct", { name: conversationName(conversation, me, t("self.title")) })
      : t("chat.empty.group", { name: conversationName(conversation, me, t("self.title")) });
  return <p className="mx-auto max-w-sm px-6 py-8 text-center text-sm text-base-content/70">{text}</p>;
}

/** Where a day begins. */
export function DayLine({ at }: { at: string }) {
  const t = useT();
  const locale = useLocale();
  return (
    <div className="flex justify-center py-2">
      <span className="rounded-full bg-base-300/70 px-3 py-0.5 text-xs font-medium">
        {dayName(at, locale, { today: t("time.today"), yesterday: t("time.yesterday") })}
      </span>
    </div>
  );
}

/** Where the unread messages begin. */
export function NewLine() {
  const t = useT();
  return (
    <div className="flex items-center gap-3 px-4 py-2 text-xs font-semibold text-danger">
      <span className="h-px flex-1 bg-error/50" />
      {t("chat.new")}
      <span className="h-px flex-1 bg-error/50" />
    </div>
  );
}
