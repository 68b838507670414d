import { expect, test } from "@playwright/test";
import { button, expectLive, ring, screen, two } from "./callers.ts";
import { type Person, phone } from "./people.ts";

// Moving pictures are dear enough without pictures of each step.
test.use({ trace: "off" });

/** A phone on its side: as high as many, and as high as the smallest. */
const sizes = [phone, { width: 320, height: 568 }, { width: 800, height: 360 }, { width: 568, height: 320 }];
/** What a finger hits, in pixels of CSS (WCAG 2.5.5). */
const finger = 44;

/** What is wrong with the buttons of a part of the page: out of sight, under a notch, covered, too small for a finger. */
async function wrong(person: Person, role: "dialog" | "alertdialog" | "region", notch: number): Promise<string[]> {
  const part = person.page.getByRole(role, { name: role === "region" ? /^Call with/ : /./ });
  return part.evaluate(
    (element, { least, free }) => {
      const { clientWidth, clientHeight } = document.documentElement;
      const upright = clientHeight > clientWidth;
      const [above, beside] = upright ? [free, 0] : [0, free];
      return [...element.querySelectorAll("button")].flatMap((one) => {
        const box = one.getBoundingClientRect();
        if (box.width === 0) return [];
        const found: string[] = [];
        if (
          box.top < above ||
          box.left < beside ||
          box.right > clientWidth - beside ||
          box.bottom > clientHeight - (upright ? free / 2 : 0)
        ) {
          found.push("is not in sight");
        }
        if (box.width < least || box.height < least) found.push("is too small");
        const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        if (!one.contains(there)) found.push("is covered");
        const where = [box.left, box.top, box.width, box.height].map(Math.round).join(" ");
        return found.map((what) => `${one.ariaLabel ?? one.textContent} (${where}) ${what}`);
      });
    },
    { least: finger, free: notch },
  );
}

async function expectAllInReach(person: Person, role: "dialog" | "alertdialog" | "region"): Promise<void> {
  const { page } = person;
  const devtools = await page.context().newCDPSession(page);
  const notch = 40;
  for (const viewport of sizes) {
    await page.setViewportSize(viewport);
    const upright = viewport.height > viewport.width;
    const insets = upright ? { top: notch, bottom: notch / 2 } : { left: notch, right: notch };
    await devtools.send("Emulation.setSafeAreaInsetsOverride", { insets });
    for (const dir of ["ltr", "rtl"]) {
      await page.evaluate((to) => {
        document.documentElement.dir = to;
      }, dir);
      const name = `${role} at ${String(viewport.width)}x${String(viewport.height)}, ${dir}`;
      await expect.poll(() => wrong(person, role, notch), { message: name }).toEqual([]);
    }
  }
  await page.evaluate(() => {
    document.documentElement.dir = "ltr";
  });
  await devtools.detach();
}

test("all buttons of a call are in a finger's reach on any phone, on its side and from right to left", async ({
  browser,
}) => {
  const { ada, grace } = await two(browser, { hasTouch: true, viewport: phone });
  for (const { page } of [ada, grace]) {
    expect(await page.evaluate(() => matchMedia("(pointer: coarse)").matches), "a touch screen").toBe(true);
  }
  await button(ada, "Voice call").tap();
  await expect(ring(grace)).toBeVisible();
  await Promise.all([expectAllInReach(grace, "alertdialog"), expectAllInReach(ada, "dialog")]);
  // The longest that the ring can say.
  await grace.page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("No", "NotAllowedError"));
  });
  await button(grace, "Accept").tap();
  await expect(grace.page.getByRole("alert")).toBeVisible();
  await expectAllInReach(grace, "alertdialog");
  await button(grace, "Decline").tap();

  // The other way round, with pictures and with trouble.
  await expect(screen(ada)).toBeHidden();
  await button(ada, "Voice call").tap();
  await grace.page.reload();
  await button(grace, "Accept").tap();
  await expectLive(ada, grace);
  await button(ada, "Turn the camera on").tap();
  await expect(screen(grace).locator("figure video")).toBeVisible();
  await ada.page.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException("No", "NotAllowedError"));
  });
  await button(ada, "Share your screen").tap();
  await expect(ada.page.getByRole("alert")).toBeVisible();
  await Promise.all([expectAllInReach(ada, "dialog"), expectAllInReach(grace, "dialog")]);
  await button(grace, "Make the call small").tap();
  await expectAllInReach(grace, "region");
  await button(grace, "Hang up").tap();
});
