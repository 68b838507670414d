import type { Block, Inline } from "./ast.ts";
import { readInline } from "./inline.ts";

const maxQuoteDepth = 3;
/** A message with more list items than this is not meant to be read as a list. */
const maxItems = 300;

const fence = /^\s{0,3}```([\w+#.-]{0,30})\s*$/;
const closing = /^\s{0,3}```\s*$/;
const quote = /^\s{0,3}> ?/;
const item = /^\s{0,3}(?:[-*•]|(\d{1,9})[.)]) +(?=\S)/;

interface Lines {
  lines: string[];
  at: number;
}

function readFence(input: Lines, language: string): Block | null {
  const start = input.at + 1;
  let end = start;
  while (end < input.lines.length && !closing.test(input.lines[end] ?? "")) end += 1;
  if (end >= input.lines.length) return null; // Never closed: the marks are text.
  input.at = end + 1;
  return { kind: "code", language, text: input.lines.slice(start, end).join("\n") };
}

function readQuote(input: Lines, depth: number): Block {
  const inner: string[] = [];
  while (input.at < input.lines.length && quote.test(input.lines[input.at] ?? "")) {
    inner.push((input.lines[input.at] ?? "").replace(quote, ""));
    input.at += 1;
  }
  return { kind: "quote", blocks: readBlocks(inner, depth + 1) };
}

function readList(input: Lines): Block {
  const first = item.exec(input.lines[input.at] ?? "");
  const ordered = first?.[1] !== undefined;
  const items: Inline[][] = [];
  while (input.at < input.lines.length && items.length < maxItems) {
    const line = input.lines[input.at] ?? "";
    const match = item.exec(line);
    if (!match || (match[1] !== undefined) !== ordered) break;
    items.push(readInline(line.slice(match[0].length)));
    input.at += 1;
  }
  return { kind: "list", ordered, start: Number(first?.[1] ?? 1), items };
}

function readBlocks(lines: string[], depth: number): Block[] {
  const input: Lines = { lines, at: 0 };
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  let unclosedFence = false;
  let listed = 0;
  const endParagraph = (): void => {
    const text = paragraph.join("\n").replace(/^\n+|\n+$/g, "");
    if (text !== "") blocks.push({ kind: "paragraph", children: readInline(text) });
    paragraph = [];
  };
  while (input.at < lines.length) {
    const line = lines[input.at] ?? "";
    const open = unclosedFence ? null : fence.exec(line);
    let block: Block | null = null;
    if (open) {
      block = readFence(input, open[1] ?? "");
      unclosedFence = block === null;
    } else if (depth < maxQuoteDepth && quote.test(line)) {
      block = readQuote(input, depth);
    } else if (listed < maxItems && item.test(line)) {
      block = readList(input);
      listed += block.kind === "list" ? block.items.length : 0;
    }
    if (block) {
      endParagraph();
      blocks.push(block);
    } else {
      paragraph.push(line);
      input.at += 1;
    }
  }
  endParagraph();
  return blocks;
}

/**
 * Reads the Markdown subset of messages: bold, italic, strike, code, code
 * blocks, quotes, flat lists, links. Line breaks stay line breaks. Everything
 * else, HTML above all, is text. The time is linear in the length of the text.
 */
export function parseMarkdown(text: string): Block[] {
  return readBlocks(text.replaceAll("\r\n", "\n").split("\n"), 0);
}

const emojiOnly =
  /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\u200d|\ufe0f|\u20e3|\s){1,40}$/u;

/** How many emoji a text consists of, if of nothing else; 0 otherwise. */
export function countEmojiOnly(text: string): number {
  if (text.length > 40 || !emojiOnly.test(text)) return 0;
  return [...new Intl.Segmenter().segment(text.replace(/\s/g, ""))].length;
}

function textOf(nodes: readonly Inline[]): string {
  return nodes.map((node) => ("children" in node ? textOf(node.children) : node.text)).join("");
}

/** The text of a message in one line without its marks, for lists and quotes; cut at about `limit` characters. */
export function plainText(text: string, limit = 200): string {
  const parts = parseMarkdown(text.slice(0, 4 * limit)).flatMap(function flat(block): string[] {
    switch (block.kind) {
      case "paragraph":
        return [textOf(block.children)];
      case "code":
        return [block.text];
      case "quote":
        return block.blocks.flatMap(flat);
      case "list":
        return block.items.map(textOf);
    }
  });
  return parts.join(" ").replace(/\s+/g, " ").trim().slice(0, limit);
}
