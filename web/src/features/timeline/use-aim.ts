import { type RefObject, useCallback, useEffect, useRef } from "react";
import type { VirtualizerHandle } from "virtua";
import { aimed, type Frame } from "./opening.ts";

/** What a person takes the view into their own hands with. */
const takesOver = ["wheel", "touchstart", "pointerdown", "keydown"] as const;
/** Less than this is rounding. */
const slack = 2;

/** Which row belongs where, in pixels below the upper edge, as far as there is enough below it. */
export interface Goal {
  row: number;
  top: number;
}

interface AimInput {
  list: RefObject<VirtualizerHandle | null>;
  scroller: RefObject<HTMLDivElement | null>;
  /** Asked in each frame: undefined if there is nothing to be brought anywhere. The view is not aimed at all without it. */
  goal: (() => Goal | undefined) | undefined;
  /** Tells two ways to the same row apart. */
  jump: number | undefined;
  /** The view is there, or the person took over: nothing is aimed at any more. */
  onDone: (jump: number) => void;
  onMoved: () => void;
}

function placeOf(view: VirtualizerHandle, scroller: HTMLElement, { row, top }: Goal): number {
  const lowest = scroller.scrollHeight - scroller.clientHeight;
  return Math.max(0, Math.min(view.getItemOffset(row) - top, lowest));
}

function frameOf(view: VirtualizerHandle, scroller: HTMLElement, goal: Goal): Frame {
  // The list hides rows until it knows how high they are.
  const drawn = [...(scroller.lastElementChild?.children ?? [])];
  return {
    measured:
      view.viewportSize > 0 && !drawn.some((one) => one instanceof HTMLElement && one.style.visibility === "hidden"),
    inPlace: Math.abs(scroller.scrollTop - placeOf(view, scroller, goal)) <= slack,
  };
}

/**
 * Brings the view to a row frame by frame, for as long as rows are measured on
 * its way: the list itself gives up a moment after it measured something, which
 * a busy machine exceeds. Once the row has been where it belongs for two
 * frames, or the person takes over, the view is let go of for good.
 */
export function useAim({ list, scroller, goal, jump, onDone, onMoved }: AimInput): void {
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
    if (!goal || jump === undefined || done.current === jump) return;
    let frame = 0;
    const turn = (): void => {
      const view = list.current;
      if (view && scroller.current) {
        const where = goal();
        const next = where && aimed(right.current, frameOf(view, scroller.current, where));
        right.current = next?.right ?? 0;
        if (!next || next.done) {
          finish();
          return;
        }
        // What is far away is drawn and measured on the way to it.
        if (next.pull && where.top === 0) view.scrollToIndex(where.row, { align: "start" });
        else if (next.pull) view.scrollTo(placeOf(view, scroller.current, where));
      }
      frame = requestAnimationFrame(turn);
    };
    frame = requestAnimationFrame(turn);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [list, scroller, goal, jump, finish]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const taken = (): void => {
      if (goal) finish();
      onMoved();
    };
    for (const event of takesOver) element.addEventListener(event, taken, { passive: true });
    return () => {
      for (const event of takesOver) element.removeEventListener(event, taken);
    };
  }, [scroller, goal, finish, onMoved]);
}
