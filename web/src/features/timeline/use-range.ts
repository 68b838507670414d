import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useState } from "react";
import { useEngine } from "../../sync/session-context.ts";
import { endedAt, type Range, rangeAt, tailOf, type Timeline } from "../../sync/timeline.ts";
import type { Opening } from "./opening.ts";

/** Where the view is to be put: at a message, at the first unread one, where the person was, where it is, or at the end. */
export interface Target {
  seq: number;
  how: "message" | "unread" | "place" | "stay" | "end";
  /** Tells two jumps to the same place apart. */
  jump: number;
}

interface Place {
  /** The seq that the address named when the place was chosen. */
  at: number | undefined;
  /** The turn of the opening that led here. */
  turn: number;
  target: Target;
  /** The stretch that was shown lately. */
  lo?: number;
  hi?: number;
  /** What was shown is not known any more: too much was missed. Until it is clear where to go, nothing is shown. */
  lost?: boolean;
}

/** What the person looked at last. */
export interface Here {
  seq: number;
  atEnd: boolean;
}

export interface ShownRange {
  /** Undefined until it is known where the conversation opens. */
  range: Range | undefined;
  atTail: boolean;
  target: Target | undefined;
  jumpTo: (seq: number) => void;
  jumpToEnd: () => void;
}

type Want = Omit<Target, "jump">;

const atEnd: Want = { seq: Infinity, how: "end" };

function placedIn(place: Place, { lo, hi }: Range): Place {
  if (place.lo === lo && place.hi === hi) return place;
  const apart = place.lo !== undefined && place.hi !== undefined && (lo > place.hi + 1 || hi < place.lo - 1);
  return apart ? { at: place.at, turn: place.turn, target: place.target, lost: true } : { ...place, lo, hi };
}

/** Where a conversation is to be shown. */
function wantOf(at: number | undefined, opening: Opening, place: Place | undefined): Want {
  if (at !== undefined) return { seq: at, how: "message" };
  if (opening.aim === "stay" && place) return { seq: place.target.seq, how: "stay" };
  return opening.aim === "unread" && opening.after !== null ? { seq: opening.after + 1, how: "unread" } : atEnd;
}

interface RangeInput {
  id: string;
  timeline: Timeline | undefined;
  /** The seq of the message that the address names. */
  at: number | undefined;
  opening: Opening;
  here: RefObject<Here>;
}

/**
 * Which stretch of a conversation is on screen. It opens at a linked message,
 * else at the first unread one, else at the end; jumps load what they need first.
 */
export function useRange({ id, timeline, at, opening, here }: RangeInput): ShownRange {
  const engine = useEngine();
  const [place, setPlace] = useState<Place>();

  const { turn } = opening;
  const go = useCallback(
    (want: Want, address: number | undefined): void => {
      setPlace((before) => ({ at: address, turn, target: { ...want, jump: (before?.target.jump ?? 0) + 1 } }));
    },
    [turn],
  );

  // It goes where the opening says, and where the address does when it names a message; later reading does not move it.
  const undecided =
    timeline !== undefined && (place === undefined || (at === undefined ? turn !== place.turn : at !== place.at));
  const want = undecided ? wantOf(at, opening, place) : undefined;
  const isLoaded =
    want !== undefined &&
    (want.how === "end" || want.how === "stay" || rangeAt(timeline ?? nothing, want.seq) !== undefined);
  const moves = want !== undefined && isLoaded;
  const leaves = !moves && place?.at !== undefined && at === undefined;
  if (moves) go(want, at);
  else if (leaves) setPlace({ ...place, at: undefined });

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
  const known = timeline && target ? (anchored ?? tailOf(timeline)) : undefined;
  const placed = place && known && !place.lost && !moves && !leaves ? placedIn(place, known) : place;
  if (placed && placed !== place) setPlace(placed);
  const isLost = (placed?.lost ?? false) && !undecided;
  const upTo = opening.waits || place?.turn !== turn ? opening.kept : undefined;
  const range = useMemo(
    () => (known && !placed?.lost ? endedAt(known, upTo ?? Infinity) : undefined),
    [known, placed?.lost, upTo],
  );
  useLayoutEffect(() => {
    if (!isLost) return;
    const { seq, atEnd: wasAtEnd } = here.current;
    const back: Want = wasAtEnd || seq === 0 ? atEnd : { seq, how: "place" };
    const ready = back.how === "end" ? Promise.resolve() : engine.timelines.loadAround(id, seq);
    ready.then(
      () => {
        go(back, at);
      },
      () => {
        go(atEnd, at);
      },
    );
  }, [isLost, here, engine, id, at, go]);

  return {
    range,
    atTail: range !== undefined && known?.hi === timeline?.head,
    target,
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
