import { expect, type Page, test } from "@playwright/test";
import axe from "axe-core";
import { composer, message, newPerson, openFromList, type Person, send, startDirect } from "./people.ts";

interface Finding {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe finds serious or critical on a page (WCAG 2.2 A and AA). */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const page = window as unknown as { axe: { run: (o: unknown) => Promise<{ violations: Finding[] }> } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    return (await page.axe.run({ runOnly: { type: "tag", values: tags } })).violations;
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
}

async function expectReachable(person: Person, path: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    // Half-faded colours are nobody's: without motion everything is there at once.
    await person.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await person.page.waitForTimeout(300);
    expect(await findings(person.page), `${path}, ${colorScheme}`).toEqual([]);
  }
}

test("axe finds nothing serious on any screen", async ({ browser }) => {
  test.setTimeout(900_000);
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await expectReachable(ada, "empty list");
  await startDirect(ada, grace);
  await send(ada, "Hello");
  await openFromList(grace, "Ada Lovelace");
  await send(grace, "An answer with `code` and https://example.org/", "An answer");
  await message(ada, "An answer").click({ button: "right" });
  await expectReachable(ada, "menu");
  await ada.page.getByRole("menuitem", { name: "React 👍" }).click();
  await expectReachable(ada, "conversation");
  for (const path of ["/new", "/new/group", "/settings", "/settings/security", "/settings/appearance"]) {
    await ada.page.goto(path);
    await expect(ada.page.getByRole("heading", { level: 1 })).toBeVisible();
    await expectReachable(ada, path);
  }
  await ada.page.keyboard.press("Control+k");
  await expect(ada.page.getByRole("combobox")).toBeVisible();
  await expectReachable(ada, "switcher");
  const stranger = await browser.newPage();
  await stranger.goto("/login");
  await expect(stranger.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  expect(await findings(stranger)).toEqual([]);
});

test("the way through a conversation by keyboard alone", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "first");
  await openFromList(grace, "Ada Lovelace");
  const { page } = grace;
  await page.goto("/");
  await expect(page.getByRole("link", { name: "New conversation" })).toBeVisible();
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
  await page.keyboard.press("ArrowUp");
  await expect(composer(grace)).toHaveValue("typed\nin two lines");
  await page.keyboard.press("Escape");
  await expect(composer(grace)).toHaveValue("");
  await page.keyboard.press("Escape");
  await expect(page).toHaveURL(/\/$/);
});

test("another language and another theme, kept over a reload", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const { page } = ada;
  await page.goto("/settings/appearance");
  await page.getByRole("combobox", { name: "Language" }).selectOption("Deutsch");
  await expect(page.getByRole("heading", { name: "Einstellungen" })).toBeVisible();
  await page.getByRole("radio", { name: "Dracula" }).click();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Einstellungen" })).toBeVisible();
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
  await expect(page.getByRole("link", { name: "New conversation" })).toBeVisible();

  await ada.page.goto("/settings/security");
  await ada.page.getByRole("button", { name: /^Log out .*(Chrome|Linux)/ }).click();
  await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();

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
