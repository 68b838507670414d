import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import { type Row, seqOfRow } from "./rows.ts";
import { type Goal, useAim } from "./use-aim.ts";
import type { Target } from "./use-range.ts";

interface ScrollInput {
  rows: readonly Row[];
  /** The stretch of seqs that is on screen or could be scrolled to. */
  lo: number | undefined;
  hi: number | undefined;
  atTail: boolean;
  target: Target | undefined;
  onNearStart: () => void;
  onNearEnd: () => void;
  /** The row at the lower edge, and whether it is the very last. */
  onSeen: (row: Row | undefined, atEnd: boolean) => void;
  /** The person took the view into their own hands. */
  onMoved: () => void;
}

export interface Scroll {
  list: RefObject<VirtualizerHandle | null>;
  scroller: RefObject<HTMLDivElement | null>;
  /** True in the very render in which older rows come in above, or go. */
  shift: boolean;
  atEnd: boolean;
  /** The key of the row that was jumped to, for a moment. */
  flash: string | undefined;
  onScroll: () => void;
  onResize: () => void;
}

/** How close to an edge the next page is asked for, in pixels. */
const near = 900;
/** Within this distance of the end, new messages pull the view along. */
const sticky = 60;
/** Less than this is rounding, not somebody who scrolls. */
const slack = 4;
const flashMs = 1_600;
/** Rows that were never drawn are measured once they are: until then the end may only seem to be near. */
const settleMs = 120;

function rowOfTarget(rows: readonly Row[], target: Target): number {
  if (target.how === "end") return rows.length - 1;
  if (target.how === "unread") {
    const line = rows.findIndex((row) => row.kind === "new");
    return line >= 0 ? line : rows.length - 1;
  }
  const index = rows.findIndex((row) => seqOfRow(row) >= target.seq);
  return index >= 0 ? index : rows.length - 1;
}

function alignOf(target: Target, isLast: boolean): "start" | "center" | "end" {
  if (target.how === "message") return "center";
  return target.how === "unread" && !isLast ? "start" : "end";
}

/** Whether rows came in above since the last render, or were let go of: then the view keeps its distance from the end. */
function useShift(lo: number | undefined, hi: number | undefined, count: number): boolean {
  const [seen, setSeen] = useState({ lo, hi, count, shift: false });
  if (seen.lo === lo && seen.hi === hi && seen.count === count) return seen.shift;
  // A stretch that has nothing to do with the one before it is a new beginning.
  const goesOn = (lo ?? Infinity) <= (seen.hi ?? -1) && (hi ?? -1) >= (seen.lo ?? Infinity);
  const next = { lo, hi, count, shift: goesOn && lo !== seen.lo };
  setSeen(next);
  return next.shift;
}

/** Where a row in the middle of the window stood when the view was last scrolled, and how much there was from it to the end. */
interface Mark {
  key: string;
  lastKey: string;
  top: number;
  below: number;
}

function markOf(view: VirtualizerHandle, rows: readonly Row[]): Mark | undefined {
  const middle = Math.min(rows.length - 1, view.findItemIndex(view.scrollOffset + view.viewportSize / 2));
  // The line may go; messages stay.
  const index = rows[middle]?.kind === "new" && middle < rows.length - 1 ? middle + 1 : middle;
  const [row, last] = [rows[index], rows.at(-1)];
  if (!row || !last) return undefined;
  const offset = view.getItemOffset(index);
  return {
    key: row.key,
    lastKey: last.key,
    top: offset - view.scrollOffset,
    below: endOf(view, rows.length - 1) - offset,
  };
}

const endOf = (view: VirtualizerHandle, index: number): number => view.getItemOffset(index) + view.getItemSize(index);

/**
 * Whether somebody has scrolled up since. What comes, goes or is measured above
 * moves no row that is seen; following the end moves them up, and down only by
 * as much as what is below them got smaller.
 */
function hasScrolledUp(mark: Mark, view: VirtualizerHandle, rows: readonly Row[]): boolean {
  const index = rows.findLastIndex((row) => row.key === mark.key);
  const last = rows.findLastIndex((row) => row.key === mark.lastKey);
  if (index < 0 || last < 0) return false;
  const offset = view.getItemOffset(index);
  const shrunk = Math.max(0, mark.below - (endOf(view, last) - offset));
  return offset - view.scrollOffset > mark.top + shrunk + slack;
}

/** Keeps the view where it belongs: at the target, at the end while new messages come, or where the person left it. */
export function useScroll(input: ScrollInput): Scroll {
  const { rows, lo, hi, atTail, target, onNearStart, onNearEnd, onSeen, onMoved } = input;
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLDivElement>(null);
  /** The view is at the end and stays there until somebody scrolls up: however much comes at once. */
  const stuck = useRef(false);
  const mark = useRef<Mark>(undefined);
  /** What stays where it is when the line above it comes or goes. */
  const held = useRef<Mark>(undefined);
  const done = useRef(0);
  const settled = useRef(0);
  const [atEnd, setAtEnd] = useState(true);
  const [faded, setFaded] = useState(0);
  const shift = useShift(lo, hi, rows.length);

  const toEnd = useCallback((): void => {
    if (rows.length > 0) list.current?.scrollToIndex(rows.length - 1, { align: "end" });
  }, [rows.length]);

  const look = useCallback((): void => {
    const view = list.current;
    if (!view || view.viewportSize === 0 || rows.length === 0) return;
    // Before the view is where it should be, nothing on it counts as seen.
    if (settled.current !== target?.jump) return;
    const bottom = view.scrollOffset + view.viewportSize;
    const end = atTail && bottom >= view.scrollSize - sticky;
    if (end) stuck.current = true;
    else if (!atTail) stuck.current = false;
    const held = end || stuck.current;
    setAtEnd(held);
    const index = Math.min(rows.length - 1, view.findItemIndex(bottom - 8));
    if (end || !held) onSeen(rows[index], end);
    if (view.scrollOffset < near) onNearStart();
    if (!atTail && bottom > view.scrollSize - near) onNearEnd();
  }, [rows, target, atTail, onNearStart, onNearEnd, onSeen]);

  const onScroll = useCallback((): void => {
    const view = list.current;
    if (view) {
      if (mark.current && hasScrolledUp(mark.current, view, rows)) stuck.current = false;
      mark.current = markOf(view, rows);
    }
    look();
  }, [rows, look]);

  useLayoutEffect(() => {
    const view = list.current;
    if (!view || !target || rows.length === 0 || done.current === target.jump) return;
    if (target.how === "end" && !atTail) return;
    done.current = target.jump;
    if (target.how === "stay") {
      stuck.current = false;
      held.current = mark.current;
      return;
    }
    const index = rowOfTarget(rows, target);
    const align = alignOf(target, index === rows.length - 1);
    stuck.current = atTail && align === "end" && target.how !== "place";
    mark.current = undefined;
    view.scrollToIndex(index, { align });
  }, [rows, target, atTail]);

  const jump = target?.jump;
  useEffect(() => {
    if (jump === undefined) return;
    const fade = setTimeout(() => {
      setFaded(jump);
    }, flashMs);
    return () => {
      clearTimeout(fade);
    };
  }, [jump]);
  const index = target && rows.length > 0 ? rowOfTarget(rows, target) : undefined;
  // From the end nothing slides away: the view is held there.
  const toLine = target?.how === "unread" && index !== undefined && rows[index]?.kind === "new" ? index : undefined;
  const stays = target?.how === "stay";
  const aims = toLine !== undefined || stays;
  const goal = useCallback((): Goal | undefined => {
    if (toLine !== undefined) return { row: toLine, top: 0 };
    const { key, top = 0 } = held.current ?? {};
    const row = rows.findIndex((one) => one.key === key);
    return row >= 0 ? { row, top } : undefined;
  }, [rows, toLine]);
  const onAimed = useCallback(
    (reached: number): void => {
      settled.current = reached;
      look();
    },
    [look],
  );
  useAim({ list, scroller, goal: aims ? goal : undefined, jump, onDone: onAimed, onMoved });
  useEffect(() => {
    if (jump === undefined || settled.current === jump || aims) return;
    const settle = setTimeout(() => {
      settled.current = done.current;
      look();
    }, settleMs);
    return () => {
      clearTimeout(settle);
    };
  }, [jump, look, aims]);
  const flash =
    target?.how === "message" && target.jump !== faded && index !== undefined ? rows[index]?.key : undefined;

  const lastKey = rows.at(-1)?.key;
  useLayoutEffect(() => {
    if (stuck.current && lastKey !== undefined) toEnd();
  }, [lastKey, toEnd]);

  useEffect(() => {
    // After what changed is laid out: is more needed, was more seen?
    const frame = requestAnimationFrame(look);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [look]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    // The composer grows, the keyboard opens: who was at the end stays there.
    const observer = new ResizeObserver(() => {
      if (stuck.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);

  useEffect(() => {
    const back = (): void => {
      // Nothing is laid out in a page that nobody sees: what came meanwhile is gone to now.
      if (stuck.current) toEnd();
      look();
    };
    document.addEventListener("visibilitychange", back);
    window.addEventListener("focus", back);
    return () => {
      document.removeEventListener("visibilitychange", back);
      window.removeEventListener("focus", back);
    };
  }, [look, toEnd]);

  const onResize = useCallback((): void => {
    if (stuck.current) toEnd();
    look();
  }, [toEnd, look]);

  return { list, scroller, shift, atEnd, flash, onScroll, onResize };
}
