import { type Browser, type BrowserContext, expect, type Locator, type Page, test } from "@playwright/test";
import { io } from "socket.io-client";

/** Desktop and phone, as the screenshots show them. */
export const desktop = { width: 1440, height: 900 };
export const phone = { width: 360, height: 800 };

export interface Person {
  name: string;
  username: string;
  /** Who they are to the server; empty before they are signed up. */
  id: string;
  /** For the header Authorization; empty where the form signed them up. */
  token: string;
  context: BrowserContext;
  page: Page;
  /** What the page complained about: errors, and anything the content security policy stopped. */
  complaints: string[];
}

const step = 64;
/** Makes names that nobody else has; each worker counts on its own, so no two of them ever meet. */
let serial = (Date.now() % 100_000_000) * step + (Number(process.env["TEST_WORKER_INDEX"] ?? 0) % step);

export interface PersonOptions {
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
  locale?: string;
  serviceWorkers?: "allow" | "block";
  baseURL?: string;
  timezoneId?: string;
  isMobile?: boolean;
  hasTouch?: boolean;
}

/** Whether the story is told on a phone: the project of that name. */
export function onPhone(): boolean {
  return test.info().project.name === "phone";
}

/** What a person holds in their hands, where the story does not say otherwise. */
function device(): PersonOptions {
  return onPhone()
    ? { viewport: phone, colorScheme: "dark", isMobile: true, hasTouch: true }
    : { viewport: desktop, colorScheme: "light" };
}

let opened: { testId: string; context: BrowserContext }[] = [];

/** Closes what earlier tests opened: pages that nobody looks at any more would go on living and cost time. */
async function closeEarlier(): Promise<void> {
  const { testId } = test.info();
  const earlier = opened.filter((one) => one.testId !== testId);
  opened = opened.filter((one) => one.testId === testId);
  await Promise.all(earlier.map((one) => one.context.close()));
}

/** Opens a browser for a person, with their own cookies and storage. */
export async function openBrowser(browser: Browser, name: string, options: PersonOptions = {}): Promise<Person> {
  await closeEarlier();
  const context = await browser.newContext({ ...device(), ...options });
  opened.push({ testId: test.info().testId, context });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // A refused request is logged by the browser itself; the page shows it to the person.
    if (
      message.type() === "error" &&
      !text.startsWith("Failed to load resource") &&
      !text.includes("WebSocket connection")
    ) {
      complaints.push(`console: ${text}`);
    }
  });
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (
      protocol.startsWith("http") &&
      host !== new URL(page.url() === "about:blank" ? request.url() : page.url()).host
    ) {
      complaints.push(`request to another host: ${request.url()}`);
    }
  });
  serial += step;
  const username = `${name.toLowerCase().replace(/[^a-z]+/g, "")}${String(serial)}`;
  return { name, username, id: "", token: "", context, page, complaints };
}

export const password = "correct horse battery staple";

/** Signs a person up by the form. */
export async function signUp(person: Person): Promise<void> {
  const { page } = person;
  await page.goto("/signup");
  await page.getByLabel("Username").fill(person.username);
  await page.getByLabel("Display name").fill(person.name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("link", { name: "New conversation" }).first()).toBeVisible();
}

/** Asks the server for something in a person's name, without their page. */
export async function ask<T>(person: Person, method: string, path: string, data?: unknown): Promise<T> {
  const answer = await person.context.request.fetch(`/api/v1${path}`, {
    method,
    ...(data === undefined ? {} : { data }),
  });
  expect(answer.ok(), `${method} ${path}: ${String(answer.status())} ${await answer.text()}`).toBe(true);
  return (await answer.json()) as T;
}

/** Somebody who is signed up, in front of their list. The form itself is `signUp`. */
export async function newPerson(browser: Browser, name: string, options: PersonOptions = {}): Promise<Person> {
  const person = await openBrowser(browser, name, options);
  const body = { username: person.username, password, display_name: name };
  const { token, user } = await ask<{ token: string; user: { id: string } }>(person, "POST", "/auth/signup", body);
  person.id = user.id;
  person.token = token;
  await person.page.goto("/");
  await expect(person.page.getByRole("link", { name: "New conversation" }).first()).toBeVisible();
  return person;
}

/** Has a direct conversation opened by one person. */
export async function startDirect(from: Person, to: Person): Promise<string> {
  const other = to.id || (await ask<{ id: string }>(to, "GET", "/me")).id;
  const body = { kind: "direct", user_id: other };
  const { id } = await ask<{ id: string }>(from, "POST", "/conversations", body);
  await from.page.goto(`/c/${id}`);
  await expect(composer(from)).toBeVisible();
  return id;
}

/** Starts a direct conversation by the search, as people do. */
export async function findAndStart(from: Person, to: Person): Promise<void> {
  const { page } = from;
  await page.goto("/new");
  await page.getByRole("searchbox", { name: "Name or username" }).fill(to.username);
  await page.getByRole("button", { name: new RegExp(to.username) }).click();
  await expect(composer(from)).toBeVisible();
}

/** Has a person write many messages over a connection of their own, so many at a time; with one at a time they stand in order. */
export async function write(person: Person, conversation: string, texts: readonly string[], atOnce = 1): Promise<void> {
  const socket = io(new URL(person.page.url()).origin, { auth: { token: person.token }, transports: ["websocket"] });
  try {
    await new Promise((resolve, reject) => {
      socket.on("ready", resolve);
      socket.on("connect_error", reject);
    });
    serial += step;
    const run = String(serial);
    const left = texts.entries();
    const work = async (): Promise<void> => {
      for (const [n, text] of left) {
        const message = { conversation_id: conversation, client_id: `w-${run}-${String(n)}`, text };
        const answer = (await socket.emitWithAck("message.send", message)) as { ok: boolean };
        expect(answer, `answer to ${text}`).toMatchObject({ ok: true });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    socket.close();
  }
}

/** Goes up by the arrow of each page until something is there. */
async function up(page: Page, until: Locator): Promise<void> {
  while (!(await until.isVisible())) {
    const back = page.getByRole("link", { name: "Back", exact: true });
    const to = (await back.getAttribute("href")) ?? "";
    await back.tap();
    await expect(until.or(page.locator(`a[aria-label="Back"]:not([href="${to}"])`)).first()).toBeVisible();
  }
}

/** To the list of conversations: at a desk it is always there. */
export async function toList(person: Person): Promise<void> {
  const list = person.page.getByRole("navigation", { name: "Conversations" });
  if (onPhone()) await up(person.page, list);
  await expect(list).toBeVisible();
}

/** Opens a conversation from the list by its name. */
export async function openFromList(person: Person, name: string): Promise<void> {
  await toList(person);
  await person.page
    .getByRole("navigation", { name: "Conversations" })
    .getByRole("link", { name: new RegExp(name) })
    .first()
    .click();
  await expect(composer(person)).toBeVisible();
}

/** From the details to the messages: at a desk they are beside each other. */
export async function toConversation(person: Person): Promise<void> {
  const messages = person.page.getByRole("log", { name: "Messages" });
  if (onPhone()) await up(person.page, messages);
  await expect(messages).toBeVisible();
}

/** Opens the details of the conversation that is open: by its name on a phone, which has no room for more. */
export async function openDetails(person: Person): Promise<void> {
  const { page } = person;
  const details = page.getByRole("complementary");
  if (await details.isVisible()) return;
  if (onPhone())
    await page
      .locator("header")
      .getByRole("link")
      .filter({ has: page.getByRole("heading") })
      .tap();
  else await page.getByRole("link", { name: "Details" }).last().click();
  await expect(details).toBeVisible();
}

export function composer(person: Person): Locator {
  return person.page.getByRole("textbox", { name: "Message", exact: true });
}

/** Sends what is in the composer: by Enter at a desk, by the button on a phone, where Enter begins a new line. */
export async function submit(person: Person): Promise<void> {
  if (onPhone()) await person.page.getByRole("button", { name: /^(Send|Save the edit)$/ }).tap();
  else await composer(person).press("Enter");
}

/** Sends a message; `shown` is how it reads on screen, where that is not the text itself. */
export async function send(person: Person, text: string, shown: string | RegExp = text): Promise<void> {
  await composer(person).fill(text);
  await submit(person);
  await expect(message(person, shown)).toBeVisible();
}

/** A message on screen by its text. */
export function message(person: Person, text: string | RegExp): Locator {
  return person.page.locator("article").filter({ hasText: text }).last();
}

/** Opens the menu of a message or of a conversation in the list: by a right click at a desk, by a long press on a phone. */
export async function openMenu(person: Person, target: Locator): Promise<void> {
  if (onPhone()) await longPress(person.page, target);
  // Not in the middle: on a link the menu is the browser's.
  else await target.click({ button: "right", position: { x: 5, y: 5 } });
  await expect(person.page.getByRole("menu")).toBeVisible();
}

/** Does something with a message, or with a conversation of the list, by its menu. */
export async function act(person: Person, target: Locator, name: string): Promise<void> {
  await openMenu(person, target);
  const item = person.page.getByRole("menuitem", { name, exact: true });
  if (onPhone()) await item.tap();
  else await item.click();
}

/** A finger that stays where it is, until what it opens is there. */
async function longPress(page: Page, target: Locator): Promise<void> {
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  if (!box) throw new Error("nothing to press");
  const touchPoints = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }];
  const session = await page.context().newCDPSession(page);
  await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints });
  await expect(page.getByRole("menu")).toBeVisible();
  await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await session.detach();
}

/** Moves what is under the middle of a place by so many pixels: by the wheel at a desk, by a finger on a phone. */
export async function scroll(person: Person, place: Locator, down: number): Promise<void> {
  const { page } = person;
  if (!onPhone()) {
    await place.hover();
    await page.mouse.wheel(0, down);
    return;
  }
  const box = await place.boundingBox();
  if (!box) throw new Error("nothing to scroll");
  const session = await page.context().newCDPSession(page);
  const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const most = box.height * 0.7;
  for (let left = Math.abs(down); left > 0; left -= most) {
    const way = -Math.sign(down) * Math.min(left, most);
    const touch = (type: "touchStart" | "touchMove", share: number): Promise<unknown> =>
      session.send("Input.dispatchTouchEvent", { type, touchPoints: [{ x: middle.x, y: middle.y + way * share }] });
    await touch("touchStart", -0.5);
    for (let step = 1; step <= 8; step += 1) await touch("touchMove", step / 8 - 0.5);
    await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  }
  await session.detach();
}

/** The tick of a message: waiting, sent, delivered or seen. */
export async function expectProgress(person: Person, text: string, progress: string): Promise<void> {
  await expect(message(person, text).locator(`[data-progress="${progress}"]`)).toBeVisible();
}

/** The texts of all messages on screen, from top to bottom. */
export async function shownTexts(person: Person): Promise<string[]> {
  return person.page.locator("article p.whitespace-pre-wrap").evaluateAll((paragraphs) =>
    paragraphs.map((paragraph) => {
      const copy = paragraph.cloneNode(true) as Element;
      copy.querySelector("[data-foot]")?.remove();
      return copy.textContent;
    }),
  );
}

export function expectNoComplaints(...people: Person[]): void {
  for (const person of people) expect(person.complaints, `what ${person.name}'s page complained about`).toEqual([]);
}
