import { expect, type Locator, type Page, test } from "@playwright/test";
import { composer, expectNoComplaints, message, newPerson, type Person, phone, startDirect } from "./people.ts";
import { landscape } from "./png.ts";

// Pictures are looked at closely, with a mouse, keys and fingers.

async function showPictures(browser: Parameters<typeof newPerson>[0], options = {}): Promise<Person> {
  const ada = await newPerson(browser, "Ada Lovelace", options);
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  const files = ["sea-1", "sea-2"].map((name, n) => ({
    name: `${name}.png`,
    mimeType: "image/png",
    buffer: landscape(1200, 800, n / 2),
  }));
  await ada.page.locator("form input[type=file]").setInputFiles(files);
  await composer(ada).fill("two seas");
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  await message(ada, "two seas").getByRole("link", { name: /sea-1/ }).click();
  await expect(picture(ada.page)).toHaveAttribute("alt", /sea-1/);
  return ada;
}

const picture = (page: Page): Locator => page.getByRole("dialog").getByRole("img");
const left = async (page: Page): Promise<number> => Math.round((await picture(page).boundingBox())?.x ?? 0);
const scale = async (page: Page): Promise<number> =>
  Number(await page.getByRole("dialog").locator("[data-scale]").getAttribute("data-scale"));

test("by wheel, double click and keys, and moved with the mouse", async ({ browser }) => {
  const ada = await showPictures(browser);
  const { page } = ada;
  const whole = await picture(page).boundingBox();
  await page.mouse.move(400, 450);
  await page.mouse.wheel(0, -600);
  await expect.poll(() => scale(page)).toBeGreaterThan(3);
  const enlarged = await left(page);
  expect((await picture(page).boundingBox())?.width).toBeGreaterThan(3 * (whole?.width ?? Infinity));
  await page.mouse.down();
  await page.mouse.move(520, 450, { steps: 4 });
  await page.mouse.up();
  await expect.poll(() => left(page)).toBe(enlarged + 120);
  await page.keyboard.press("0");
  await expect.poll(() => picture(page).boundingBox()).toEqual(whole);
  await page.keyboard.press("+");
  await expect.poll(() => scale(page)).toBe(1.5);
  await page.keyboard.press("-");
  await expect.poll(() => scale(page)).toBe(1);
  await page.mouse.dblclick(720, 450);
  await expect.poll(() => scale(page)).toBe(2.5);
  await page.keyboard.press("ArrowRight");
  await expect(picture(page)).toHaveAttribute("alt", /sea-2/);
  expect(await scale(page)).toBe(1);
  expectNoComplaints(ada);
});

test("with two fingers; one goes to the next picture, and down is out", async ({ browser }) => {
  const ada = await showPictures(browser, { viewport: phone, hasTouch: true, isMobile: true });
  const { page } = ada;
  const devtools = await ada.context.newCDPSession(page);
  type Points = readonly (readonly [number, number])[];
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", points: Points): Promise<unknown> =>
    devtools.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  const drag = async (...way: Points[]): Promise<void> => {
    const [first = [], ...rest] = way;
    await touch("touchStart", first);
    for (const points of rest) await touch("touchMove", points);
    await touch("touchEnd", []);
  };
  await drag([[150, 400], [210, 400]], [[120, 400], [240, 400]], [[90, 400], [270, 400]]); // prettier-ignore
  await expect.poll(() => scale(page)).toBe(3);
  const enlarged = await left(page);
  await drag([[180, 400]], [[140, 400]], [[80, 400]]);
  await expect.poll(() => left(page)).toBe(enlarged - 100);
  await expect(picture(page)).toHaveAttribute("alt", /sea-1/);
  await drag([[90, 400], [270, 400]], [[150, 400], [210, 400]], [[179, 400], [181, 400]]); // prettier-ignore
  await expect.poll(() => scale(page)).toBe(1);
  await drag([[300, 400]], [[200, 400]], [[60, 405]]);
  await expect(picture(page)).toHaveAttribute("alt", /sea-2/);
  await drag([[100, 400]], [[200, 400]], [[300, 405]]);
  await expect(picture(page)).toHaveAttribute("alt", /sea-1/);
  await drag([[180, 300]], [[180, 400]], [[180, 500]]);
  await expect(page.getByRole("dialog")).toBeHidden();
  expectNoComplaints(ada);
});
