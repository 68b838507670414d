import { expect, type Page, test } from "@playwright/test";
import { findings } from "./findings.ts";
import { desktop, phone } from "./people.ts";
import { openStage, type Screen, settled, type Stage, tour } from "./tour.ts";

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
