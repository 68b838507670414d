import { expect, type Page, test } from "@playwright/test";
import { ask, expectNoComplaints, message, newPerson, type Person, phone, send, startDirect } from "./people.ts";
import { landscape } from "./png.ts";

// The browser's own way back, as people use it: the button of a phone, a swipe, Alt and an arrow.

const where = (page: Page): string => {
  const { pathname, search } = new URL(page.url());
  return (pathname.startsWith("/c/") ? "/c" : pathname) + search;
};
const pane = (page: Page) => page.getByRole("complementary");

async function conversation(ada: Person, grace: Person): Promise<string> {
  const id = await startDirect(ada, grace);
  await ada.page
    .locator("form input[type=file]")
    .setInputFiles({ name: "sea.png", mimeType: "image/png", buffer: landscape(300, 200) });
  await send(ada, "a picture");
  await expect(message(ada, "a picture").getByRole("link", { name: /sea.png/ })).toBeVisible();
  return id;
}

test("on a phone: in by taps, out by the arrows of the page or the phone's own, and never in again", async ({
  browser,
}) => {
  const ada = await newPerson(browser, "Ada Lovelace", { viewport: phone });
  const grace = await newPerson(browser, "Grace Hopper");
  await conversation(ada, grace);
  const { page } = ada;
  await page.goto("/");
  await page.getByRole("link", { name: /Grace Hopper/ }).click();
  await page.getByRole("link", { name: /^Grace Hopper/ }).click();
  await expect(pane(page).getByRole("heading", { name: "Details" })).toBeVisible();
  await page.getByRole("link", { name: "Shared files" }).click();
  await expect(pane(page).getByRole("img", { name: "sea.png" })).toBeVisible();
  const back = page.getByRole("link", { name: "Back" });
  await back.click();
  await expect.poll(() => where(page)).toBe("/c?info=details");
  await back.click();
  await expect.poll(() => where(page)).toBe("/c");
  await message(ada, "a picture")
    .getByRole("link", { name: /sea.png/ })
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await expect.poll(() => where(page)).toBe("/c");
  await expect(page.getByRole("dialog")).toBeHidden();
  // What was left is not come to again.
  await page.goBack();
  await expect.poll(() => where(page)).toBe("/");

  // The phone's own way out of each.
  await page.getByRole("link", { name: /Grace Hopper/ }).click();
  await message(ada, "a picture")
    .getByRole("link", { name: /sea.png/ })
    .click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("dialog")).toBeHidden();
  await back.click();
  await expect.poll(() => where(page)).toBe("/");
  await expect(page.getByRole("link", { name: "New conversation" }).first()).toBeVisible();
  expectNoComplaints(ada, grace);
});

test("who came by a link goes up from there, page by page, and then out", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace", { viewport: phone });
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await conversation(ada, grace);
  const page = await ada.context.newPage();
  await page.goto("/signup");
  await page.goto(`/c/${id}?info=files`);
  const back = page.getByRole("link", { name: "Back" });
  for (const place of ["/c?info=details", "/c", "/"]) {
    await back.click();
    await expect.poll(() => where(page)).toBe(place);
  }
  await page.goBack();
  // Who is signed in has nothing to sign up for: the first page of the tab led on to the list.
  await expect.poll(() => where(page)).toMatch(/^\/(?:signup)?$/);
});

test("Escape goes the same way as the arrows; what is pinned is gone to on a phone, too", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await conversation(ada, grace);
  const { page } = ada;
  await page.goto("/");
  await page.getByRole("link", { name: /Grace Hopper/ }).click();
  await page.getByRole("link", { name: "Details" }).click();
  await expect(pane(page)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(pane(page)).toBeHidden();
  await page.keyboard.press("Escape");
  await expect.poll(() => where(page)).toBe("/");
  await page.goForward();
  await expect.poll(() => where(page)).toBe("/c");

  const { items } = await ask<{ items: { seq: number }[] }>(ada, "GET", `/conversations/${id}/messages`);
  const seq = items.at(-1)?.seq ?? 0;
  await ask(ada, "PUT", `/conversations/${id}/messages/${String(seq)}/pin`);
  await page.setViewportSize(phone);
  await page.goto(`/c/${id}?info=pins`);
  await pane(page)
    .getByRole("link", { name: /a picture/ })
    .click();
  await expect(message(ada, "a picture")).toBeInViewport();
  await page.goBack();
  await expect(pane(page).getByRole("link", { name: /a picture/ })).toBeVisible();
  expectNoComplaints(ada, grace);
});

test("the archive has an address and is come back to from what is in it", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace", { viewport: phone });
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await conversation(ada, grace);
  await ask(ada, "PATCH", `/conversations/${id}/preferences`, { archived: true });
  const { page } = ada;
  await page.goto("/");
  await page.getByRole("button", { name: "1 archived conversation" }).click();
  await expect.poll(() => where(page)).toBe("/?archive=true");
  await page.reload();
  await page.getByRole("link", { name: /Grace Hopper/ }).click();
  await expect(message(ada, "a picture")).toBeVisible();
  await page.getByRole("link", { name: "Back" }).click();
  await expect.poll(() => where(page)).toBe("/?archive=true");
  await expect(page.getByRole("link", { name: /Grace Hopper/ })).toBeVisible();
  await page.getByRole("button", { name: "Back to all conversations" }).click();
  await expect.poll(() => where(page)).toBe("/");
  await expect(page.getByRole("link", { name: /Grace Hopper/ })).toBeHidden();
  expectNoComplaints(ada, grace);
});
