/* global window, document, requestAnimationFrame */
// Prints how fast the client is in a real browser: `pnpm measure [messages]`.
//
// It starts TEST_BINARY (default ../bin/parley), writes a conversation of 100,000
// messages (or as many as asked for) and measures: the start from what the device
// keeps, switching conversations, sending, scrolling through the long one, a slow
// network, and the memory before and after a stream of messages.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { io } from "socket.io-client";

const total = Number(process.argv[2] ?? 100_000);
const soak = Math.min(20_000, total);
const port = 20_000 + (process.pid % 12_000);
const server = `http://127.0.0.1:${port}`;
const data = mkdtempSync(join(tmpdir(), "parley-measure-"));
const binary = process.env.TEST_BINARY ?? new URL("../../bin/parley", import.meta.url).pathname;

const say = (name, value) => console.log(`${name.padEnd(52)} ${value}`);
const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
const at = (all, share) => all.toSorted((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * share))];
const ms = (value) => `${value.toFixed(1)} ms`;

async function request(method, path, token, body) {
  const answer = await fetch(`${server}/api/v1${path}`, {
    method,
    headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Sends many messages over one socket, so many at a time. */
async function fill(token, conversation, count, name) {
  const socket = io(server, { auth: { token }, transports: ["websocket"] });
  await new Promise((resolve, reject) => {
    socket.on("ready", resolve);
    socket.on("connect_error", reject);
  });
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      const text = n % 9 === 0 ? `${name} ${n}\n${"and some more words ".repeat(n % 7)}` : `${name} ${n}`;
      const answer = await socket.emitWithAck("message.send", {
        conversation_id: conversation,
        client_id: `${name}-${n}`,
        text,
      });
      if (!answer.ok) throw new Error(JSON.stringify(answer.error));
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  socket.close();
}

async function frames(page, forMs, action) {
  await page.evaluate(() => {
    const seen = [];
    let last = performance.now();
    const step = (now) => {
      seen.push(now - last);
      last = now;
      if (!window.stopFrames) requestAnimationFrame(step);
    };
    window.stopFrames = false;
    window.frameTimes = seen;
    requestAnimationFrame(step);
  });
  const end = Date.now() + forMs;
  while (Date.now() < end) await action();
  return page.evaluate(() => {
    window.stopFrames = true;
    return window.frameTimes.slice(2);
  });
}

/** Bytes that JavaScript holds once all garbage is gone. */
async function heap(cdp) {
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  return usedSize;
}

/** The same with the document's nodes and the listeners on them, in words. */
async function footprint(cdp) {
  const bytes = await heap(cdp);
  const { nodes, jsEventListeners } = await cdp.send("Memory.getDOMCounters");
  return `${(bytes / 1e6).toFixed(1)} MB, ${nodes} nodes, ${jsEventListeners} listeners`;
}

/** What the page's main thread did so far, in ms of its own processor time: that hardly depends on what else runs. */
async function work(cdp) {
  const { metrics } = await cdp.send("Performance.getMetrics");
  const of = (name) => (metrics.find((one) => one.name === name)?.value ?? 0) * 1_000;
  return [of("TaskDuration"), of("ScriptDuration"), of("RecalcStyleDuration"), of("LayoutDuration")];
}

function sayWork(name, before, after, times) {
  const [task, script, style, layout] = after.map((value, index) => (value - before[index]) / times);
  say(name, `${ms(task)} (script ${ms(script)}, style ${ms(style)}, layout ${ms(layout)})`);
}

const flags = ["--send-rate", "1000000", "--send-burst", "1000000", "--signup-rate", "0", "--login-rate", "1000"];
const parley = spawn(
  binary,
  ["serve", "--addr", `127.0.0.1:${port}`, "--data-dir", data, "--log-level", "warn", ...flags],
  { stdio: "inherit" },
);
let browser;
try {
  for (;;) {
    const up = await fetch(`${server}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (up) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const password = "correct horse battery staple";
  const ada = await request("POST", "/auth/signup", "", { username: "ada", password, display_name: "Ada" });
  const grace = await request("POST", "/auth/signup", "", { username: "grace", password, display_name: "Grace" });
  const linus = await request("POST", "/auth/signup", "", { username: "linus", password, display_name: "Linus" });
  const long = await request("POST", "/conversations", ada.token, { kind: "direct", user_id: grace.user.id });
  const short = await request("POST", "/conversations", ada.token, { kind: "direct", user_id: linus.user.id });
  let begin = Date.now();
  await fill(grace.token, long.id, total, "line");
  await fill(linus.token, short.id, 50, "note");
  say(`wrote ${total} messages`, `${((Date.now() - begin) / 1000).toFixed(1)} s`);

  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, baseURL: server });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  await page.goto("/login");
  await page.getByLabel("Username").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  const open = (name) => page.getByRole("navigation").getByRole("link", { name }).first().click();
  await open("Grace");
  await page.locator("article").first().waitFor();
  const jump = page.getByRole("button", { name: /Jump to the latest/ });
  // It opens at the first unread message, far above; at the end, all of it counts as read.
  const readToEnd = async (name, text) => {
    await jump.click();
    await page.locator("article").filter({ hasText: text }).waitFor();
    const row = page.getByRole("navigation").getByRole("link", { name }).first();
    while (((await row.textContent()) ?? "").includes("unread")) await page.waitForTimeout(50);
  };
  await readToEnd("Grace", `line ${total - 1}`);

  // Switching between conversations that are loaded, to the first frame that shows the other.
  await open("Linus");
  await page.locator("article").filter({ hasText: "note 0" }).waitFor();
  await readToEnd("Linus", "note 49");
  const switches = [];
  const beforeSwitches = await work(cdp);
  for (let n = 0; n < 20; n += 1) {
    const [name, text] = n % 2 === 0 ? ["Grace", `line ${total - 1}`] : ["Linus", "note 49"];
    switches.push(
      await page.evaluate(
        ([who, shown]) =>
          new Promise((resolve) => {
            const link = [...document.querySelectorAll("nav a")].find((one) => one.textContent.includes(who));
            const started = performance.now();
            link.click();
            const look = () => {
              const there = [...document.querySelectorAll("article")].some((one) => one.textContent.includes(shown));
              if (there) resolve(performance.now() - started);
              else requestAnimationFrame(look);
            };
            look();
          }),
        [name, text],
      ),
    );
    await page.waitForTimeout(100);
  }
  say("switch to a loaded conversation, median / worst", `${ms(median(switches))} / ${ms(Math.max(...switches))}`);

  sayWork("processor time of a switch", beforeSwitches, await work(cdp), switches.length);

  // Sending, from the key to the frame that shows it.
  const sends = [];
  const field = page.getByRole("textbox", { name: "Message", exact: true });
  for (let n = 0; n < 20; n += 1) {
    await field.fill(`sent ${n}`);
    sends.push(
      await page.evaluate(
        (shown) =>
          new Promise((resolve) => {
            const started = performance.now();
            document.querySelector("form button[type=submit]").click();
            const look = () => {
              const there = [...document.querySelectorAll("article")].some((one) => one.textContent.includes(shown));
              if (there) resolve(performance.now() - started);
              else requestAnimationFrame(look);
            };
            look();
          }),
        `sent ${n}`,
      ),
    );
  }
  say("send to paint, median / worst", `${ms(median(sends))} / ${ms(Math.max(...sends))}`);

  // The start from what the device keeps, to the first message on screen.
  await open("Grace");
  await page.locator("article").first().waitFor();
  await page.evaluate(() => navigator.serviceWorker?.ready);
  const starts = [];
  for (let n = 0; n < 7; n += 1) {
    await page.addInitScript(() => {
      const look = () => {
        if (document.querySelector("article")) window.firstArticle = performance.now();
        else requestAnimationFrame(look);
      };
      look();
    });
    await page.reload();
    await page.waitForFunction(() => window.firstArticle > 0);
    starts.push(await page.evaluate(() => window.firstArticle));
  }
  say("cold start from the device, median / worst", `${ms(median(starts))} / ${ms(Math.max(...starts))}`);
  await cdp.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 400,
    downloadThroughput: 50_000,
    uploadThroughput: 20_000,
  });
  await page.reload();
  await page.waitForFunction(() => window.firstArticle > 0);
  say("the same on 400 ms and 400 kbit/s", ms(await page.evaluate(() => window.firstArticle)));
  await cdp.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: -1,
  });

  // Scrolling up through the long conversation for a while.
  const before = await heap(cdp);
  const feed = page.getByRole("log", { name: "Messages" });
  await feed.hover();
  const beforeScroll = await work(cdp);
  const scroll = await frames(page, 15_000, () => page.mouse.wheel(0, -1200));
  const shown = await feed.evaluate((element) => Math.round(element.scrollHeight / 40));
  const report = `${ms(median(scroll))} / ${ms(at(scroll, 0.95))} / ${ms(Math.max(...scroll))}`;
  say(`scroll frames in ${total} messages, median / 95 % / worst`, report);
  sayWork("processor time of a frame while scrolling", beforeScroll, await work(cdp), scroll.length);
  say("rows in the document while scrolling", String(await page.locator("article").count()));
  say("messages that were passed, about", String(shown));
  say("heap before / after scrolling", `${(before / 1e6).toFixed(1)} / ${((await heap(cdp)) / 1e6).toFixed(1)} MB`);
  await open("Linus");
  await page.locator("article").first().waitFor();
  say("heap after leaving the conversation", `${((await heap(cdp)) / 1e6).toFixed(1)} MB`);

  // An hour of a busy conversation in a short time.
  const calm = await footprint(cdp);
  begin = Date.now();
  const beforeSoak = await work(cdp);
  await fill(linus.token, short.id, soak, "busy");
  // Several writers at a time end in any order: this one is the last.
  await fill(linus.token, short.id, 1, "the end of the hour");
  await page.locator("article").filter({ hasText: "the end of the hour" }).waitFor({ timeout: 600_000 });
  say(`${soak} messages shown live`, `${((Date.now() - begin) / 1000).toFixed(1)} s`);
  sayWork("processor time of a message", beforeSoak, await work(cdp), soak);
  say("before them", calm);
  say("after them, still watching", await footprint(cdp));
  await open("Grace");
  await page.locator("article").first().waitFor();
  say("after leaving them", await footprint(cdp));
} finally {
  await browser?.close();
  parley.kill("SIGTERM");
  await new Promise((resolve) => parley.on("exit", resolve));
  rmSync(data, { recursive: true, force: true });
}
