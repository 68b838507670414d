import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { fullTime } from "../../lib/time.ts";
import { useNames } from "../../sync/queries.ts";
import type { CallEntry, SystemEntry } from "../../wire/types.ts";

const namedUsers = 5;

/** What happened to a group, in a sentence. */
export function SystemLine({ entry }: { entry: Exclude<SystemEntry, CallEntry> }) {
  const t = useT();
  const locale = useLocale();
  const ids = "user_ids" in entry ? entry.user_ids.slice(0, namedUsers) : [];
  const [name = "…", ...named] = useNames([entry.sender_id, ...ids]);
  const rest = "user_ids" in entry ? entry.user_ids.length - ids.length : 0;
  const others = new Intl.ListFormat(locale).format(rest > 0 ? [...named, `+${String(rest)}`] : named);
  const text = ((): string => {
    switch (entry.kind) {
      case "created":
        return t("system.created", { name });
      case "member_added":
        if (entry.user_ids[0] === entry.sender_id) return t("system.joined", { name });
        return t("system.added", { name, others });
      case "member_removed":
        return entry.user_ids.length === 1 && entry.user_ids[0] === entry.sender_id
          ? t("system.left", { name })
          : t("system.removed", { name, others });
      case "role":
        return t(`system.role.${entry.role}`, { name, others });
      case "pin":
        return t("system.pinned", { name });
      case "updated":
        return t("system.updated", { name, title: entry.title });
    }
  })();
  return (
    <p
      dir="auto"
      title={fullTime(entry.at, locale)}
      className="mx-auto w-fit max-w-[90%] rounded-full px-3 py-1 text-center text-xs text-base-content/70"
    >
      {text}
    </p>
  );
}
