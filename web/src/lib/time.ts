const dayMs = 86_400_000;

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Whole days from then to now by the calendar: 0 is today, 1 is yesterday. */
export function daysAgo(then: Date, now: Date): number {
  return Math.round((startOfDay(now) - startOfDay(then)) / dayMs);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Formatters are dear to make and are asked for in every row. */
function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, known);
  return known;
}

/** "14:05" */
export function clock(iso: string, locale: string): string {
  return format(locale, { hour: "2-digit", minute: "2-digit" }).format(new Date(iso));
}

/** The whole date and time, for titles. */
export function fullTime(iso: string, locale: string): string {
  return format(locale, { dateStyle: "full", timeStyle: "short" }).format(new Date(iso));
}

interface DayWords {
  today: string;
  yesterday: string;
}

/** "Today", "Monday", "3 March", "3 March 2024" */
export function dayName(iso: string, locale: string, words: DayWords, now = new Date()): string {
  const then = new Date(iso);
  const days = daysAgo(then, now);
  if (days === 0) return words.today;
  if (days === 1) return words.yesterday;
  if (days > 1 && days < 7) return format(locale, { weekday: "long" }).format(then);
  const year = then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" as const };
  return format(locale, { day: "numeric", month: "long", ...year }).format(then);
}

/** What a list shows: the clock today, then the weekday, then the date. */
export function listTime(iso: string, locale: string, words: DayWords, now = new Date()): string {
  const then = new Date(iso);
  const days = daysAgo(then, now);
  if (days <= 0) return clock(iso, locale);
  if (days === 1) return words.yesterday;
  if (days < 7) return format(locale, { weekday: "short" }).format(then);
  const year = then.getFullYear() === now.getFullYear() ? {} : { year: "2-digit" as const };
  return format(locale, { day: "2-digit", month: "2-digit", ...year }).format(then);
}

/** "5 minutes ago", "yesterday", "3 March" */
export function ago(iso: string, locale: string, words: { justNow: string }, now = new Date()): string {
  const then = new Date(iso);
  const minutes = Math.floor((now.getTime() - then.getTime()) / 60_000);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  if (minutes < 1) return words.justNow;
  if (minutes < 60) return relative.format(-minutes, "minute");
  const days = daysAgo(then, now);
  if (days === 0) return relative.format(-Math.floor(minutes / 60), "hour");
  if (days < 7) return relative.format(-days, "day");
  return format(locale, { day: "numeric", month: "long", year: "numeric" }).format(then);
}

/** A length of time as a clock shows it: 3:12, 1:00:05. */
export function spellDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? rest.replace(/^0/, "") : `${String(Math.floor(seconds / 3600))}:${rest}`;
}
