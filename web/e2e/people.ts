import { type Browser, type BrowserContext, expect, type Locator, type Page } from "@playwright/test";

/** Desktop and phone, as the screenshots show them. */
export const desktop = { width: 1440, height: 900 };
export const phone = { width: 360, height: 800 };

export interface Person {
  name: string;
  username: string;
  context: BrowserContext;
  page: Page;
  /** What the page complained about: errors, and anything the content security policy stopped. */
  complaints: string[];
}

let serial = Date.now() % 1_000_000_000;

export interface PersonOptions {
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
  locale?: string;
  serviceWorkers?: "allow" | "block";
  baseURL?: string;
}

/** Opens a browser for a person, with their own cookies and storage. */
export async function openBrowser(browser: Browser, name: string, options: PersonOptions = {}): Promise<Person> {
  const context = await browser.newContext({ viewport: options.viewport ?? desktop, ...options });
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
  serial += 1;
  const username = `${name.toLowerCase().replace(/[^a-z]+/g, "")}${String(serial)}`;
  return { name, username, context, page, complaints };
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
  await expect(page.getByRole("link", { name: "New conversation" })).toBeVisible();
}

export async function newPerson(browser: Browser, name: string, options: PersonOptions = {}): Promise<Person> {
  const person = await openBrowser(browser, name, options);
  await signUp(person);
  return person;
}

/** Starts a direct conversation by the search. */
export async function startDirect(from: Person, to: Person): Promise<void> {
  const { page } = from;
  await page.goto("/new");
  await page.getByRole("searchbox", { name: "Name or username" }).fill(to.username);
  await page.getByRole("button", { name: new RegExp(to.username) }).click();
  await expect(composer(from)).toBeVisible();
}

/** Opens a conversation from the list by its name. */
export async function openFromList(person: Person, name: string): Promise<void> {
  await person.page
    .getByRole("navigation", { name: "Conversations" })
    .getByRole("link", { name: new RegExp(name) })
    .first()
    .click();
  await expect(composer(person)).toBeVisible();
}

export function composer(person: Person): Locator {
  return person.page.getByRole("textbox", { name: "Message", exact: true });
}

/** Sends a message; `shown` is how it reads on screen, where that is not the text itself. */
export async function send(person: Person, text: string, shown: string | RegExp = text): Promise<void> {
  await composer(person).fill(text);
  await composer(person).press("Enter");
  await expect(message(person, shown)).toBeVisible();
}

/** A message on screen by its text. */
export function message(person: Person, text: string | RegExp): Locator {
  return person.page.locator("article").filter({ hasText: text }).last();
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
