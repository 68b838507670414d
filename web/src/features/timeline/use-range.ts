import { useCallback, useEffect, useState } from "react";
import { knownConversation } from "../../sync/apply-entry.ts";
import { useTimeline } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { type Range, rangeAt, tailOf, type Timeline } from "../../sync/timeline.ts";
import { useQueryClient } from "@tanstack/react-query";

/** Where the view is to be put: at a message, at the first unread one, or at the end. */
export interface Target {
  seq: number;
  how: "message" | "unread" | "end";
  /** Tells two jumps to the same place apart. */
  jump: number;
}

export interface ShownRange {
  timeline: Timeline | undefined;
  range: Range | undefined;
  atTail: boolean;
  target: Target | undefined;
  failed: Error | null;
  retry: () => void;
  jumpTo: (seq: number) => void;
  jumpToEnd: () => void;
}

/**
 * Which stretch of a conversation is on screen. It opens at a linked message,
 * else at the first unread one, else at the end; jumps load what they need first.
 */
export function useRange(id: string, at: number | undefined): ShownRange {
  const engine = useEngine();
  const client = useQueryClient();
  const { data: timeline, error, refetch } = useTimeline(id);
  const [target, setTarget] = useState<Target>();
  const [anchor, setAnchor] = useState<number | null>(null);
  const ready = timeline !== undefined;

  const jumpTo = useCallback(
    async (seq: number, how: Target["how"] = "message"): Promise<void> => {
      await engine.timelines.loadAround(id, seq);
      setAnchor(seq);
      setTarget((before) => ({ seq, how, jump: (before?.jump ?? 0) + 1 }));
    },
    [engine, id],
  );
  const jumpToEnd = useCallback((): void => {
    setAnchor(null);
    setTarget((before) => ({ seq: Infinity, how: "end", jump: (before?.jump ?? 0) + 1 }));
  }, []);

  useEffect(() => {
    if (!ready) return;
    const conversation = knownConversation(client, id);
    const unreadFrom = conversation && conversation.unread > 0 ? conversation.read_seq + 1 : undefined;
    if (at !== undefined) jumpTo(at).catch(jumpToEnd);
    else if (unreadFrom !== undefined) jumpTo(unreadFrom, "unread").catch(jumpToEnd);
    else jumpToEnd();
    // Where it opens is decided once; later reading does not move it.
  }, [ready, id, at, client, jumpTo, jumpToEnd]);

  useEffect(
    () => () => {
      engine.timelines.trim(id);
    },
    [engine, id],
  );

  const range = timeline && ((anchor === null ? undefined : rangeAt(timeline, anchor)) ?? tailOf(timeline));
  return {
    timeline,
    range,
    atTail: range !== undefined && range.hi === timeline?.head,
    target,
    failed: timeline ? null : error,
    retry: () => void refetch(),
    jumpTo: (seq) => {
      jumpTo(seq).catch(jumpToEnd);
    },
    jumpToEnd,
  };
}
