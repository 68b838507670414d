import { expect, type Page, test } from "@playwright/test";
import axe from "axe-core";
import { desktop, phone } from "./people.ts";
import { openStage, type Screen, settled, type Stage, tour } from "./tour.ts";

interface Finding {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe finds serious or critical on a page (WCAG 2.2 A and AA); `rules` names those that count, all of them otherwise. */
async function findings(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const violations = await page.evaluate(async (only) => {
    const page = window as unknown as { axe: { run: (o: unknown) => Promise<{ violations: Finding[] }> } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const runOnly = only ? { type: "rule", values: only } : { type: "tag", values: tags };
    return (await page.axe.run({ runOnly, resultTypes: ["violations"] })).violations;
  }, rules);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
}

const sizes = { phone, tablet: { width: 768, height: 1024 }, desktop };
/** With TEST_GALLERY every screen is photographed in each size, light and dark: for people to look at. */
const shownSizes: Record<string, { width: number; height: number }> =
  process.env["TEST_GALLERY"] === undefined ? {} : sizes;

async function photograph(page: Page, screen: Screen): Promise<void> {
  for (const [size, viewport] of Object.entries(shownSizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await settled(page, screen);
      await page.screenshot({ path: `../out/screenshots/${screen.name}-${size}-${colorScheme}.png` });
    }
  }
}

// Pictures of each step of this long way are of no use, and dear.
test.use({ trace: "off" });

test.describe("axe finds nothing serious", () => {
  let stage: Stage;
  test.beforeAll(async ({ browser, baseURL }) => {
    test.setTimeout(600_000);
    stage = await openStage({ browser, baseURL, voice: true });
  });
  test.afterAll(() => stage.close());

  for (const [part, screens] of Object.entries(tour)) {
    test(`on ${part}`, async () => {
      test.setTimeout(900_000);
      for (const screen of screens) {
        await test.step(screen.name, async () => {
          const page = stage[screen.who];
          // Half-faded colours are nobody's: without motion everything is there at once.
          await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
          await page.setViewportSize(desktop);
          await screen.open(page, stage.world);
          await settled(page, screen);
          expect.soft(await findings(page), `${screen.name}, light`).toEqual([]);
          // Only colours change.
          await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
          expect.soft(await findings(page, ["color-contrast"]), `${screen.name}, dark`).toEqual([]);
          await photograph(page, screen);
          await screen.leave?.(page, stage.world);
        });
      }
    });
  }
});
