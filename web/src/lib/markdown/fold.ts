import type { Block, Inline } from "./ast.ts";
import { parseMarkdown } from "./parse.ts";

/** A text in one line without its marks, and for each of its characters where it stood in the text as it was written. */
export interface Folded {
  text: string;
  /** Never gets smaller from one to the next. */
  at: number[];
}

const space = /\s/;

/**
 * Finds the pieces that are left of a text in it, in order. Marks are only left
 * out, nothing is ever put in or moved, so each character is the next of its
 * kind; the address of a link, in which anything may stand, is passed over.
 */
class Folder {
  readonly #source: string;
  readonly #at: number[] = [];
  #text = "";
  #from = 0;

  constructor(source: string) {
    this.#source = source;
  }

  fold(): Folded {
    this.#blocks(parseMarkdown(this.#source));
    const end = this.#text.trimEnd().length;
    return { text: this.#text.slice(0, end), at: this.#at.slice(0, end) };
  }

  #blocks(blocks: readonly Block[]): void {
    for (const block of blocks) {
      this.#gap();
      switch (block.kind) {
        case "paragraph":
          this.#inline(block.children);
          break;
        case "code":
          // Whatever stands on the line that opens it is no part of it.
          this.#from = this.#source.indexOf("\n", this.#source.indexOf("```", this.#from)) + 1;
          this.#put(block.text);
          this.#from = Math.max(this.#from, this.#source.indexOf("```", this.#from) + 3);
          break;
        case "quote":
          this.#blocks(block.blocks);
          break;
        case "list":
          for (const item of block.items) {
            this.#gap();
            this.#inline(item);
          }
      }
    }
  }

  #inline(nodes: readonly Inline[]): void {
    for (const node of nodes) {
      if (!("children" in node)) this.#put(node.text);
      else {
        this.#inline(node.children);
        if (node.kind === "link" && !node.bare) this.#passAddress();
      }
    }
  }

  #passAddress(): void {
    // Marks may be closed between the words of a link and its end.
    const end = /^[*_~`\\]*\]\(/.exec(this.#source.slice(this.#from, this.#from + 20));
    if (end) this.#from = this.#source.indexOf(")", this.#from + end[0].length) + 1;
  }

  /** Between two pieces that stood on lines of their own. */
  #gap(): void {
    if (this.#text !== "" && !this.#text.endsWith(" ")) this.#add(" ", this.#from);
  }

  #put(text: string): void {
    for (const character of text.split("")) {
      const isSpace = space.test(character);
      let at = this.#from;
      while (
        at < this.#source.length &&
        !(isSpace ? space.test(this.#source[at] ?? "") : this.#source[at] === character)
      ) {
        at += 1;
      }
      this.#from = at + 1;
      if (!isSpace) this.#add(character, at);
      else if (this.#text !== "" && !this.#text.endsWith(" ")) this.#add(" ", at);
    }
  }

  #add(character: string, at: number): void {
    this.#text += character;
    this.#at.push(at);
  }
}

/** Folds a message to one line of plain text. The time is linear in its length. */
export function foldMarkdown(source: string): Folded {
  return new Folder(source).fold();
}

/** Where places of the text as it was written are in what is left of it; those of which nothing is left are not. */
export function foldPlaces(
  { at }: Folded,
  places: readonly { start: number; end: number }[],
): { start: number; end: number }[] {
  const first = (wanted: number): number => {
    let [low, high] = [0, at.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((at[middle] ?? Infinity) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return places
    .map(({ start, end }) => ({ start: first(start), end: first(end) }))
    .filter(({ start, end }) => start < end);
}
