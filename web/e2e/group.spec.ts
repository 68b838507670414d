import { expect, test } from "@playwright/test";
import {
  composer,
  expectNoComplaints,
  expectProgress,
  message,
  newPerson,
  onPhone,
  openDetails,
  openFromList,
  type Person,
  send,
  toConversation,
} from "./people.ts";

async function newGroup(from: Person, title: string, others: Person[]): Promise<void> {
  const { page } = from;
  await page.getByRole("link", { name: "New conversation" }).first().click();
  await page.getByRole("link", { name: "New group" }).click();
  await page.getByLabel("Group name").fill(title);
  for (const other of others) {
    await page.getByRole("searchbox").fill(other.username);
    await page.getByRole("button", { name: new RegExp(other.username) }).click();
  }
  await page.getByRole("button", { name: /Create group/ }).click();
  await expect(composer(from)).toBeVisible();
}

test("a group of three: write, see who has seen, add, promote, rename, remove, leave", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const linus = await newPerson(browser, "Linus Park");
  await newGroup(ada, "Engines", [grace]);
  await send(ada, "Welcome to the group");
  await openFromList(grace, "Engines");
  await expectProgress(ada, "Welcome to the group", "seen");
  await expect(ada.page.getByRole("button", { name: "Seen by 1" })).toBeVisible();

  // Somebody is added: from now on they see what is said.
  await openDetails(ada);
  await ada.page.getByRole("link", { name: "Add people" }).click();
  await ada.page.getByRole("searchbox").fill(linus.username);
  await ada.page.getByRole("button", { name: new RegExp(linus.username) }).click();
  await ada.page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(ada.page.getByRole("complementary").getByText("3 members")).toBeVisible();
  await expect(grace.page.getByText("Ada Lovelace added Linus Park")).toBeVisible();
  await openFromList(linus, "Engines");
  await send(linus, "Thank you for having me");
  await toConversation(ada);
  await expect(message(ada, "Thank you for having me")).toContainText("Linus Park");
  await expect(message(grace, "Thank you for having me")).toBeVisible();
  await expect(linus.page.getByText("Welcome to the group")).toBeHidden();

  // Roles and the name.
  await openDetails(ada);
  await ada.page.getByRole("button", { name: "Actions for Grace Hopper" }).click();
  await ada.page.getByRole("menuitem", { name: "Make admin" }).click();
  await expect(grace.page.getByText("Ada Lovelace made Grace Hopper an admin")).toBeVisible();
  await openDetails(grace);
  await grace.page.getByRole("button", { name: "Rename the group" }).click();
  await grace.page.getByRole("textbox", { name: "Group name" }).fill("Difference engines");
  await grace.page.getByRole("textbox", { name: "Group name" }).press("Enter");
  await expect(linus.page.getByRole("heading", { name: "Difference engines" })).toBeVisible();

  // Out: one is removed, one leaves.
  await grace.page.getByRole("button", { name: "Actions for Linus Park" }).click();
  await grace.page.getByRole("menuitem", { name: "Remove from group" }).click();
  await grace.page.getByRole("button", { name: "Remove from group" }).click();
  await expect(linus.page.getByText("This conversation is not here")).toBeVisible();
  await toConversation(ada);
  await expect(ada.page.getByText("Grace Hopper removed Linus Park")).toBeVisible();
  await grace.page.getByRole("button", { name: "Leave group" }).click();
  await grace.page.getByRole("dialog").getByRole("button", { name: "Leave group" }).click();
  await expect(ada.page.getByText("Grace Hopper left")).toBeVisible();
  await expect(grace.page.getByRole("link", { name: /Difference engines/ })).toBeHidden();
  await expect(message(ada, "Thank you for having me")).toBeVisible();
  expectNoComplaints(ada, grace, linus);
});

test("an image arrives with its size, opens large, and its link lands in the same place", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await newGroup(ada, "Pictures", [grace]);
  const png = await ada.page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    canvas.getContext("2d")?.fillRect(40, 40, 200, 100);
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  });
  await ada.page
    .locator("input[type=file]")
    .setInputFiles([{ name: "plan.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") }]);
  await composer(ada).fill("the plan");
  await ada.page.getByRole("button", { name: "Send" }).click();
  await expectProgress(ada, "the plan", "delivered");

  await openFromList(grace, "Pictures");
  const image = message(grace, "the plan").getByRole("img", { name: "Photo: plan.png" });
  await expect(image).toBeVisible();
  expect(await image.evaluate((element: HTMLImageElement) => element.width / element.height)).toBeCloseTo(640 / 360, 1);
  await expect
    .poll(() => image.evaluate((element: HTMLImageElement) => element.complete && element.naturalWidth > 0))
    .toBe(true);
  await image.click();
  await expect(grace.page.getByRole("dialog")).toBeVisible();
  await grace.page.reload();
  await expect(grace.page.getByRole("dialog").getByRole("img")).toBeVisible();
  if (onPhone()) await grace.page.getByRole("dialog").getByRole("button", { name: "Close" }).tap();
  else await grace.page.keyboard.press("Escape");
  await expect(grace.page.getByRole("dialog")).toBeHidden();
  expectNoComplaints(ada, grace);
});
