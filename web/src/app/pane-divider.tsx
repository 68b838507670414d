import type { PointerEvent } from "react";
import { create } from "zustand";
import { useT } from "../lib/i18n/i18n.ts";

const storageKey = "parley.listWidth";
const least = 260;
const most = 520;
const usual = 340;
const step = 16;

const clamp = (width: number): number => Math.min(most, Math.max(least, Math.round(width)));

const usePane = create<{ width: number }>(() => ({
  width: clamp(Number(localStorage.getItem(storageKey) ?? usual) || usual),
}));

function setWidth(width: number): void {
  usePane.setState({ width: clamp(width) });
  localStorage.setItem(storageKey, String(clamp(width)));
}

/** The width of the list, in pixels. */
export function useListWidth(): number {
  return usePane((state) => state.width);
}

/** Between the list and what is open; moved by mouse or arrow keys. */
export function PaneDivider() {
  const t = useT();
  const width = useListWidth();
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.currentTarget.hasPointerCapture(event.pointerId)) {
      const rtl = document.documentElement.dir === "rtl";
      setWidth(rtl ? window.innerWidth - event.clientX : event.clientX);
    }
  };
  return (
    // A window splitter (ARIA 1.2: a focusable separator) is interactive.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      role="separator"
      aria-label={t("list.width")}
      aria-orientation="vertical"
      aria-valuenow={width}
      aria-valuemin={least}
      aria-valuemax={most}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="relative w-px shrink-0 cursor-col-resize touch-none bg-base-300 after:absolute after:inset-y-0 after:-left-1 after:w-2 hover:bg-primary focus-visible:bg-primary"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onKeyDown={(event) => {
        if (event.key === "ArrowLeft") setWidth(width - step);
        if (event.key === "ArrowRight") setWidth(width + step);
      }}
      onDoubleClick={() => {
        setWidth(usual);
      }}
    />
  );
}
