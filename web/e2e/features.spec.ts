import { type Browser, expect, type Page, test } from "@playwright/test";
import {
  act,
  composer,
  expectNoComplaints,
  expectProgress,
  message,
  newPerson,
  onPhone,
  openBrowser,
  openDetails,
  openFromList,
  password,
  type Person,
  send,
  startDirect,
  submit,
  toConversation,
  toList,
  write,
} from "./people.ts";

async function pair(browser: Browser): Promise<{ ada: Person; grace: Person; id: string }> {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  return { ada, grace, id };
}

async function newGroup(from: Person, title: string, others: Person[]): Promise<void> {
  const { page } = from;
  await page.goto("/new/group");
  await page.getByLabel("Group name").fill(title);
  for (const other of others) {
    await page.getByRole("searchbox").fill(other.username);
    await page.getByRole("button", { name: new RegExp(other.username) }).click();
  }
  await page.getByRole("button", { name: /Create group/ }).click();
  await expect(composer(from)).toBeVisible();
}

async function picture(page: Page): Promise<Buffer> {
  const data = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 600;
    canvas.height = 400;
    const context = canvas.getContext("2d");
    if (context) {
      context.fillStyle = "#2a9d8f";
      context.fillRect(0, 0, 600, 400);
      context.fillStyle = "#e9c46a";
      context.fillRect(200, 100, 200, 200);
    }
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  });
  return Buffer.from(data, "base64");
}

const openActions = (page: Page) => page.getByRole("button", { name: "Actions for this conversation" }).click();
/** A conversation in somebody's list. */
const rowOf = ({ page }: Person, name: string) =>
  page.getByRole("navigation", { name: "Conversations" }).getByRole("link", { name: new RegExp(name) });

test("what was said is found, from anywhere and within a conversation, and jumped to", async ({ browser }) => {
  const { ada, grace, id } = await pair(browser);
  await send(ada, "The lighthouse keeper wrote a letter");
  await send(ada, "灯台守が手紙を書いた");
  await expectProgress(ada, "灯台守", "delivered");
  const filler = Array.from({ length: 30 }, (_, n) => `filler ${String(n)}`);
  await write(ada, id, filler);
  const { page } = grace;
  if (onPhone()) {
    await page.getByRole("button", { name: "Find a conversation or person" }).tap();
  } else {
    await openFromList(grace, "Ada Lovelace");
    await page.keyboard.press("Control+k");
  }
  // What was sent is found about a second later: the search is asked again until it is.
  const results = page.getByRole("region", { name: "Messages found" });
  await expect(async () => {
    await page.getByRole("combobox").fill("");
    await page.getByRole("combobox").fill("lighthouse");
    await expect(results.getByRole("link")).toContainText("lighthouse", { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await expect(results.locator("mark")).toHaveText("lighthouse");
  await results.getByRole("link").click();
  await expect(message(grace, "lighthouse keeper")).toBeInViewport();
  await expect(page).toHaveURL(/at=\d+&find=lighthouse/);
  await expect
    .poll(() => page.evaluate(() => [...(CSS.highlights.get("found") ?? [])].map(String).join()))
    .toBe("lighthouse");

  await openActions(page);
  await page.getByRole("menuitem", { name: "Search messages" }).click();
  const pane = page.getByRole("complementary", { name: "Search messages" });
  await pane.getByRole("searchbox").fill("手紙");
  await expect(pane.getByRole("listitem")).toHaveCount(1);
  await pane.getByRole("link").last().click();
  await expect(message(grace, "灯台守")).toBeInViewport();
  // On a phone the messages took the place of the search: the way back leads to it.
  if (onPhone()) await page.goBack();
  await pane.getByRole("searchbox").fill("zeppelin");
  await expect(pane.getByText("Nothing was found.")).toBeVisible();
  expectNoComplaints(ada, grace);
});

test("somebody is blocked and let again", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  await send(ada, "hello");
  await openFromList(grace, "Ada Lovelace");
  await openDetails(grace);
  await grace.page.getByRole("button", { name: "Block Ada Lovelace" }).click();
  await grace.page.getByRole("button", { name: "Block", exact: true }).click();
  await toConversation(grace);
  await expect(grace.page.getByText("You have blocked Ada Lovelace.")).toBeVisible();
  await expect(ada.page.getByText("You cannot write to Grace Hopper.")).toBeVisible();
  await expect(composer(ada)).toBeHidden();
  await grace.page.goto("/settings/security");
  await grace.page.getByRole("button", { name: "Unblock Ada Lovelace" }).click();
  await expect(grace.page.getByText("You have not blocked anybody.")).toBeVisible();
  await send(ada, "friends again");
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "friends again")).toBeVisible();
  expectNoComplaints(ada, grace);
});

test("a link invites, shows what it is for, lets in once it is followed, and is revoked", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  await newGroup(ada, "Book club", []);
  await send(ada, "We read on Thursdays");
  const { page } = ada;
  const invites = `${page.url().split("?")[0] ?? ""}?info=invites`;
  await page.goto(invites);
  await page.getByLabel("Works for").selectOption("1 day");
  await page.getByLabel("For", { exact: true }).selectOption("10 people");
  await page.getByRole("button", { name: "Create a link" }).click();
  const link = await page.getByRole("textbox", { name: "Invitation link" }).inputValue();
  expect(link).toContain("/join#");
  await expect(page.getByText("used 0 of 10")).toBeVisible();

  // Somebody who is not logged in yet lands there after the log-in; the secret is not in the address.
  const linus = await newPerson(browser, "Linus Park");
  await linus.page.goto("/settings");
  await linus.page.getByRole("button", { name: "Log out" }).click();
  await expect(linus.page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  await linus.page.goto(link);
  await linus.page.getByLabel("Username").fill(linus.username);
  await linus.page.getByLabel("Password", { exact: true }).fill(password);
  await linus.page.getByRole("button", { name: "Log in" }).click();
  await expect(linus.page.getByRole("heading", { name: "Book club" })).toBeVisible();
  await expect(linus.page.getByText("1 member")).toBeVisible();
  expect(linus.page.url()).not.toContain("#");
  await linus.page.getByRole("button", { name: "Join" }).click();
  await expect(composer(linus)).toBeVisible();
  await toConversation(ada);
  await expect(ada.page.getByText("Linus Park joined by an invitation")).toBeVisible();
  await send(linus, "Hello, readers");
  await expect(message(ada, "Hello, readers")).toBeVisible();

  // Who has no account yet lands there after making one.
  const kim = await openBrowser(browser, "Kim New");
  await kim.page.goto(link);
  await kim.page.getByRole("link", { name: "Create account" }).click();
  await kim.page.getByLabel("Username").fill(kim.username);
  await kim.page.getByLabel("Password", { exact: true }).fill(password);
  await kim.page.getByRole("button", { name: "Create account" }).click();
  await kim.page.getByRole("button", { name: "Join" }).click();
  await expect(message(kim, "Hello, readers")).toBeHidden();
  await expect(composer(kim)).toBeVisible();

  if (onPhone()) await page.goto(invites);
  await page.getByRole("button", { name: "Revoke this link" }).click();
  await expect(page.getByText("There is none.")).toBeVisible();
  const mei = await newPerson(browser, "Mei Chen");
  await mei.page.goto(link);
  await expect(mei.page.getByText("This invitation does not work any more")).toBeVisible();
  expectNoComplaints(ada, linus, mei);
});

test("a face of one's own, cut from a picture; a group's, too", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  await send(ada, "hello");
  const { page } = ada;
  await page.goto("/settings/profile");
  const file = { name: "me.png", mimeType: "image/png", buffer: await picture(page) };
  await page.locator("input[type=file]").setInputFiles(file);
  await page.getByRole("slider", { name: "Size" }).fill("2");
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.locator("form img")).toHaveAttribute("src", /./);
  // Others see it without doing anything.
  await grace.page.reload();
  const face = grace.page
    .getByRole("link", { name: /Ada Lovelace/ })
    .locator("img")
    .first();
  await expect(face).toBeVisible();
  expect(await face.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Remove the picture" }).click();
  await expect(page.locator("form img")).toHaveCount(0);

  await newGroup(ada, "Painters", [grace]);
  await openDetails(ada);
  await page.getByRole("complementary").locator("input[type=file]").setInputFiles(file);
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("complementary").locator("img").first()).toBeVisible();
  await expect(
    grace.page
      .getByRole("link", { name: /Painters/ })
      .locator("img")
      .first(),
  ).toBeVisible();
  expectNoComplaints(ada, grace);
});

test("who is named stands out, and is told even where it is quiet", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await newGroup(ada, "Engines", [grace]);
  await expect(grace.page.getByRole("link", { name: /Engines/ })).toBeVisible();
  await composer(ada).pressSequentially("ask @gra");
  await expect(ada.page.getByRole("option", { name: /Grace Hopper/ })).toBeVisible();
  if (onPhone()) await ada.page.getByRole("option", { name: /Grace Hopper/ }).tap();
  else await composer(ada).press("Tab");
  await expect(composer(ada)).toHaveValue(`ask @${grace.username} `);
  await composer(ada).pressSequentially("about it");
  await submit(ada);
  await expect(message(ada, "about it").locator("[data-mention=other]")).toHaveText(`@${grace.username}`);
  const row = rowOf(grace, "Engines");
  await expect(row.getByRole("img", { name: "You were mentioned" })).toBeVisible();
  await act(grace, row, "Mute for 8 hours");
  await expect(row.getByRole("img", { name: "Muted" })).toBeVisible();
  await row.click();
  await expect(message(grace, "about it").locator("[data-mention=me]")).toHaveText(`@${grace.username}`);
  await toList(grace);
  await expect(row.getByRole("img", { name: "You were mentioned" })).toBeHidden();
  await openFromList(grace, "Engines");
  await openActions(grace.page);
  await grace.page.getByRole("menuitem", { name: "Unmute" }).click();
  await toList(grace);
  await expect(row.getByRole("img", { name: "Muted" })).toBeHidden();

  // An answer is for whom it answers.
  await openFromList(grace, "Engines");
  await send(grace, "I know about it");
  await grace.page.goto("/settings");
  await act(ada, message(ada, "I know about it"), "Reply");
  await send(ada, "then tell us");
  await toList(grace);
  await expect(row.getByRole("img", { name: "You were mentioned" })).toBeVisible();
  expectNoComplaints(ada, grace);
});

test("conversations are pinned and archived, for oneself alone", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  await send(ada, "first");
  const linus = await newPerson(browser, "Linus Park");
  await startDirect(ada, linus);
  await send(ada, "second");
  const { page } = ada;
  const names = () => page.getByRole("navigation", { name: "Conversations" }).getByRole("link").allInnerTexts();
  await toList(ada);
  expect((await names())[0]).toContain("Linus Park");
  await act(ada, rowOf(ada, "Grace Hopper"), "Pin to the top");
  await expect.poll(async () => (await names())[0]).toContain("Grace Hopper");
  await act(ada, rowOf(ada, "Linus Park"), "Archive");
  await expect.poll(async () => (await names()).length).toBe(1);
  await page.getByRole("button", { name: "1 archived conversation" }).click();
  await expect.poll(async () => (await names()).join()).toContain("Linus Park");
  await act(ada, rowOf(ada, "Linus Park"), "Take out of the archive");
  await page.getByRole("button", { name: "Back to all conversations" }).click();
  await expect.poll(async () => (await names()).length).toBe(2);
  expectNoComplaints(ada, grace);
});

test("messages are pinned; what was shared is in one place", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  const { page } = ada;
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "sea.png", mimeType: "image/png", buffer: await picture(page) });
  await send(ada, "a picture");
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("notes") });
  await send(ada, "a file");
  await expectProgress(ada, "a file", "delivered");
  await openFromList(grace, "Ada Lovelace");
  await act(grace, message(grace, "a file"), "Pin");
  await expect(page.getByRole("button", { name: /Pinned message.*a file/s })).toBeVisible();
  await openActions(page);
  await page.getByRole("menuitem", { name: "Shared files" }).click();
  const pane = page.getByRole("complementary", { name: "Shared files" });
  await expect(pane.getByRole("img", { name: "sea.png" })).toBeVisible();
  await pane.getByRole("tab", { name: "Files" }).click();
  await expect(pane.getByRole("listitem")).toContainText("notes.txt");
  await toConversation(ada);
  await page.getByRole("button", { name: /Pinned message.*a file/s }).click();
  await expect(message(ada, "a file")).toBeInViewport();
  await act(ada, message(ada, "a file"), "Unpin");
  await expect(page.getByRole("button", { name: /Pinned message/ })).toBeHidden();
  await expect(grace.page.getByRole("button", { name: /Pinned message/ })).toBeHidden();
  expectNoComplaints(ada, grace);
});

test("a group of ten thousand: its members scroll like ten, and are found by name", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  await newGroup(ada, "Everybody", []);
  const { page } = ada;
  const member = (n: number) => ({
    user: {
      id: `019b76da-a800-7575-8000-${String(n).padStart(12, "0")}`,
      username: `member${String(n)}`,
      display_name: `Member ${String(n)}`,
      bio: "",
      created_at: "2026-01-01T00:00:00.000Z",
    },
    role: "member",
    visible_from: 1,
    joined_at: "2026-01-01T00:00:00.000Z",
  });
  // Ten thousand accounts would take minutes to make: the server's answers are made here. What it really finds is tested there.
  await page.route(/\/conversations\/[^/]+\/members\?/, async (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const from = Number(asked.get("cursor") ?? 0);
    const query = asked.get("query");
    const numbers = query === null ? Array.from({ length: 100 }, (_, n) => from + n) : [9_876, 9_877];
    const next = query === null && from + 100 < 10_000 ? String(from + 100) : null;
    await route.fulfill({ json: { items: numbers.map(member), next_cursor: next } });
  });
  await page.route(/\/api\/v1\/conversations(?:\/[^/]+)?(?:\?.*)?$/, async (route) => {
    const answer = await route.fetch();
    const text = await answer.text();
    await route.fulfill({ response: answer, body: text.replaceAll('"members_count":1,', '"members_count":10000,') });
  });
  await page.reload();
  await openDetails(ada);
  const list = page.getByRole("list", { name: "Members" });
  await expect(list.getByText("@member0", { exact: true })).toBeVisible();
  const rows = list.getByRole("listitem");
  // It goes on as one scrolls, and what is out of sight costs nothing.
  const toTheEnd = (): Promise<number> =>
    list.evaluate((element) => {
      let scroller = element.parentElement;
      while (scroller && getComputedStyle(scroller).overflowY !== "auto") scroller = scroller.parentElement;
      scroller?.scrollTo(0, scroller.scrollHeight);
      return Math.max(...[...element.querySelectorAll("[aria-posinset]")].map((row) => Number(row.ariaPosInSet)));
    });
  await expect.poll(toTheEnd, { timeout: 60_000 }).toBeGreaterThan(250);
  expect(await rows.count()).toBeLessThan(60);
  await page.getByRole("searchbox", { name: "Find a member" }).fill("9876");
  await expect(list.getByText("@member9876", { exact: true })).toBeVisible();
  await expect(rows).toHaveCount(2);

  await toConversation(ada);
  await composer(ada).pressSequentially("hello @member98");
  await expect(page.getByRole("option", { name: /@member9877/ })).toBeVisible();
  await page.getByRole("option", { name: /@member9876/ }).click();
  await expect(composer(ada)).toHaveValue("hello @member9876 ");
  expectNoComplaints(ada);
});
