const schemes = new Set(["http:", "https:", "mailto:"]);
const maxLength = 2_048;

/** The address if it is one that may be opened from a message (http, https, mailto), else null. */
export function safeHref(address: string): string | null {
  if (address.length > maxLength) return null;
  try {
    const url = new URL(address);
    return schemes.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export interface Found {
  start: number;
  end: number;
  href: string;
}

/** A character that ends an address wherever it stands: space, quotes, controls, and what turns the direction of text. */
const stops = /[\s\p{Cc}<>"'`\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const starts = /https?:\/\/|mailto:|www\./gi;

/** An address as people write it, without what stands before it in a browser. */
const isBare = (address: string): boolean => /^www\.[\p{L}\p{N}-]+\.[\p{L}]/iu.test(address);

function trimEnd(text: string, start: number, end: number): number {
  let last = end;
  // A closing bracket belongs to the address only if it was opened in it.
  let open = 0;
  for (let i = start; i < end; i += 1) {
    if (text[i] === "(") open += 1;
    if (text[i] === ")") open -= 1;
  }
  while (last > start) {
    const character = text[last - 1] ?? "";
    if (character === ")" && open < 0) open += 1;
    else if (!/[.,;:!?*_~\]]/.test(character)) break;
    last -= 1;
  }
  return last;
}

/** Finds the addresses in a text, in time that is linear in its length. */
export function findLinks(text: string): Found[] {
  const found: Found[] = [];
  starts.lastIndex = 0;
  for (let match = starts.exec(text); match; match = starts.exec(text)) {
    const start = match.index;
    let end = start + match[0].length;
    while (end < text.length && end - start <= maxLength && !stops.test(text[end] ?? " ")) end += 1;
    const before = text[start - 1];
    starts.lastIndex = end;
    if (before !== undefined && /[\p{L}\p{N}]/u.test(before)) continue;
    const trimmed = trimEnd(text, start, end);
    const address = text.slice(start, trimmed);
    const href = trimmed > start + match[0].length ? safeHref(isBare(address) ? `https://${address}` : address) : null;
    if (href) found.push({ start, end: trimmed, href });
  }
  return found;
}
