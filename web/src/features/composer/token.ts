/** What is being typed at the caret that can be completed. */
export interface Token {
  kind: "emoji" | "mention";
  /** Where the mark stands, and what follows it up to the caret. */
  from: number;
  query: string;
}

const maxLength = 40;

/** Finds ":smi" or "@ada" just before the caret. The mark begins a word, so that times and addresses are left alone. */
export function tokenAt(text: string, caret: number): Token | null {
  const before = text.slice(Math.max(0, caret - maxLength), caret);
  const match = /(?:^|[\s([{>"'“„])([:@])([\p{L}\p{N}_.+-]*)$/u.exec(before);
  if (!match) return null;
  const [, mark, query = ""] = match;
  // A lone ":" or ":)" wants no list.
  if (mark === ":" && query.length < 2) return null;
  return { kind: mark === ":" ? "emoji" : "mention", from: caret - query.length - 1, query };
}

/** The text with what is at the token replaced, and where the caret is then. */
export function completed(text: string, token: Token, caret: number, by: string): { text: string; caret: number } {
  const after = text.slice(caret);
  const gap = after.startsWith(" ") ? "" : " ";
  return { text: text.slice(0, token.from) + by + gap + after, caret: token.from + by.length + 1 };
}

/** ":tada:" with its closing colon just typed, ending at the caret. */
export function closedEmoji(text: string, caret: number): { from: number; name: string } | null {
  const match = /(?:^|[\s([{>])(:([\p{L}\p{N}_+-]{2,32}):)$/u.exec(text.slice(Math.max(0, caret - maxLength), caret));
  return match?.[1] !== undefined && match[2] !== undefined ? { from: caret - match[1].length, name: match[2] } : null;
}
