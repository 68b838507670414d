import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// The server that `pnpm dev` talks to.
const server = process.env["PARLEY_SERVER"] ?? "http://127.0.0.1:3000";

/** Writes the service worker with the list of what was built, named by its content. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    closeBundle: () => {
      const dist = join(import.meta.dirname, "dist");
      const notKept = /(?:^|\/)(?:\.gitkeep|manifest\.json|sw\.js)$/;
      const files = readdirSync(dist, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(dist.length))
        .filter((file) => !notKept.test(file))
        .sort();
      const hash = createHash("sha256");
      for (const file of files) hash.update(file).update(readFileSync(join(dist, file)));
      const source = readFileSync(join(import.meta.dirname, "worker/sw.js"), "utf8");
      const version = hash.update(source).digest("hex").slice(0, 16);
      const build = { version, files: files.map((file) => (file === "/index.html" ? "/" : file)) };
      writeFileSync(join(dist, "sw.js"), source.replace("__BUILD__", JSON.stringify(build)));
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), serviceWorker()],
  build: {
    outDir: "dist",
    // public/.gitkeep comes along: dist/.gitkeep is in git, so that `go build` works without a web build.
    emptyOutDir: true,
    target: "es2022",
    // The content security policy has no data: for scripts and fonts; small files stay files.
    assetsInlineLimit: 0,
    // The polyfill would add an inline-free but useless script: all supported browsers know modulepreload.
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    proxy: {
      "/api": server,
      "/socket.io": { target: server, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["./src/test-setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // Generous: a test fails by what it sees, not by how busy the machine is.
    testTimeout: 120_000,
  },
});
