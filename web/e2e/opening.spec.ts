import { type Browser, expect, type Route, test } from "@playwright/test";
import {
  ask,
  expectNoComplaints,
  message,
  newPerson,
  openBrowser,
  openFromList,
  password,
  type Person,
  startDirect,
  write,
} from "./people.ts";
import { divider, dividerBelowHeader, feed, unreadOf } from "./unread.ts";

const readBefore = 30;
/** So many are kept on a device, whole. */
const missed = 50;
/** The seq of a message that came when the first device was about to go; the log begins with its creation. */
const seqOf = (n: number): number => 1 + readBefore + n + 1;

interface Scene {
  /** Who writes. */
  ada: Person;
  /** Who reads, at the device that was closed, */
  grace: Person;
  /** and at another one. */
  phone: Person;
  id: string;
}

/** A person closes a device that keeps several screens of unread messages, and has another one. */
async function closedWithUnread(browser: Browser, missed: number): Promise<Scene> {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await write(
    ada,
    id,
    Array.from({ length: readBefore }, (_, n) => `before ${String(n)}`),
  );
  await openFromList(grace, "Ada Lovelace");
  await grace.page.getByRole("button", { name: /Jump to the latest/ }).click();
  await expect.poll(() => unreadOf(grace, id)).toBe(0);
  // From far above the end she sees that something comes, and none of it.
  await grace.page.goto(`/c/${id}?at=3`);
  await expect(grace.page.locator('article[data-seq="3"]')).toBeInViewport();
  await write(
    ada,
    id,
    Array.from({ length: missed }, (_, n) => `missed ${String(n)}.\n${"and more\n".repeat(2 + (n % 5))}`),
  );
  await expect(grace.page.getByRole("button", { name: /Jump to the latest/ })).toContainText(String(missed));
  await grace.page.goto("about:blank");
  expect(await unreadOf(grace, id)).toBe(missed);

  const phone = await openBrowser(browser, "Grace Hopper");
  await ask(phone, "POST", "/auth/login", { username: grace.username, password });
  return { ada, grace, phone, id };
}

/** Holds back what the server says of conversations, by whatever way; the logs themselves come. */
async function holdBack(person: Person): Promise<() => void> {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const hold = async (route: Route): Promise<void> => {
    await gate;
    await route.continue();
  };
  await person.page.route(/\/api\/v1\/conversations(\/[^/?]+)?(\?.*)?$/, hold);
  await person.page.routeWebSocket(/\/socket\.io\//, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      void gate.then(() => {
        socket.send(message);
      });
    });
  });
  return release;
}

test("a device opens at what another one left unread, and the line stays while that one reads on", async ({
  browser,
}) => {
  const { ada, grace, phone, id } = await closedWithUnread(browser, missed);
  await ask(phone, "POST", `/conversations/${id}/read`, { seq: seqOf(29) });

  await grace.page.goto(`/c/${id}`);
  await expect(message(grace, "missed 30.")).toBeInViewport();
  await expect.poll(async () => Math.abs(await dividerBelowHeader(grace))).toBeLessThan(20);
  await expect(message(grace, "missed 0.")).not.toBeInViewport();

  await ask(phone, "POST", `/conversations/${id}/read`, { seq: seqOf(missed - 1) });
  await expect(grace.page.getByRole("link", { name: /Ada Lovelace/ }).first()).not.toContainText("unread");
  await expect(divider(grace)).toBeInViewport();
  expect(Math.abs(await dividerBelowHeader(grace))).toBeLessThan(20);
  expectNoComplaints(ada, grace);
});

test("a device opens at the end when another one has read all", async ({ browser }) => {
  const { ada, grace, phone, id } = await closedWithUnread(browser, missed);
  await phone.page.goto(`/c/${id}`);
  await expect(divider(phone)).toBeInViewport();
  await phone.page.getByRole("button", { name: /Jump to the latest/ }).click();
  await expect.poll(() => unreadOf(phone, id)).toBe(0);

  await grace.page.goto(`/c/${id}`);
  await expect(message(grace, `missed ${String(missed - 1)}.`)).toBeInViewport();
  await expect(divider(grace)).toHaveCount(0);
  // And it follows what comes.
  await write(ada, id, ["one more", "and another"]);
  await expect(message(grace, "and another")).toBeInViewport();
  expectNoComplaints(ada, grace, phone);
});

test("who has looked around by the time that the server tells keeps the view, with the line where it belongs", async ({
  browser,
}) => {
  const { ada, grace, phone, id } = await closedWithUnread(browser, missed);
  await ask(phone, "POST", `/conversations/${id}/read`, { seq: seqOf(9) });
  const release = await holdBack(grace);
  await grace.page.goto(`/c/${id}`);
  await expect.poll(async () => Math.abs(await dividerBelowHeader(grace))).toBeLessThan(20);
  await expect(message(grace, "missed 0.")).toBeInViewport();
  await feed(grace.page).hover();
  await grace.page.mouse.wheel(0, 120);
  await expect.poll(() => dividerBelowHeader(grace)).toBeLessThan(-80);
  const shown = grace.page.locator(`article[data-seq="${String(seqOf(1))}"]`);
  const before = await shown.boundingBox();
  release();
  // The line is before "missed 10." now.
  await expect.poll(() => dividerBelowHeader(grace)).toBeGreaterThan(0);
  const after = await shown.boundingBox();
  expect(Math.abs((after?.y ?? 0) - (before?.y ?? Number.NaN))).toBeLessThan(3);
  const line = await divider(grace).boundingBox();
  const first = await grace.page.locator(`article[data-seq="${String(seqOf(10))}"]`).boundingBox();
  expect((first?.y ?? 0) - (line?.y ?? Number.NaN)).toBeLessThan(60);
  expect((first?.y ?? 0) - (line?.y ?? Number.NaN)).toBeGreaterThan(0);
  expectNoComplaints(ada, grace);
});

test("who scrolls while the page around the first unread message is loaded keeps the view", async ({ browser }) => {
  const { ada, grace, phone, id } = await closedWithUnread(browser, 150);
  // Neither what is loaded first nor what the device keeps has it.
  await ask(phone, "POST", `/conversations/${id}/read`, { seq: seqOf(77) });
  const release = await holdBack(grace);
  await grace.page.goto(`/c/${id}`);
  await expect.poll(async () => Math.abs(await dividerBelowHeader(grace))).toBeLessThan(20);
  let asked = 0;
  let load: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    load = resolve;
  });
  await grace.page.route(/\/(entries|messages)\?/, async (route) => {
    asked += 1;
    await gate;
    await route.continue();
  });
  release();
  await expect.poll(() => asked).toBeGreaterThan(0);
  await feed(grace.page).hover();
  await grace.page.mouse.wheel(0, 120);
  const shown = grace.page.locator(`article[data-seq="${String(seqOf(2))}"]`);
  await expect(shown).toBeInViewport();
  await grace.page.waitForTimeout(500);
  const before = await shown.boundingBox();
  load();
  // All of it is one stretch then, and the first unread message far below.
  await feed(grace.page).hover();
  await grace.page.waitForTimeout(1_500);
  await expect(shown).toBeInViewport();
  const after = await shown.boundingBox();
  expect(Math.abs((after?.y ?? Number.NaN) - (before?.y ?? Number.NaN))).toBeLessThan(3);
  await expect(divider(grace)).not.toBeInViewport();
  expectNoComplaints(ada, grace);
});
