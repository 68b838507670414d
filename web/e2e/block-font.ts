/**
 * A font in which each character is a bar of the same width: text has the same
 * place and grey on every machine, whatever fonts it has. Made here, byte by
 * byte (OpenType 1.9), so that no font has to be kept.
 */
const unitsPerEm = 1000;
const advance = 520;
const [ascent, descent] = [940, 240];
const bar = { left: 50, bottom: 0, right: 470, top: 520 };

/** Writes big-endian numbers one after the other: [bytes, value], a negative number of bytes for a signed value. */
function pack(...fields: readonly (readonly [-2 | 1 | 2 | 4 | 8, number])[]): Buffer {
  return Buffer.concat(
    fields.map(([size, value]) => {
      const out = Buffer.alloc(Math.abs(size));
      if (size === -2) out.writeInt16BE(value);
      else if (size === 8) out.writeBigUInt64BE(BigInt(value));
      else out.writeUIntBE(value, 0, size);
      return out;
    }),
  );
}
const u16 = (...values: number[]): Buffer => pack(...values.map((value) => [2, value] as const));
const i16 = (...values: number[]): Buffer => pack(...values.map((value) => [-2, value] as const));
const u32 = (...values: number[]): Buffer => pack(...values.map((value) => [4, value] as const));

/** Glyph 1 is the bar, 0 and 2 are empty. */
function glyphs(): { glyf: Buffer; loca: Buffer } {
  const { left, bottom, right, top } = bar;
  const [width, height] = [right - left, top - bottom];
  const glyf = Buffer.concat([
    i16(1, left, bottom, right, top),
    u16(3, 0),
    Buffer.from([1, 1, 1, 1]),
    i16(left, 0, width, 0),
    i16(bottom, height, 0, -height),
    Buffer.alloc(2),
  ]);
  return { glyf, loca: u32(0, 0, glyf.length, glyf.length) };
}

/** All characters to the bar but blanks (format 13, "many to one"). */
function characterMap(): Buffer {
  const groups = [
    [0, 0x20, 2],
    [0x21, 0x9f, 1],
    [0xa0, 0xa0, 2],
    [0xa1, 0x10ffff, 1],
  ];
  const table = Buffer.concat([u16(13, 0), u32(16 + groups.length * 12, 0, groups.length, ...groups.flat())]);
  return Buffer.concat([u16(0, 1, 3, 10), u32(12), table]);
}

function names(): Buffer {
  const texts = ["Block", "Regular", "Block Regular", "Block Regular", "1", "Block-Regular"];
  const data = texts.map((text) => Buffer.from(text, "utf16le").swap16());
  let at = 0;
  const records = data.map((text, index) => {
    const record = u16(3, 1, 0x409, index + 1, text.length, at);
    at += text.length;
    return record;
  });
  return Buffer.concat([u16(0, texts.length, 6 + texts.length * 12), ...records, ...data]);
}

function tables(): Record<string, Buffer> {
  const { glyf, loca } = glyphs();
  const { left, bottom, right, top } = bar;
  return {
    "OS/2": Buffer.concat([
      u16(4, advance, 400, 5, 0),
      i16(650, 600, 0, 75, 650, 600, 0, 350, 50, 300, 0),
      Buffer.alloc(10),
      u32(1, 0, 0, 0),
      Buffer.from("TEST"),
      u16(0x40, 0x20, 0xffff),
      i16(ascent, -descent, 0),
      u16(ascent, descent),
      u32(1, 0),
      i16(520, 700),
      u16(0, 0x20, 1),
    ]),
    cmap: characterMap(),
    glyf,
    head: Buffer.concat([
      u16(1, 0, 1, 0),
      u32(0, 0x5f0f3cf5),
      u16(3, unitsPerEm),
      pack([8, 0], [8, 0]),
      i16(left, bottom, right, top),
      u16(0, 8),
      i16(2, 1, 0),
    ]),
    hhea: Buffer.concat([
      u16(1, 0),
      i16(ascent, -descent, 0),
      u16(advance),
      i16(left, advance - right, right, 1, 0, 0, 0, 0, 0, 0, 0),
      u16(3),
    ]),
    hmtx: Buffer.concat([u16(advance), i16(0), u16(advance), i16(left), u16(advance), i16(0)]),
    loca,
    maxp: Buffer.concat([u32(0x10000), u16(3, 4, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0)]),
    name: names(),
    post: Buffer.concat([u32(0x30000, 0), i16(-100, 50), u32(1, 0, 0, 0, 0)]),
  };
}

function checksum(table: Buffer): number {
  let sum = 0;
  for (let at = 0; at < table.length; at += 4) sum = (sum + table.readUInt32BE(at)) >>> 0;
  return sum;
}

/** The font as a TrueType file. */
export function blockFont(): Buffer {
  const all = Object.entries(tables());
  let at = 12 + all.length * 16;
  const entries: Buffer[] = [];
  const bodies: Buffer[] = [];
  for (const [tag, table] of all) {
    const padded = Buffer.concat([table, Buffer.alloc((4 - (table.length % 4)) % 4)]);
    entries.push(Buffer.concat([Buffer.from(tag.padEnd(4)), u32(checksum(padded), at, table.length)]));
    bodies.push(padded);
    at += padded.length;
  }
  const power = Math.floor(Math.log2(all.length));
  const search = 16 * 2 ** power;
  const header = Buffer.concat([u32(0x10000), u16(all.length, search, power, all.length * 16 - search)]);
  return Buffer.concat([header, ...entries, ...bodies]);
}
