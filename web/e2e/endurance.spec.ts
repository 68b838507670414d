import { type CDPSession, expect, test } from "@playwright/test";
import {
  composer,
  expectNoComplaints,
  expectProgress,
  message,
  newPerson,
  openBrowser,
  openFromList,
  password,
  type Person,
  send,
  startDirect,
  write,
} from "./people.ts";

interface Footprint {
  /** What JavaScript holds once all garbage is gone, in bytes. */
  heap: number;
  nodes: number;
  listeners: number;
}

async function footprint(cdp: CDPSession): Promise<Footprint> {
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  const { nodes, jsEventListeners } = await cdp.send("Memory.getDOMCounters");
  return { heap: usedSize, nodes, listeners: jsEventListeners };
}

const busy = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `busy ${String(from + n)}${" and so on".repeat(n % 9)}`);

test("an hour of a busy conversation in a short time: memory, nodes and listeners stay flat", async ({ browser }) => {
  test.setTimeout(600_000);
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const linus = await newPerson(browser, "Linus Park");
  const quiet = await startDirect(linus, ada);
  await write(linus, quiet, ["a quiet place"]);
  const id = await startDirect(ada, grace);
  await send(ada, "here all is busy");
  await linus.page.close();
  await grace.page.close();
  const cdp = await ada.context.newCDPSession(ada.page);
  const watch = async (from: number, to: number): Promise<Footprint> => {
    await write(grace, id, busy(from, to), 16);
    await write(grace, id, [`the last of ${String(to)}`]);
    await expect(message(ada, `the last of ${String(to)}`)).toBeInViewport({ timeout: 120_000 });
    await expect(ada.page.getByRole("link", { name: /Grace Hopper/ }).first()).not.toContainText("unread", {
      timeout: 120_000,
    });
    return footprint(cdp);
  };
  const goAbout = async (): Promise<void> => {
    await openFromList(ada, "Linus Park");
    await expect(message(ada, "a quiet place")).toBeVisible();
    await openFromList(ada, "Grace Hopper");
    await expect(ada.page.locator("article").first()).toBeVisible();
  };

  // What is loaded and cached once is there before the first look.
  await goAbout();
  const calm = await watch(0, 400);
  const after = await watch(400, 2_400);
  expect(after.heap - calm.heap, "bytes that 2,000 messages left behind").toBeLessThan(4_000_000);
  expect(after.nodes - calm.nodes, "nodes that 2,000 messages left behind").toBeLessThan(1_500);
  expect(after.listeners - calm.listeners, "listeners that 2,000 messages left behind").toBeLessThan(300);
  expect(await ada.page.locator("article").count()).toBeLessThan(150);

  await goAbout();
  const before = await footprint(cdp);
  for (let n = 0; n < 10; n += 1) await goAbout();
  const back = await footprint(cdp);
  expect(back.heap - before.heap, "bytes that 20 switches left behind").toBeLessThan(3_000_000);
  expect(back.nodes - before.nodes, "nodes that 20 switches left behind").toBeLessThan(1_500);
  expect(back.listeners - before.listeners, "listeners that 20 switches left behind").toBeLessThan(300);
  expectNoComplaints(ada);
});

/** Frames: an answer of the server takes many more on the slow line, a busy machine draws fewer a second. */
const atOnce = 20;

/** Sends what is in the composer; how many frames went by until it was drawn. */
async function framesUntilDrawn(person: Person, text: string): Promise<number> {
  await composer(person).fill(text);
  return person.page.evaluate(
    (shown) =>
      new Promise<number>((resolve) => {
        document.querySelector<HTMLButtonElement>("form button[type=submit]")?.click();
        let frames = 0;
        const look = (): void => {
          const there = [...document.querySelectorAll("article")].some((one) => one.textContent.includes(shown));
          if (there || frames > 600) {
            resolve(frames);
            return;
          }
          frames += 1;
          requestAnimationFrame(look);
        };
        look();
      }),
    text,
  );
}

test("on a slow line: log in, read, write, send a picture, receive; what one sends is there at once", async ({
  browser,
}) => {
  test.setTimeout(600_000);
  const home = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(grace, home);
  await send(grace, "are you on the train?");
  await home.page.close();

  const ada = await openBrowser(browser, "Ada Lovelace");
  const cdp = await ada.context.newCDPSession(ada.page);
  await cdp.send("Network.enable");
  // About what "slow 3G" gives.
  await cdp.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 400,
    downloadThroughput: 60_000,
    uploadThroughput: 30_000,
  });
  await ada.page.goto("/login");
  await ada.page.getByLabel("Username").fill(home.username);
  await ada.page.getByLabel("Password", { exact: true }).fill(password);
  await ada.page.getByRole("button", { name: "Log in" }).click();
  await expect(ada.page.getByRole("link", { name: /Grace Hopper/ })).toContainText("1 unread");
  await openFromList(ada, "Grace Hopper");

  // Whether or not the conversation is loaded by now.
  expect(await framesUntilDrawn(ada, "yes, in a tunnel")).toBeLessThanOrEqual(atOnce);
  await expect(message(ada, "are you on the train?")).toBeVisible();
  await expectProgress(ada, "yes, in a tunnel", "seen");
  await expect(message(grace, "yes, in a tunnel")).toBeVisible();

  const png = await ada.page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 320;
    canvas.height = 200;
    canvas.getContext("2d")?.fillRect(40, 40, 200, 100);
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  });
  await ada.page
    .locator("input[type=file]")
    .setInputFiles([{ name: "view.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") }]);
  expect(await framesUntilDrawn(ada, "the view from here")).toBeLessThanOrEqual(atOnce);
  await expectProgress(ada, "the view from here", "seen");
  const picture = message(grace, "the view from here").getByRole("img", { name: "Photo: view.png" });
  await expect
    .poll(() => picture.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth > 0))
    .toBe(true);

  await write(grace, id, ["lovely, see you soon"]);
  await expect(message(ada, "lovely, see you soon")).toBeInViewport();
  expectNoComplaints(ada, grace);
});
