import { expect, type Page, test } from "@playwright/test";
import { ask, expectNoComplaints, expectProgress, message, newPerson, phone, send, startDirect } from "./people.ts";

const pane = (page: Page) => page.getByRole("complementary", { name: "Search messages" });
const results = (page: Page) => pane(page).getByRole("list", { name: "Messages found" }).getByRole("listitem");

test("a search has an address: it is the same after a reload, for others, and on the way back; by person, day and kind", async ({
  browser,
}) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await send(ada, "The **lighthouse** keeper", "The lighthouse keeper");
  await send(ada, "see [the lighthouse](https://example.org/lighthouse)", "see the lighthouse");
  await expectProgress(ada, "see the lighthouse", "delivered");
  const reply = { client_id: "r-1", text: "`lighthouse` is a word" };
  await ask(grace, "POST", `/conversations/${id}/messages`, reply);
  const { page } = ada;
  // What was sent is found about a second later.
  const found = async (query: string): Promise<number> =>
    (await ask<{ items: unknown[] }>(ada, "GET", `/search?conversation_id=${id}&${query}`)).items.length;
  await expect.poll(() => found("q=lighthouse"), { timeout: 60_000 }).toBe(3);

  await page.goto(`/c/${id}?info=search`);
  await pane(page).getByRole("searchbox").first().fill("lighthouse");
  await expect(results(page)).toHaveCount(3);
  await expect(page).toHaveURL(/info=search&q=lighthouse/);
  // Marks are not shown; what was looked for is marked where it stands.
  await expect(results(page).nth(0)).toContainText("lighthouse is a word");
  await expect(results(page).nth(1)).toContainText("see the lighthouse");
  await expect(results(page).nth(2)).toContainText("The lighthouse keeper");
  await expect(results(page).locator("mark")).toHaveText(["lighthouse", "lighthouse", "lighthouse"]);

  await pane(page).getByRole("button", { name: "Person and date" }).click();
  await pane(page).getByRole("list", { name: "Sent by anyone" }).getByRole("button", { name: "Grace Hopper" }).click();
  await expect(results(page)).toHaveCount(1);
  await pane(page).getByLabel("Until").fill("2001-01-01");
  await expect(pane(page).getByText("Nothing was found.")).toBeVisible();
  await pane(page).getByLabel("Until").fill("");
  await expect(results(page)).toHaveCount(1);
  await pane(page).getByLabel("Since").fill("2001-01-01");
  await expect(page).toHaveURL(/since=2001-01-01/);
  await page.reload();
  await expect(pane(page).getByRole("searchbox").first()).toHaveValue("lighthouse");
  await expect(pane(page).getByLabel("Since")).toHaveValue("2001-01-01");
  await expect(results(page)).toHaveCount(1);
  await pane(page).getByRole("button", { name: "Sent by Grace Hopper: remove" }).click();
  await pane(page).getByRole("button", { name: "Links" }).click();
  await expect(results(page)).toHaveCount(1);
  await expect(results(page)).toContainText("see the lighthouse");

  // On a phone the messages take the place of the search, and back is back.
  await page.setViewportSize(phone);
  await results(page).getByRole("link").click();
  await expect(message(ada, "see the lighthouse")).toBeInViewport();
  await page.goBack();
  await expect(pane(page).getByRole("searchbox").first()).toHaveValue("lighthouse");
  await expect(results(page)).toHaveCount(1);
  await pane(page).getByRole("link", { name: "Back" }).click();
  await expect(page).toHaveURL(new RegExp(`/c/${id}$`));
  expectNoComplaints(ada, grace);
});
