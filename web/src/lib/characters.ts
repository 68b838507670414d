/** How many characters (code points) a text has: the unit of the server's limits on names and titles. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** At most so many characters of a text, none of them cut in two. */
export function firstCharacters(text: string, most: number): string {
  return text.length <= most ? text : Array.from(text).slice(0, most).join("");
}
