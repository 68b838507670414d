const storageKey = "parley.emoji";
const maxRecent = 24;

/** What the reaction bar offers before anybody chose anything. */
export const quickEmoji: readonly string[] = ["👍", "❤️", "😂", "😮", "😢", "🎉"];

/** The emoji used last, newest first. */
export function recentEmoji(): string[] {
  return (localStorage.getItem(storageKey) ?? "").split(" ").filter(Boolean);
}

export function rememberEmoji(emoji: string): void {
  const recent = [emoji, ...recentEmoji().filter((other) => other !== emoji)].slice(0, maxRecent);
  localStorage.setItem(storageKey, recent.join(" "));
}

/** A few to choose from at once: the recent ones, filled up with the usual ones. */
export function handyEmoji(): string[] {
  return [...new Set([...recentEmoji().slice(0, 3), ...quickEmoji])].slice(0, 6);
}
