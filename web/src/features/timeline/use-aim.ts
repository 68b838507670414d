import { type RefObject, useCallback, useEffect, useRef } from "react";
import type { VirtualizerHandle } from "virtua";
import { aimed, type Frame } from "./opening.ts";

/** What a person takes the view into their own hands with. */
const takesOver = ["wheel", "touchstart", "pointerdown", "keydown"] as const;
/** Less than this is rounding. */
const slack = 2;

interface AimInput {
  list: RefObject<VirtualizerHandle | null>;
  scroller: RefObject<HTMLDivElement | null>;
  /** The row that belongs to the top of the view, as far as there is enough below it; undefined if the view is not brought anywhere. */
  row: number | undefined;
  /** Tells two ways to the same row apart. */
  jump: number | undefined;
  /** The view is there, or the person took over: nothing is aimed at any more. */
  onDone: (jump: number) => void;
  onMoved: () => void;
}

function frameOf(view: VirtualizerHandle, scroller: HTMLElement, row: number): Frame {
  const lowest = scroller.scrollHeight - scroller.clientHeight;
  const place = Math.min(view.getItemOffset(row), lowest);
  // The list hides rows until it knows how high they are.
  const drawn = [...(scroller.lastElementChild?.children ?? [])];
  return {
    measured:
      view.viewportSize > 0 && !drawn.some((one) => one instanceof HTMLElement && one.style.visibility === "hidden"),
    inPlace: Math.abs(scroller.scrollTop - place) <= slack,
  };
}

/**
 * Brings the view to a row frame by frame, for as long as rows are measured on
 * its way: the list itself gives up a moment after it measured something, which
 * a busy machine exceeds. Once the row has been where it belongs for two
 * frames, or the person takes over, the view is let go of for good.
 */
export function useAim({ list, scroller, row, jump, onDone, onMoved }: AimInput): void {
  const done = useRef(0);
  const right = useRef(0);
  const finish = useCallback((): void => {
    if (jump === undefined || done.current === jump) return;
    done.current = jump;
    onDone(jump);
  }, [jump, onDone]);

  useEffect(() => {
    right.current = 0;
  }, [jump]);

  useEffect(() => {
    if (row === undefined || jump === undefined || done.current === jump) return;
    let frame = 0;
    const turn = (): void => {
      const view = list.current;
      if (view && scroller.current) {
        const next = aimed(right.current, frameOf(view, scroller.current, row));
        right.current = next.right;
        if (next.done) {
          finish();
          return;
        }
        if (next.pull) view.scrollToIndex(row, { align: "start" });
      }
      frame = requestAnimationFrame(turn);
    };
    frame = requestAnimationFrame(turn);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [list, scroller, row, jump, finish]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const taken = (): void => {
      if (row !== undefined) finish();
      onMoved();
    };
    for (const event of takesOver) element.addEventListener(event, taken, { passive: true });
    return () => {
      for (const event of takesOver) element.removeEventListener(event, taken);
    };
  }, [scroller, row, finish, onMoved]);
}
