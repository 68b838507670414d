// Makes what is written readable in every theme that is offered. WCAG 2.2 AA asks
// for a contrast of 4.5 for text; many themes of the gallery give less. Where one
// does, its text colours are drawn towards its darkest (or lightest) ones, as far as
// needed and no further; the result is src/app/themes.gen.css.
//
//   node scripts/contrast.mjs         fails if the sheet is not up to date or a pair is below AA
//   node scripts/contrast.mjs --write writes the sheet
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../src/app/themes.gen.css", import.meta.url);
const asked = 4.5;
/** A little more than is asked: screens and browsers round. */
const wanted = 4.6;

const sheet = readFileSync(new URL("../src/app/styles.css", import.meta.url), "utf8");
const list = /themes = \[([^\]]*)\]/.exec(readFileSync(new URL("../src/lib/theme.ts", import.meta.url), "utf8"));
if (!list) throw new Error("src/lib/theme.ts has no list of themes");
const offered = [...list[1].matchAll(/"([a-z ]{2,})"/g)].flatMap(([, names]) => names.split(" "));

function colorsIn(css) {
  return Object.fromEntries(
    [...css.matchAll(/--color-([a-z0-9-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, parse(value.trim())]),
  );
}

function themeColors(name) {
  const own = new RegExp(`name: "${name}";(.*?)\\n}`, "s").exec(sheet)?.[1];
  return colorsIn(own ?? readFileSync(new URL(`../node_modules/daisyui/theme/${name}.css`, import.meta.url), "utf8"));
}

/** A colour as OKLab. */
function parse(text) {
  const oklch = /^oklch\(([\d.]+)%?\s+([\d.]+)\s+([\d.]+)(?:deg)?\)$/.exec(text);
  if (oklch) {
    const [l, c, h] = oklch.slice(1).map(Number);
    const hue = (h * Math.PI) / 180;
    return { l: text.includes("%") ? l / 100 : l, a: c * Math.cos(hue), b: c * Math.sin(hue) };
  }
  const hex = /^#([0-9a-f]{6})$/i.exec(text);
  if (!hex) throw new Error(`cannot read the colour ${text}`);
  return toOklab([0, 2, 4].map((at) => linear(parseInt(hex[1].slice(at, at + 2), 16) / 255)));
}

const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const gamma = (v) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);
const clamp = (v) => Math.min(1, Math.max(0, v));

/** OKLab to linear sRGB (Ottosson 2020), cut to what a screen can show. */
function toRgb({ l, a, b }) {
  const [x, y, z] = [
    l + 0.3963377774 * a + 0.2158037573 * b,
    l - 0.1055613458 * a - 0.0638541728 * b,
    l - 0.0894841775 * a - 1.291485548 * b,
  ].map((v) => v ** 3);
  return [
    4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z,
    -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z,
    -0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z,
  ].map(clamp);
}

function toOklab([r, g, b]) {
  const [x, y, z] = [
    0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b,
    0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b,
    0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b,
  ].map(Math.cbrt);
  return {
    l: 0.2104542553 * x + 0.793617785 * y - 0.0040720468 * z,
    a: 1.9779984951 * x - 2.428592205 * y + 0.4505937099 * z,
    b: 0.0259040371 * x + 0.7827717662 * y - 0.808675766 * z,
  };
}

/** color-mix(in oklab, a share, b) */
const mix = (a, b, share) => ({
  l: a.l * share + b.l * (1 - share),
  a: a.a * share + b.a * (1 - share),
  b: a.b * share + b.b * (1 - share),
});

/** A half-transparent colour over another, as a browser lays them: in gamma-encoded sRGB. */
function over(top, alpha, below) {
  const [t, u] = [toRgb(top).map(gamma), toRgb(below).map(gamma)];
  return toOklab(t.map((v, i) => linear(v * alpha + u[i] * (1 - alpha))));
}

const luminance = (color) => {
  const [r, g, b] = toRgb(color);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

function contrast(a, b) {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

const black = { l: 0, a: 0, b: 0 };
const white = { l: 1, a: 0, b: 0 };
const steps = Array.from({ length: 21 }, (_, at) => 1 - at / 20);
const surfaces = ["primary", "secondary", "accent", "neutral", "info", "success", "warning", "error"];
const tones = { brand: "primary", danger: "error", good: "success", info: "info", accent: "accent" };

const least = (color, grounds) => Math.min(...grounds.map((ground) => contrast(color, ground)));
const code = (ground, text) => over(text, 0.08, ground);
const soft = (text, ground) => over(text, 0.7, ground);

/** Everything that text stands on, in one theme. */
function groundsOf(c) {
  return {
    "base-100": c["base-100"],
    "base-200": c["base-200"],
    "own bubble": mix(c.primary, c["base-100"], 0.16),
    "chosen row": over(c.primary, 0.12, c["base-100"]),
  };
}

/** The first of some colours that is readable, else the most readable one. */
function readable(candidates, measure) {
  const known = candidates.map((color) => ({ color, ratio: measure(color) }));
  return (known.find(({ ratio }) => ratio >= wanted) ?? known.reduce((a, b) => (a.ratio > b.ratio ? a : b))).color;
}

/** The text colours of a theme, as near to what its makers chose as can be read. */
function mended(c) {
  const grounds = Object.values(groundsOf(c));
  const end = luminance(c["base-100"]) > 0.18 ? black : white;
  const text = readable(
    steps.map((share) => mix(c["base-content"], end, share)),
    (color) =>
      Math.min(
        ...grounds
          .flatMap((ground) => [ground, code(ground, color)])
          .map((ground) => contrast(soft(color, ground), ground)),
        contrast(color, c["base-300"]),
      ),
  );
  const onAll = grounds.flatMap((ground) => [ground, code(ground, text)]);
  const out = { "color-base-content": text };
  for (const [tone, name] of Object.entries(tones)) {
    out[`ink-${tone}`] = readable(
      steps.map((share) => mix(c[name], text, share)),
      (color) => least(color, onAll),
    );
  }
  for (const name of surfaces) {
    const own = c[`${name}-content`];
    const far = contrast(black, c[name]) > contrast(white, c[name]) ? black : white;
    out[`color-${name}-content`] = readable(
      steps.map((share) => mix(own, far, share)),
      (color) => contrast(color, c[name]),
    );
  }
  return out;
}

/** What is left below AA in a theme. */
function failures(c, fixed) {
  const text = fixed["color-base-content"];
  const pairs = Object.entries(groundsOf(c)).flatMap(([name, ground]) => [
    ["text", name, contrast(text, ground)],
    ["soft text", name, contrast(soft(text, ground), ground)],
    ["remark in code", name, contrast(soft(text, code(ground, text)), code(ground, text))],
    ...Object.keys(tones).flatMap((tone) => [
      [tone, name, contrast(fixed[`ink-${tone}`], ground)],
      [`${tone} in code`, name, contrast(fixed[`ink-${tone}`], code(ground, text))],
    ]),
  ]);
  pairs.push(["text", "base-300", contrast(text, c["base-300"])]);
  for (const name of surfaces) pairs.push([`${name}-content`, name, contrast(fixed[`color-${name}-content`], c[name])]);
  return pairs.filter(([, , ratio]) => ratio < asked);
}

const round = (value) => String(Math.round(value * 1e4) / 1e4);
const css = ({ l, a, b }) => `oklab(${round(l)} ${round(a)} ${round(b)})`;
const rules = (fixed) =>
  Object.entries(fixed)
    .map(([name, color]) => `  --${name}: ${css(color)};\n`)
    .join("");
const selectors = { light: ':root,\n[data-theme="light"]', dark: '[data-theme="dark"]' };

let sheetText =
  "/* Made by scripts/contrast.mjs from the themes' own colours: text that can be read. Do not edit. */\n";
let failed = 0;
for (const name of offered) {
  const colors = themeColors(name);
  const fixed = mended(colors);
  sheetText += `${selectors[name] ?? `[data-theme="${name}"]`} {\n${rules(fixed)}}\n`;
  if (name === "dark") {
    sheetText += `@media (prefers-color-scheme: dark) {\n:root:not([data-theme]) {\n${rules(fixed)}}\n}\n`;
  }
  for (const [what, ground, ratio] of failures(colors, fixed)) {
    failed += 1;
    console.error(`${name}: ${what} on ${ground} has a contrast of ${ratio.toFixed(2)}, want ${asked}`);
  }
}
if (process.argv.includes("--write")) writeFileSync(file, sheetText);
else if (readFileSync(file, "utf8") !== sheetText) {
  console.error("src/app/themes.gen.css is not what the themes give: run node scripts/contrast.mjs --write");
  process.exitCode = 1;
}
console.log(`contrast: ${offered.length} themes, ${failed} pairs below AA`);
if (failed > 0) process.exitCode = 1;
