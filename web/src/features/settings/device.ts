const browsers: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrom(?:e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];

const find = (list: typeof browsers, agent: string): string | undefined =>
  list.find(([pattern]) => pattern.test(agent))?.[1];

/** "Firefox, Linux" of a User-Agent; undefined if it says nothing known. */
export function deviceName(agent: string): string | undefined {
  const parts = [find(browsers, agent), find(systems, agent)].filter((part) => part !== undefined);
  return parts.length > 0 ? parts.join(", ") : agent.slice(0, 40) || undefined;
}

export function isPhone(agent: string): boolean {
  return /Android|iPhone|iPad|Mobile/.test(agent);
}
