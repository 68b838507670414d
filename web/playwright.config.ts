import { defineConfig } from "@playwright/test";

// Two runs on one machine do not share a port or a folder. The workers that Playwright starts inherit the choice.
process.env["TEST_PORT"] ??= String(20_000 + (process.pid % 12_000));
const port = process.env["TEST_PORT"];
const data = `out/e2e-data/${port}`;
const given = process.env["TEST_URL"];
const binary = process.env["TEST_BINARY"];

const onPhones = [
  "features",
  "group",
  "habits",
  "hostile",
  "kept",
  "parts",
  "reach",
  "search",
  "timeline",
  "two-people",
].map((story) => `${story}.spec.ts`);

// Runs against TEST_URL, else starts TEST_BINARY (a built bin/parley), else the sources.
// These names do not begin with PARLEY_, which is how settings of the server itself do.
export default defineConfig({
  testDir: "e2e",
  outputDir: "../out/e2e",
  fullyParallel: false,
  // Each file is a story of its own with people of its own, so two can be told at a time.
  workers: 2,
  forbidOnly: process.env["CI"] !== undefined,
  // A test that passes at a second try passes; the verdict names it and counts such tests (scripts/verdict).
  retries: process.env["CI"] === undefined ? 0 : 1,
  // Generous: a test fails by what it sees, not by how busy the machine is.
  timeout: 240_000,
  // Every story is told at a desk in the light. On a phone, by touch and in the dark, are told again those that
  // a phone tells otherwise; in these files a story that says nothing new there, or needs a desk, is tagged @desktop.
  projects: [{ name: "desktop" }, { name: "phone", testMatch: onPhones, grepInvert: /@desktop/ }],
  // Baselines are written anew by `pnpm baselines`.
  expect: { timeout: 30_000, toMatchAriaSnapshot: { pathTemplate: "{testDir}/baseline/{arg}{ext}" } },
  reporter: process.env["CI"] === undefined ? "list" : [["list"], ["github"]],
  use: {
    baseURL: given ?? `http://127.0.0.1:${port}`,
    // A worker answers in the network's place: only the tests of the worker itself have one.
    serviceWorkers: "block",
    locale: "en-GB",
    timezoneId: "UTC",
    // A moving picture of each page costs more than the pages themselves: what they were made of is enough.
    trace: { mode: "retain-on-failure", screenshots: false },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Two cameras and microphones that are always there and always allowed; who shares a screen shares the page.
        "--use-fake-device-for-media-stream=device-count=2,display-media-type=browser",
        "--use-fake-ui-for-media-stream",
      ],
    },
  },
  ...(given === undefined
    ? {
        webServer: {
          command: `rm -rf ${data} && ${binary ?? "go run ./cmd/parley"} serve --addr 127.0.0.1:${port} --data-dir ${data} --push private --signup-rate 0 --login-rate 1000 --send-rate 2000 --send-burst 5000 --log-level warn`,
          cwd: "..",
          url: `http://127.0.0.1:${port}/readyz`,
          timeout: 180_000,
          gracefulShutdown: { signal: "SIGTERM" as const, timeout: 10_000 },
        },
      }
    : {}),
});
