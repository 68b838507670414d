import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, type Page, test } from "@playwright/test";
import { composer, message, newPerson, send, startDirect } from "./people.ts";

const ready = (page: Page): Promise<boolean> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    return navigator.serviceWorker.controller !== null;
  });

test("it can be installed: a manifest, its icons, a worker", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace", { serviceWorkers: "allow" });
  await expect.poll(() => ready(ada.page)).toBe(true);
  const client = await ada.context.newCDPSession(ada.page);
  const manifest = await client.send("Page.getAppManifest");
  expect(manifest.errors).toEqual([]);
  const said = JSON.parse(manifest.data ?? "{}") as { icons: { src: string; sizes: string }[]; display: string };
  expect(said.display).toBe("standalone");
  for (const { src, sizes } of said.icons) {
    const size = await ada.page.evaluate(async (address) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      return `${String(image.naturalWidth)}x${String(image.naturalHeight)}`;
    }, src);
    if (sizes !== "any") expect(size).toBe(sizes);
  }
  const { installabilityErrors } = await client.send("Page.getInstallabilityErrors");
  // A browser of a test keeps nothing ("in-incognito"): nothing else may be missing.
  expect(installabilityErrors.map((error) => error.errorId).filter((id) => id !== "in-incognito")).toEqual([]);
  expect(ada.complaints).toEqual([]);
});

test("without any network it starts, shows what was said, and keeps what is written", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace", { serviceWorkers: "allow" });
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await send(ada, "before the tunnel");
  await expect.poll(() => ready(ada.page)).toBe(true);
  await ada.context.setOffline(true);
  await ada.page.reload();
  await expect(message(ada, "before the tunnel")).toBeVisible();
  await send(ada, "in the tunnel");
  // What is loaded late is there, too.
  await ada.page.getByRole("button", { name: "Emoji" }).click();
  await expect(ada.page.getByRole("searchbox", { name: "Search emoji" })).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await ada.page.goto("/settings/appearance");
  await expect(ada.page.getByRole("combobox", { name: "Language" })).toBeVisible();
  await ada.context.setOffline(false);
  await ada.page.goBack();
  await expect(message(ada, "in the tunnel").locator("[data-progress=delivered]")).toBeVisible({ timeout: 30_000 });
  await expect(composer(ada)).toBeVisible();
});

/** Stands before the server and gives another worker than it does, once told to: an update of the server. */
async function withUpdates(server: string): Promise<{ address: string; update: () => void; close: () => void }> {
  let updated = false;
  const front = createServer((question, answer) => {
    const onward = request(
      server + (question.url ?? "/"),
      { method: question.method, headers: question.headers },
      (got) => {
        if (question.url !== "/sw.js" || !updated) {
          answer.writeHead(got.statusCode ?? 502, got.headers);
          got.pipe(answer);
          return;
        }
        void text(got).then((script) => {
          const { "content-length": _, "content-encoding": _encoding, etag: _etag, ...headers } = got.headers;
          answer.writeHead(200, headers);
          answer.end(script.replace(/version: ?"[0-9a-f]+"|"version":"[0-9a-f]+"/, '"version":"0000000000000000"'));
        });
      },
    );
    onward.on("error", () => answer.destroy());
    for (const name of ["accept-encoding", "if-none-match", "if-modified-since"]) {
      if (question.url === "/sw.js") onward.removeHeader(name);
    }
    question.pipe(onward);
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  const { port } = front.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${String(port)}`,
    update: () => {
      updated = true;
    },
    close: () => front.closeAllConnections(),
  };
}

test("a new version is offered, and used when the person agrees", async ({ browser, baseURL }) => {
  const front = await withUpdates(baseURL ?? "");
  const ada = await newPerson(browser, "Ada Lovelace", { serviceWorkers: "allow", baseURL: front.address });
  await expect.poll(() => ready(ada.page)).toBe(true);
  front.update();
  await ada.page.evaluate(async () => {
    await (await navigator.serviceWorker.getRegistration())?.update();
  });
  await expect(ada.page.getByText("A new version of Parley is ready.")).toBeVisible();
  const loaded = ada.page.waitForEvent("load");
  await ada.page.getByRole("button", { name: "Use it now" }).click();
  await loaded;
  await expect
    .poll(() => ada.page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("parley-files"))))
    .toEqual(["parley-files-0000000000000000"]);
  await expect(ada.page.getByText("A new version of Parley is ready.")).toBeHidden();
  front.close();
});

test("a device is notified while Parley is closed, says how that goes, and can be taken off", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace", { serviceWorkers: "allow" });
  const { page } = ada;
  // No browser of a test has a push service behind it: what it would answer is made here, with a key as browsers make them.
  await ada.context.addInitScript(() => {
    const encode = (bytes: ArrayBuffer): string =>
      btoa(String.fromCharCode(...new Uint8Array(bytes)))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replaceAll("=", "");
    PushManager.prototype.subscribe = async () => {
      const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
      const keys = {
        p256dh: encode(await crypto.subtle.exportKey("raw", pair.publicKey)),
        auth: encode(crypto.getRandomValues(new Uint8Array(16)).buffer),
      };
      const json = { endpoint: "https://push.example.org/send/abc", expirationTime: null, keys };
      return { toJSON: () => json } as unknown as PushSubscription;
    };
  });
  await expect.poll(() => ready(page)).toBe(true);
  await page.goto("/settings/notifications");
  await page.getByRole("button", { name: "Notify this device" }).click();
  const device = page.getByRole("listitem").filter({ hasText: "this device" });
  await expect(device).toContainText("Nothing was delivered yet");
  const told = page.waitForResponse((answer) => answer.request().method() === "PATCH");
  await device.getByRole("switch").click();
  expect((await told).ok()).toBe(true);
  await page.reload();
  await expect(device.getByRole("switch")).not.toBeChecked();
  await expect(page.getByRole("button", { name: "Notify this device" })).toBeHidden();
  await page.getByRole("button", { name: /Stop notifying/ }).click();
  await expect(device).toBeHidden();
  await expect(page.getByRole("button", { name: "Notify this device" })).toBeVisible();
  expect(ada.complaints).toEqual([]);
});
