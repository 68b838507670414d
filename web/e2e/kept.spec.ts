import { expect, test } from "@playwright/test";
import {
  ask,
  composer,
  expectNoComplaints,
  message,
  newPerson,
  onPhone,
  openFromList,
  send,
  startDirect,
  toList,
} from "./people.ts";

// What a page knew when it went, or when its person looked elsewhere, is not lost.

test("what was read offline is read for the server once there is a line, also by another page", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await send(ada, "one");
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "one")).toBeVisible();
  const atServer = async (): Promise<number> =>
    (await ask<{ unread: number }>(grace, "GET", `/conversations/${id}`)).unread;
  await expect.poll(atServer).toBe(0);
  if (onPhone()) await toList(grace);
  else await grace.page.keyboard.press("Escape");
  await expect(composer(grace)).toBeHidden();
  await send(ada, "two");
  const row = () => grace.page.getByRole("link", { name: /Ada Lovelace/ }).first();
  await expect(row()).toContainText("1 unread message");

  await grace.context.setOffline(true);
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "two")).toBeVisible();
  await toList(grace);
  await expect(row()).not.toContainText("unread");
  const address = new URL("/settings", grace.page.url()).href;
  await grace.page.close();
  await grace.context.setOffline(false);
  expect(await atServer()).toBe(1);

  grace.page = await grace.context.newPage();
  await grace.page.goto(address);
  await expect.poll(atServer).toBe(0);
  await toList(grace);
  await expect(row()).not.toContainText("unread");
  expectNoComplaints(ada, grace);
});

test("files that were chosen wait in their conversation while one looks into another", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const linus = await newPerson(browser, "Linus Park");
  await startDirect(ada, grace);
  await send(ada, "to Grace");
  await startDirect(ada, linus);
  await send(ada, "to Linus");
  await openFromList(ada, "Grace Hopper");
  const chosen = ada.page.getByRole("button", { name: "Remove notes.txt" });
  await ada.page
    .locator("input[type=file]")
    .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("notes") });
  await expect(chosen).toBeVisible();

  await openFromList(ada, "Linus Park");
  await expect(message(ada, "to Linus")).toBeVisible();
  await expect(chosen).toBeHidden();
  await send(ada, "nothing with it");
  await openFromList(ada, "Grace Hopper");
  await expect(chosen).toBeVisible();
  await send(ada, "here they are");
  await expect(message(ada, "here they are")).toContainText("notes.txt");
  await expect(chosen).toBeHidden();
  await openFromList(ada, "Linus Park");
  await expect(message(ada, "nothing with it")).not.toContainText("notes.txt");
  expectNoComplaints(ada);
});

// With the keys of a keyboard: a phone shows one tab at a time.
test(
  "two tabs hold one draft: what was typed last, and each caret where it was",
  { tag: "@desktop" },
  async ({ browser }) => {
    const ada = await newPerson(browser, "Ada Lovelace");
    const grace = await newPerson(browser, "Grace Hopper");
    await startDirect(ada, grace);
    await send(ada, "before");
    const second = { ...ada, page: await ada.context.newPage() };
    await second.page.goto(ada.page.url());
    await expect(message(second, "before")).toBeVisible();
    await composer(ada).pressSequentially("one two");
    await expect(composer(second)).toHaveValue("one two");

    // A caret in the middle of a text stays there while the other tab goes on with it.
    await composer(second).focus();
    await composer(second).press("Home");
    await composer(second).press("ArrowRight");
    await composer(ada).press("End");
    await composer(ada).pressSequentially(" three");
    await expect(composer(second)).toHaveValue("one two three");
    await composer(second).pressSequentially("!");
    await expect(composer(ada)).toHaveValue("o!ne two three");
    await composer(ada).press("Enter");
    await expect(message(second, "o!ne two three")).toBeVisible();
    await expect(composer(second)).toHaveValue("");
    await second.page.reload();
    await expect(message(second, "o!ne two three")).toBeVisible();
    await expect(composer(second)).toHaveValue("");
    expectNoComplaints(ada);
  },
);
