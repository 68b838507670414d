import { chromium, expect, type Page, test } from "@playwright/test";
import { findings } from "./findings.ts";
import {
  another,
  button,
  expectFlow,
  expectLetGo,
  expectLive,
  line,
  newCaller,
  open,
  ring,
  screen,
  two,
  type WatchedWindow,
} from "./callers.ts";
import { ask, composer, desktop, expectNoComplaints, newPerson, phone, startDirect } from "./people.ts";

// Moving pictures are dear enough without pictures of each step.
test.use({ trace: "off" });

test("a voice call, answered: sound flows both ways, mute is seen, a camera comes, and its length stays", async ({
  browser,
}) => {
  const { ada, grace } = await two(browser);
  await button(ada, "Voice call").click();
  await expect(screen(ada)).toContainText("Ringing…");
  await expect(ring(grace)).toContainText("Ada Lovelace");
  await expect(ring(grace)).toContainText("Voice call for you");
  await expect(grace.page).toHaveTitle("Ada Lovelace is calling…");
  await button(grace, "Accept").click();
  await expectLive(ada, grace);
  await expect(grace.page).not.toHaveTitle(/calling/);
  await Promise.all([expectFlow(ada, "audio"), expectFlow(grace, "audio")]);
  await expect(screen(ada)).toContainText(/(Good|Fair|Poor) connection/, { timeout: 60_000 });

  await grace.page.keyboard.press("m");
  await expect(screen(ada).getByText("Microphone off")).toBeVisible();
  await button(grace, "Turn the microphone on").click();
  await expect(screen(ada).getByText("Microphone off")).toBeHidden();

  await button(grace, "Turn the camera on").click();
  await expectFlow(ada, "video");
  await expect(screen(ada).locator("figure video")).toBeVisible();
  await grace.page.keyboard.press("v");
  await expect(screen(ada).locator("figure video")).toBeHidden();

  await button(ada, "Hang up").click();
  await expect(screen(ada)).toBeHidden();
  await expect(grace.page.getByText("The call has ended.")).toBeVisible();
  for (const person of [ada, grace]) {
    await expect(line(person, /^Call, \d+:\d\d/)).toBeVisible();
    await expectLetGo(person);
    await expect(person.page.getByRole("navigation").getByRole("link", { name: /Call, \d+:\d\d/ })).toBeVisible();
  }

  // The other way round, by the button beside the call.
  await button(grace, "Call back").click();
  await button(ada, "Accept").click();
  await expectLive(ada, grace);
  await expectFlow(grace, "audio");
  await button(grace, "Hang up").click();
  await expect(line(ada, /^Call, \d+:\d\d/)).toHaveCount(2);
  await expectLetGo(ada);
  expectNoComplaints(ada, grace);
});

test("a video call: pictures both ways, small while one reads elsewhere", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  await button(ada, "Video call").click();
  await expect(ring(grace)).toContainText("Video call for you");
  await button(grace, "With camera").click();
  await expectLive(ada, grace);
  await Promise.all([expectFlow(ada, "video"), expectFlow(grace, "video")]);
  await grace.page.keyboard.press("Escape");
  await expect(screen(grace)).toBeHidden();
  const tile = grace.page.getByRole("region", { name: "Call with Ada Lovelace" });
  await expect(tile).toBeVisible();
  await composer(grace).fill("m and v are letters here");
  await composer(grace).press("Enter");
  await expect(ada.page.locator("article").filter({ hasText: "m and v are letters" })).toBeAttached();
  await expect(screen(ada).getByText("Microphone off")).toBeHidden();
  await grace.page.goto("/settings").catch(() => undefined);
  // A page that is loaded anew has left the call: the other side hears of it.
  await expect(ada.page.getByText("The call has ended.")).toBeVisible({ timeout: 90_000 });
  await expectLetGo(ada);
});

test("declined: both see it, and nothing stays open", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  await button(ada, "Voice call").click();
  await button(grace, "Decline").click();
  await expect(ring(grace)).toBeHidden();
  await expect(ada.page.getByText("The call was declined.")).toBeVisible();
  await expect(line(ada, /^Declined call/)).toBeVisible();
  await expect(line(grace, /^Declined call/)).toBeVisible();
  await expectLetGo(ada);
  expectNoComplaints(ada, grace);
});

test("missed: the entry says so, and calls back", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  await button(ada, "Voice call").click();
  await expect(ring(grace)).toBeVisible();
  await button(ada, "Hang up").click();
  await expect(ring(grace)).toBeHidden();
  await expect(grace.page.getByRole("status").getByText("Missed call from Ada Lovelace")).toBeVisible();
  await expect(line(grace, /^Missed call/)).toBeVisible();
  await expect(line(ada, /^Call without an answer/)).toBeVisible();
  await button(grace, "Call back").click();
  await button(ada, "Accept").click();
  await expectLive(ada, grace);
  await button(ada, "Hang up").click();
  await expect(line(grace, /^Call, /)).toBeVisible();
  expectNoComplaints(ada, grace);
});

test("who is in a call is busy for others", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  const linus = await newCaller(browser, "Linus Park");
  await button(ada, "Voice call").click();
  await button(grace, "Accept").click();
  await expectLive(ada, grace);
  await startDirect(linus, grace);
  await button(linus, "Voice call").click();
  await expect(linus.page.getByText("They are in another call.")).toBeVisible();
  await expect(line(linus, /^Call while busy/)).toBeVisible();
  await expect(ring(grace)).toBeHidden();
  await expectLive(grace);
  await expectFlow(grace, "audio");
});

test("two devices and two tabs of the one who is called: one answers, the others stop ringing", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  const tablet = await another(browser, grace);
  const tab = await grace.context.newPage();
  await tab.goto("/");
  await button(ada, "Voice call").click();
  await expect(ring(grace)).toBeVisible();
  await expect(tab.getByRole("alertdialog")).toBeVisible();
  await button(tablet, "Accept").click();
  await expect(ring(grace)).toBeHidden();
  await expect(tab.getByRole("alertdialog")).toBeHidden();
  await expectLive(ada, tablet);
  await expectFlow(tablet, "audio");
  await button(tablet, "Hang up").click();
  await expect(line(ada, /^Call, /)).toBeVisible();
});

test("a page that is loaded anew leaves its call; ringing goes on in it", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  await button(ada, "Voice call").click();
  await expect(ring(grace)).toBeVisible();
  await grace.page.reload();
  await expect(ring(grace)).toBeVisible();
  await button(grace, "Accept").click();
  await expectLive(ada, grace);
  await grace.page.reload();
  await expect(line(ada, /^Call, /)).toBeVisible({ timeout: 90_000 });
  await expect(screen(ada)).toBeHidden();
  await expect(line(grace, /^Call, /)).toBeVisible();
  await expectLetGo(ada);
  // And both can call again.
  await button(grace, "Voice call").click();
  await button(ada, "Accept").click();
  await expectLive(ada, grace);
});

test("a line that breaks and comes back does not end a call", async ({ browser }) => {
  const { ada, grace } = await two(browser);
  await button(ada, "Voice call").click();
  await button(grace, "Accept").click();
  await expectLive(ada, grace);
  const lines = (): Promise<number> =>
    grace.page.evaluate(() => {
      const open = (window as unknown as WatchedWindow).watched.lines;
      return open.filter((one) => one.readyState === WebSocket.OPEN).length;
    });
  await grace.page.evaluate(() => {
    for (const one of (window as unknown as WatchedWindow).watched.lines) one.close();
  });
  await expect.poll(lines).toBe(1);
  await expectFlow(ada, "audio");
  await expectFlow(grace, "audio");
  await button(grace, "Hang up").click();
  await expect(line(ada, /^Call, /)).toBeVisible();
});

test("three in a group: each hears each, one leaves and comes back, two go on", async ({ browser }) => {
  const ada = await newCaller(browser, "Ada Lovelace");
  const grace = await newCaller(browser, "Grace Hopper");
  const linus = await newCaller(browser, "Linus Park");
  const { id } = await ask<{ id: string }>(ada, "POST", "/conversations", {
    kind: "group",
    title: "Engines",
    member_ids: [grace.id, linus.id],
  });
  for (const person of [ada, grace, linus]) await open(person, id);
  await button(ada, "Voice call").click();
  await expect(ring(linus)).toContainText("Engines");
  await button(grace, "Accept").click();
  await expectLive(ada, grace);
  await button(linus, "Accept").click();
  const all = [ada, grace, linus];
  for (const person of all) {
    await expect(person.page.locator("[data-person=connected]")).toHaveCount(2, { timeout: 60_000 });
    await expect(screen(person)).toContainText("3 people");
  }
  await Promise.all(all.map((person) => expectFlow(person, "audio")));
  await button(linus, "Hang up").click();
  await expect(ada.page.locator("[data-person]")).toHaveCount(1);
  await expect(grace.page.locator("[data-person]")).toHaveCount(1);
  await button(linus, "Join the call").click();
  await expect(ada.page.locator("[data-person=connected]")).toHaveCount(2, { timeout: 60_000 });
  await button(linus, "Hang up").click();
  await button(ada, "Hang up").click();
  await expect(screen(grace)).toBeHidden();
  for (const person of all) await expect(line(person, /Ada Lovelace: Call, /)).toBeVisible();
  expectNoComplaints(ada, grace, linus);
});

test("where the browser forbids the microphone, and where somebody is blocked, plain words say so", async ({
  browser,
  baseURL,
}) => {
  const grace = await newCaller(browser, "Grace Hopper");
  // Without the switches that allow everything.
  const launch = test.info().project.use.launchOptions ?? {};
  const strict = await chromium.launch({
    ...launch,
    args: (launch.args ?? []).filter((arg) => !arg.startsWith("--use-fake-ui")),
  });
  try {
    const ada = await newPerson(strict, "Ada Lovelace", { ...(baseURL ? { baseURL } : {}) });
    const id = await startDirect(ada, grace);
    await ada.context.clearPermissions();
    await button(ada, "Voice call").click();
    await expect(ada.page.getByRole("alert")).toContainText("The browser may not use the microphone.");
    await expect(screen(ada)).toBeHidden();
    await ada.page.getByRole("alert").getByRole("button", { name: "Close" }).click();
    await expect(ada.page.getByRole("alert")).toBeHidden();

    const answer = await grace.context.request.put(`/api/v1/blocks/${ada.id}`);
    expect(answer.ok()).toBe(true);
    await grace.page.goto(`/c/${id}`);
    const blocked = button(grace, /^Voice call: you have blocked/);
    await expect(blocked).toHaveAttribute("aria-disabled", "true");
    await blocked.press("Enter");
    await expect(grace.page.getByRole("status").getByText("you have blocked this person")).toBeVisible();
  } finally {
    await strict.close();
  }
});

async function photograph(page: Page, name: string): Promise<void> {
  if (process.env["TEST_GALLERY"] === undefined) return;
  for (const [size, viewport] of Object.entries({ phone, desktop })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.waitForTimeout(300);
      await page.screenshot({ path: `../out/screenshots/${name}-${size}-${colorScheme}.png` });
    }
  }
}

async function expectNothingSerious(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    expect.soft(await findings(page), `${name}, ${size}`).toEqual([]);
  }
  // Only colours change.
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  expect.soft(await findings(page, ["color-contrast"]), `${name}, dark`).toEqual([]);
  await photograph(page, name);
  await page.setViewportSize(desktop);
}

test("axe finds nothing serious on the screens of a call, in any size", async ({ browser }) => {
  test.setTimeout(900_000);
  const { ada, grace } = await two(browser);
  await button(ada, "Video call").click();
  await expect(ring(grace)).toBeVisible();
  await expect(screen(ada)).toContainText("Ringing…");
  await expectNothingSerious(grace.page, "call-ring");
  await expectNothingSerious(ada.page, "call-outgoing");
  await button(grace, "With camera").click();
  await expectLive(ada, grace);
  await expectFlow(grace, "video");
  await expectNothingSerious(grace.page, "call-video");
  await button(grace, "Devices").click();
  await expect(grace.page.getByLabel("Microphone", { exact: true })).toBeVisible();
  await expectNothingSerious(grace.page, "call-devices");
  await grace.page.keyboard.press("Escape");
  await expect(screen(grace)).toBeVisible();
  await button(ada, "Turn the camera off").click();
  await button(ada, "Mute the microphone").click();
  await expect(screen(grace).getByText("Microphone off")).toBeVisible();
  await expectNothingSerious(grace.page, "call-voice");
  await button(grace, "Make the call small").click();
  await expect(grace.page.getByRole("region", { name: /^Call with/ })).toBeVisible();
  await expectNothingSerious(grace.page, "call-small");
  await button(ada, "Hang up").click();
  await expect(line(grace, /^Video call, /)).toBeVisible();
  await expectNothingSerious(grace.page, "call-entry");
});
