// Checks what a browser has to load before the log-in and the list are there:
// the JavaScript that index.html names, and all that it imports statically.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const maxBytes = 200 * 1024;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", dist), "utf8"));

const files = new Set();
const take = (key) => {
  const chunk = manifest[key];
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const next of chunk.imports ?? []) take(next);
};
take("index.html");

const sizeOf = (file) => gzipSync(readFileSync(new URL(file, dist))).length;
const scripts = [...files].filter((file) => file.endsWith(".js"));
const total = scripts.reduce((sum, file) => sum + sizeOf(file), 0);
const css = (manifest["index.html"].css ?? []).reduce((sum, file) => sum + sizeOf(file), 0);
for (const file of scripts) console.log(`${String(sizeOf(file)).padStart(8)}  ${file}`);
console.log(`initial JavaScript: ${total} bytes gzip (limit ${maxBytes}); CSS: ${css} bytes gzip`);

const page = readFileSync(new URL("index.html", dist), "utf8");
const foreign = page.match(/(?:src|href)="(?:https?:)?\/\/[^"]*"/g);
if (foreign) {
  console.error(`index.html names other hosts: ${foreign.join(", ")}`);
  process.exitCode = 1;
}
if (/<script(?![^>]*\ssrc=)/.test(page) || /\son\w+=/.test(page) || /<style/.test(page)) {
  console.error("index.html has inline code, which the content security policy forbids");
  process.exitCode = 1;
}
if (total > maxBytes) {
  console.error(`the initial JavaScript is ${total - maxBytes} bytes over its limit`);
  process.exitCode = 1;
}
