import type { Entry, Message, ModifierEntry } from "../wire/types.ts";
import { changeMessage, changeOfEntry, isModifier, type Item, itemOfEntry } from "./fold.ts";

/** A stretch of the log without a hole: `items` holds all that is to be shown of lo..hi (inclusive), ascending. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
  readonly items: readonly Item[];
}

/**
 * What is known of a conversation's log. The last range reaches to `head` and
 * grows with it; it may be empty (lo = head + 1). Ranges before it are islands
 * where somebody jumped to an old message. They never touch or overlap.
 */
export interface Timeline {
  /** The first seq that this person may see. */
  readonly first: number;
  /** All entries up to here are applied. */
  readonly head: number;
  readonly ranges: readonly Range[];
  /** The latest modifiers since `recentFrom` (exclusive), to bring pages up to date that were asked for before them. */
  readonly recent: readonly ModifierEntry[];
  readonly recentFrom: number;
}

/** A page of the log: every item of lo..hi, with all modifiers up to `asOf` folded in (maybe more). */
export interface Block extends Range {
  readonly asOf: number;
}

const maxRecent = 500;

/** The index of the first item at or after seq. */
export function indexAtOrAfter(items: readonly Item[], seq: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.seq ?? Infinity) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function findItem(timeline: Timeline, seq: number): Item | undefined {
  for (const range of timeline.ranges) {
    if (seq < range.lo || seq > range.hi) continue;
    const item = range.items[indexAtOrAfter(range.items, seq)];
    return item?.seq === seq ? item : undefined;
  }
  return undefined;
}

/** The range that holds seq, if it is loaded. */
export function rangeAt(timeline: Timeline, seq: number): Range | undefined {
  return timeline.ranges.find((range) => seq >= range.lo && seq <= range.hi);
}

export function tailOf(timeline: Timeline): Range {
  return timeline.ranges.at(-1) ?? { lo: timeline.head + 1, hi: timeline.head, items: [] };
}

function modifyItems(items: readonly Item[], entry: ModifierEntry): readonly Item[] {
  const index = indexAtOrAfter(items, entry.target);
  const item = items[index];
  if (item?.seq !== entry.target || item.kind !== "message") return items;
  const changed = changeMessage(item, changeOfEntry(entry));
  return changed === item ? items : items.with(index, changed);
}

function modifyRange(range: Range, entry: ModifierEntry): Range {
  if (entry.target < range.lo || entry.target > range.hi) return range;
  const items = modifyItems(range.items, entry);
  return items === range.items ? range : { ...range, items };
}

/** The timeline of lo..head from the raw entries of exactly that stretch. Nothing later can change it, so it is exact. */
export function timelineOfEntries(first: number, lo: number, entries: readonly Entry[]): Timeline {
  const head = entries.at(-1)?.seq ?? lo - 1;
  const tail: Range = { lo, hi: lo - 1, items: [] };
  const empty: Timeline = { first, head: lo - 1, ranges: [tail], recent: [], recentFrom: head };
  const filled = entries.reduce((timeline, entry) => append(timeline, entry).timeline, empty);
  return { ...filled, head, recent: [], recentFrom: head };
}

/** A timeline from what was kept on the device. */
export function timelineOfTail(first: number, tail: Range): Timeline {
  return { first, head: tail.hi, ranges: [tail], recent: [], recentFrom: tail.hi };
}

export type Appended = "applied" | "old" | "gap";

/** Applies the next entry; an old one changes nothing, and one behind a hole is refused: repair the hole first. */
export function append(timeline: Timeline, entry: Entry): { timeline: Timeline; result: Appended } {
  if (entry.seq <= timeline.head) return { timeline, result: "old" };
  if (entry.seq > timeline.head + 1) return { timeline, result: "gap" };
  const tail = tailOf(timeline);
  const item = itemOfEntry(entry);
  const grown: Range = { lo: tail.lo, hi: entry.seq, items: item ? [...tail.items, item] : tail.items };
  const islands = timeline.ranges.slice(0, -1);
  let next: Timeline = { ...timeline, head: entry.seq, ranges: [...islands, grown] };
  if (isModifier(entry)) {
    const recent = [...timeline.recent, entry];
    const dropped = recent.length > maxRecent ? recent.shift() : undefined;
    next = {
      ...next,
      ranges: next.ranges.map((range) => modifyRange(range, entry)),
      recent,
      recentFrom: dropped?.seq ?? timeline.recentFrom,
    };
  }
  return { timeline: next, result: "applied" };
}

/** Puts two stretches together that touch or overlap. Where they overlap, `newer` wins. */
function union(older: Range, newer: Range): Range {
  const before = older.items.filter((item) => item.seq < newer.lo);
  const after = older.items.filter((item) => item.seq > newer.hi);
  return {
    lo: Math.min(older.lo, newer.lo),
    hi: Math.max(older.hi, newer.hi),
    items: [...before, ...newer.items, ...after],
  };
}

/**
 * Adds a page. What is loaded already stays as it is, because it is kept up to
 * date; returns null when the page is too old to be brought up to date: ask again.
 */
export function insertBlock(timeline: Timeline, block: Block): Timeline | null {
  if (block.hi < block.lo) return timeline;
  const hi = Math.min(block.hi, timeline.head);
  if (block.asOf < timeline.recentFrom) return null;
  let fresh: Range = { lo: block.lo, hi, items: block.items.filter((item) => item.seq <= hi) };
  for (const entry of timeline.recent) if (entry.seq > block.asOf) fresh = modifyRange(fresh, entry);
  const ranges: Range[] = [];
  for (const range of timeline.ranges) {
    const touches = range.lo <= fresh.hi + 1 && range.hi >= fresh.lo - 1;
    if (touches) fresh = union(fresh, range);
    else ranges.push(range);
  }
  ranges.push(fresh);
  ranges.sort((a, b) => a.lo - b.lo);
  return { ...timeline, ranges };
}

/** Keeps only the newest items, for a conversation that is not on screen: memory stays flat. */
export function trim(timeline: Timeline, keep: number): Timeline {
  const tail = tailOf(timeline);
  const items = tail.items.slice(-keep);
  const lo = items.length < tail.items.length ? (items[0]?.seq ?? tail.lo) : tail.lo;
  if (timeline.ranges.length === 1 && lo === tail.lo) return timeline;
  return { ...timeline, ranges: [{ lo, hi: tail.hi, items }] };
}

/** How many messages after seq are of others, or null if not all of them are loaded. */
export function countAfter(timeline: Timeline, seq: number, me: string): number | null {
  const tail = tailOf(timeline);
  if (seq + 1 < tail.lo) return null;
  return tail.items.filter((item) => item.seq > seq && item.kind === "message" && item.sender_id !== me).length;
}

/** The first message of others after seq: its seq, Infinity if there is none, undefined if not all of them are loaded. */
export function firstAfter(timeline: Timeline, seq: number, me: string): number | undefined {
  const tail = tailOf(timeline);
  if (seq + 1 < tail.lo) return undefined;
  const index = indexAtOrAfter(tail.items, seq + 1);
  const first = tail.items.slice(index).find((item) => item.kind === "message" && item.sender_id !== me);
  return first?.seq ?? Infinity;
}

/** A stretch as it was when it ended at hi; undefined if it began later. */
export function endedAt(range: Range, hi: number): Range | undefined {
  if (range.hi <= hi) return range;
  if (range.lo > hi + 1) return undefined;
  return { lo: range.lo, hi, items: range.items.slice(0, indexAtOrAfter(range.items, hi + 1)) };
}

/** The newest message of one's own that can still be edited. */
export function lastOwnMessage(timeline: Timeline, me: string): Message | undefined {
  return tailOf(timeline).items.findLast(
    (item): item is Message => item.kind === "message" && item.sender_id === me && !item.deleted_at,
  );
}
