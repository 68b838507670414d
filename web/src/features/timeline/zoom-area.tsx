import { type PointerEvent, type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { moved, type Size, swiped, whole, type Zoom, zoomed } from "../../lib/zoom.ts";

interface ZoomAreaProps {
  /** The picture, in its whole size. */
  children: ReactNode;
  onSwipe: (way: "left" | "right" | "down") => void;
}

interface Point {
  x: number;
  y: number;
}

const keyStep = 1.5;
const doubleStep = 2.5;

const middleOf = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});
const spread = (points: readonly Point[]): number => {
  const [a, b] = points;
  return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
};

/** How large the picture is while it is whole, and where its frame is. */
function sizesIn(frame: HTMLElement | null): { picture: Size; frame: DOMRect } {
  const image = frame?.querySelector("img");
  return {
    picture: { width: image?.offsetWidth ?? 0, height: image?.offsetHeight ?? 0 },
    frame: frame?.getBoundingClientRect() ?? new DOMRect(),
  };
}

/** Looks closely at a picture: by wheel, two fingers, a double click or the keys + - 0; a finger moves what is enlarged. */
export function ZoomArea({ children, onSwipe }: ZoomAreaProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState<Zoom>(whole);
  const fingers = useRef(new Map<number, Point>());
  const begun = useRef<Point | null>(null);

  const zoomBy = useCallback((by: number, at?: Point): void => {
    const { picture, frame: outer } = sizesIn(frame.current);
    const middle = { x: outer.left + outer.width / 2, y: outer.top + outer.height / 2 };
    const from = at ? { x: at.x - middle.x, y: at.y - middle.y } : { x: 0, y: 0 };
    setZoom((old) => zoomed(old, by, from, picture, outer));
  }, []);

  useEffect(() => {
    const area = frame.current;
    // React listens to wheels without a say; here the browser must not enlarge the page as well.
    const wheel = (event: WheelEvent): void => {
      event.preventDefault();
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 30;
      zoomBy(Math.exp(-pixels / (event.ctrlKey ? 100 : 400)), { x: event.clientX, y: event.clientY });
    };
    const key = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "+" || event.key === "=") zoomBy(keyStep);
      else if (event.key === "-") zoomBy(1 / keyStep);
      else if (event.key === "0") setZoom(whole);
    };
    area?.addEventListener("wheel", wheel, { passive: false });
    window.addEventListener("keydown", key);
    return () => {
      area?.removeEventListener("wheel", wheel);
      window.removeEventListener("keydown", key);
    };
  }, [zoomBy]);

  const down = (event: PointerEvent): void => {
    const point = { x: event.clientX, y: event.clientY };
    event.currentTarget.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, point);
    // A second finger enlarges: it was no swipe.
    begun.current = fingers.current.size === 1 && event.pointerType === "touch" && zoom.scale === 1 ? point : null;
  };
  const move = (event: PointerEvent): void => {
    const points = fingers.current;
    if (!points.has(event.pointerId)) return;
    const before = [...points.values()];
    points.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const after = [...points.values()];
    const [from, to] = [middleOf(before), middleOf(after)];
    const { picture, frame: outer } = sizesIn(frame.current);
    setZoom((old) => (old.scale === 1 ? old : moved(old, { x: to.x - from.x, y: to.y - from.y }, picture, outer)));
    if (spread(before) > 0) zoomBy(spread(after) / spread(before), to);
  };
  const up = (event: PointerEvent): void => {
    fingers.current.delete(event.pointerId);
    const from = begun.current;
    begun.current = null;
    if (!from || event.type === "pointercancel") return;
    const way = swiped({ x: event.clientX - from.x, y: event.clientY - from.y });
    if (way) onSwipe(way);
  };

  const { scale, x, y } = zoom;
  return (
    // The keys do the same; the picture itself is nothing to press.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      ref={frame}
      data-scale={scale.toFixed(2)}
      className={`flex size-full touch-none items-center justify-center overflow-clip select-none ${scale > 1 ? "cursor-grab active:cursor-grabbing" : "cursor-zoom-in"}`}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onDoubleClick={(event) => {
        if (scale > 1) setZoom(whole);
        else zoomBy(doubleStep, { x: event.clientX, y: event.clientY });
      }}
    >
      <div
        className="flex size-full items-center justify-center"
        style={{ transform: `translate(${String(x)}px, ${String(y)}px) scale(${String(scale)})` }}
      >
        {children}
      </div>
    </div>
  );
}
