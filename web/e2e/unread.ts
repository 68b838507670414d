import type { Locator, Page } from "@playwright/test";
import { ask, type Person } from "./people.ts";

/** The messages on a page. */
export function feed(page: Page): Locator {
  return page.getByRole("log", { name: "Messages" });
}

/** The line above the first message that was unread when the conversation opened. */
export function divider(person: Person): Locator {
  return person.page.getByText("New", { exact: true });
}

/** How far the "New" line is below the header, in pixels; far when there is none. */
export function dividerBelowHeader(person: Person): Promise<number> {
  return person.page.evaluate(() => {
    const header = document.querySelector("main header");
    const line = [...document.querySelectorAll("[role=log] div")].find((one) => one.textContent === "New");
    return line && header ? line.getBoundingClientRect().top - header.getBoundingClientRect().bottom : 10_000;
  });
}

/** How many messages the server takes for unread. */
export async function unreadOf(person: Person, id: string): Promise<number> {
  return (await ask<{ unread: number }>(person, "GET", `/conversations/${id}`)).unread;
}
