const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** "3.2 MB" */
export function fileSize(bytes: number, locale: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: units[unit] ?? "byte",
    unitDisplay: unit === 0 ? "long" : "short",
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value);
}

const encoder = new TextEncoder();

/** Bytes of UTF-8. */
export function utf8Length(text: string): number {
  // Most texts are far below any limit: at most three bytes a UTF-16 unit.
  return encoder.encode(text).length;
}
