import { type Browser, type BrowserContext, expect, type Page } from "@playwright/test";
import { openBrowser } from "./people.ts";
import { landscape } from "./png.ts";
import { makeWorld, newcomer, type World } from "./world.ts";

/** The browsers that the screens are looked at in. */
export interface Stage {
  world: World;
  /** Ada, who has all there is. */
  ada: Page;
  /** Somebody who is not logged in. */
  stranger: Page;
  /** Somebody who has just signed up. */
  fresh: Page;
  close: () => Promise<void>;
}

interface StageOptions {
  browser: Browser;
  baseURL: string | undefined;
  voice?: boolean;
  /** Is done to each browser before it opens a page. */
  prepare?: (context: BrowserContext) => Promise<void>;
}

export async function openStage({ browser, baseURL, voice = false, prepare }: StageOptions): Promise<Stage> {
  const world = await makeWorld({ browser, baseURL, voice });
  const stranger = await openBrowser(browser, "Stranger");
  const fresh = await newcomer(browser);
  for (const { context } of [world.ada, stranger, fresh]) await prepare?.(context);
  const close = async (): Promise<void> => {
    await Promise.all([world.close(), stranger.context.close(), fresh.context.close()]);
  };
  return { world, ada: world.ada.page, stranger: stranger.page, fresh: fresh.page, close };
}

/** One thing that people see: how to get there, and whose page it is then. */
export interface Screen {
  name: string;
  who: "ada" | "stranger" | "fresh";
  open: (page: Page, world: World) => Promise<void>;
  /** Puts back what was changed to get there. */
  leave?: (page: Page, world: World) => Promise<void>;
  /** The shape of what is loading is what there is to see. */
  loading?: boolean;
}

/** What is still on its way has come: no skeletons, no half-drawn pictures. */
export async function settled(page: Page, { loading = false } = {}): Promise<void> {
  await page.waitForFunction((mayLoad) => {
    const seen = (image: HTMLImageElement): boolean => {
      const { top, bottom } = image.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    };
    return (
      (mayLoad || !document.querySelector(".skeleton")) &&
      [...document.images].every((image) => image.complete || !seen(image))
    );
  }, loading);
}

const chat = (id: string, search = ""): string => `/c/${id}${search}`;
const messageText = (page: Page, text: string | RegExp) => page.locator("article").filter({ hasText: text }).last();

async function openChat(page: Page, path: string, text: string | RegExp): Promise<void> {
  await page.goto(path);
  await expect(messageText(page, text)).toBeVisible();
}

const openGrace = (page: Page, world: World): Promise<void> => openChat(page, chat(world.ids.grace), "👍");
const openTrip = (page: Page, world: World): Promise<void> => openChat(page, chat(world.ids.trip), "🎉🎉");

async function openMenu(page: Page, text: string): Promise<void> {
  await messageText(page, text).getByText(text).first().click({ button: "right" });
  await expect(page.getByRole("menu")).toBeVisible();
}

async function openInfo(page: Page, world: World, info: string, sign: string | RegExp): Promise<void> {
  await page.goto(chat(world.ids.trip, `?info=${info}`));
  await expect(page.getByRole("complementary").getByText(sign).first()).toBeVisible();
}

async function settings(page: Page, name: string, sign: string): Promise<void> {
  await page.goto(`/settings/${name}`);
  await expect(page.getByText(sign).first()).toBeVisible();
}

const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { name }).first();
const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().click();

const doors: Screen[] = [
  {
    name: "login",
    who: "stranger",
    open: async (page) => {
      await page.goto("/login");
      await expect(heading(page, "Welcome back")).toBeVisible();
    },
  },
  {
    name: "login-wrong",
    who: "stranger",
    open: async (page) => {
      await page.goto("/login");
      await page.getByLabel("Username").fill("nobody");
      await page.getByLabel("Password", { exact: true }).fill("not the password");
      await press(page, "Log in");
      await expect(page.getByRole("alert")).toBeVisible();
    },
  },
  {
    name: "signup",
    who: "stranger",
    open: async (page) => {
      await page.goto("/signup");
      await expect(heading(page, "Create your account")).toBeVisible();
    },
  },
  {
    name: "signup-wrong",
    who: "stranger",
    open: async (page, world) => {
      await page.goto("/signup");
      await page.getByLabel("Username").fill(world.ada.username);
      await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
      await press(page, "Create account");
      await expect(page.getByText("Somebody has this username already.")).toBeVisible();
    },
  },
  {
    name: "empty",
    who: "fresh",
    open: async (page) => {
      await page.goto("/");
      await expect(page.getByText("No conversations yet")).toBeVisible();
    },
  },
  {
    name: "join",
    who: "fresh",
    open: async (page, world) => {
      await page.goto(`/join${world.invite}`);
      await expect(heading(page, "Thursday climbers")).toBeVisible();
    },
  },
  {
    name: "join-invalid",
    who: "fresh",
    open: async (page) => {
      await page.goto("/");
      await page.goto("/join#nothing");
      await expect(page.getByText("does not work any more")).toBeVisible();
    },
  },
  {
    name: "unreachable",
    who: "stranger",
    open: async (page) => {
      await page.route(/\/api\//, (route) => route.abort());
      await page.goto("/");
      await expect(page.getByText("Parley cannot be reached")).toBeVisible();
    },
    leave: (page) => page.unroute(/\/api\//),
  },
];

const chats: Screen[] = [
  {
    name: "list",
    who: "ada",
    open: async (page) => {
      await page.goto("/");
      await expect(page.getByRole("link", { name: /Summer trip/ })).toBeVisible();
    },
  },
  { name: "direct", who: "ada", open: openGrace },
  { name: "group", who: "ada", open: openTrip },
  {
    name: "group-start",
    who: "ada",
    open: async (page, world) => {
      await openChat(page, chat(world.ids.trip, `?at=${String(world.seqs.welcome)}`), "Welcome everybody");
    },
  },
  {
    name: "unread",
    who: "ada",
    open: (page, world) => openChat(page, chat(world.ids.release), "Tests are green"),
  },
  { name: "rtl-text", who: "ada", open: (page, world) => openChat(page, chat(world.ids.omar), "14:30") },
  { name: "long-words", who: "ada", open: (page, world) => openChat(page, chat(world.ids.long), "example.org") },
  {
    name: "voice",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.kenji));
      await expect(page.getByRole("button", { name: "Play the voice message" })).toBeEnabled();
    },
  },
  { name: "self", who: "ada", open: (page, world) => openChat(page, chat(world.ids.self), "Passport photos") },
  {
    name: "photo",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.priya));
      await expect(page.getByRole("link", { name: "Photo: harbour.png" })).toBeVisible();
    },
  },
  {
    name: "chat-not-found",
    who: "ada",
    open: async (page) => {
      await page.goto("/c/00000000-0000-7000-8000-000000000000");
      await expect(page.getByText("This conversation is not here")).toBeVisible();
    },
  },
  {
    name: "not-found",
    who: "ada",
    open: async (page) => {
      await page.goto("/nowhere");
      await expect(page.getByText("There is nothing here")).toBeVisible();
    },
  },
  {
    name: "loading",
    who: "fresh",
    loading: true,
    open: async (page) => {
      await page.route(/\/api\/v1\/conversations/, () => undefined);
      await page.goto("/");
      await expect(page.locator(".skeleton").first()).toBeVisible();
    },
    leave: (page) => page.unroute(/\/api\/v1\/conversations/),
  },
  {
    name: "loading-chat",
    who: "fresh",
    loading: true,
    open: async (page) => {
      await page.route(/\/api\/v1\/conversations/, () => undefined);
      await page.goto("/c/00000000-0000-7000-8000-000000000000");
      await expect(page.locator("main .skeleton").first()).toBeVisible();
    },
    leave: (page) => page.unroute(/\/api\/v1\/conversations/),
  },
];

const panes: Screen[] = [
  { name: "details", who: "ada", open: (page, world) => openInfo(page, world, "details", "Amélie Dubois") },
  {
    name: "details-person",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.grace, "?info=details"));
      await expect(page.getByText("Compilers by day")).toBeVisible();
    },
  },
  {
    name: "files",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.trip, "?info=files"));
      await expect(page.getByRole("complementary").getByRole("img", { name: "ridge.png" })).toBeVisible();
    },
  },
  {
    name: "files-other",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.trip, "?info=files"));
      await page.getByRole("tab", { name: "Files" }).click();
      await expect(page.getByRole("complementary").getByText("packing-list.pdf")).toBeVisible();
    },
  },
  { name: "pins", who: "ada", open: (page, world) => openInfo(page, world, "pins", /Welcome everybody/) },
  {
    name: "invites",
    who: "ada",
    open: async (page, world) => {
      await openInfo(page, world, "invites", "Create a link");
      await press(page, "Create a link");
      await expect(page.getByRole("textbox", { name: "Invitation link" })).toBeVisible();
    },
  },
  {
    name: "search",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.trip, "?info=search"));
      const pane = page.getByRole("complementary");
      await expect(async () => {
        await pane.getByRole("searchbox").fill("");
        await pane.getByRole("searchbox").fill("sauna");
        await expect(pane.getByRole("listitem")).toHaveCount(2, { timeout: 3_000 });
      }).toPass();
    },
  },
  {
    name: "search-filters",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.trip, "?info=search&since=2020-01-01"));
      const pane = page.getByRole("complementary");
      await expect(pane.getByRole("list", { name: "Sent by anyone" }).getByRole("listitem")).toHaveCount(5);
      await expect(pane.getByRole("list", { name: "Messages found" }).getByRole("listitem").first()).toBeVisible();
    },
  },
  { name: "search-idle", who: "ada", open: (page, world) => openInfo(page, world, "search", /Find what was said/) },
  {
    name: "add-members",
    who: "ada",
    open: async (page, world) => {
      await page.goto(chat(world.ids.trip, "?info=add"));
      await page.getByRole("complementary").getByRole("searchbox").fill(world.grace.username);
      await expect(page.getByText("Already a member").first()).toBeVisible();
    },
  },
  {
    name: "new",
    who: "ada",
    open: async (page, world) => {
      await page.goto("/new");
      await page.getByRole("searchbox").fill(world.grace.username);
      await expect(page.getByRole("button", { name: /Grace/ }).first()).toBeVisible();
    },
  },
  {
    name: "new-idle",
    who: "ada",
    open: async (page) => {
      await page.goto("/new");
      await expect(page.getByText("Things to remember, only for you")).toBeVisible();
    },
  },
  {
    name: "new-group",
    who: "ada",
    open: async (page, world) => {
      await page.goto("/new/group");
      await page.getByLabel("Group name").fill("Boat");
      await page.getByRole("searchbox").fill(world.grace.username);
      await press(page, /Grace/);
      await expect(page.getByText("1 person added")).toBeVisible();
    },
  },
];

const settingsPages: Screen[] = [
  {
    name: "settings",
    who: "ada",
    open: async (page) => {
      await page.goto("/settings");
      await expect(heading(page, "Settings")).toBeVisible();
    },
  },
  { name: "settings-profile", who: "ada", open: (page) => settings(page, "profile", "About you") },
  {
    name: "crop",
    who: "ada",
    open: async (page) => {
      await settings(page, "profile", "About you");
      const file = { name: "me.png", mimeType: "image/png", buffer: landscape(600, 400) };
      await page.locator("input[type=file]").setInputFiles(file);
      await expect(page.getByRole("button", { name: "Use it" })).toBeEnabled();
    },
  },
  { name: "settings-security", who: "ada", open: (page) => settings(page, "security", "this device") },
  { name: "settings-notifications", who: "ada", open: (page) => settings(page, "notifications", "While Parley is") },
  { name: "settings-appearance", who: "ada", open: (page) => settings(page, "appearance", "Dracula") },
];

const overlays: Screen[] = [
  {
    name: "menu",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await openMenu(page, "neither of us");
    },
  },
  {
    name: "list-menu",
    who: "ada",
    open: async (page) => {
      await page.goto("/");
      await page.getByRole("link", { name: /Summer trip/ }).click({ button: "right" });
      await expect(page.getByRole("menu")).toBeVisible();
    },
  },
  {
    name: "emoji",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await openMenu(page, "neither of us");
      await page.getByRole("menuitem", { name: "Add a reaction" }).click();
      await expect(page.getByRole("searchbox", { name: "Search emoji" })).toBeVisible();
    },
  },
  {
    name: "forward",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await openMenu(page, "neither of us");
      await page.getByRole("menuitem", { name: "Forward" }).click();
      await page.getByRole("dialog").getByRole("checkbox", { name: "Send to Note to self" }).check();
    },
  },
  {
    name: "delete",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await openMenu(page, "neither of us");
      await page.getByRole("menuitem", { name: "Delete" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  {
    name: "seen-by",
    who: "ada",
    open: async (page, world) => {
      await openTrip(page, world);
      await openMenu(page, "tonight after eight");
      await page.getByRole("menuitem", { name: "Seen by" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  {
    name: "lightbox",
    who: "ada",
    open: async (page, world) => {
      await openTrip(page, world);
      await page.getByRole("link", { name: /hut-1.png/ }).click();
      await expect(page.getByRole("button", { name: "Next photo" })).toBeVisible();
    },
  },
  {
    name: "switcher",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill("trip");
      await page.getByRole("combobox").fill("");
      await expect(page.getByRole("option", { name: /Noa/ })).toBeVisible();
    },
  },
  {
    name: "switcher-found",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill("lake");
      await expect(page.getByRole("region", { name: "Messages found" })).toBeVisible();
    },
  },
  {
    name: "shortcuts",
    who: "ada",
    open: async (page) => {
      await page.goto("/");
      await expect(page.getByRole("link", { name: /Summer trip/ })).toBeVisible();
      await page.keyboard.press("?");
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  {
    name: "mention",
    who: "ada",
    open: async (page, world) => {
      await openTrip(page, world);
      await page.getByRole("textbox", { name: "Message", exact: true }).pressSequentially("Ask @");
      await expect(page.getByRole("option", { name: /Linus/ })).toBeVisible();
    },
    leave: (page) => page.getByRole("textbox", { name: "Message", exact: true }).fill(""),
  },
  {
    name: "composing",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await openMenu(page, "Will do, after");
      await page.getByRole("menuitem", { name: "Reply" }).click();
      await page.locator("form input[type=file]").setInputFiles([
        { name: "harbour.png", mimeType: "image/png", buffer: landscape(300, 300, 0.9) },
        { name: "notes-from-the-last-meeting.txt", mimeType: "text/plain", buffer: Buffer.from("notes") },
      ]);
      await expect(page.getByRole("button", { name: "Remove harbour.png" })).toBeVisible();
    },
    leave: async (page) => {
      await press(page, "Remove harbour.png");
      await press(page, /Remove notes/);
      await press(page, "Do not reply");
    },
  },
  {
    name: "recording",
    who: "ada",
    open: async (page, world) => {
      await openGrace(page, world);
      await press(page, "Record a voice message");
      await expect(page.getByRole("timer")).toHaveText("0:01");
    },
    leave: (page) => press(page, "Do not send the voice message"),
  },
  {
    name: "offline",
    who: "ada",
    open: async (page, world) => {
      await openChat(page, chat(world.ids.noa), "second rope");
      await page.context().setOffline(true);
      await page.getByRole("textbox", { name: "Message", exact: true }).fill("Can you hear me?");
      await page.keyboard.press("Enter");
      await expect(page.getByText("1 message waiting")).toBeVisible();
    },
  },
  {
    name: "failed",
    who: "ada",
    open: async (page, world) => {
      // Goes on from "offline": meanwhile she was blocked.
      await world.block(true);
      await page.context().setOffline(false);
      await expect(page.getByText(/^Not sent/)).toBeVisible();
    },
    leave: async (page, world) => {
      await page.getByRole("alert").getByRole("button", { name: "Delete" }).click();
      await world.block(false);
    },
  },
];

/** Every screen there is, by where it is. */
export const tour: Readonly<Record<string, readonly Screen[]>> = {
  "the doors": doors,
  conversations: chats,
  "what stands beside them": panes,
  "the settings": settingsPages,
  "what floats above": overlays,
};
/** The same, one after the other. */
export const screens: readonly Screen[] = Object.values(tour).flat();
