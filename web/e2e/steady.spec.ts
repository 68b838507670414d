import { expect, type Page, test } from "@playwright/test";
import { desktop, expectNoComplaints, expectProgress, newPerson, phone, send, startDirect } from "./people.ts";

// Nothing moves under one's eyes, and the focus is not lost.

/** Where everything stands that a person looks at. */
const places = (page: Page): Promise<string[]> =>
  page.locator("header, nav a, article, form, h1").evaluateAll((all) =>
    all.map((one) => {
      const { left, top, width, height } = one.getBoundingClientRect();
      return `${one.tagName} ${[left, top, width, height].map(Math.round).join(" ")}`;
    }),
  );

for (const [size, viewport] of Object.entries({ desktop, phone })) {
  test(`that there is no line moves nothing on a ${size}`, async ({ browser }) => {
    const ada = await newPerson(browser, "Ada Lovelace", { viewport });
    const grace = await newPerson(browser, "Grace Hopper");
    await startDirect(ada, grace);
    await send(ada, "here");
    const { page } = ada;
    const screens = [
      (): Promise<unknown> => Promise.resolve(),
      () => page.goto("/"),
      () => page.goto("/settings/appearance"),
    ];
    for (const open of screens) {
      await open();
      await expect(page.getByRole("banner").or(page.locator("header")).first()).toBeVisible();
      await expect.poll(async () => (await places(page)).join() === (await places(page)).join()).toBe(true);
      const before = await places(page);
      expect(before.length).toBeGreaterThan(0);
      await ada.context.setOffline(true);
      await expect(page.getByRole("status").getByText("Offline")).toBeVisible();
      await expect(page.getByRole("status").getByText("Offline")).toBeInViewport({ ratio: 1 });
      expect(await places(page)).toEqual(before);
      await ada.context.setOffline(false);
      await expect(page.getByRole("status").getByText(/Offline|Connecting/)).toBeHidden({ timeout: 60_000 });
      expect(await places(page)).toEqual(before);
    }
    expectNoComplaints(ada);
  });
}

test("a network that goes is told at once, and one that comes back is used at once", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const { page } = ada;
  await page.clock.install();
  await startDirect(ada, grace);
  await send(ada, "there is a line");
  await expectProgress(ada, "there is a line", "delivered");
  const note = page.getByRole("status").getByText(/Offline|Connecting/);
  await expect(note).toBeHidden();

  // From here on time stands still for the page: what it does, it does without waiting.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);
  await ada.context.setOffline(true);
  await expect(page.getByRole("status").getByText("Offline")).toBeVisible();
  // Many tries fail, and the next one is seconds away.
  for (let tries = 0; tries < 30; tries += 1) await page.clock.runFor(1_000);
  await ada.context.setOffline(false);
  await expect(note).toBeHidden();
  await page.clock.resume();
  await send(ada, "there is one again");
  await expectProgress(ada, "there is one again", "delivered");
  expectNoComplaints(ada, grace);
});

test("from the settings to a page of them and back by keyboard, the focus goes along", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const { page } = ada;
  await page.goto("/settings");
  const link = page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Appearance" });
  await link.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Appearance" })).toBeVisible();
  await expect(link).toBeFocused();

  await page.setViewportSize(phone);
  await page.goto("/settings");
  await link.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Appearance" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Back" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/settings$/);
  await expect(link).toBeFocused();
  expectNoComplaints(ada);
});
