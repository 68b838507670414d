import { Link } from "@tanstack/react-router";
import { AtSign, BellOff, Bookmark, Check, CheckCheck, CircleAlert, Clock, Pin, Users } from "lucide-react";
import { memo } from "react";
import { cx } from "../../lib/cx.ts";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { fullTime, listTime } from "../../lib/time.ts";
import { callText } from "../../sync/call-text.ts";
import { useComposing } from "../../sync/drafts.ts";
import { isMuted } from "../../sync/mute.ts";
import {
  conversationAvatar,
  conversationName,
  conversationSeed,
  isSelf,
  peerOf,
  personName,
} from "../../sync/naming.ts";
import type { OutboxItem } from "../../sync/outbox-item.ts";
import { previewOf } from "../../sync/preview.ts";
import { usePresence, useTyping, useUnsent, useUser } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { Point } from "../../ui/menu.tsx";
import { useLongPress } from "../../ui/use-long-press.ts";
import type { Conversation } from "../../wire/types.ts";

interface PreviewProps {
  conversation: Conversation;
  me: string;
  unsent: OutboxItem | null;
}

function Preview({ conversation, me, unsent }: PreviewProps) {
  const t = useT();
  const typists = useTyping(conversation.id);
  const draft = useComposing(conversation.id);
  const last = conversation.last_message;
  const isGroup = conversation.kind !== "direct";
  const sender = useUser(isGroup && last && last.sender_id !== me ? last.sender_id : undefined);
  if (typists.length > 0) return <span className="text-brand">{t("chat.typing")}</span>;
  if (draft.text.trim() !== "" && !draft.editing) {
    return (
      <>
        <bdi className="text-danger">{t("list.draft")}: </bdi>
        {draft.text.slice(0, 140)}
      </>
    );
  }
  if (unsent?.action.kind === "message") {
    const { text, files } = unsent.action;
    return (
      <>
        {!isSelf(conversation, me) && <bdi className="text-base-content/90">{t("list.you")}: </bdi>}
        {previewOf({ text, attachments: files }, t)}
      </>
    );
  }
  if (conversation.last_entry?.kind === "call") return <>{callText(conversation.last_entry, me, t)}</>;
  if (!last) return <>{t("preview.empty")}</>;
  const who = last.sender_id === me ? t("list.you") : isGroup && sender ? personName(sender).split(" ")[0] : undefined;
  return (
    <>
      {who !== undefined && !isSelf(conversation, me) && <bdi className="text-base-content/90">{who}: </bdi>}
      <span className={last.deleted_at ? "italic" : ""}>{previewOf(last, t)}</span>
    </>
  );
}

/** What one wrote and the server does not have: it waits, or it was refused. */
function UnsentMark({ item }: { item: OutboxItem }) {
  const t = useT();
  const label = item.failed ? t("message.failed.short") : t("message.sending");
  const Icon = item.failed ? CircleAlert : Clock;
  return <Icon size={14} role="img" aria-label={label} className={cx("shrink-0", item.failed && "text-danger")} />;
}

/** How far one's own last message has got in a direct conversation. */
function LastTick({ conversation, me }: { conversation: Conversation; me: string }) {
  const t = useT();
  const last = conversation.last_message;
  if (!peerOf(conversation, me) || last?.sender_id !== me || last.deleted_at) return null;
  if (conversation.last_entry?.kind === "call") return null;
  const [receipt] = conversation.receipts;
  const seen = (receipt?.read_seq ?? 0) >= last.seq;
  const delivered = (receipt?.delivered_seq ?? 0) >= last.seq;
  const label = seen ? t("message.seen") : delivered ? t("message.delivered") : t("message.sent");
  const Icon = delivered ? CheckCheck : Check;
  return <Icon size={14} role="img" aria-label={label} className={cx("shrink-0", seen && "text-brand")} />;
}

interface RowProps {
  conversation: Conversation;
  me: string;
  active: boolean;
  onMenu: (conversation: Conversation, at: Point) => void;
}

/** How much is new: grey where the conversation is to be quiet, with a mark if one was named. */
function Unread({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const { unread, mentions = 0 } = conversation;
  const quiet = isMuted(conversation);
  return (
    <>
      {quiet && <BellOff size={14} role="img" aria-label={t("mute.on")} className="shrink-0 text-base-content/70" />}
      {conversation.pinned && unread === 0 && (
        <Pin size={14} role="img" aria-label={t("list.pinned")} className="shrink-0 text-base-content/70" />
      )}
      {mentions > 0 && (
        <span className="badge h-5 w-5 shrink-0 rounded-full badge-primary px-0 badge-sm">
          <AtSign size={12} role="img" aria-label={t("list.mentioned")} />
        </span>
      )}
      {unread > 0 && (
        <span
          className={cx(
            "badge h-5 min-w-5 shrink-0 rounded-full px-1.5 badge-sm font-semibold tabular-nums",
            quiet ? "badge-neutral" : "badge-primary",
          )}
        >
          <span aria-hidden="true">{unread > 999 ? "999+" : unread}</span>
          <span className="sr-only">{t("list.unread", { count: unread })}</span>
        </span>
      )}
    </>
  );
}

/** One conversation of the list: who, what was said last, when, and how much of it is new. */
export const ConversationRow = memo(function ConversationRow({ conversation, me, active, onMenu }: RowProps) {
  const t = useT();
  const locale = useLocale();
  const peer = peerOf(conversation, me);
  const online = usePresence(peer?.id)?.online;
  const name = conversationName(conversation, me, t("self.title"));
  const unsent = useUnsent(conversation.id);
  const icon = isSelf(conversation, me) ? <Bookmark size={20} /> : undefined;
  const press = useLongPress((x, y) => {
    onMenu(conversation, { x, y });
  });
  return (
    <Link
      to="/c/$id"
      params={{ id: conversation.id }}
      aria-current={active ? "page" : undefined}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu(conversation, { x: event.clientX, y: event.clientY });
      }}
      {...press}
      className={cx(
        "no-callout mx-2 flex items-center gap-3 rounded-box px-2 py-2 focus-visible:outline-offset-[-2px]",
        active ? "bg-primary/12" : "hover:bg-base-200",
      )}
    >
      <Avatar
        name={name}
        seed={conversationSeed(conversation)}
        src={conversationAvatar(conversation)}
        size="lg"
        online={online}
        icon={icon ?? (conversation.kind === "direct" || conversation.avatar_id ? undefined : <Users size={20} />)}
      />
      <span className="min-w-0 flex-1">
        <span className="flex items-baseline gap-2">
          <bdi className="flex-1 truncate font-medium">{name}</bdi>
          {online && <span className="sr-only">{t("list.online")}</span>}
          {unsent ? <UnsentMark item={unsent} /> : <LastTick conversation={conversation} me={me} />}
          <time
            dateTime={conversation.active_at}
            title={fullTime(conversation.active_at, locale)}
            className={cx("shrink-0 text-xs", conversation.unread > 0 ? "text-brand" : "text-base-content/70")}
          >
            {listTime(conversation.active_at, locale, { today: t("time.today"), yesterday: t("time.yesterday") })}
          </time>
        </span>
        <span className="mt-0.5 flex items-center gap-2">
          {/* As long as it is, its beginning is what is shown: in whichever direction it is written. */}
          <span dir="auto" className="match-parent flex-1 truncate text-sm text-base-content/70">
            <Preview conversation={conversation} me={me} unsent={unsent} />
          </span>
          <Unread conversation={conversation} />
        </span>
      </span>
    </Link>
  );
});
