/** "@name" at the beginning of a word: what stands before it, and the name. Usernames are letters, digits, dots, dashes and underscores, and end with no dot. */
export const mentionPattern = /(^|[^\p{L}\p{N}_@./-])@([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_-])?)/gu;

export interface MentionPiece {
  text: string;
  /** Set where somebody is named. */
  userId?: string;
}

/** Cuts a text where one of some people is named; `people` are ids by username in lower case. */
export function cutMentions(text: string, people: ReadonlyMap<string, string>): MentionPiece[] {
  const pieces: MentionPiece[] = [];
  let end = 0;
  for (const match of text.matchAll(mentionPattern)) {
    const [whole, before = "", name = ""] = match;
    const userId = people.get(name.toLowerCase());
    if (userId === undefined) continue;
    const start = match.index + before.length;
    if (start > end) pieces.push({ text: text.slice(end, start) });
    end = match.index + whole.length;
    pieces.push({ text: text.slice(start, end), userId });
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}
