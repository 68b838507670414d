import { expect, type Locator, type Page, test } from "@playwright/test";
import {
  act,
  composer,
  expectNoComplaints,
  expectProgress,
  message,
  newPerson,
  onPhone,
  openBrowser,
  openFromList,
  type Person,
  phone,
  send,
  signUp,
  startDirect,
  submit,
} from "./people.ts";
import { openPushService } from "./push-service.ts";

async function pair(browser: Parameters<typeof newPerson>[0]): Promise<{ ada: Person; grace: Person }> {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  return { ada, grace };
}

const feed = (page: Page) => page.getByRole("log", { name: "Messages" });

// A phone has no keys to hop with.
test(
  "all that can be done with a message, by keyboard; the sheet says how",
  { tag: "@desktop" },
  async ({ browser }) => {
    const { ada, grace } = await pair(browser);
    await send(ada, "first");
    await openFromList(grace, "Ada Lovelace");
    await send(grace, "second");
    const { page } = ada;
    await expect(message(ada, "second")).toBeVisible();
    await feed(page).focus();
    await page.keyboard.press("ArrowDown");
    await expect(message(ada, "second")).toBeFocused();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("menu")).toBeHidden();
    await expect(message(ada, "second")).toBeFocused();
    await page.keyboard.press("r");
    await expect(page.getByText("Reply to Grace Hopper")).toBeVisible();
    await page.keyboard.press("Escape");
    await feed(page).focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await expect(message(ada, "first")).toBeFocused();
    await page.keyboard.press("e");
    await expect(composer(ada)).toHaveValue("first");
    await page.keyboard.press("Escape");

    await feed(page).focus();
    await page.keyboard.press("?");
    const sheet = page.getByRole("dialog", { name: "Keyboard shortcuts" });
    await expect(sheet).toContainText("Go to a conversation or person");
    await page.keyboard.press("Escape");
    await expect(sheet).toBeHidden();
    await composer(ada).fill("what?");
    await composer(ada).press("?");
    await expect(sheet).toBeHidden();

    // From conversation to conversation.
    const linus = await newPerson(browser, "Linus Park");
    await startDirect(ada, linus);
    await send(ada, "newest");
    await page.keyboard.press("Alt+ArrowDown");
    await expect(page.getByRole("heading", { name: "Grace Hopper" })).toBeVisible();
    await page.keyboard.press("Alt+ArrowUp");
    await expect(page.getByRole("heading", { name: "Linus Park" })).toBeVisible();
    expectNoComplaints(ada, grace);
  },
);

test("a picture and its words are forwarded without being uploaded again", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  const { page } = ada;
  const png = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 400;
    canvas.height = 300;
    canvas.getContext("2d")?.fillRect(0, 0, 400, 300);
    return canvas.toDataURL("image/png").split(",")[1] ?? "";
  });
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "black.png", mimeType: "image/png", buffer: Buffer.from(png, "base64") });
  await send(ada, "look at this");
  await expectProgress(ada, "look at this", "delivered");
  const linus = await newPerson(browser, "Linus Park");
  let uploads = 0;
  page.on("request", (request) => (uploads += request.url().endsWith("/api/v1/files") ? 1 : 0));
  await act(ada, message(ada, "look at this"), "Forward");
  const dialog = page.getByRole("dialog", { name: "Forward to" });
  // To several at once: a person that one never wrote to, and a conversation that is there.
  await dialog.getByRole("searchbox").fill(linus.username);
  await dialog.getByRole("checkbox", { name: "Send to Linus Park" }).check();
  await dialog.getByRole("searchbox").fill(grace.username);
  await dialog.getByRole("checkbox", { name: "Send to Grace Hopper" }).check();
  await expect(dialog.getByRole("checkbox", { name: "Send to Linus Park" })).toBeChecked();
  await dialog.getByRole("button", { name: "Send to 2" }).click();
  await expect(dialog).toBeHidden();
  await openFromList(linus, "Ada Lovelace");
  await expect(message(linus, "look at this").getByRole("img", { name: "Photo: black.png" })).toBeVisible();
  await expect(ada.page.locator("article").filter({ hasText: "look at this" })).toHaveCount(2);
  expect(uploads).toBe(0);
  expectNoComplaints(ada, grace, linus);
});

test("emoji by their names, and code in colours", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  await composer(ada).pressSequentially("well done :tad");
  const list = ada.page.getByRole("listbox", { name: "Suggestions" });
  await expect(list.getByRole("option").first()).toContainText("🎉");
  if (onPhone()) await list.getByRole("option").first().tap();
  else await composer(ada).press("Enter");
  await expect(composer(ada)).toHaveValue("well done 🎉 ");
  await composer(ada).pressSequentially(":rocket:");
  await expect(composer(ada)).toHaveValue("well done 🎉 🚀");
  await submit(ada);
  await openFromList(grace, "Ada Lovelace");
  await expect(message(grace, "well done 🎉 🚀")).toBeVisible();

  await composer(ada).fill('```ts\nconst answer = 42; // "why"\n```');
  await submit(ada);
  const code = message(grace, "answer").locator("code");
  await expect(code.locator("[data-tone=keyword]")).toHaveText("const");
  await expect(code.locator("[data-tone=number]")).toHaveText("42");
  await expect(code.locator("[data-tone=comment]")).toHaveText('// "why"');
  await expect(code).toHaveText('const answer = 42; // "why"');
  expectNoComplaints(ada, grace);
});

test("what is typed at once behind a chosen emoji stays behind it", async ({ browser }) => {
  const { ada } = await pair(browser);
  // A machine that is slow to draw.
  await ada.page.evaluate(() => {
    window.requestAnimationFrame = (draw) => window.setTimeout(draw, 700, performance.now());
  });
  await composer(ada).pressSequentially("well done :tad");
  const first = ada.page.getByRole("listbox", { name: "Suggestions" }).getByRole("option").first();
  await expect(first).toContainText("🎉");
  if (onPhone()) await first.tap();
  else await composer(ada).press("Enter");
  await expect(composer(ada)).toHaveValue("well done 🎉 ");
  await composer(ada).pressSequentially("and thank you for it", { delay: 60 });
  await expect(composer(ada)).toHaveValue("well done 🎉 and thank you for it");
});

test("a voice message is recorded, sent, drawn and played", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  const { page } = ada;
  await page.getByRole("button", { name: "Record a voice message" }).click();
  await expect(page.getByRole("timer")).toHaveText("0:01");
  await page.getByRole("button", { name: "Do not send the voice message" }).click();
  await expect(composer(ada)).toBeVisible();
  await expect(page.locator("article")).toHaveCount(0);

  await page.getByRole("button", { name: "Record a voice message" }).click();
  await expect(page.getByRole("timer")).toHaveText("0:02");
  await page.getByRole("button", { name: "Send the voice message", exact: true }).click();
  await expect(page.locator("article [data-progress=delivered]")).toBeVisible();
  await expect(grace.page.getByRole("link", { name: /Ada Lovelace/ })).toContainText("Voice message");
  await openFromList(grace, "Ada Lovelace");
  const position = grace.page.getByRole("slider", { name: "Position in the voice message" });
  await expect(position).toHaveAttribute("aria-valuemax", /^[1-9]/);
  await grace.page.getByRole("button", { name: "Play the voice message" }).click();
  await expect(position).toHaveAttribute("aria-valuenow", /^[1-9]/);
  await expect(grace.page.getByRole("button", { name: "Play the voice message" })).toBeVisible();
  // From any place, and faster; the speed is kept for the next one.
  await position.click({ position: { x: 10, y: 10 } });
  await grace.page.getByRole("button", { name: "Pause" }).click();
  await grace.page.getByRole("button", { name: /^Speed: 1;/ }).click();
  await grace.page.getByRole("button", { name: /^Speed: 1.5;/ }).click();
  await expect(grace.page.getByRole("button", { name: /^Speed: 2;/ })).toHaveText("2×");
  await position.press("Home");
  await expect(grace.page.getByRole("button", { name: "Play the voice message" })).toBeVisible();
  expect(await grace.page.evaluate(() => localStorage.getItem("parley.voice.rate"))).toBe("2");

  // Without a microphone one is told so.
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await page.getByRole("button", { name: "Record a voice message" }).click();
  await expect(page.getByText("Your browser does not let this page use the microphone.")).toBeVisible();
  expectNoComplaints(ada, grace);
});

// Who is told what does not depend on the screen; the settings themselves are looked at on a phone in looks.spec.
test(
  "notifications: off until asked for, not for what one looks at, once for all tabs",
  { tag: "@desktop" },
  async ({ browser }) => {
    const { ada, grace } = await pair(browser);
    await ada.context.grantPermissions(["notifications"]);
    await ada.context.addInitScript(() => {
      const told: string[] = [];
      Object.assign(window, { told });
      const record = (title: string, options?: NotificationOptions): void =>
        void told.push(`${title}: ${options?.body ?? ""}`);
      const Real = Notification;
      class Recorded extends EventTarget {
        static readonly permission = "granted";
        static readonly requestPermission = (): Promise<string> => Promise.resolve("granted");
        static readonly prototype_ = Real.prototype;
        constructor(title: string, options?: NotificationOptions) {
          super();
          record(title, options);
        }
        close(): void {
          told.push("closed");
        }
      }
      Object.assign(window, { Notification: Recorded });
      ServiceWorkerRegistration.prototype.showNotification = (title, options) => {
        record(title, options);
        return Promise.resolve();
      };
    });
    const told = (page: Page): Promise<string[]> => page.evaluate(() => (window as unknown as { told: string[] }).told);
    await openFromList(grace, "Ada Lovelace");
    await ada.page.goto("/settings/notifications");
    await send(grace, "too early");
    await expect(ada.page.getByRole("link", { name: /Grace Hopper.*too early/s })).toBeVisible();
    await ada.page.getByRole("switch", { name: /Notifications on this device/ }).click();
    await expect(ada.page.getByText("This device tells you about new messages.")).toBeVisible();
    const second = await ada.context.newPage();
    await second.goto("/settings/appearance");
    await expect(second.getByRole("link", { name: /Grace Hopper.*too early/s })).toBeVisible();
    await send(grace, "good morning");
    const all = async (): Promise<string[]> => [...(await told(ada.page)), ...(await told(second))];
    await expect.poll(all).toEqual(["Grace Hopper: good morning"]);

    await ada.page.getByRole("switch", { name: /Show who writes what/ }).click();
    await send(grace, "secret");
    await expect.poll(all).toEqual(expect.arrayContaining(["Parley: New message"]));
    expect((await all()).join()).not.toContain("secret");

    // What somebody looks at is not told.
    await second.close();
    await openFromList(ada, "Grace Hopper");
    await ada.page.bringToFront();
    await send(grace, "you see this");
    await expectProgress(grace, "you see this", "seen");
    expect((await told(ada.page)).filter((one) => one !== "closed").length).toBeLessThanOrEqual(2);
  },
);

// As above.
test(
  "who looks elsewhere is told by a push, which only their browser can read, and their settings say how it went",
  { tag: "@desktop" },
  async ({ browser, baseURL }) => {
    const service = await openPushService();
    const ada = await newPerson(browser, "Ada Lovelace");
    const grace = await openBrowser(browser, "Grace Hopper", { serviceWorkers: "allow" });
    await grace.context.grantPermissions(["notifications"], { origin: baseURL ?? "" });
    // No browser of a test has a push service behind it: what one would answer is made here.
    await grace.context.addInitScript((json) => {
      // A page that is hidden stays so when it is loaded again.
      if (sessionStorage.getItem("hidden")) Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
      PushManager.prototype.subscribe = () => Promise.resolve({ toJSON: () => json } as unknown as PushSubscription);
    }, service.subscription);
    await signUp(grace);
    const { page } = grace;
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    // What comes is handed to the real service worker, as the browser would.
    const devtools = await grace.context.newCDPSession(page);
    const registered = new Promise<string>((resolve) => {
      devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const [first] = registrations;
        if (first) resolve(first.registrationId);
      });
    });
    await devtools.send("ServiceWorker.enable");
    const hand = async (data: string): Promise<void> => {
      await devtools.send("ServiceWorker.deliverPushMessage", {
        origin: baseURL ?? "",
        registrationId: await registered,
        data,
      });
    };
    const shown = (): Promise<string[]> =>
      page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        return (await registration?.getNotifications())?.map(({ title, body }) => `${title}: ${body}`) ?? [];
      });

    await page.goto("/settings/notifications");
    await page.getByRole("button", { name: "Notify this device" }).click();
    const device = page.getByRole("listitem").filter({ hasText: "this device" });
    await expect(device).toContainText("Nothing was delivered yet");
    await device.getByRole("button", { name: "Try it" }).click();
    await expect.poll(() => service.arrived.map(({ pushed }) => pushed.kind), { timeout: 60_000 }).toEqual(["test"]);
    await hand(service.arrived[0]?.data ?? "");
    await expect.poll(shown).toEqual(["Parley: Notifications work."]);
    await expect(async () => {
      await page.reload();
      await expect(device).toContainText("Last delivered", { timeout: 10_000 });
    }).toPass({ timeout: 60_000 });

    // The page is open still, but nobody looks at it.
    await page.evaluate(() => {
      sessionStorage.setItem("hidden", "yes");
      Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await startDirect(ada, grace);
    await send(ada, "for your eyes only");
    await expect.poll(() => service.arrived.length, { timeout: 60_000 }).toBe(2);
    const told = service.arrived[1];
    expect(told?.pushed).toMatchObject({ kind: "message", title: "Ada Lovelace", body: "for your eyes only" });
    await hand(told?.data ?? "");
    await expect.poll(shown).toContain("Ada Lovelace: for your eyes only");

    // Why it fails is told; who signs out has nothing left on the screen.
    service.answers(403);
    await send(ada, "once more");
    await expect(async () => {
      await page.reload();
      await expect(device).toContainText("refused this server (403)", { timeout: 10_000 });
    }).toPass({ timeout: 60_000 });
    await page.goto("/settings");
    await page.getByRole("button", { name: "Log out" }).click();
    await expect(page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
    await expect.poll(shown).toEqual([]);
    service.close();
  },
);

// The list stands beside what is open here, so that both tabs show it all the time.
test(
  "two tabs of one person agree on what is unread, with and without a line",
  { tag: "@desktop" },
  async ({ browser }) => {
    const { ada, grace } = await pair(browser);
    await send(ada, "one");
    const second = await grace.context.newPage();
    await second.goto("/settings");
    const row = (page: Page) => page.getByRole("link", { name: /Ada Lovelace/ }).first();
    await expect(row(second)).toContainText("1 unread message");
    await expect(row(grace.page)).toContainText("1 unread message");
    await grace.page.bringToFront();
    await openFromList(grace, "Ada Lovelace");
    await expect(row(grace.page)).not.toContainText("unread");
    await expect(row(second)).not.toContainText("unread");
    await grace.page.keyboard.press("Escape");
    await expect(composer(grace)).toBeHidden();
    await send(ada, "two");
    await expect(row(second)).toContainText("1 unread message");
    await expect(row(grace.page)).toContainText("1 unread message");
    await grace.context.setOffline(true);
    await grace.page.bringToFront();
    await openFromList(grace, "Ada Lovelace");
    await expect(message(grace, "two")).toBeVisible();
    await expect(row(second)).not.toContainText("unread");
  },
);

test("limits are told in the unit that counts, before they hurt", async ({ browser }) => {
  const { ada } = await pair(browser);
  const { page } = ada;
  await composer(ada).fill("ü".repeat(8_000));
  await expect(page.getByText("384 bytes left")).toBeVisible();
  await composer(ada).fill("ü".repeat(8_193));
  await expect(page.getByText("2 bytes too long")).toBeVisible();
  await expect(page.getByRole("button", { name: "Send", exact: true })).toBeDisabled();
  await composer(ada).fill("ü".repeat(8_192));
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expectProgress(ada, "üüü", "delivered");
});

/** Two who have written to each other; the first reads from right to left. */
async function mirrored(browser: Parameters<typeof newPerson>[0]): Promise<Person> {
  const { ada, grace } = await pair(browser);
  await send(ada, "hello");
  await openFromList(grace, "Ada Lovelace");
  await send(grace, "an answer");
  await ada.page.evaluate(() => {
    localStorage.setItem("parley.locale", "ar-XB");
  });
  await ada.page.reload();
  await expect(ada.page.locator("html")).toHaveAttribute("dir", "rtl");
  await expect(message(ada, "an answer")).toBeVisible();
  return ada;
}

const leftEdge = async (place: Locator): Promise<number> => (await place.boundingBox())?.x ?? Number.NaN;

test("from right to left everything is mirrored, and nothing is cut off", async ({ browser }) => {
  const ada = await mirrored(browser);
  const own = await leftEdge(message(ada, "hello").locator("p").first());
  expect(own).toBeLessThan(await leftEdge(message(ada, "an answer").locator("p").first()));
  await ada.page.setViewportSize(phone);
  const wider = await ada.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wider).toBeLessThanOrEqual(0);
});

// A phone shows the list or the conversation, without a divider.
test(
  "from right to left the list is on the right, and its divider goes the other way",
  { tag: "@desktop" },
  async ({ browser }) => {
    const ada = await mirrored(browser);
    const list = await leftEdge(ada.page.getByRole("navigation", { name: "Conversations" }));
    expect(list).toBeGreaterThan(await leftEdge(message(ada, "an answer").locator("p").first()));
    const divider = ada.page.getByRole("separator", { name: "Width of the list" });
    const before = Number(await divider.getAttribute("aria-valuenow"));
    await divider.focus();
    await ada.page.keyboard.press("ArrowLeft");
    await expect(divider).toHaveAttribute("aria-valuenow", String(before + 16));
  },
);

// On a phone one pane is all there is.
test("panes are as wide as one likes, and stay so", { tag: "@desktop" }, async ({ browser }) => {
  const { ada } = await pair(browser);
  const { page } = ada;
  await page.getByRole("link", { name: "Details" }).last().click();
  const divider = page.getByRole("separator", { name: "Width of the details" });
  await expect(page.getByRole("complementary", { name: "Details" })).toBeVisible();
  await divider.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(divider).toHaveAttribute("aria-valuenow", "352");
  const box = await divider.boundingBox();
  if (!box) throw new Error("the divider has no place");
  await page.mouse.move(box.x, box.y + 300);
  await page.mouse.down();
  await page.mouse.move(box.x - 60, box.y + 300, { steps: 5 });
  await page.mouse.up();
  await expect(divider).toHaveAttribute("aria-valuenow", /^41[0-9]$/);
  const width = await divider.getAttribute("aria-valuenow");
  await page.reload();
  await expect(page.getByRole("separator", { name: "Width of the details" })).toHaveAttribute(
    "aria-valuenow",
    width ?? "",
  );
});

test("who wants no motion sees none", async ({ browser }) => {
  const { ada, grace } = await pair(browser);
  await ada.page.emulateMedia({ reducedMotion: "reduce" });
  await send(ada, "still");
  await startDirect(grace, ada);
  await composer(grace).pressSequentially("typing");
  await expect(ada.page.getByText("Grace Hopper is typing…")).toBeVisible();
  const moving = await ada.page.evaluate(
    () =>
      document.getAnimations().filter((animation) => {
        const { duration, iterations } = animation.effect?.getComputedTiming() ?? {};
        return Number(duration) > 1 || iterations === Infinity;
      }).length,
  );
  expect(moving).toBe(0);
});
