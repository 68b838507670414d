import { useEffect, useRef } from "react";

/** Calls back for every key that is pressed anywhere on the page, each time with what was given last. */
export function useKeydown(onKeyDown: (event: KeyboardEvent) => void): void {
  const listener = useRef(onKeyDown);
  useEffect(() => {
    listener.current = onKeyDown;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      listener.current(event);
    };
    window.addEventListener("keydown", listen);
    return () => {
      window.removeEventListener("keydown", listen);
    };
  }, []);
}
