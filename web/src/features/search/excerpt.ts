export interface Piece {
  text: string;
  found: boolean;
}

/** How much of a long text stands before the first place that was found. */
const before = 40;
const length = 200;

/** A part of a text around what was found in it, cut into what was found and what was not. */
export function excerpt(text: string, places: readonly { start: number; end: number }[]): Piece[] {
  const first = places[0]?.start ?? 0;
  const from = first > before ? first - before : 0;
  const to = Math.min(text.length, from + length);
  const pieces: Piece[] = from > 0 ? [{ text: "…", found: false }] : [];
  let at = from;
  for (const { start, end } of places) {
    if (start < at || end > to) continue;
    if (start > at) pieces.push({ text: text.slice(at, start), found: false });
    pieces.push({ text: text.slice(start, end), found: true });
    at = end;
  }
  if (at < to) pieces.push({ text: text.slice(at, to), found: false });
  if (to < text.length) pieces.push({ text: "…", found: false });
  return pieces;
}
