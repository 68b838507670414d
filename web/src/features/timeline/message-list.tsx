import { useCallback, useMemo, useRef, useState } from "react";
import { Virtualizer } from "virtua";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSetPinned } from "../../sync/group-queries.ts";
import { useOutboxOf, useTimeline } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { SkeletonMessages } from "../../ui/skeleton.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Conversation, Message } from "../../wire/types.ts";
import { JumpButton } from "./jump-button.tsx";
import { LoadFailed } from "./load-failed.tsx";
import { type Overlay, Overlays } from "./overlays.tsx";
import { buildRows, type Row, seqOfRow } from "./rows.ts";
import { TimelineRow } from "./timeline-row.tsx";
import { useActions } from "./use-actions.ts";
import { useFound } from "./use-found.ts";
import { useMessageKeys } from "./use-message-keys.ts";
import { useOpening } from "./use-opening.ts";
import { useOwnSends } from "./use-own-sends.ts";
import { type Here, useRange } from "./use-range.ts";
import { useScroll } from "./use-scroll.ts";

interface MessageListProps {
  conversation: Conversation;
  /** The seq of the message that the address names. */
  at: number | undefined;
  /** Words to be marked in that message. */
  find?: string | undefined;
  /** Makes the address name a message, or none. */
  onAddress: (seq: number | undefined) => void;
  onForward: (message: Message) => void;
}

/** The messages of a conversation. */
export function MessageList({ conversation, at, find, onAddress, onForward }: MessageListProps) {
  const t = useT();
  const engine = useEngine();
  const { me } = engine;
  const { id } = conversation;
  const outbox = useOutboxOf(id);
  const { data: timeline, error, refetch } = useTimeline(id);
  const { opening, onMoved, onSent, onLeft } = useOpening(conversation, timeline, at);
  const newAfter = opening.after;
  const here = useRef<Here>({ seq: 0, atEnd: true });
  const shown = useRange({ id, timeline, at, opening, here });
  const { range, atTail, jumpToEnd } = shown;
  const [overlay, setOverlay] = useState<Overlay>();

  const direct = conversation.kind === "direct";
  const atStart = range !== undefined && timeline !== undefined && range.lo <= timeline.first;
  const rows = useMemo(
    () =>
      range
        ? buildRows({ items: range.items, outbox, atStart, direct, atTail, me, newAfter })
        : // Whatever the network does: what one sent is there.
          buildRows({ items: [], outbox, atStart: false, direct, atTail: true, me, newAfter: null }),
    [range, outbox, atStart, direct, atTail, me, newAfter],
  );

  const jumpTo = (seq: number): void => {
    onLeft();
    if (at === seq) shown.jumpTo(seq);
    else onAddress(seq);
  };
  const setPinned = useSetPinned(id);
  const onPin = (message: Message, on: boolean): void => {
    setPinned.mutate(
      { seq: message.seq, on },
      {
        onError: (error) => {
          toast(t(errorKey(error)), "error");
        },
      },
    );
  };
  const actions = useActions({ id, setOverlay, jumpTo, forward: onForward, pin: onPin });

  const onKeyDown = useMessageKeys(rows, actions, me);

  const lo = range?.lo;
  const hi = range?.hi;
  const onSeen = useCallback(
    (row: Row | undefined, atEnd: boolean) => {
      here.current = { seq: seqOfRow(row), atEnd };
      if (atEnd) engine.timelines.trimBehind(id);
      if (document.visibilityState !== "visible" || !document.hasFocus()) return;
      engine.read(id, atEnd ? (hi ?? 0) : seqOfRow(row));
    },
    [engine, id, hi],
  );
  const onNearStart = useCallback(() => {
    if (lo !== undefined) void engine.timelines.loadBefore(id, lo).catch(() => undefined);
  }, [engine, id, lo]);
  const onNearEnd = useCallback(() => {
    if (hi !== undefined) void engine.timelines.loadAfter(id, hi).catch(() => undefined);
  }, [engine, id, hi]);
  const { list, scroller, shift, atEnd, flash, onScroll, onResize } = useScroll({
    rows,
    lo,
    hi,
    atTail,
    target: shown.target,
    onNearStart,
    onNearEnd,
    onSeen,
    onMoved,
  });
  useFound(scroller, find, at, shown.target?.seq === at);
  useOwnSends(outbox, () => {
    onSent();
    if (at !== undefined) onAddress(undefined);
    jumpToEnd();
  });

  const named = !direct;
  const last = rows.at(-1);
  const readers =
    named && atTail && last?.kind === "message" && last.message.sender_id === me && !last.pending
      ? conversation.receipts
          .filter((one) => one.user_id !== me && one.read_seq >= last.message.seq)
          .map((one) => one.user_id)
      : noReaders;
  const drawn = (row: Row) => (
    <TimelineRow
      key={row.key}
      row={row}
      conversation={conversation}
      me={me}
      actions={actions}
      flash={flash === row.key}
      readers={row === last ? readers : noReaders}
    />
  );
  return (
    <div className="relative min-h-0 flex-1">
      {/* Messages are walked through with the arrow keys; the region scrolls, so it takes the focus. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label={t("chat.messages")}
        aria-busy={range === undefined}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onKeyDown={onKeyDown}
        className="flex h-full flex-col overflow-y-auto overscroll-contain pb-1 [overflow-anchor:none] focus-visible:-outline-offset-2"
      >
        {range === undefined ? (
          <>
            {error && !timeline ? (
              <LoadFailed error={error} onRetry={() => void refetch()} />
            ) : (
              <div className="min-h-24 flex-1 overflow-hidden">
                <SkeletonMessages label={t("app.loading")} />
              </div>
            )}
            {rows.map(drawn)}
          </>
        ) : (
          <>
            <div className="flex-1" />
            <Virtualizer
              ref={list}
              scrollRef={scroller}
              shift={shift}
              data={rows}
              bufferSize={600}
              onScroll={onScroll}
              onResize={onResize}
            >
              {drawn}
            </Virtualizer>
          </>
        )}
      </div>
      {range !== undefined && rows.length > 0 && !atEnd && (
        <JumpButton
          unread={conversation.unread}
          onJump={() => {
            onLeft();
            if (at !== undefined) onAddress(undefined);
            jumpToEnd();
          }}
        />
      )}
      <Overlays
        overlay={overlay}
        rows={rows}
        conversation={conversation}
        me={me}
        actions={actions}
        onDelete={(message) => engine.outbox.add(id, { kind: "delete", target: message.seq })}
        show={setOverlay}
      />
    </div>
  );
}

const noReaders: readonly string[] = [];
