// Draws the icons of the installed client from public/icon.svg: `node scripts/icons.mjs`.
// CHROMIUM names the browser that draws them.
import { readFileSync } from "node:fs";
import { chromium } from "@playwright/test";

const at = (name) => new URL(`../public/${name}`, import.meta.url).pathname;
const svg = readFileSync(at("icon.svg"), "utf8");

// Systems cut a maskable icon to their own shape: what counts stays within the middle 80 %.
const icons = [
  { file: "icon-192.png", size: 192, inset: 0, ground: "transparent" },
  { file: "icon-512.png", size: 512, inset: 0, ground: "transparent" },
  { file: "icon-maskable-512.png", size: 512, inset: 0.12, ground: "#304ccc" },
  { file: "apple-touch-icon.png", size: 180, inset: 0.08, ground: "#304ccc" },
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage();
for (const { file, size, inset, ground } of icons) {
  await page.setViewportSize({ width: size, height: size });
  const side = Math.round(size * (1 - 2 * inset));
  await page.setContent(
    `<body style="margin:0;display:grid;place-items:center;height:100vh;background:${ground}">` +
      `<img width="${side}" height="${side}" src="data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}">`,
  );
  await page.screenshot({ path: at(file), omitBackground: ground === "transparent" });
}
await browser.close();
