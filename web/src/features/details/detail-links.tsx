import { Link } from "@tanstack/react-router";
import { ChevronRight, Images, Link2, type LucideIcon, Pin, Search } from "lucide-react";
import { useT } from "../../lib/i18n/i18n.ts";
import type { MessageKey } from "../../lib/i18n/en.ts";
import type { Conversation } from "../../wire/types.ts";

interface Place {
  info: "search" | "files" | "pins" | "invites";
  icon: LucideIcon;
  label: MessageKey;
  count?: number;
}

/** The ways from the details to what belongs to the conversation. */
export function DetailLinks({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const invites = conversation.kind !== "direct" && conversation.role !== "member";
  const places: Place[] = [
    { info: "search", icon: Search, label: "search.title" },
    { info: "files", icon: Images, label: "files.title" },
    { info: "pins", icon: Pin, label: "pins.all.title", count: conversation.pins ?? 0 },
    ...(invites ? [{ info: "invites" as const, icon: Link2, label: "invite.title" as const }] : []),
  ];
  return (
    <nav aria-label={t("details.more")} className="py-2">
      {places.map(({ info, icon: Icon, label, count = 0 }) => (
        <Link
          key={info}
          to="."
          search={(before) => ({ ...before, info })}
          className="flex items-center gap-3 rounded-box px-3 py-2 hover:bg-base-200"
        >
          <Icon size={20} className="text-base-content/70" aria-hidden="true" />
          <span className="flex-1">{t(label)}</span>
          {count > 0 && <span className="badge badge-sm">{count}</span>}
          <ChevronRight size={16} className="text-base-content/70 rtl:rotate-180" aria-hidden="true" />
        </Link>
      ))}
    </nav>
  );
}
