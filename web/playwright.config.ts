import { defineConfig } from "@playwright/test";

const port = 3199;
const given = process.env["TEST_URL"];
const binary = process.env["TEST_BINARY"];

// Runs against TEST_URL, else starts TEST_BINARY (a built bin/parley), else the sources.
// These names do not begin with PARLEY_, which is how settings of the server itself do.
export default defineConfig({
  testDir: "e2e",
  outputDir: "../out/e2e",
  fullyParallel: false,
  workers: 1,
  forbidOnly: process.env["CI"] !== undefined,
  // A second try is counted and named as flaky by scripts/verdict; more than three fail.
  retries: process.env["CI"] === undefined ? 0 : 1,
  timeout: 90_000,
  expect: { timeout: 10_000 },
  reporter: process.env["CI"] === undefined ? "list" : [["list"], ["github"]],
  use: {
    baseURL: given ?? `http://127.0.0.1:${String(port)}`,
    locale: "en-GB",
    timezoneId: "UTC",
    trace: "retain-on-failure",
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
      ],
    },
  },
  ...(given === undefined
    ? {
        webServer: {
          command: `rm -rf out/e2e-data && ${binary ?? "go run ./cmd/parley"} serve --addr 127.0.0.1:${String(port)} --data-dir out/e2e-data --signup-rate 0 --login-rate 1000 --send-rate 2000 --send-burst 5000 --log-level warn`,
          cwd: "..",
          url: `http://127.0.0.1:${String(port)}/healthz`,
          timeout: 180_000,
          gracefulShutdown: { signal: "SIGTERM" as const, timeout: 10_000 },
        },
      }
    : {}),
});
