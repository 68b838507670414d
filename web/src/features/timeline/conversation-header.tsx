import { Link } from "@tanstack/react-router";
import { ArrowLeft, Bookmark, Info, Users } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "../../lib/cx.ts";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { ago } from "../../lib/time.ts";
import { conversationAvatar, conversationName, conversationSeed, isSelf, peerOf } from "../../sync/naming.ts";
import { usePresence, useTyping } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { UpLink } from "../../ui/way-up.tsx";
import type { Conversation } from "../../wire/types.ts";

function Status({ conversation, me }: { conversation: Conversation; me: string }) {
  const t = useT();
  const locale = useLocale();
  const peer = peerOf(conversation, me);
  const presence = usePresence(peer?.id);
  const typists = useTyping(conversation.id);
  if (typists.length > 0 && peer) return <span className="text-brand">{t("chat.typing")}</span>;
  if (conversation.kind !== "direct") return <>{t("chat.members", { count: conversation.members_count })}</>;
  if (presence?.online) return <>{t("chat.online")}</>;
  if (presence?.last_seen_at) {
    return <>{t("chat.lastSeen", { when: ago(presence.last_seen_at, locale, { justNow: t("time.justNow") }) })}</>;
  }
  return peer && presence ? <>{t("chat.offline")}</> : null;
}

interface HeaderProps {
  conversation: Conversation;
  detailsOpen: boolean;
  /** The ways to call. */
  calls?: ReactNode;
  /** Further buttons at its end. */
  end?: ReactNode;
}

/** Above a conversation: with whom, whether they are there, and the way to the details. */
export function ConversationHeader({ conversation, detailsOpen, calls, end }: HeaderProps) {
  const t = useT();
  const { me } = useEngine();
  const name = conversationName(conversation, me, t("self.title"));
  const self = isSelf(conversation, me);
  const Details = detailsOpen ? UpLink : Link;
  const icon = self ? <Bookmark size={18} /> : <Users size={18} />;
  const hasFace = conversation.kind === "direct" ? !self : conversation.avatar_id !== undefined;
  return (
    <header className="flex h-14 shrink-0 items-center gap-2 border-b border-base-300 bg-base-100 px-2 md:px-4">
      <UpLink
        to="/"
        aria-label={t("app.back")}
        title={t("app.back")}
        className="btn btn-circle btn-ghost btn-sm size-10 md:hidden"
      >
        <ArrowLeft size={22} className="rtl:rotate-180" />
      </UpLink>
      <Details
        to="."
        search={(before) => ({ ...before, info: detailsOpen ? undefined : ("details" as const) })}
        className="flex min-w-0 flex-1 items-center gap-3 rounded-box py-1"
      >
        <Avatar
          name={name}
          seed={conversationSeed(conversation)}
          src={conversationAvatar(conversation)}
          icon={hasFace ? undefined : icon}
        />
        <span className="min-w-0 flex-1">
          <h1 className="leading-tight font-semibold">
            {/* It is cut at its own end, in whichever direction it is written. */}
            <bdi className="block truncate">{name}</bdi>
          </h1>
          {/* Its place stays while nobody knows whether the other is there. */}
          <span className={cx("block truncate text-xs text-base-content/70", !self && "min-h-4")}>
            <Status conversation={conversation} me={me} />
          </span>
        </span>
      </Details>
      {calls}
      {/* Where there is little room, the name is the way to the details. */}
      <Details
        to="."
        search={(before) => ({ ...before, info: detailsOpen ? undefined : ("details" as const) })}
        aria-label={t("chat.details")}
        title={t("chat.details")}
        className="btn btn-circle btn-ghost btn-sm size-10 max-md:hidden"
      >
        <Info size={20} />
      </Details>
      {end}
    </header>
  );
}
