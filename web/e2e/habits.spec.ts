import { expect, type Locator, test } from "@playwright/test";
import {
  act,
  ask,
  composer,
  expectNoComplaints,
  expectProgress,
  message,
  newPerson,
  onPhone,
  openFromList,
  password,
  send,
  startDirect,
  write,
} from "./people.ts";
import { landscape } from "./png.ts";

// What people do without thinking about it.

/** Files as another program hands them over: by the clipboard or the mouse. */
async function hand(target: Locator, how: "paste" | "drop", name: string, text: string): Promise<void> {
  await target.evaluate(
    (element, { how, name, text }) => {
      const data = new DataTransfer();
      data.items.add(new File([text], name, { type: "text/plain" }));
      const all = { bubbles: true, cancelable: true };
      if (how === "paste") element.dispatchEvent(new ClipboardEvent("paste", { ...all, clipboardData: data }));
      else {
        for (const type of ["dragenter", "dragover", "drop"]) {
          element.dispatchEvent(new DragEvent(type, { ...all, dataTransfer: data }));
        }
      }
    },
    { how, name, text },
  );
}

// A phone has no mouse that drops.
test("files by paste and by drop; an empty one is refused", { tag: "@desktop" }, async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  const { page } = ada;
  await hand(composer(ada), "paste", "pasted.txt", "one");
  await expect(page.getByRole("button", { name: "Remove pasted.txt" })).toBeVisible();
  await hand(page.locator("body"), "drop", "dropped.txt", "two");
  await expect(page.getByRole("button", { name: "Remove dropped.txt" })).toBeVisible();
  await hand(composer(ada), "paste", "nothing.txt", "");
  await expect(page.getByText("“nothing.txt” is empty.")).toBeVisible();
  await send(ada, "both of them");
  await expectProgress(ada, "both of them", "delivered");
  await expect(message(ada, "both of them").getByRole("link", { name: /pasted.txt/ })).toBeVisible();
  await expect(message(ada, "both of them").getByRole("link", { name: /dropped.txt/ })).toBeVisible();
  expectNoComplaints(ada);
});

test("an upload that takes too long is taken back; nobody gets it", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  const { page } = ada;
  await page.route("**/api/v1/files", () => undefined);
  await page
    .locator("form input[type=file]")
    .setInputFiles({ name: "slow.txt", mimeType: "text/plain", buffer: Buffer.from("three") });
  await send(ada, "too slow");
  await expectProgress(ada, "too slow", "waiting");
  await message(ada, "too slow").getByRole("button", { name: "Cancel" }).click();
  await expect(message(ada, "too slow")).toBeHidden();
  await page.unroute("**/api/v1/files");
  await send(ada, "never mind");
  await expectProgress(ada, "never mind", "delivered");
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "never mind")).toBeVisible();
  await expect(message(grace, "too slow")).toBeHidden();
  expectNoComplaints(ada, grace);
});

test("a quote leads to what it quotes, a copied link to its message; what comes in is announced", async ({
  browser,
}) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await send(ada, "the very first");
  await expectProgress(ada, "the very first", "delivered");
  const filler = Array.from({ length: 30 }, (_, n) => `filler ${String(n)}\nin two lines`);
  await write(ada, id, filler);
  await expect(message(ada, "filler 29")).toBeInViewport();
  const { page } = ada;
  await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await openFromList(grace, "Ada Lovelace");
  // What is announced does not stay.
  await page.evaluate(() => {
    const announced: string[] = [];
    Object.assign(window, { announced });
    const place = document.querySelector("[role=log][aria-live=polite]");
    if (!place) throw new Error("there is no place that screen readers listen to");
    new MutationObserver(() => announced.push(place.textContent.trim())).observe(place, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  const { items } = await ask<{ items: { seq: number; text: string }[] }>(
    ada,
    "GET",
    `${page.url().replace(/.*\/c\//, "/conversations/")}/messages?limit=100`,
  );
  const first = items.find(({ text }) => text === "the very first")?.seq ?? 0;
  const data = { client_id: "q-1", text: "an answer to it", reply_to: first };
  await ask(grace, "POST", `${page.url().replace(/.*\/c\//, "/conversations/")}/messages`, data);
  await expect(message(ada, "an answer to it")).toBeInViewport();
  await expect
    .poll(() => page.evaluate(() => (window as unknown as { announced: string[] }).announced))
    .toContain("Grace Hopper: an answer to it");
  await message(ada, "an answer to it")
    .getByRole("button", { name: /the very first/ })
    .click();
  const target = page.locator(`article[data-seq="${String(first)}"]`);
  await expect(target).toBeInViewport();

  await act(ada, target, "Copy link");
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toMatch(new RegExp(`/c/[0-9a-f-]+\\?at=${String(first)}$`));
  await grace.page.goto(link);
  await expect(grace.page.locator(`article[data-seq="${String(first)}"]`)).toBeInViewport();
  expectNoComplaints(ada, grace);
});

test("emoji are searched for, and those used last come first", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "hello");
  const { page } = ada;
  await act(ada, message(ada, "hello"), "Add a reaction");
  await page.getByRole("searchbox", { name: "Search emoji" }).fill("no such thing");
  await expect(page.getByText("No emoji by that name.")).toBeVisible();
  await page.getByRole("searchbox", { name: "Search emoji" }).fill("rocket");
  if (onPhone()) {
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /🚀|rocket/ })
      .tap();
  } else {
    await page.keyboard.press("Enter");
  }
  await expect(message(ada, "hello").getByRole("button", { name: /🚀/ })).toBeVisible();
  // The keyboard of a phone has emoji of its own: there the picker is for reactions alone.
  if (onPhone()) await act(ada, message(ada, "hello"), "Add a reaction");
  else await page.getByRole("button", { name: "Emoji" }).click();
  await expect(page.getByText("Recent", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: /🚀/ }).last().click();
  if (onPhone()) await expect(message(ada, "hello").getByRole("button", { name: /🚀/ })).toBeHidden();
  else await expect(composer(ada)).toHaveValue(/🚀/);
  expectNoComplaints(ada, grace);
});

test("from picture to picture, by the arrow keys or the arrows on them", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  const { page } = ada;
  await page.locator("form input[type=file]").setInputFiles(
    [0.1, 0.5].map((turn, n) => ({
      name: `sea-${String(n + 1)}.png`,
      mimeType: "image/png",
      buffer: landscape(300, 200, turn),
    })),
  );
  await send(ada, "two seas");
  await message(ada, "two seas").getByRole("link", { name: /sea-1/ }).click();
  const shown = page.getByRole("dialog").getByRole("img");
  await expect(shown).toHaveAttribute("alt", /sea-1/);
  if (onPhone()) await page.getByRole("button", { name: "Next photo" }).tap();
  else await page.keyboard.press("ArrowRight");
  await expect(shown).toHaveAttribute("alt", /sea-2/);
  if (onPhone()) await page.getByRole("button", { name: "Previous photo" }).tap();
  else await page.keyboard.press("ArrowLeft");
  await expect(shown).toHaveAttribute("alt", /sea-1/);
  if (onPhone()) await page.getByRole("button", { name: "Close" }).tap();
  else await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  expectNoComplaints(ada, grace);
});

test("a password is changed, and the old one is not let in any more", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const { page } = ada;
  await page.goto("/settings/security");
  await page.getByLabel("Current password").fill("not the password");
  await page.getByLabel("New password").fill("another long sentence");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("This is not your current password.")).toBeVisible();
  await page.getByLabel("Current password").fill(password);
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByText("Your password is changed.")).toBeVisible();
  const logIn = (secret: string) =>
    ada.context.request.post("/api/v1/auth/login", { data: { username: ada.username, password: secret } });
  expect((await logIn(password)).status()).toBe(401);
  expect((await logIn("another long sentence")).ok()).toBe(true);
});
