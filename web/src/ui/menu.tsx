import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { cx } from "../lib/cx.ts";

export interface MenuItem {
  label: string;
  icon?: ReactNode;
  danger?: boolean;
  onSelect: () => void;
}
/** A place on screen, in pixels. */
export interface Point {
  x: number;
  y: number;
}

/** Where a menu of a button opens: below it, from its right edge on. */
export function pointBelow(element: Element): Point {
  const box = element.getBoundingClientRect();
  return { x: box.right, y: box.bottom + 4 };
}

interface MenuProps {
  label: string;
  at: Point;
  items: readonly MenuItem[];
  /** Shown above the items. */
  header?: ReactNode;
  onClose: () => void;
}

const margin = 8;

/** A menu at a place on screen: arrows move, Enter chooses, Escape closes, the focus goes back to where it was. */
export function Menu({ label, at, items, header, onClose }: MenuProps) {
  const ref = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number }>();

  useLayoutEffect(() => {
    const arrange = (): void => {
      const box = ref.current?.getBoundingClientRect();
      if (!box) return;
      const fitsRight = at.x + box.width + margin <= window.innerWidth;
      const left = Math.max(margin, fitsRight ? at.x : at.x - box.width);
      const fitsBelow = at.y + box.height + margin <= window.innerHeight;
      const top = Math.max(margin, fitsBelow ? at.y : window.innerHeight - box.height - margin);
      setPlace({ left: Math.min(left, window.innerWidth - box.width - margin), top });
    };
    arrange();
    // A phone that is turned, a menu that grows: it stays on the screen.
    window.addEventListener("resize", arrange);
    return () => {
      window.removeEventListener("resize", arrange);
    };
  }, [at, items.length]);

  useEffect(() => {
    const before = document.activeElement;
    ref.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);

  const move = (event: KeyboardEvent): void => {
    const all = [...(ref.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const now = all.findIndex((element) => element === document.activeElement);
    const steps: Record<string, number> = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 };
    const next = steps[event.key];
    if (event.key === "Escape" || event.key === "Tab") onClose();
    else if (next !== undefined) all[(next + all.length) % all.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return createPortal(
    <>
      {/* Closes on a press beside; by keyboard Escape does. The finger whose long press opened it may still be down:
          what the browser then tells of that press is none of its own. */}
      <div
        className="fixed inset-0 z-40"
        aria-hidden="true"
        onPointerDown={onClose}
        onContextMenu={(event) => {
          event.preventDefault();
        }}
      />
      <div
        ref={ref}
        role="menu"
        tabIndex={-1}
        aria-label={label}
        onKeyDown={move}
        style={place ?? { left: 0, top: 0 }}
        className={cx(
          "fixed z-50 max-h-[calc(100dvh-1rem)] w-max max-w-[calc(100vw-1rem)] min-w-48 overflow-y-auto rounded-box border border-base-300 bg-base-100 p-1 text-base-content shadow-lg",
          place ? "" : "opacity-0",
        )}
      >
        {header}
        {items.map((item) => (
          <button
            key={item.label}
            type="button"
            role="menuitem"
            tabIndex={-1}
            className={cx(
              "flex w-full items-center gap-3 rounded-field px-3 py-2 text-start text-sm pointer-coarse:py-3 hover:bg-base-200 focus:bg-base-200 focus:outline-none",
              item.danger && "text-danger",
            )}
            onClick={() => {
              onClose();
              item.onSelect();
            }}
          >
            {item.icon}
            {item.label}
          </button>
        ))}
      </div>
    </>,
    document.body,
  );
}
