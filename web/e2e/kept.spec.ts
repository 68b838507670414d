import { expect, test } from "@playwright/test";
import { ask, composer, expectNoComplaints, message, newPerson, openFromList, send, startDirect } from "./people.ts";

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
  await grace.page.keyboard.press("Escape");
  await expect(composer(grace)).toBeHidden();
  await send(ada, "two");
  const row = () => grace.page.getByRole("link", { name: /Ada Lovelace/ }).first();
  await expect(row()).toContainText("1 unread message");

  await grace.context.setOffline(true);
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "two")).toBeVisible();
  await expect(row()).not.toContainText("unread");
  const address = new URL("/settings", grace.page.url()).href;
  await grace.page.close();
  await grace.context.setOffline(false);
  expect(await atServer()).toBe(1);

  grace.page = await grace.context.newPage();
  await grace.page.goto(address);
  await expect.poll(atServer).toBe(0);
  await expect(row()).not.toContainText("unread");
  expectNoComplaints(ada, grace);
});
