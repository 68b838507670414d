import { expect, test } from "@playwright/test";
import {
  ask,
  composer,
  expectNoComplaints,
  expectProgress,
  message,
  newPerson,
  openBrowser,
  onPhone,
  openFromList,
  password,
  type Person,
  scroll,
  send,
  startDirect,
  toList,
  write,
} from "./people.ts";
import { divider, dividerBelowHeader, feed, unreadOf } from "./unread.ts";

/** Lines, some of them long, so that they differ in height. */
const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => {
    const n = from + index;
    return n % 7 === 0 ? `line ${String(n)}\n${"and a second one ".repeat(n % 5)}\nand a third` : `line ${String(n)}`;
  });

/** Where a message stands on screen, in pixels from the top. */
async function topOf(person: Person, text: string): Promise<number> {
  const box = await person.page.locator("article").filter({ hasText: text }).first().boundingBox();
  return box?.y ?? Number.NaN;
}

/** That the list takes all of the open conversation for read; a phone goes there and comes back. */
async function expectRead(person: Person, name: string): Promise<void> {
  await toList(person);
  await expect(person.page.getByRole("link", { name: new RegExp(name) }).first()).not.toContainText("unread");
  if (onPhone()) await openFromList(person, name);
}

test("a long history: unread line, paging without a jump, links to messages, the way back to the end", async ({
  browser,
}) => {
  test.setTimeout(600_000);
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await send(ada, "line 0");
  await openFromList(grace, "Ada Lovelace");
  await expectProgress(ada, "line 0", "seen");
  await grace.page.goto("/");
  await write(ada, id, lines(1, 450));
  await expect(grace.page.getByRole("link", { name: /Ada Lovelace/ })).toContainText("450 unread");

  // It opens where reading stopped, far above the newest page.
  await openFromList(grace, "Ada Lovelace");
  await expect(grace.page.getByText("New", { exact: true })).toBeInViewport();
  await expect(grace.page.locator('article[data-seq="3"]')).toBeInViewport();
  await expect(grace.page.getByRole("button", { name: /Jump to the latest/ })).toContainText("4");
  await grace.page.getByRole("button", { name: /Jump to the latest/ }).click();
  await expect(message(grace, "line 450")).toBeInViewport();
  await expect(grace.page.getByRole("button", { name: /Jump to the latest/ })).toBeHidden();
  await expectRead(grace, "Ada Lovelace");

  // Upwards through all of it: what one looks at stays where it is while older pages come in.
  for (let i = 0; i < 200; i += 1) {
    await scroll(grace, feed(grace.page), -900);
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
  for (let i = 0; i < 200; i += 1) {
    await scroll(grace, feed(grace.page), 900);
    await grace.page.waitForTimeout(25);
    const left = await feed(grace.page).evaluate(
      (element) => element.scrollHeight - element.scrollTop - element.clientHeight,
    );
    if (left < 2 && (await message(grace, "news from today").isVisible())) break;
  }
  await expect(message(grace, "news from today")).toBeInViewport();
  await expectRead(grace, "Ada Lovelace");
  expectNoComplaints(ada, grace);
});

test("older pages come in without moving what is on screen", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await write(ada, id, lines(0, 320));
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

// What is missed is fetched the same way on a screen of any size.
test(
  "who was at the end is at the end again after more than a thousand missed messages",
  { tag: "@desktop" },
  async ({ browser }) => {
    const ada = await newPerson(browser, "Ada Lovelace");
    const grace = await newPerson(browser, "Grace Hopper");
    const id = await startDirect(grace, ada);
    await write(ada, id, lines(0, 60));
    await expect(message(grace, "line 60")).toBeInViewport();

    await grace.context.setOffline(true);
    await send(grace, "written without a line");
    const missed = Array.from({ length: 1_150 }, (_, n) => `missed ${String(n)}`);
    await write(ada, id, missed, 32);
    await write(ada, id, ["the very last"]);
    await grace.context.setOffline(false);
    await expect(message(grace, "the very last")).toBeInViewport();
    await expect(message(grace, "written without a line")).toBeInViewport();
    await expect(grace.page.locator('[data-progress="waiting"]')).toHaveCount(0);

    // And new messages pull along as before.
    await write(ada, id, ["one more", "and another"]);
    await expect(message(grace, "and another")).toBeInViewport();
    await expect(grace.page.getByRole("button", { name: /Jump to the latest/ })).toBeHidden();
    expectNoComplaints(ada, grace);
  },
);

test(
  "who reads the past keeps their place when more than a thousand messages were missed",
  { tag: "@desktop" },
  async ({ browser }) => {
    const ada = await newPerson(browser, "Ada Lovelace");
    const grace = await newPerson(browser, "Grace Hopper");
    const id = await startDirect(grace, ada);
    await write(ada, id, lines(0, 150));
    await expect(message(grace, "line 150")).toBeInViewport();
    // What is painted counts as read a moment later; what is unread is counted below.
    await expect.poll(async () => (await ask<{ unread: number }>(grace, "GET", `/conversations/${id}`)).unread).toBe(0);
    await grace.page.goto(`/c/${id}?at=62`);
    await expect(message(grace, "line 60")).toBeInViewport();

    await grace.context.setOffline(true);
    await write(
      ada,
      id,
      Array.from({ length: 1_150 }, (_, n) => `missed ${String(n)}`),
      32,
    );
    await grace.context.setOffline(false);
    await expect(grace.page.getByRole("button", { name: "Jump to the latest message, 1,150 unread" })).toBeVisible();
    await expect(message(grace, "line 60")).toBeInViewport();
  },
);

test("what one sends is on screen at once while the conversation itself is still on its way", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(grace, ada);
  await write(grace, id, lines(0, 40));
  await expect(ada.page.getByRole("link", { name: /Grace Hopper/ })).toContainText("41 unread");
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await ada.page.route(/\/(entries|messages)\?/, async (route) => {
    await gate;
    await route.continue();
  });
  await openFromList(ada, "Grace Hopper");
  await send(ada, "quicker than the page");
  await send(ada, "twice");
  await expect(message(ada, "line 40")).toBeHidden();
  release();
  await expect(message(ada, "line 40")).toBeInViewport();
  await expect(message(ada, "twice")).toBeInViewport();
  await expect(ada.page.locator("article").filter({ hasText: "quicker than the page" })).toHaveCount(1);
  await expectProgress(ada, "twice", "seen");
  expectNoComplaints(ada, grace);
});

/** Both people know the conversation; one closes the page when all of it is read. Gives the address of what was open. */
async function closeWhenRead(reader: Person, writer: Person, id: string): Promise<string> {
  await expect(message(reader, "read before")).toBeInViewport();
  await expect.poll(() => unreadOf(reader, id)).toBe(0);
  // What the device keeps is written a moment later.
  await expectProgress(writer, "read before", "seen");
  const address = reader.page.url();
  await reader.page.goto("about:blank");
  return address;
}

for (const count of [2, 30, 150]) {
  test(`what came while the page was closed is unread where it opens: ${String(count)} messages`, async ({
    browser,
  }) => {
    const ada = await newPerson(browser, "Ada Lovelace");
    const grace = await newPerson(browser, "Grace Hopper");
    const id = await startDirect(ada, grace);
    await write(ada, id, lines(0, 40));
    await send(ada, "read before");
    await openFromList(grace, "Ada Lovelace");
    const jump = grace.page.getByRole("button", { name: /Jump to the latest/ });
    await jump.click();
    const address = await closeWhenRead(grace, ada, id);
    await write(
      ada,
      id,
      Array.from({ length: count }, (_, n) => `missed ${String(n)}\n${"and more\n".repeat(n % 9)}`),
    );
    expect(await unreadOf(grace, id)).toBe(count);

    await grace.page.goto(address);
    await expect(divider(grace)).toBeInViewport();
    await expect(message(grace, /^missed 0/)).toBeInViewport();
    if (count > 2) {
      await expect.poll(() => dividerBelowHeader(grace)).toBeLessThan(20);
      // What is further down has not been shown, and nobody is told that it was read.
      expect(await unreadOf(grace, id)).toBeGreaterThan(count - 30);
      await expect(jump).toBeVisible();
      await grace.page.waitForTimeout(500);
      expect(Math.abs(await dividerBelowHeader(grace))).toBeLessThan(20);
      expect(await unreadOf(grace, id)).toBeGreaterThan(count - 30);
      await jump.click();
    }
    await expect.poll(() => unreadOf(grace, id)).toBe(0);
    expectNoComplaints(ada, grace);
  });
}

test("what comes in the moment a conversation is opened is followed", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(grace, ada);
  await write(grace, id, lines(0, 60));
  await ask(ada, "POST", `/conversations/${id}/read`, { seq: 62 });
  const row = ada.page.getByRole("link", { name: /Grace Hopper/ }).first();
  await expect(row).toContainText("line 60");
  await expect(row).not.toContainText("unread");
  // The page knows nothing of the conversation's log, and gets it over a slow line.
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await ada.page.route(/\/(entries|messages)\?/, async (route) => {
    await gate;
    await route.continue();
  });
  const open = async (round: string): Promise<void> => {
    await openFromList(ada, "Grace Hopper");
    let isOver = false;
    const flow = async (): Promise<void> => {
      for (let n = 0; !isOver; n += 1) {
        await write(
          grace,
          id,
          Array.from({ length: 5 }, (_, k) => `${round} ${String(n)}.${String(k)}`),
        );
      }
      await write(grace, id, [`the last of ${round}`]);
    };
    const stream = flow();
    if (round === "first" && !onPhone()) await expect(row).toContainText("unread");
    release();
    await expect(message(ada, new RegExp(`^${round}`))).toBeInViewport();
    await ada.page.waitForTimeout(1_500);
    isOver = true;
    await stream;
    await expect(message(ada, `the last of ${round}`)).toBeInViewport();
    await expect(divider(ada)).toHaveCount(0);
    await expect(ada.page.getByRole("button", { name: /Jump to the latest/ })).toBeHidden();
    await expect.poll(() => unreadOf(ada, id)).toBe(0);
  };
  await open("first");
  // Again, in a page that begins with what the device has by now.
  await ada.page.goto("/");
  await expect(row).not.toContainText("unread");
  await open("second");
  expectNoComplaints(ada, grace);
});

for (const slow of ["a slow machine", "a browser that tells late how high rows are"]) {
  test(`it opens at the first unread message on ${slow}, and is let go of there`, async ({ browser }) => {
    test.setTimeout(600_000);
    // The slow machine is six times slower than this one, which may have much to do besides.
    const patience = { timeout: 180_000 };
    const ada = await newPerson(browser, "Ada Lovelace");
    const person = await newPerson(browser, "Grace Hopper");
    const id = await startDirect(ada, person);
    const text = (n: number): string => `${String(n)} ${"line\n".repeat((n * 5) % 13)}${"word ".repeat((n * 7) % 60)}`;
    await write(
      ada,
      id,
      Array.from({ length: 200 }, (_, n) => text(n)),
    );
    await ask(person, "POST", `/conversations/${id}/read`, { seq: 110 });
    // A device that keeps nothing yet: it knows of what is read from the server alone.
    const grace = await openBrowser(browser, "Grace Hopper");
    await ask(grace, "POST", "/auth/login", { username: person.username, password });
    if (slow === "a slow machine") {
      const cdp = await grace.context.newCDPSession(grace.page);
      await cdp.send("Emulation.setCPUThrottlingRate", { rate: 6 });
    } else {
      await grace.page.addInitScript(() => {
        const Real = ResizeObserver;
        window.ResizeObserver = class extends Real {
          constructor(tell: ResizeObserverCallback) {
            super((entries, observer) => {
              setTimeout(() => {
                tell(entries, observer);
              }, 200);
            });
          }
        };
      });
    }
    await grace.page.goto(`/c/${id}`, { waitUntil: "commit" });
    const top = async (): Promise<number> => Math.abs(await dividerBelowHeader(grace));
    await expect.poll(top, patience).toBeLessThan(20);
    // Only a view that was let go of has rows that count as seen.
    await expect.poll(() => unreadOf(grace, id), patience).toBeLessThan(91);
    await grace.page.waitForTimeout(1_000);
    expect(await top()).toBeLessThan(20);
    // Whoever scrolls from there is not brought back.
    await feed(grace.page).evaluate((element) => {
      element.scrollTop += 300;
    });
    await expect.poll(top, patience).toBeGreaterThan(250);
    await grace.page.waitForTimeout(1_000);
    expect(await top()).toBeGreaterThan(250);
    expectNoComplaints(ada, person, grace);
  });
}
