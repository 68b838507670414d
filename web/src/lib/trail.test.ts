import { expect, test } from "vitest";
import { Trail } from "./trail.ts";

test("the way back leads to where one was last", () => {
  const trail = new Trail();
  for (const [index, href] of ["/", "/c/1", "/c/1?info=details", "/c/1?info=files"].entries())
    trail.at({ href, index });
  expect(trail.stepsTo("/c/1?info=details")).toBe(1);
  expect(trail.stepsTo("/c/1")).toBe(2);
  expect(trail.stepsTo("/")).toBe(3);
  expect(trail.stepsTo("/settings")).toBe(0);
  trail.at({ href: "/c/1", index: 1 });
  expect(trail.stepsTo("/c/1?info=details"), "what is ahead is not behind").toBe(0);
  expect(trail.stepsTo("/")).toBe(1);
  trail.at({ href: "/c/2", index: 2 });
  trail.at({ href: "/c/2?info=files", index: 3 });
  expect(trail.stepsTo("/c/1?info=details"), "it was given up for another page").toBe(0);
  expect(trail.stepsTo("/c/1")).toBe(2);
});

test("a page that took another's place is the one that is found", () => {
  const kept: string[][] = [];
  const trail = new Trail(["/"], (hrefs) => kept.push([...hrefs]));
  trail.at({ href: "/new", index: 1 });
  trail.at({ href: "/c/3", index: 1 });
  trail.at({ href: "/c/3?info=details", index: 2 });
  expect(trail.stepsTo("/new")).toBe(0);
  expect(trail.stepsTo("/c/3")).toBe(1);
  expect(kept.at(-1)).toEqual(["/", "/c/3", "/c/3?info=details"]);
});

test("after a reload in the middle the pages before are still known", () => {
  const trail = new Trail(["/", "/c/1", "/c/1?info=details"]);
  trail.at({ href: "/c/1?info=details", index: 2 });
  expect(trail.stepsTo("/c/1")).toBe(1);
  expect(new Trail().stepsTo("/")).toBe(0);
});
