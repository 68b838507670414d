import { memo, type MouseEvent, useState } from "react";
import { cx } from "../../lib/cx.ts";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { countEmojiOnly } from "../../lib/markdown/parse.ts";
import { clock, fullTime } from "../../lib/time.ts";
import { personName } from "../../sync/naming.ts";
import { useUser } from "../../sync/queries.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { useLongPress } from "../../ui/use-long-press.ts";
import type { MemberReceipt } from "../../wire/types.ts";
import type { TimelineActions } from "./actions.ts";
import { Attachments } from "./attachments.tsx";
import { MessageText } from "./message-text.tsx";
import { MessageToolbar } from "./message-toolbar.tsx";
import { PendingNote } from "./pending-note.tsx";
import { Quote } from "./quote.tsx";
import { Reactions } from "./reactions.tsx";
import type { MessageRow } from "./rows.ts";
import { type Progress, progressOf, Ticks } from "./ticks.tsx";

interface MessageRowProps {
  row: MessageRow;
  me: string;
  /** Whether senders are named: not in conversations of two. */
  named: boolean;
  receipts: readonly MemberReceipt[];
  actions: TimelineActions;
  flash: boolean;
}

function progressOfRow(row: MessageRow, receipts: readonly MemberReceipt[]): Progress {
  if (row.pending?.failed) return "failed";
  if (row.pending?.acked !== undefined) return "sent";
  return row.pending ? "waiting" : progressOf(row.message.seq, receipts);
}

/** One message. */
function MessageRowPlain(props: MessageRowProps) {
  const { row, me, named, receipts, actions, flash } = props;
  const t = useT();
  const locale = useLocale();
  const { message, pending } = row;
  const own = message.sender_id === me;
  const sender = useUser(named && !own ? message.sender_id : undefined);
  const isDeleted = message.deleted_at !== undefined;
  const bare =
    !isDeleted && message.attachments.length === 0 && message.reply_to === undefined && isLargeEmoji(message.text);
  // Most rows are only ever read: their buttons are made when somebody comes near.
  const [near, setNear] = useState(false);
  const come = (): void => {
    setNear(true);
  };
  const press = useLongPress((x, y) => {
    if (!isDeleted) actions.openMenu(row, { x, y });
  });
  const openMenu = (event: MouseEvent): void => {
    // On links and selected text the browser's menu is the useful one.
    if (isDeleted || (event.target as Element).closest("a") || window.getSelection()?.toString()) return;
    event.preventDefault();
    actions.openMenu(row, { x: event.clientX, y: event.clientY });
  };
  const foot = (
    <span
      data-foot
      className="float-end ms-3 mt-1.5 -mb-1 flex h-4 items-center gap-1 font-sans text-[0.6875rem] whitespace-nowrap not-italic text-base-content/70 select-none"
    >
      {message.edited_at !== undefined && <span>{t("message.edited")}</span>}
      <time dateTime={message.at} title={fullTime(message.at, locale)}>
        {clock(message.at, locale)}
      </time>
      {own && !isDeleted && <Ticks progress={progressOfRow(row, receipts)} />}
    </span>
  );
  return (
    // The menu of a right click or a long press is also behind the button of the toolbar.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={cx(
        "group/row flex gap-2 px-3 md:px-4",
        own ? "flex-row-reverse" : "",
        row.first ? "pt-2" : "pt-0.5",
        flash && "flash",
      )}
      onContextMenu={openMenu}
      onPointerEnter={come}
      onFocus={come}
      {...press}
    >
      {named && !own && (
        <span className="w-8 shrink-0 self-end">
          {row.last && <Avatar name={personName(sender)} seed={message.sender_id} src={sender?.avatar_url} size="sm" />}
        </span>
      )}
      <div className={cx("flex max-w-[85%] min-w-0 flex-col md:max-w-[75%]", own ? "items-end" : "items-start")}>
        <div
          className={cx(
            "relative max-w-full min-w-0 text-[0.9375rem] leading-[1.35] wrap-anywhere",
            !bare && "overflow-clip rounded-2xl px-3 py-1.5",
            !bare && (own ? "bubble-own" : "bubble-other"),
            !bare && row.last && (own ? "rounded-ee-md" : "rounded-es-md"),
          )}
        >
          {named && !own && row.first && !bare && (
            <bdi className="block truncate text-sm font-semibold text-brand">{personName(sender)}</bdi>
          )}
          {message.reply_to !== undefined && !isDeleted && (
            <Quote conversationId={message.conversation_id} seq={message.reply_to} onJump={actions.jumpTo} />
          )}
          {message.attachments.length > 0 && (
            <div className="-mx-1.5 my-0.5">
              <Attachments files={message.attachments} pending={pending} />
            </div>
          )}
          {isDeleted ? (
            <p className="flow-root text-base-content/70 italic">
              {t("message.deleted")}
              {foot}
            </p>
          ) : message.text === "" ? (
            foot
          ) : (
            <MessageText text={message.text} mentions={message.mentions} me={me} tail={foot} />
          )}
        </div>
        {!isDeleted && <Reactions message={message} me={me} actions={actions} />}
        {pending?.failed && <PendingNote item={pending} actions={actions} />}
      </div>
      {!isDeleted &&
        !pending &&
        (near ? (
          <MessageToolbar row={row} actions={actions} />
        ) : (
          <div className="hidden w-21 shrink-0 pointer-fine:block" />
        ))}
    </div>
  );
}

/** Rows are made anew with every change of the conversation: what counts is whether this one looks different. */
function looksSame(a: MessageRowProps, b: MessageRowProps): boolean {
  const sameMessage = a.row.pending
    ? a.row.pending === b.row.pending
    : a.row.message === b.row.message && !b.row.pending;
  return (
    sameMessage &&
    a.row.first === b.row.first &&
    a.row.last === b.row.last &&
    a.me === b.me &&
    a.named === b.named &&
    a.receipts === b.receipts &&
    a.actions === b.actions &&
    a.flash === b.flash
  );
}

export const MessageRowView = memo(MessageRowPlain, looksSame);

function isLargeEmoji(text: string): boolean {
  const count = countEmojiOnly(text);
  return count > 0 && count <= 3;
}
