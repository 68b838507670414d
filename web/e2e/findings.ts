import type { Page } from "@playwright/test";
import axe from "axe-core";

interface Finding {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe finds serious or critical on a page (WCAG 2.2 A and AA); `rules` names those that count, all of them otherwise. */
export async function findings(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const violations = await page.evaluate(async (only) => {
    const page = window as unknown as { axe: { run: (o: unknown) => Promise<{ violations: Finding[] }> } };
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const runOnly = only ? { type: "rule", values: only } : { type: "tag", values: tags };
    return (await page.axe.run({ runOnly, resultTypes: ["violations"] })).violations;
  }, rules);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
}
