import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import { type Row, seqOfRow } from "./rows.ts";
import type { Target } from "./use-range.ts";

interface ScrollInput {
  rows: readonly Row[];
  /** The first seq that is on screen or above it. */
  lo: number | undefined;
  atTail: boolean;
  target: Target | undefined;
  onNearStart: () => void;
  onNearEnd: () => void;
  /** The row at the lower edge, and whether it is the very last. */
  onSeen: (row: Row | undefined, atEnd: boolean) => void;
}

export interface Scroll {
  list: RefObject<VirtualizerHandle | null>;
  scroller: RefObject<HTMLDivElement | null>;
  /** True in the very render in which older rows come in above. */
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

/** Whether older rows came in above since the last render: then the view keeps its distance from the end. */
function useShift(lo: number | undefined, count: number): boolean {
  const [seen, setSeen] = useState({ lo, count, shift: false });
  if (seen.lo === lo && seen.count === count) return seen.shift;
  const next = { lo, count, shift: lo !== undefined && seen.lo !== undefined && lo < seen.lo };
  setSeen(next);
  return next.shift;
}

/** Keeps the view where it belongs: at the target, at the end while new messages come, or where the person left it. */
export function useScroll(input: ScrollInput): Scroll {
  const { rows, lo, atTail, target, onNearStart, onNearEnd, onSeen } = input;
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const stuck = useRef(false);
  const done = useRef(0);
  const settled = useRef(0);
  const [atEnd, setAtEnd] = useState(true);
  const [faded, setFaded] = useState(0);
  const shift = useShift(lo, rows.length);

  const look = useCallback((): void => {
    const view = list.current;
    if (!view || view.viewportSize === 0 || rows.length === 0) return;
    // Before the view is where it should be, nothing on it counts as seen.
    if (settled.current !== target?.jump) return;
    const bottom = view.scrollOffset + view.viewportSize;
    const end = bottom >= view.scrollSize - sticky;
    stuck.current = end && atTail;
    setAtEnd(end && atTail);
    onSeen(rows[Math.min(rows.length - 1, view.findItemIndex(bottom - 8))], end && atTail);
    if (view.scrollOffset < near) onNearStart();
    if (!atTail && bottom > view.scrollSize - near) onNearEnd();
  }, [rows, target, atTail, onNearStart, onNearEnd, onSeen]);

  useLayoutEffect(() => {
    const view = list.current;
    if (!view || !target || rows.length === 0 || done.current === target.jump) return;
    if (target.how === "end" && !atTail) return;
    done.current = target.jump;
    const index = rowOfTarget(rows, target);
    const align =
      target.how === "message" ? "center" : target.how === "unread" && index < rows.length - 1 ? "start" : "end";
    stuck.current = align === "end";
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
  useEffect(() => {
    if (jump === undefined || settled.current === jump) return;
    const settle = setTimeout(() => {
      settled.current = done.current;
      look();
    }, settleMs);
    return () => {
      clearTimeout(settle);
    };
  }, [jump, look]);
  const flash = target?.how === "message" && target.jump !== faded ? rows[rowOfTarget(rows, target)]?.key : undefined;

  const lastKey = rows.at(-1)?.key;
  useLayoutEffect(() => {
    if (stuck.current && lastKey !== undefined) list.current?.scrollToIndex(rows.length - 1, { align: "end" });
  }, [lastKey, rows.length]);

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
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [look]);

  const onResize = useCallback((): void => {
    if (stuck.current && rows.length > 0) list.current?.scrollToIndex(rows.length - 1, { align: "end" });
    look();
  }, [rows.length, look]);

  return { list, scroller, shift, atEnd, flash, onScroll: look, onResize };
}
