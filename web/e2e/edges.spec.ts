import { expect, type Page, test } from "@playwright/test";
import { composer, expectNoComplaints, newPerson, openFromList, phone, send, startDirect } from "./people.ts";

// What phones and systems take from a page: room for a keyboard, for a notch, and its colours.

test("a keyboard that covers the page instead of making it smaller leaves the composer in sight", async ({
  browser,
}) => {
  const ada = await newPerson(browser, "Ada Lovelace", { viewport: phone });
  const grace = await newPerson(browser, "Grace Hopper");
  // As Safari on iOS has it: the page stays as high as it was, what can be seen of it gets smaller and moves.
  await ada.context.addInitScript(() => {
    const view = Object.assign(new EventTarget(), { height: window.innerHeight, offsetTop: 0, scale: 1 });
    Object.defineProperty(window, "visualViewport", { value: view });
    Object.assign(window, {
      showKeyboard: (height: number, offsetTop: number) => {
        Object.assign(view, { height: window.innerHeight - height, offsetTop });
        view.dispatchEvent(new Event("resize"));
      },
    });
  });
  await startDirect(ada, grace);
  await send(ada, "above the keys");
  const { page } = ada;
  const keyboard = (height: number, offset: number): Promise<void> =>
    page.evaluate(
      ([tall, moved]) => {
        (window as unknown as { showKeyboard: (height: number, offset: number) => void }).showKeyboard(tall, moved);
      },
      [height, offset] as const,
    );
  const stands = async (): Promise<{ top: number; bottom: number }> => {
    const [header, form] = await Promise.all([page.locator("main header").boundingBox(), composer(ada).boundingBox()]);
    return { top: Math.round(header?.y ?? -1), bottom: Math.round((form?.y ?? 0) + (form?.height ?? 0)) };
  };
  const before = await stands();
  expect(before.bottom).toBeGreaterThan(700);

  await keyboard(336, 120);
  await expect.poll(stands).toEqual({ top: 120, bottom: before.bottom - 336 + 120 });
  await expect(page.getByText("above the keys").last()).toBeInViewport({ ratio: 1 });
  await keyboard(0, 0);
  await expect.poll(stands).toEqual(before);
  expectNoComplaints(ada);
});

test("what a word may become fits above a long draft, where a keyboard leaves little room", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace", { viewport: { width: phone.width, height: 430 } });
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  await composer(ada).fill("a line\n".repeat(30));
  await composer(ada).press("End");
  await composer(ada).pressSequentially("done :he");
  const list = ada.page.getByRole("listbox");
  await expect(list.getByRole("option").nth(3)).toBeAttached();
  await expect(list).toBeInViewport({ ratio: 1 });
  expectNoComplaints(ada);
});

/** What can be read or pressed and lies, in part or all of it, outside of what may be used. */
const hidden = (page: Page, left: number, right: number, bottom: number): Promise<string[]> =>
  page.locator("a, button, input, textarea, h1, h2, p, time").evaluateAll(
    (all, [leftmost, rightmost, lowest]) =>
      all.flatMap((one) => {
        const box = one.getBoundingClientRect();
        if (box.width < 2 || !one.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return [];
        // Rows may reach below the notch with their ground, what is in them may not.
        const { paddingLeft, paddingRight } = getComputedStyle(one);
        const from = box.left + parseFloat(paddingLeft);
        const to = box.right - parseFloat(paddingRight);
        let scrolls = one.parentElement;
        while (scrolls && scrolls.scrollHeight <= scrolls.clientHeight) scrolls = scrolls.parentElement;
        const isLow = one.matches("button, textarea") && box.bottom > lowest && !scrolls;
        return from < leftmost - 1 || to > rightmost + 1 || isLow
          ? [`${one.tagName} ${one.textContent.slice(0, 20)} ${String(from)}-${String(to)} ${String(box.bottom)}`]
          : [];
      }),
    [left, right, bottom] as const,
  );

test("on a phone on its side nothing lies under the notch, and nothing that cannot be scrolled under the bar below", async ({
  browser,
}) => {
  const viewport = { width: phone.height, height: phone.width };
  const ada = await newPerson(browser, "Ada Lovelace", { viewport });
  const grace = await newPerson(browser, "Grace Hopper");
  const id = await startDirect(ada, grace);
  await send(ada, "beside the notch");
  const { page } = ada;
  const devtools = await ada.context.newCDPSession(page);
  const insets = { left: 47, right: 47, bottom: 21 };
  await devtools.send("Emulation.setSafeAreaInsetsOverride", { insets });
  for (const address of ["/", `/c/${id}`, `/c/${id}?info=details`, "/settings", "/settings/profile", "/new"]) {
    await page.goto(address);
    await expect(page.locator("header").first()).toBeVisible();
    await expect.poll(() => hidden(page, 47, viewport.width - 47, viewport.height - 21), address).toEqual([]);
    await page.screenshot({ path: `../out/screenshots/notch${address.replace(/[^a-z]+/g, "-")}.png` });
  }
  expectNoComplaints(ada);
});

test("with colours of the system's own everything is still told apart", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const linus = await newPerson(browser, "Linus Park");
  await startDirect(grace, ada);
  await send(grace, "from Grace");
  await startDirect(linus, ada);
  await send(linus, "from Linus");
  const { page } = ada;
  await page.emulateMedia({ forcedColors: "active", colorScheme: "dark" });
  await openFromList(ada, "Grace Hopper");
  await send(ada, "from Ada");
  await page.screenshot({ path: "../out/screenshots/forced-colours.png" });

  const edge = (text: string): Promise<string[]> =>
    page
      .locator("article")
      .filter({ hasText: text })
      .locator(".bubble-own, .bubble-other")
      .evaluateAll((all) => all.map((one) => getComputedStyle(one).border));
  const [own, other] = [await edge("from Ada"), await edge("from Grace")];
  expect(own).toEqual([expect.stringMatching(/^1px solid/)]);
  expect(other).toEqual([expect.stringMatching(/^1px solid/)]);
  expect(own).not.toEqual(other);
  const chosen = page
    .getByRole("link", { name: /Grace Hopper/ })
    .and(page.locator('[aria-current="page"]'))
    .first();
  await expect(chosen).toHaveCSS("outline-style", "solid");
  await expect(page.getByRole("link", { name: /Linus Park/ })).toContainText("1 unread message");
  await expect(
    page.locator("article").filter({ hasText: "from Ada" }).locator("[data-progress] svg, svg[data-progress]"),
  ).toBeVisible();
  await page.keyboard.press("Tab");
  const focus = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
  expect(focus).not.toBe("none");
  expectNoComplaints(ada);
});
