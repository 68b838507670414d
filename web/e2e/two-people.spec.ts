import { expect, test } from "@playwright/test";
import {
  act,
  composer,
  expectNoComplaints,
  expectProgress,
  findAndStart,
  message,
  newPerson,
  onPhone,
  openBrowser,
  openFromList,
  send,
  shownTexts,
  signUp,
  startDirect,
  submit,
  toList,
} from "./people.ts";

test("two people chat live, ticks turn to seen, and a reload keeps everything", async ({ browser }) => {
  const ada = await openBrowser(browser, "Ada Lovelace");
  const grace = await openBrowser(browser, "Grace Hopper");
  await signUp(ada);
  await signUp(grace);

  await findAndStart(ada, grace);
  await send(ada, "Hello Grace");
  await expectProgress(ada, "Hello Grace", "delivered");
  const row = grace.page.getByRole("link", { name: /Ada Lovelace.*Hello Grace/s });
  await expect(row).toContainText("1 unread message");

  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "Hello Grace")).toBeVisible();
  await expectProgress(ada, "Hello Grace", "seen");
  await toList(grace);
  await expect(row).not.toContainText("unread");
  await openFromList(grace, "Ada Lovelace");

  await composer(grace).pressSequentially("Hi");
  await expect(ada.page.getByText("Grace Hopper is typing…")).toBeVisible();
  await submit(grace);
  await expect(message(ada, "Hi")).toBeVisible();
  await expect(ada.page.getByText("Grace Hopper is typing…")).toBeHidden();
  await composer(ada).fill("**bold** and `code`");
  await submit(ada);
  await expect(message(grace, "bold and code").locator("strong")).toHaveText("bold");
  await expect(ada.page.locator("header").getByText("online")).toBeVisible();

  const before = await shownTexts(ada);
  await ada.page.reload();
  await expect(message(ada, "bold and code")).toBeVisible();
  expect(await shownTexts(ada)).toEqual(before);
  expect(await shownTexts(grace)).toEqual(before);
  expectNoComplaints(ada, grace);
});

test("edit, delete, reply, react", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "frist");
  await openFromList(grace, "Ada Lovelace");

  if (onPhone()) await act(ada, message(ada, "frist"), "Edit");
  else await composer(ada).press("ArrowUp");
  await expect(composer(ada)).toHaveValue("frist");
  await composer(ada).fill("first");
  await submit(ada);
  await expect(message(grace, "first")).toContainText("edited");

  if (onPhone()) {
    await act(grace, message(grace, "first"), "Reply");
  } else {
    await message(grace, "first").hover();
    await message(grace, "first").getByRole("button", { name: "Reply" }).click();
  }
  await send(grace, "an answer");
  await expect(message(ada, "an answer").getByRole("button", { name: /first/ })).toBeVisible();

  await act(ada, message(ada, "an answer"), "React 👍");
  const chip = message(grace, "an answer").getByRole("button", { name: /👍/ });
  await expect(chip).toHaveText("👍 1");
  await chip.click();
  await expect(message(ada, "an answer").getByRole("button", { name: /👍/ })).toHaveText("👍 2");

  await act(grace, message(grace, "an answer"), "Delete");
  await grace.page.getByRole("button", { name: "Delete" }).click();
  await expect(ada.page.getByText("This message was deleted")).toBeVisible();
  await expect(ada.page.getByText("an answer", { exact: true })).toBeHidden();
  expectNoComplaints(ada, grace);
});

test("one goes offline, both write, and after the return both lists are equal", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "before");
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "before")).toBeVisible();

  await grace.context.setOffline(true);
  await send(grace, "offline one");
  await send(grace, "offline two");
  await expectProgress(grace, "offline two", "waiting");
  await expect(grace.page.getByText("Offline, 2 messages waiting")).toBeVisible({ timeout: 60_000 });
  await send(ada, "while you were out 1");
  await send(ada, "while you were out 2");

  await grace.context.setOffline(false);
  await expectProgress(grace, "offline two", "seen");
  await expect(message(ada, "offline two")).toBeVisible();
  await expect(grace.page.getByText(/waiting/)).toBeHidden();
  const texts = await shownTexts(ada);
  expect(texts).toEqual(["before", "while you were out 1", "while you were out 2", "offline one", "offline two"]);
  expect(await shownTexts(grace)).toEqual(texts);

  await Promise.all([ada.page.reload(), grace.page.reload()]);
  await expect(message(ada, "offline two")).toBeVisible();
  await expect(message(grace, "offline two")).toBeVisible();
  expect(await shownTexts(ada)).toEqual(texts);
  expect(await shownTexts(grace)).toEqual(texts);
});

test("what was written offline survives a closed page and is sent once", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "before");
  const { page } = ada;
  const address = page.url();
  // The page itself still loads; the realtime connection and REST do not.
  await ada.context.route(/\/(socket\.io|api)\//, (route) => route.abort());
  await page.reload();
  await expect(message(ada, "before")).toBeVisible();
  await send(ada, "kept one");
  await send(ada, "kept two");
  await page.close();

  await ada.context.unroute(/\/(socket\.io|api)\//);
  ada.page = await ada.context.newPage();
  await ada.page.goto(address);
  await expectProgress(ada, "kept two", "delivered");
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "kept two")).toBeVisible();
  expect(await shownTexts(grace)).toEqual(["before", "kept one", "kept two"]);
});

test("what was sent before the conversation itself was here is on screen at the next start, without a line", async ({
  browser,
}) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await ada.context.route(/\/entries/, () => undefined);
  await startDirect(ada, grace);
  await send(ada, "sent early");
  await expectProgress(ada, "sent early", "sent");
  await ada.context.route(/\/(socket\.io|api)\//, (route) => route.abort());
  await ada.page.reload();
  await expect(message(ada, "sent early")).toBeVisible();
  await expectProgress(ada, "sent early", "sent");
  await ada.context.unrouteAll();
  await ada.page.reload();
  await expectProgress(ada, "sent early", "delivered");
  expect(await shownTexts(ada)).toEqual(["sent early"]);
});
