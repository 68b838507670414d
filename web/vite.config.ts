import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The server that `pnpm dev` talks to.
const server = process.env["PARLEY_SERVER"] ?? "http://127.0.0.1:3000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
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
  },
});
