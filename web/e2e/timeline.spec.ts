import { expect, type Page, test } from "@playwright/test";
import {
  composer,
  expectNoComplaints,
  expectProgress,
  message,
  newPerson,
  openFromList,
  type Person,
  send,
  startDirect,
} from "./people.ts";

/** Writes many messages by REST, in order. */
async function fill(person: Person, from: number, to: number): Promise<string> {
  const id = /\/c\/([0-9a-f-]+)/.exec(person.page.url())?.[1] ?? "";
  const failed = await person.page.evaluate(
    async ([conversation, first, last]) => {
      for (let n = first; n <= last; n += 1) {
        const text =
          n % 7 === 0 ? `line ${String(n)}\n${"and a second one ".repeat(n % 5)}\nand a third` : `line ${String(n)}`;
        const answer = await fetch(`/api/v1/conversations/${conversation}/messages`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ client_id: `fill-${String(n)}`, text }),
        });
        if (!answer.ok) return `${String(answer.status)} ${await answer.text()}`;
      }
      return "";
    },
    [id, from, to] as const,
  );
  expect(failed).toBe("");
  return id;
}

const feed = (page: Page) => page.getByRole("log", { name: "Messages" });

/** Where a message stands on screen, in pixels from the top. */
async function topOf(person: Person, text: string): Promise<number> {
  const box = await person.page.locator("article").filter({ hasText: text }).first().boundingBox();
  return box?.y ?? Number.NaN;
}

test("a long history: unread line, paging without a jump, links to messages, the way back to the end", async ({
  browser,
}) => {
  test.setTimeout(600_000);
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "line 0");
  await openFromList(grace, "Ada Lovelace");
  await expectProgress(ada, "line 0", "seen");
  await grace.page.goto("/");
  const id = await fill(ada, 1, 450);
  await expect(grace.page.getByRole("link", { name: /Ada Lovelace/ })).toContainText("450 unread");

  // It opens where reading stopped, far above the newest page.
  await openFromList(grace, "Ada Lovelace");
  await expect(grace.page.getByText("New", { exact: true })).toBeInViewport();
  await expect(grace.page.locator('article[data-seq="3"]')).toBeInViewport();
  await expect(grace.page.getByRole("button", { name: /Jump to the latest/ })).toContainText("4");
  await grace.page.getByRole("button", { name: /Jump to the latest/ }).click();
  await expect(message(grace, "line 450")).toBeInViewport();
  await expect(grace.page.getByRole("button", { name: /Jump to the latest/ })).toBeHidden();
  await expect(grace.page.getByRole("link", { name: /Ada Lovelace/ }).first()).not.toContainText("unread");

  // Upwards through all of it: what one looks at stays where it is while older pages come in.
  await feed(grace.page).hover();
  for (let i = 0; i < 200; i += 1) {
    await grace.page.mouse.wheel(0, -900);
    await grace.page.waitForTimeout(25);
    const top = await feed(grace.page).evaluate((element) => element.scrollTop);
    if (top <= 0 && (await grace.page.getByText("This is the beginning").isVisible())) break;
  }
  await expect(grace.page.getByText("This is the beginning")).toBeInViewport();
  await expect(message(grace, "line 0")).toBeVisible();

  // A link lands at its message, in a fresh page, with history around it.
  await grace.page.goto(`/c/${id}?at=202`);
  await expect(message(grace, "line 200")).toBeInViewport();
  const before = await topOf(grace, "line 200");
  await grace.page.waitForTimeout(1_000);
  expect(Math.abs((await topOf(grace, "line 200")) - before)).toBeLessThan(2);

  // Live messages do not pull somebody along who reads the past, and are counted.
  await send(ada, "news from today");
  await expect(grace.page.getByRole("button", { name: "Jump to the latest message, 1 unread" })).toBeVisible();
  expect(Math.abs((await topOf(grace, "line 200")) - before)).toBeLessThan(2);

  // Downwards from there the island grows until it joins the newest part.
  await feed(grace.page).hover();
  for (let i = 0; i < 200; i += 1) {
    await grace.page.mouse.wheel(0, 900);
    await grace.page.waitForTimeout(25);
    if (await message(grace, "news from today").isVisible()) break;
  }
  await expect(message(grace, "news from today")).toBeInViewport();
  await expect(grace.page.getByRole("link", { name: /Ada Lovelace/ }).first()).not.toContainText("unread");
  expectNoComplaints(ada, grace);
});

test("older pages come in without moving what is on screen", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "line 0");
  await fill(ada, 1, 320);
  await ada.page.reload();
  await expect(message(ada, "line 320")).toBeInViewport();
  // The next page is held back, so that its arrival can be watched.
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await ada.page.route(/\/(entries|messages)\?/, async (route) => {
    await gate;
    await route.continue();
  });
  await feed(ada.page).evaluate((element) => {
    element.scrollTop = 500;
  });
  await ada.page.waitForTimeout(800);
  const seen = await ada.page.locator("article").evaluateAll((articles) => {
    const shown = articles.find((article) => article.getBoundingClientRect().top > 200);
    return { seq: shown?.getAttribute("data-seq") ?? "", top: shown?.getBoundingClientRect().top ?? 0 };
  });
  const height = await feed(ada.page).evaluate((element) => element.scrollHeight);
  release();
  await expect.poll(() => feed(ada.page).evaluate((element) => element.scrollHeight)).toBeGreaterThan(height + 500);
  await ada.page.waitForTimeout(500);
  const box = await ada.page.locator(`article[data-seq="${seen.seq}"]`).boundingBox();
  expect(Math.abs((box?.y ?? 0) - seen.top)).toBeLessThan(3);
});

test("drafts are kept for each conversation, and over a reload", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const linus = await newPerson(browser, "Linus Park");
  await startDirect(ada, grace);
  await composer(ada).fill("half a thought");
  await startDirect(ada, linus);
  await expect(composer(ada)).toHaveValue("");
  await openFromList(ada, "Grace Hopper");
  await expect(composer(ada)).toHaveValue("half a thought");
  // Whatever was typed last is kept when the page goes, however soon.
  await composer(ada).press("End");
  await composer(ada).pressSequentially(", and more");
  await ada.page.reload();
  await expect(composer(ada)).toHaveValue("half a thought, and more");
});
