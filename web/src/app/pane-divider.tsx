import type { KeyboardEvent, PointerEvent } from "react";
import { create } from "zustand";
import { useT } from "../lib/i18n/i18n.ts";

const panes = {
  list: { storageKey: "parley.listWidth", least: 260, most: 520, usual: 340, label: "list.width" },
  details: { storageKey: "parley.detailsWidth", least: 260, most: 480, usual: 320, label: "details.width" },
} as const;
/** `list` stands at the start of the page, `details` at its end. */
export type Pane = keyof typeof panes;
const step = 16;

function fitted(pane: Pane, width: number): number {
  const { least, most } = panes[pane];
  return Math.min(most, Math.max(least, Math.round(width)));
}

function restored(pane: Pane): number {
  const { storageKey, usual } = panes[pane];
  return fitted(pane, Number(localStorage.getItem(storageKey) ?? usual) || usual);
}

const usePanes = create<Record<Pane, number>>(() => ({ list: restored("list"), details: restored("details") }));

function setWidth(pane: Pane, width: number): void {
  usePanes.setState({ [pane]: fitted(pane, width) });
  localStorage.setItem(panes[pane].storageKey, String(fitted(pane, width)));
}

/** The width of a pane, in pixels. */
export function usePaneWidth(pane: Pane): number {
  return usePanes((state) => state[pane]);
}

/** Between a pane and what is beside it; moved by mouse or arrow keys, a double click makes it as it was. */
export function PaneDivider({ pane }: { pane: Pane }) {
  const t = useT();
  const { least, most, usual, label } = panes[pane];
  const width = usePaneWidth(pane);
  // Whether the pane is on the left side of the screen.
  const isLeft = (): boolean => (document.documentElement.dir === "rtl") === (pane === "details");
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    setWidth(pane, isLeft() ? event.clientX : window.innerWidth - event.clientX);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const right = event.key === "ArrowRight" ? step : event.key === "ArrowLeft" ? -step : 0;
    if (right !== 0) setWidth(pane, width + (isLeft() ? right : -right));
  };
  return (
    // A window splitter (ARIA 1.2: a focusable separator) is interactive.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      role="separator"
      aria-label={t(label)}
      aria-orientation="vertical"
      aria-valuenow={width}
      aria-valuemin={least}
      aria-valuemax={most}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="relative w-px shrink-0 cursor-col-resize touch-none bg-base-300 after:absolute after:-inset-x-1 after:inset-y-0 hover:bg-primary focus-visible:bg-primary"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onKeyDown={onKeyDown}
      onDoubleClick={() => {
        setWidth(pane, usual);
      }}
    />
  );
}
