import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { cx } from "../lib/cx.ts";
import type { Point } from "./menu.tsx";

interface PopoverProps {
  label: string;
  /** The box hangs above or below this place, whichever has room. */
  at: Point;
  onClose: () => void;
  children: ReactNode;
}

const margin = 8;

/** A box that floats at a place until something else is clicked or Escape is pressed. */
export function Popover({ label, at, onClose, children }: PopoverProps) {
  const ref = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number }>();

  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const arrange = (): void => {
      const box = element.getBoundingClientRect();
      const above = at.y - box.height - margin;
      const lowest = window.innerHeight - box.height - margin;
      const top = Math.min(above >= margin ? above : at.y + margin, lowest);
      const left = Math.min(Math.max(margin, at.x - box.width / 2), window.innerWidth - box.width - margin);
      setPlace({ left, top: Math.max(margin, top) });
    };
    arrange();
    // What is loaded late changes the size.
    const observer = new ResizeObserver(arrange);
    observer.observe(element);
    window.addEventListener("resize", arrange);
    return () => {
      window.removeEventListener("resize", arrange);
      observer.disconnect();
    };
  }, [at]);

  useEffect(() => {
    const before = document.activeElement;
    ref.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);

  return createPortal(
    <>
      <div className="fixed inset-0 z-40" aria-hidden="true" onPointerDown={onClose} />
      {/* Escape closes it from anywhere within. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={ref}
        role="dialog"
        aria-label={label}
        tabIndex={-1}
        style={place ?? { left: 0, top: 0 }}
        className={cx(
          "fixed z-50 rounded-box border border-base-300 bg-base-100 text-base-content shadow-lg focus:outline-none",
          place ? "" : "opacity-0",
        )}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          onClose();
        }}
      >
        {children}
      </div>
    </>,
    document.body,
  );
}
