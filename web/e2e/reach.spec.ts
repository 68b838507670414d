import { expect, type Page, test } from "@playwright/test";
import { composer, message, newPerson, onPhone, password, send, startDirect } from "./people.ts";

/** Presses Tab until what has the focus is called so. */
async function tabTo(page: Page, name: string | RegExp, key = "Tab"): Promise<void> {
  const focused = page.locator(":focus");
  for (let presses = 0; presses < 120; presses += 1) {
    await page.keyboard.press(key);
    if ((await focused.count()) === 0) continue;
    const called = await focused.evaluate((element) => element.getAttribute("aria-label") ?? element.textContent);
    if (typeof name === "string" ? called.trim() === name : name.test(called)) return;
  }
  throw new Error(`nothing called ${String(name)} takes the focus`);
}

/** Whether the focus is in a dialog, or nowhere in the page. */
const focusIsInDialog = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null);

// A phone has no keyboard to do it by.
test("everything by keyboard alone", { tag: "@desktop" }, async ({ browser }) => {
  test.setTimeout(600_000);
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "first");
  const { page } = grace;
  await grace.context.clearCookies();
  await page.goto("/login");
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();

  // Log in.
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Username")).toBeFocused();
  await page.keyboard.type(grace.username);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "New conversation" }).first()).toBeVisible();

  // Open a conversation, write.
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").pressSequentially("ada");
  await expect(page.getByRole("option", { name: /Ada Lovelace/ }).first()).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(composer(grace)).toBeFocused();
  await page.keyboard.type("typed");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("in two lines");
  await page.keyboard.press("Enter");
  await expect(message(ada, "typed")).toContainText("in two lines");

  // Edit what was sent last; Escape leaves it as it was.
  await page.keyboard.press("ArrowUp");
  await expect(composer(grace)).toHaveValue("typed\nin two lines");
  await page.keyboard.press("Escape");
  await expect(composer(grace)).toHaveValue("");
  await page.keyboard.press("ArrowUp");
  await expect(composer(grace)).toHaveValue("typed\nin two lines");
  await page.keyboard.press("End");
  await page.keyboard.type(", edited");
  await page.keyboard.press("Enter");
  await expect(message(ada, "typed")).toContainText("in two lines, edited");

  // On to the messages: react by the menu, reply by its key, delete and think better of it.
  await tabTo(page, "Messages", "Shift+Tab");
  await page.keyboard.press("ArrowUp");
  await expect(message(grace, "typed")).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(message(grace, "first")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "React 👍" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(ada.page.getByRole("button", { name: /👍 1/ })).toBeVisible();
  await expect(message(grace, "first")).toBeFocused();
  await page.keyboard.press("r");
  await expect(composer(grace)).toBeFocused();
  await page.keyboard.type("an answer");
  await page.keyboard.press("Enter");
  await expect(message(ada, "an answer")).toContainText("first");
  await tabTo(page, "Messages", "Shift+Tab");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Delete");
  const asks = page.getByRole("dialog", { name: "Delete this message?" });
  await expect(asks).toBeVisible();
  for (let presses = 0; presses < 4; presses += 1) {
    await page.keyboard.press("Tab");
    expect(await focusIsInDialog(page)).toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(asks).toBeHidden();
  await expect(message(grace, "an answer")).toBeFocused();

  // Search; what is sent is found a moment later.
  await page.keyboard.press("Control+k");
  const results = page.getByRole("region", { name: "Messages found" });
  await expect(async () => {
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await page.getByRole("combobox").pressSequentially("answer");
    await expect(results.getByRole("link").first()).toBeVisible({ timeout: 4_000 });
  }).toPass({ timeout: 60_000 });
  await tabTo(page, /an answer/);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/find=answer/);

  // Out of the conversation, to the settings; a dialog there and back.
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/$/);
  await tabTo(page, "Settings");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Settings" })).toBeVisible();
  await tabTo(page, "Appearance");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("radio", { name: "Dracula" })).toBeVisible();
  await tabTo(page, "Notifications", "Shift+Tab");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("link", { name: "Notifications" })).toBeFocused();
});

test("another language and another theme, kept over a reload", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const { page } = ada;
  // A phone shows the page without the settings that it is part of.
  const heading = page.getByRole("heading", { name: onPhone() ? "Aussehen" : "Einstellungen" });
  await page.goto("/settings/appearance");
  await page.getByRole("combobox", { name: "Language" }).selectOption("Deutsch");
  await expect(heading).toBeVisible();
  await page.getByRole("radio", { name: "Dracula" }).click();
  await page.reload();
  await expect(heading).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dracula");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
});

test("one device logs another out; logging out leaves nothing behind", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const second = await browser.newContext();
  const page = await second.newPage();
  await page.goto("/login");
  await page.getByLabel("Username").fill(ada.username);
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery staple");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("link", { name: "New conversation" }).first()).toBeVisible();

  await ada.page.goto("/settings/security");
  await ada.page.getByRole("button", { name: /^Log out .*(Chrome|Linux)/ }).click();
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();

  if (onPhone()) await ada.page.getByRole("link", { name: "Back", exact: true }).tap();
  await ada.page.getByRole("button", { name: "Log out", exact: true }).click();
  await expect(ada.page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  const left = await ada.page.evaluate(async () => {
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const open = indexedDB.open("parley");
      open.onsuccess = () => {
        resolve(open.result);
      };
      open.onerror = () => {
        reject(new Error("cannot open"));
      };
    });
    const counts = [...db.objectStoreNames].map(
      (name) =>
        new Promise<number>((resolve) => {
          const count = db.transaction(name).objectStore(name).count();
          count.onsuccess = () => {
            resolve(count.result);
          };
        }),
    );
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  });
  expect(left).toBe(0);
});
