import { deflateSync, inflateSync } from "node:zlib";

/** A picture in memory: rows from top to bottom, three bytes (red, green, blue) a pixel. */
export interface Picture {
  width: number;
  height: number;
  rgb: Uint8Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (crcTable[(c ^ byte) & 0xff] ?? 0) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

/** The rows of a picture as they are (filter 0) or as differences to the row above (filter 2). */
function packed({ width, height, rgb }: Picture, filter: 0 | 2): Buffer {
  const rowBytes = width * 3;
  const raw = Buffer.alloc(height * (rowBytes + 1));
  for (let y = 0; y < height; y += 1) {
    const start = y * (rowBytes + 1);
    raw[start] = filter;
    for (let x = 0; x < rowBytes; x += 1) {
      const at = y * rowBytes + x;
      raw[start + 1 + x] = (rgb[at] ?? 0) - (filter === 2 && y > 0 ? (rgb[at - rowBytes] ?? 0) : 0);
    }
  }
  return deflateSync(raw, { level: 9 });
}

/** Writes a picture as PNG, 8 bits a channel. */
export function encodePng(picture: Picture): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(picture.width, 0);
  header.writeUInt32BE(picture.height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const [plain, up] = [packed(picture, 0), packed(picture, 2)];
  const data = plain.length <= up.length ? plain : up;
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const pa = Math.abs(p - a);
  const pb = Math.abs(p - b);
  const pc = Math.abs(p - c);
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** Undoes the filters of PNG (RFC 2083, section 6); returns the bytes of all rows. */
function unfilter(raw: Uint8Array, height: number, rowBytes: number, step: number): Uint8Array {
  const out = new Uint8Array(height * rowBytes);
  for (let y = 0; y < height; y += 1) {
    const from = y * (rowBytes + 1) + 1;
    const filter = raw[from - 1] ?? 0;
    if (filter > 4) throw new Error(`PNG: filter ${String(filter)}`);
    const row = y * rowBytes;
    for (let x = 0; x < rowBytes; x += 1) {
      const a = filter === 0 || x < step ? 0 : (out[row + x - step] ?? 0);
      const b = filter < 2 || y === 0 ? 0 : (out[row + x - rowBytes] ?? 0);
      let by = a;
      if (filter === 2) by = b;
      else if (filter === 3) by = (a + b) >> 1;
      else if (filter === 4) by = paeth(a, b, x < step || y === 0 ? 0 : (out[row + x - rowBytes - step] ?? 0));
      out[row + x] = (raw[from + x] ?? 0) + by;
    }
  }
  return out;
}

/** Reads a PNG as browsers write screenshots: 8 bits a channel, RGB or RGBA (opaque), not interlaced. */
export function decodePng(file: Buffer): Picture {
  if (!file.subarray(0, 8).equals(signature)) throw new Error("not a PNG");
  let [width, height, channels] = [0, 0, 3];
  const data: Buffer[] = [];
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const type = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      const [depth, colour, , , interlace] = body.subarray(8);
      if (depth !== 8 || (colour !== 2 && colour !== 6) || interlace !== 0) throw new Error("PNG: another kind");
      channels = colour === 6 ? 4 : 3;
    } else if (type === "IDAT") data.push(body);
    at += length + 12;
  }
  const pixels = unfilter(inflateSync(Buffer.concat(data)), height, width * channels, channels);
  if (channels === 3) return { width, height, rgb: pixels };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i += 1) rgb[i] = pixels[i + Math.floor(i / 3)] ?? 0;
  return { width, height, rgb };
}

type Colour = readonly [number, number, number];

function mix(a: Colour, b: Colour, share: number): Colour {
  const at = (i: 0 | 1 | 2): number => a[i] + (b[i] - a[i]) * share;
  return [at(0), at(1), at(2)];
}

/** Draws a picture from a function of the place, 0 to 1 from left and top. */
export function paint(width: number, height: number, at: (x: number, y: number) => Colour): Buffer {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rgb.set(at(x / width, y / height), (y * width + x) * 3);
  }
  return encodePng({ width, height, rgb });
}

const wheel = (turn: number, light: number): Colour => {
  const part = (shift: number): number => 255 * (light + (1 - light) * (0.5 + 0.5 * Math.cos(6.283 * (turn + shift))));
  return [part(0), part(0.67), part(0.33)];
};

/** A head and shoulders before a wall; `turn` (0 to 1) gives each its own colours. */
export function portrait(turn: number): Buffer {
  const skin = mix([246, 214, 186], [110, 72, 48], (turn * 7) % 1);
  const hair = mix([40, 28, 24], [190, 140, 70], (turn * 13) % 1);
  const coat = wheel(turn + 0.5, 0.15);
  return paint(96, 96, (x, y) => {
    const head = ((x - 0.5) / 0.17) ** 2 + ((y - 0.43) / 0.22) ** 2;
    const mane = ((x - 0.5) / 0.22) ** 2 + ((y - 0.36) / 0.24) ** 2;
    if (head < 1 && y > 0.3) return skin;
    if (mane < 1 && y < 0.52) return hair;
    if (((x - 0.5) / 0.36) ** 2 + ((y - 1) / 0.32) ** 2 < 1) return coat;
    return mix(wheel(turn, 0.55), wheel(turn + 0.1, 0.7), y);
  });
}

/** A low sun over mountains. */
export function landscape(width: number, height: number, turn = 0): Buffer {
  const ridge = (x: number, base: number, k: number): number =>
    base - 0.16 * Math.abs(Math.sin(x * k + turn * 9)) - 0.04 * Math.abs(Math.sin(x * k * 3.7));
  const above: Colour = mix([249, 166, 90], [120, 190, 235], turn);
  const below: Colour = mix([226, 112, 138], [240, 240, 220], turn);
  return paint(width, height, (x, y) => {
    if (y > ridge(x, 0.95, 7)) return [31, 33, 66];
    if (y > ridge(x, 0.8, 4)) return [66, 62, 110];
    const sun = Math.hypot((x - 0.68) * (width / height), y - 0.42);
    return sun < 0.11 ? [255, 243, 201] : mix(above, below, y / 0.8);
  });
}
