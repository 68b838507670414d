import { readFileSync, writeFileSync } from "node:fs";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import { blockFont } from "./block-font.ts";
import { compare, judge, keep, shrink } from "./compare.ts";
import { desktop, phone } from "./people.ts";
import { decodePng, type Picture } from "./png.ts";
import { openStage, screens, settled, type Stage } from "./tour.ts";

// The ten screens that people see most, compared with small pictures that are kept
// (baseline/, `pnpm baselines` writes them anew after a change that is wanted). Text is
// drawn by a font of our own, letters of faces have no colour of their own (it derives
// from an id), and nothing moves: what is left is the same on every machine.
const main = [
  "login",
  "empty",
  "list",
  "direct",
  "group-start",
  "details",
  "search",
  "switcher",
  "settings-profile",
  "settings-appearance",
];
const still = `
  * { font-family: Block !important; font-synthesis: none !important; caret-color: transparent !important; }
  .rounded-full.font-semibold.text-white { background: #777 !important; }
  .rounded-full.bg-green-500 { visibility: hidden !important; }
`;

async function useBlocks(context: BrowserContext): Promise<void> {
  await context.addInitScript(
    ([font, css]) => {
      const face = new FontFace(
        "Block",
        Uint8Array.from(atob(font), (byte) => byte.charCodeAt(0)),
      );
      document.fonts.add(face);
      void face.load();
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      document.adoptedStyleSheets.push(sheet);
    },
    [blockFont().toString("base64"), still] as const,
  );
}

const picture = (page: Page): Promise<Buffer> => page.screenshot({ animations: "disabled" });

/** A picture of the page when two in a row are alike. */
async function settledPicture(page: Page): Promise<Buffer> {
  let before: Picture | undefined;
  let now: Buffer = Buffer.alloc(0);
  await expect(async () => {
    now = await picture(page);
    const last = before;
    before = shrink(decodePng(now));
    expect(last && compare(before, last).share).toBe(0);
  }).toPass({ intervals: [50, 100, 250] });
  return now;
}

const baselineOf = (file: string): string => `${import.meta.dirname}/baseline/${file}`;
const writes = (): boolean => ["all", "changed"].includes(test.info().config.updateSnapshots);

/** Compares what the page says to those who do not see it. */
async function hear(page: Page, name: string): Promise<void> {
  const file = `${name}.aria.yml`;
  await expect(page.locator("body")).toMatchAriaSnapshot({ name: file });
  if (!writes()) return;
  // Ids are others in each run; what is left without children needs no colon.
  const lines = readFileSync(baselineOf(file), "utf8")
    .split("\n")
    .filter((line) => !/\/url: \/(c|api)\/|- text: ""$/.test(line));
  const depth = (line = ""): number => line.search(/\S/);
  const tidy = lines.map((line, at) => (depth(lines[at + 1]) > depth(line) ? line : line.replace(/:$/, "")));
  writeFileSync(baselineOf(file), tidy.join("\n"));
}

async function look(page: Page, name: string): Promise<void> {
  const info = test.info();
  const baseline = baselineOf(`${name}.png`);
  if (writes()) {
    keep(await settledPicture(page), baseline);
    return;
  }
  let last: Buffer = Buffer.alloc(0);
  // What comes late, such as who is there, may come a moment after.
  await expect(async () => {
    last = await picture(page);
    expect(judge(last, baseline)).toBeUndefined();
  }, `how ${name} looks`)
    .toPass({ timeout: 20_000 })
    .finally(() => {
      writeFileSync(info.outputPath(`${name}.png`), last);
    });
}

// What is compared is kept; pictures of each step would be dear.
test.use({ trace: "off" });

test.describe("how it looks", () => {
  let stage: Stage;
  test.beforeAll(async ({ browser, baseURL }) => {
    test.setTimeout(600_000);
    stage = await openStage({ browser, baseURL, prepare: useBlocks });
  });
  test.afterAll(() => stage.close());

  for (const screen of screens.filter(({ name }) => main.includes(name))) {
    test(screen.name, async () => {
      test.setTimeout(600_000);
      const page = stage[screen.who];
      await page.setViewportSize(desktop);
      await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
      await screen.open(page, stage.world);
      await settled(page);
      await hear(page, screen.name);
      for (const [size, viewport] of Object.entries({ desktop, phone })) {
        await page.setViewportSize(viewport);
        for (const colorScheme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          await settled(page);
          await look(page, `${screen.name}-${size}-${colorScheme}`);
        }
      }
    });
  }

  test("the comparison sees what people would see, and only that", async () => {
    test.setTimeout(600_000);
    const page = stage.ada;
    await page.setViewportSize(desktop);
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await screens.find(({ name }) => name === "details")?.open(page, stage.world);
    await settled(page);
    const asItIs = shrink(decodePng(await settledPicture(page)));
    const withRules = async (css: string): Promise<boolean> => {
      await page.evaluate((rules) => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(rules);
        document.adoptedStyleSheets.push(sheet);
      }, css);
      const { same } = compare(shrink(decodePng(await settledPicture(page))), asItIs);
      await page.evaluate(() => document.adoptedStyleSheets.pop());
      return same;
    };
    const unseen = {
      nothing: "",
      "letters that are smoothed otherwise": "#root { transform: translate(0.3px, 0.2px); }",
      "a little less sharp": "#root { filter: blur(0.4px); }",
    };
    const seen = {
      "a missing panel": "aside { visibility: hidden; }",
      "a missing header": "main header { visibility: hidden; }",
      "a column that has moved": "main { translate: 12px; }",
      "rows that are higher": "nav a { padding-block: 11px; }",
      "another accent": ":root { --color-primary: oklch(55% 0.2 20); --ink-brand: oklch(55% 0.2 20); }",
      "another ground": "main .bg-base-200 { background: oklch(92% 0.03 90); }",
      "larger text": "main { zoom: 1.04; }",
    };
    for (const [what, css] of Object.entries(unseen)) expect(await withRules(css), what).toBe(true);
    for (const [what, css] of Object.entries(seen)) expect(await withRules(css), what).toBe(false);
  });
});
