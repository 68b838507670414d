/** How a picture is looked at: enlarged by `scale` about the middle of its frame, and moved by x and y pixels. */
export interface Zoom {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export const whole: Zoom = { scale: 1, x: 0, y: 0 };
/** So many times as large as it fits is enough to see single pixels of most pictures. */
const largest = 8;

const within = (value: number, most: number): number => Math.min(Math.max(value, -most), most) + 0;

/** Keeps the picture, which is `picture` large while it is whole, from being pushed out of its frame. */
function held(zoom: Zoom, picture: Size, frame: Size): Zoom {
  return {
    scale: zoom.scale,
    x: within(zoom.x, Math.max(0, (picture.width * zoom.scale - frame.width) / 2)),
    y: within(zoom.y, Math.max(0, (picture.height * zoom.scale - frame.height) / 2)),
  };
}

/** Enlarges `by` times; what lies under `at`, counted from the middle of the frame, stays there where that can be. */
export function zoomed(zoom: Zoom, by: number, at: { x: number; y: number }, picture: Size, frame: Size): Zoom {
  const scale = Math.min(Math.max(zoom.scale * by, 1), largest);
  if (scale === 1) return whole;
  const ratio = scale / zoom.scale;
  return held({ scale, x: at.x - (at.x - zoom.x) * ratio, y: at.y - (at.y - zoom.y) * ratio }, picture, frame);
}

/** Moves an enlarged picture. */
export function moved(zoom: Zoom, by: { x: number; y: number }, picture: Size, frame: Size): Zoom {
  return held({ scale: zoom.scale, x: zoom.x + by.x, y: zoom.y + by.y }, picture, frame);
}

/** Shorter ways of a finger are no swipe. */
const swipe = 60;

/** What a finger meant that went this way over a picture that is whole: sideways more than up or down, or down. */
export function swiped(way: { x: number; y: number }): "left" | "right" | "down" | null {
  if (Math.abs(way.x) >= swipe && Math.abs(way.x) > 2 * Math.abs(way.y)) return way.x < 0 ? "left" : "right";
  return way.y >= 1.5 * swipe && way.y > 2 * Math.abs(way.x) ? "down" : null;
}
