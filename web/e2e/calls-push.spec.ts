import { expect, test } from "@playwright/test";
import { button, expectLive, newCaller, ring, watch } from "./callers.ts";
import { ask, openBrowser, password, startDirect } from "./people.ts";
import { openPushService } from "./push-service.ts";

// Moving pictures are dear enough without pictures of each step.
test.use({ trace: "off" });

test("a closed browser says who calls, then that the call was missed, or that it rings no more", async ({
  browser,
  baseURL,
}) => {
  const service = await openPushService();
  const ada = await newCaller(browser, "Ada Lovelace");
  const grace = await openBrowser(browser, "Grace Hopper", { serviceWorkers: "allow" });
  const { page } = grace;
  await grace.context.grantPermissions(["notifications"], { origin: baseURL ?? "" });
  // The worker comes with the first page, whoever sees that; Grace herself opens none, so she looks at none.
  await page.goto("/login");
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect.poll(() => page.evaluate(() => caches.has("parley-words"))).toBe(true);
  await page.goto("/healthz");
  const account = { username: grace.username, password, display_name: grace.name };
  grace.id = (await ask<{ user: { id: string } }>(grace, "POST", "/auth/signup", account)).user.id;
  const { endpoint, keys } = service.subscription;
  await ask(grace, "POST", "/push/subscriptions", { endpoint, keys, content: true });

  const devtools = await grace.context.newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [first] = registrations;
      if (first) resolve(first.registrationId);
    });
  });
  await devtools.send("ServiceWorker.enable");
  const arrived = (): string[] => service.arrived.map(({ pushed }) => pushed.kind);
  /** Hands the last that came to the real service worker, as the browser would. */
  const hand = async (): Promise<void> => {
    const data = service.arrived.at(-1)?.data ?? "";
    await devtools.send("ServiceWorker.deliverPushMessage", {
      origin: baseURL ?? "",
      registrationId: await registered,
      data,
    });
  };
  const shown = (): Promise<string[]> =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration("/");
      return (await registration?.getNotifications())?.map(({ title, body }) => `${title}: ${body}`).sort() ?? [];
    });

  await startDirect(ada, grace);
  await button(ada, "Voice call").click();
  await expect.poll(arrived, { timeout: 60_000 }).toEqual(["call"]);
  await hand();
  await expect.poll(shown).toEqual(["Ada Lovelace: Ada Lovelace is calling…"]);
  await button(ada, "Hang up").click();
  await expect.poll(arrived, { timeout: 60_000 }).toEqual(["call", "call_missed"]);
  await hand();
  await expect.poll(shown).toEqual(["Ada Lovelace: Missed call from Ada Lovelace"]);

  // On another device she has a page open at which she does not look: that rings, and answers.
  const tablet = await openBrowser(browser, grace.name);
  await tablet.context.addInitScript(watch);
  await tablet.context.addInitScript(() => {
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
  });
  await ask(tablet, "POST", "/auth/login", { username: grace.username, password });
  await tablet.page.goto("/");
  await expect(tablet.page.getByRole("link", { name: "New conversation" }).first()).toBeVisible();
  await button(ada, "Voice call").click();
  await expect(ring(tablet)).toBeVisible();
  await expect.poll(arrived, { timeout: 60_000 }).toEqual(["call", "call_missed", "call"]);
  await hand();
  await expect.poll(async () => (await shown()).length).toBe(2);
  await button(tablet, "Accept").click();
  await expectLive(ada, tablet);
  await expect.poll(arrived, { timeout: 60_000 }).toEqual(["call", "call_missed", "call", "call_over"]);
  await hand();
  await expect.poll(shown).toEqual(["Ada Lovelace: Missed call from Ada Lovelace"]);
  await button(ada, "Hang up").click();
  service.close();
});
