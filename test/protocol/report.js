// usage: node report.js TITLE REPORT.json
// Prints what a report of mocha's json reporter says; exit 1 when something failed or
// nothing ran.
import { readFileSync } from "node:fs";

const [title, file] = process.argv.slice(2);
const { stats, failures, pending } = JSON.parse(readFileSync(file, "utf8"));
for (const f of failures) console.log(`FAILED ${f.fullTitle}\n  ${(f.err.stack ?? f.err.message).replaceAll("\n", "\n  ")}`);
for (const p of pending) console.log(`SKIPPED ${p.fullTitle}`);
console.log(`${title}: ${stats.passes} passed, ${stats.failures} failed, ${stats.pending} skipped`);
process.exit(stats.failures || stats.pending || !stats.passes ? 1 : 0);
