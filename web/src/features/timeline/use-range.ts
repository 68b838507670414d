import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { knownConversation } from "../../sync/apply-entry.ts";
import { useTimeline } from "../../sync/queries.ts";
import { useEngine } from "../../sync/session-context.ts";
import { type Range, rangeAt, tailOf, type Timeline } from "../../sync/timeline.ts";

/** Where the view is to be put: at a message, at the first unread one, or at the end. */
export interface Target {
  seq: number;
  how: "message" | "unread" | "end";
  /** Tells two jumps to the same place apart. */
  jump: number;
}

interface Place {
  /** The seq that the address named when the place was chosen. */
  at: number | undefined;
  target: Target;
}

export interface ShownRange {
  timeline: Timeline | undefined;
  /** Undefined until it is known where the conversation opens. */
  range: Range | undefined;
  atTail: boolean;
  target: Target | undefined;
  failed: Error | null;
  retry: () => void;
  jumpTo: (seq: number) => void;
  jumpToEnd: () => void;
}

type Want = Omit<Target, "jump">;

const atEnd: Want = { seq: Infinity, how: "end" };

function useWant(id: string, at: number | undefined): () => Want {
  const client = useQueryClient();
  return () => {
    if (at !== undefined) return { seq: at, how: "message" };
    const conversation = knownConversation(client, id);
    return conversation && conversation.unread > 0 ? { seq: conversation.read_seq + 1, how: "unread" } : atEnd;
  };
}

/**
 * Which stretch of a conversation is on screen. It opens at a linked message,
 * else at the first unread one, else at the end; jumps load what they need first.
 */
export function useRange(id: string, at: number | undefined): ShownRange {
  const engine = useEngine();
  const { data: timeline, error, refetch } = useTimeline(id);
  const [place, setPlace] = useState<Place>();
  const decide = useWant(id, at);

  const go = useCallback((want: Want, address: number | undefined): void => {
    setPlace((before) => ({ at: address, target: { ...want, jump: (before?.target.jump ?? 0) + 1 } }));
  }, []);

  // Where it opens is decided once, and again when the address names a message; later reading does not move it.
  const undecided = timeline !== undefined && (place === undefined || (at !== undefined && at !== place.at));
  const want = undecided ? decide() : undefined;
  const isLoaded = want !== undefined && (want.how === "end" || rangeAt(timeline ?? nothing, want.seq) !== undefined);
  if (want && isLoaded) go(want, at);
  else if (place && at === undefined && place.at !== undefined) setPlace({ ...place, at: undefined });

  const loadSeq = want && !isLoaded ? want.seq : undefined;
  const loadHow = want?.how ?? "message";
  useEffect(() => {
    if (loadSeq === undefined) return;
    let dropped = false;
    const arrive = (where: Want): void => {
      if (!dropped) go(where, at);
    };
    engine.timelines.loadAround(id, loadSeq).then(
      () => {
        arrive({ seq: loadSeq, how: loadHow });
      },
      () => {
        arrive(atEnd);
      },
    );
    return () => {
      dropped = true;
    };
  }, [engine, id, at, loadSeq, loadHow, go]);

  useEffect(
    () => () => {
      engine.timelines.trim(id);
    },
    [engine, id],
  );

  const target = place?.target;
  const anchored = timeline && target && target.how !== "end" ? rangeAt(timeline, target.seq) : undefined;
  const range = timeline && target ? (anchored ?? tailOf(timeline)) : undefined;
  return {
    timeline,
    range,
    atTail: range !== undefined && range.hi === timeline?.head,
    target,
    failed: timeline ? null : error,
    retry: () => void refetch(),
    jumpTo: (seq) => {
      engine.timelines.loadAround(id, seq).then(
        () => {
          go({ seq, how: "message" }, at);
        },
        () => {
          go(atEnd, at);
        },
      );
    },
    jumpToEnd: () => {
      go(atEnd, at);
    },
  };
}

const nothing: Timeline = { first: 1, head: 0, ranges: [], recent: [], recentFrom: 0 };
