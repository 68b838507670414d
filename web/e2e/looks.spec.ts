import { type Browser, expect, type Page, test } from "@playwright/test";
import {
  composer,
  desktop,
  message,
  newPerson,
  openFromList,
  password,
  type Person,
  phone,
  send,
  startDirect,
} from "./people.ts";

const folder = "../out/screenshots";

/** A picture of some content, made on the spot: nothing to keep in git. */
async function picture(page: Page, width: number, height: number): Promise<Buffer> {
  const url = await page.evaluate(
    ([w, h]) => {
      const canvas = document.createElement("canvas");
      canvas.width = w;
      canvas.height = h;
      const draw = canvas.getContext("2d");
      if (!draw) throw new Error("no canvas");
      const sky = draw.createLinearGradient(0, 0, 0, h);
      sky.addColorStop(0, "#f9a65a");
      sky.addColorStop(0.6, "#e2708a");
      sky.addColorStop(1, "#3b3a6b");
      draw.fillStyle = sky;
      draw.fillRect(0, 0, w, h);
      draw.fillStyle = "#fff3c9";
      draw.beginPath();
      draw.arc(w * 0.7, h * 0.45, h * 0.12, 0, 7);
      draw.fill();
      draw.fillStyle = "#1f2142";
      draw.beginPath();
      draw.moveTo(0, h);
      for (let x = 0; x <= w; x += w / 12) draw.lineTo(x, h * (0.75 - 0.18 * Math.abs(Math.sin(x / 90))));
      draw.lineTo(w, h);
      draw.fill();
      return canvas.toDataURL("image/png");
    },
    [width, height] as const,
  );
  return Buffer.from(url.split(",")[1] ?? "", "base64");
}

async function attach(person: Person, name: string, mimeType: string, buffer: Buffer, text: string): Promise<void> {
  await person.page.locator("input[type=file]").setInputFiles({ name, mimeType, buffer });
  await expect(person.page.getByRole("button", { name: `Remove ${name}` })).toBeVisible();
  await composer(person).fill(text);
  await person.page.getByRole("button", { name: "Send" }).click();
  await expect(message(person, text)).toBeVisible();
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

/** What a few people said on an ordinary day. */
async function aDay(browser: Browser): Promise<{ ada: Person; grace: Person; linus: Person }> {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  const linus = await newPerson(browser, "Linus Park");
  const [mei] = [await newPerson(browser, "Mei 陈美")];

  await startDirect(linus, ada);
  await send(linus, "Are you coming to the climbing hall on Thursday?");
  await startDirect(mei, ada);
  await send(mei, "照片收到了，谢谢！ 🎉");

  await newGroup(ada, "Summer trip ☀️", [grace, linus, mei]);
  await send(ada, "Welcome everybody! I collected the cabins that are still free:");
  await send(
    ada,
    "- **Lake house**, 4 beds, sauna\n- *Old mill*, 6 beds, no signal\n- ~~Castle~~ (gone already)",
    "gone already",
  );
  await openFromList(grace, "Summer trip");
  await send(grace, "The lake house looks lovely. Is there a kitchen? https://example.org/cabins/lake-house");
  await openFromList(linus, "Summer trip");
  await send(linus, "No signal sounds like a feature to me 😄");
  await attach(linus, "ridge.png", "image/png", await picture(linus.page, 1200, 800), "This was the view last year");
  await attach(
    grace,
    "packing-list.pdf",
    "application/pdf",
    Buffer.from("%PDF-1.4\n".padEnd(48_000, "x")),
    "And a packing list",
  );
  await message(ada, "This was the view").click({ button: "right" });
  await ada.page.getByRole("menuitem", { name: "React ❤️" }).click();

  await startDirect(ada, grace);
  await send(ada, "Did you see the build this morning?");
  await openFromList(grace, "Ada Lovelace");
  await send(grace, "Yes, it was the cache key. I pushed a fix:");
  await send(
    grace,
    '```go\nfunc key(name string, rev int) string {\n\treturn fmt.Sprintf("%s@%d", name, rev)\n}\n```',
    "Sprintf",
  );
  await send(ada, "> it was the cache key\nof course it was. Thank you!", "of course it was");
  await message(ada, "I pushed a fix").hover();
  await message(ada, "I pushed a fix").getByRole("button", { name: "Reply" }).click();
  await send(
    ada,
    "Can you also note it in the runbook? Somebody will meet this again, and by then neither of us will remember why the revision is part of the key.",
  );
  await send(grace, "👍");
  await message(grace, "Thank you").click({ button: "right" });
  await grace.page.getByRole("menuitem", { name: "React 🎉" }).click();
  await expect(ada.page.getByRole("button", { name: /🎉/ })).toBeVisible();
  return { ada, grace, linus };
}

async function shots(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      // Skeletons and transitions settle.
      await page.waitForTimeout(400);
      await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png` });
    }
  }
}

test("how it looks", async ({ browser }) => {
  test.setTimeout(900_000);
  const { ada, grace } = await aDay(browser);
  const { page } = ada;
  await openFromList(ada, "Grace Hopper");
  await shots(page, "direct");
  await openFromList({ ...ada, page: await desktopPage(page) }, "Summer trip");
  await expect(page.getByRole("link", { name: /ridge.png/ })).toBeVisible();
  await shots(page, "group");
  const group = page.url().split("?")[0] ?? "";
  await page.goto(`${group}?info=details`);
  await expect(page.getByRole("button", { name: "Leave group" })).toBeVisible();
  await shots(page, "details");
  await page.goto("/");
  await expect(page.getByRole("link", { name: /Summer trip/ })).toBeVisible();
  await shots(page, "list");
  await page.goto("/new");
  await page.getByRole("searchbox").fill("gr");
  await expect(page.getByRole("button", { name: /Grace/ }).first()).toBeVisible();
  await shots(page, "new");
  for (const name of ["profile", "security", "appearance"]) {
    await page.goto(`/settings/${name}`);
    await shots(page, `settings-${name}`);
  }
  await page.setViewportSize(desktop);
  await page.goto(group);
  await page.getByRole("link", { name: /ridge.png/ }).click();
  await shots(page, "lightbox");
  await page.goto(group);
  await page.setViewportSize(desktop);
  await message(ada, "No signal").click({ button: "right" });
  await expect(page.getByRole("menu")).toBeVisible();
  await page.screenshot({ path: `${folder}/menu-desktop-dark.png` });
  await page.getByRole("menuitem", { name: "Add a reaction" }).click();
  await expect(page.getByRole("searchbox", { name: "Search emoji" })).toBeVisible();
  await page.screenshot({ path: `${folder}/emoji-desktop-dark.png` });
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("l");
  await page.waitForTimeout(600);
  await page.screenshot({ path: `${folder}/switcher-desktop-dark.png` });

  const fresh = await newPerson(browser, "New Person");
  await shots(fresh.page, "empty");
  await fresh.page.goto("/settings");
  await fresh.page.getByRole("button", { name: "Log out" }).click();
  await expect(fresh.page.getByRole("heading", { name: "Welcome back" })).toBeVisible();
  await shots(fresh.page, "login");
  await fresh.page.getByLabel("Username").fill(fresh.username);
  await fresh.page.getByLabel("Password", { exact: true }).fill(`${password}!`);
  await fresh.page.getByRole("button", { name: "Log in" }).click();
  await expect(fresh.page.getByText("The username or the password is wrong.")).toBeVisible();
  await grace.page.close();
});

async function desktopPage(page: Page): Promise<Page> {
  await page.setViewportSize(desktop);
  return page;
}
