import { expect, type Page, test } from "@playwright/test";
import {
  ask,
  desktop,
  expectNoComplaints,
  message,
  newPerson,
  openFromList,
  phone,
  send,
  startDirect,
  write,
} from "./people.ts";

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

test("what came while the page was closed is unread where it opens, not read by opening", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await send(ada, "first");
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "first")).toBeVisible();
  const unread = async (): Promise<number> =>
    (await ask<{ unread: number }>(grace, "GET", `/conversations/${id}`)).unread;
  await expect.poll(unread).toBe(0);
  const address = grace.page.url();
  await grace.page.goto("about:blank");
  const texts = Array.from({ length: 150 }, (_, n) => `${String(n)} ${"line\n".repeat(n % 9)}`);
  await write(ada, id, texts);

  await grace.page.goto(address);
  // The device knows of "first" only, and of nothing that is unread.
  await expect(grace.page.getByText("New", { exact: true })).toBeInViewport();
  await expect(message(grace, /^0 /)).toBeInViewport();
  expect(await unread()).toBeGreaterThan(100);
  expectNoComplaints(ada, grace);
});

test("thousands of shared files scroll like ten", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  const { page } = ada;
  // Thousands of uploads would take minutes: the server's answers are made here.
  const file = (n: number) => ({
    attachment: { id: `file-${String(n)}`, name: `file ${String(n)}.txt`, size: 10, mime: "text/plain" },
    seq: 5_000 - n,
    sender_id: ada.id,
    at: "2026-01-01T00:00:00.000Z",
  });
  await page.route(/\/conversations\/[^/]+\/files\?/, async (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const from = Number(asked.get("cursor") ?? 0);
    const items = asked.get("kind") === "other" ? Array.from({ length: 40 }, (_, n) => file(from + n)) : [];
    await route.fulfill({ json: { items, next_cursor: items.length > 0 && from < 3_000 ? String(from + 40) : null } });
  });
  await page.goto(`/c/${id}?info=files`);
  const pane = page.getByRole("complementary", { name: "Shared files" });
  await pane.getByRole("tab", { name: "Files" }).click();
  const rows = pane.getByRole("listitem");
  await expect(rows.first()).toContainText("file 0.txt");
  const deepest = async (): Promise<number> => {
    await pane.getByRole("list").evaluate((list) => {
      list.parentElement?.scrollTo(0, list.parentElement.scrollHeight);
    });
    return Number(/file (\d+)/.exec(await rows.last().innerText())?.[1]);
  };
  await expect.poll(deepest, { timeout: 60_000, intervals: [50] }).toBeGreaterThan(400);
  expect(await rows.count()).toBeLessThan(80);
  expectNoComplaints(ada);
});
