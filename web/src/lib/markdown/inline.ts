import type { Inline } from "./ast.ts";
import { findLinks, safeHref } from "./link.ts";

/** Marks deeper than this stay text: nobody means them, and drawing them would recurse. */
const maxDepth = 12;
const maxHref = 2_048;

type MarkKind = "strong" | "em" | "strike";
interface Frame {
  /** What opened it, as it was written: it becomes text again if nothing closes it. */
  marker: string;
  kind: MarkKind | "link";
  children: Inline[];
}

const marks: Readonly<Record<string, MarkKind>> = { "**": "strong", __: "strong", "~~": "strike", "*": "em", _: "em" };

const isSpace = (character: string | undefined): boolean => character === undefined || /\s/.test(character);
const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** Where each run of backticks of one length stands, so that closing ones are found without searching. */
function backtickRuns(text: string): Map<number, number[]> {
  const runs = new Map<number, number[]>();
  for (const match of text.matchAll(/`+/g)) {
    const positions = runs.get(match[0].length) ?? [];
    positions.push(match.index);
    runs.set(match[0].length, positions);
  }
  return runs;
}

/**
 * Reads marks, code and links of one paragraph. One pass with a stack: every
 * marker is pushed and popped at most once, so the time is linear whatever the text.
 */
class InlineReader {
  readonly #text: string;
  readonly #runs: Map<number, number[]>;
  readonly #links: Map<number, { end: number; href: string }>;
  readonly #stack: Frame[] = [{ marker: "", kind: "em", children: [] }];
  readonly #open: Record<string, number> = {};
  #plain = "";

  constructor(text: string) {
    this.#text = text;
    this.#runs = text.includes("`") ? backtickRuns(text) : new Map<number, number[]>();
    this.#links = new Map(findLinks(text).map((link) => [link.start, link]));
  }

  read(): Inline[] {
    let at = 0;
    while (at < this.#text.length) at = this.#step(at);
    this.#flush();
    while (this.#stack.length > 1) this.#unwrap();
    return this.#top().children;
  }

  /** Reads what begins at a place and gives the place after it. */
  #step(at: number): number {
    const link = this.#links.get(at);
    if (link) {
      const children: Inline[] = [{ kind: "text", text: this.#text.slice(at, link.end) }];
      this.#push({ kind: "link", href: link.href, children, bare: true });
      return link.end;
    }
    switch (this.#text[at]) {
      case "\\":
        return this.#escape(at);
      case "`":
        return this.#code(at);
      case "[":
        return this.#openFrame(at, "[", "link");
      case "]":
        return this.#closeLink(at);
      case "*":
      case "_":
      case "~":
        return this.#mark(at);
      default:
        return this.#word(at);
    }
  }

  #word(at: number): number {
    let end = at + 1;
    while (end < this.#text.length && !/[\\`[\]*_~]/.test(this.#text[end] ?? "") && !this.#links.has(end)) end += 1;
    this.#plain += this.#text.slice(at, end);
    return end;
  }

  #escape(at: number): number {
    const next = this.#text[at + 1];
    if (next === undefined || !/[\\`*_~[\]()>#+.!-]/.test(next)) return this.#literal(at, 1);
    this.#plain += next;
    return at + 2;
  }

  #literal(at: number, length: number): number {
    this.#plain += this.#text.slice(at, at + length);
    return at + length;
  }

  #code(at: number): number {
    let length = 1;
    while (this.#text[at + length] === "`") length += 1;
    const positions = this.#runs.get(length) ?? [];
    // Positions before this one are of no use to anybody any more.
    while ((positions[0] ?? Infinity) <= at) positions.shift();
    const close = positions.shift();
    if (close === undefined) return this.#literal(at, length);
    const inner = this.#text.slice(at + length, close);
    const padded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    this.#push({ kind: "code", text: padded ? inner.slice(1, -1) : inner });
    return close + length;
  }

  #mark(at: number): number {
    const character = this.#text[at] ?? "";
    let run = 1;
    while (this.#text[at + run] === character) run += 1;
    if (run > 3 || (character === "~" && run !== 2)) return this.#literal(at, run);
    const before = this.#text[at - 1];
    const after = this.#text[at + run];
    const canOpen = !isSpace(after) && !(character === "_" && isWord(before));
    const canClose = !isSpace(before) && !(character === "_" && isWord(after));
    let at_ = at;
    let left = run;
    while (left > 0 && canClose) {
      const marker = this.#closable(character, left);
      if (!marker) break;
      this.#closeMark(marker);
      at_ += marker.length;
      left -= marker.length;
    }
    while (left > 0 && canOpen) {
      const marker = character.repeat(left >= 2 ? 2 : 1);
      if (!(marker in marks)) break;
      this.#openFrame(at_, marker, marks[marker] ?? "em");
      at_ += marker.length;
      left -= marker.length;
    }
    return left > 0 ? this.#literal(at_, left) : at_;
  }

  /** The longest marker of this character that is open and fits into what is left of the run; the innermost first. */
  #closable(character: string, left: number): string | null {
    const double = character.repeat(2);
    const top = this.#top().marker;
    if (top === character || (top === double && left >= 2)) return top;
    if (left >= 2 && this.#isOpen(double)) return double;
    return this.#isOpen(character) ? character : null;
  }

  #closeMark(marker: string): void {
    this.#flush();
    while (this.#top().marker !== marker) this.#unwrap();
    const frame = this.#pop();
    if (frame.kind === "link") return;
    this.#push({ kind: frame.kind, children: frame.children });
  }

  #closeLink(at: number): number {
    if (!this.#isOpen("[")) return this.#literal(at, 1);
    const end = this.#text[at + 1] === "(" ? this.#endOfAddress(at + 2) : -1;
    const href = end < 0 ? null : safeHref(this.#text.slice(at + 2, end).trim());
    this.#flush();
    while (this.#top().marker !== "[") this.#unwrap();
    if (href === null) {
      this.#unwrap();
      return this.#literal(at, 1);
    }
    const frame = this.#pop();
    if (frame.children.length === 0) {
      this.#plain += "[";
      return this.#literal(at, 1);
    }
    this.#push({ kind: "link", href, children: frame.children.map(withoutLinks) });
    return end + 1;
  }

  #endOfAddress(at: number): number {
    const limit = Math.min(this.#text.length, at + maxHref);
    for (let i = at; i < limit; i += 1) {
      const character = this.#text[i] ?? "";
      if (character === ")") return i;
      if (/\s/.test(character)) return -1;
    }
    return -1;
  }

  #openFrame(at: number, marker: string, kind: Frame["kind"]): number {
    if (this.#stack.length > maxDepth) return this.#literal(at, marker.length);
    this.#flush();
    this.#stack.push({ marker, kind, children: [] });
    this.#open[marker] = (this.#open[marker] ?? 0) + 1;
    return at + marker.length;
  }

  #isOpen(marker: string): boolean {
    return (this.#open[marker] ?? 0) > 0;
  }

  #top(): Frame {
    const top = this.#stack.at(-1);
    if (!top) throw new Error("the stack always has its ground");
    return top;
  }

  #pop(): Frame {
    const frame = this.#top();
    this.#stack.pop();
    this.#open[frame.marker] = (this.#open[frame.marker] ?? 1) - 1;
    return frame;
  }

  /** The innermost marker was never closed: it is text. */
  #unwrap(): void {
    const frame = this.#pop();
    this.#push({ kind: "text", text: frame.marker });
    for (const child of frame.children) this.#push(child);
  }

  #flush(): void {
    if (this.#plain === "") return;
    const text = this.#plain;
    this.#plain = "";
    this.#push({ kind: "text", text });
  }

  #push(node: Inline): void {
    if (this.#plain !== "") this.#flush();
    const siblings = this.#top().children;
    const last = siblings.at(-1);
    if (node.kind === "text" && last?.kind === "text") last.text += node.text;
    else siblings.push(node);
  }
}

/** A link within a link is only its text. */
function withoutLinks(node: Inline): Inline {
  if (node.kind !== "link") return node;
  return { kind: "text", text: node.children.map((child) => (child.kind === "text" ? child.text : "")).join("") };
}

export function readInline(text: string): Inline[] {
  return new InlineReader(text).read();
}
