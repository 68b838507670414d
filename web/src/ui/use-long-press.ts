import { type TouchEvent, useEffect, useRef } from "react";

const longPressMs = 450;

interface Touching {
  onTouchStart: (event: TouchEvent) => void;
  onTouchMove: () => void;
  onTouchEnd: (event: TouchEvent) => void;
  onTouchCancel: () => void;
}

/**
 * What an element listens to so that a finger that stays opens something at its place, in pixels of the screen.
 * A phone of Apple tells a page nothing of its own about a long press; one with Android also sends `contextmenu`,
 * so what opens may be told twice.
 */
export function useLongPress(open: (x: number, y: number) => void): Touching {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const opened = useRef(false);
  const stop = (): void => {
    clearTimeout(timer.current);
  };
  useEffect(() => stop, []);
  return {
    onTouchStart: (event) => {
      stop();
      const touch = event.touches[0];
      if (!touch || event.touches.length > 1) return;
      const { clientX, clientY } = touch;
      opened.current = false;
      timer.current = setTimeout(() => {
        opened.current = true;
        open(clientX, clientY);
      }, longPressMs);
    },
    onTouchMove: stop,
    onTouchEnd: (event) => {
      stop();
      // The finger that opened the menu stands on it by now: lifting it is not a choice.
      if (opened.current && event.cancelable) event.preventDefault();
      opened.current = false;
    },
    onTouchCancel: stop,
  };
}
