import { expect, test } from "@playwright/test";
import { composer, expectNoComplaints, message, newPerson, openFromList, send, startDirect, submit } from "./people.ts";

/** What would run if anything of a message were ever read as HTML, as a script or as an address. */
const corpus = [
  "<script>window.hit=1</script>",
  "<img src=x onerror=window.hit=1>",
  '"><svg onload=window.hit=1>',
  "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
  "[click](javascript:window.hit=1)",
  "[click](data:text/html,<script>hit=1</script>)",
  "[click]( vbscript:hit)",
  "javascript:window.hit=1//https://example.org",
  "![x](https://example.org/x.png)",
  "<a href='javascript:window.hit=1'>x</a>",
  "```<script>\nwindow.hit=1\n```",
  "`<b onmouseover=window.hit=1>`",
  "${window.hit=1}{{constructor.constructor('window.hit=1')()}}",
  "<style>*{display:none}</style>",
  "&lt;script&gt;window.hit=1&lt;/script&gt;",
  "\u202Egnp.exe https://example.org/\u202E",
  "Z̸̧̢̛͎̣̜͕̟̝͂̓̈́͊͛͋̕a̷̢̛̖̹̩̠̤͌̈́̿̈́̂͝l̶̢̛̫͉̣͓̥̈́̐̇̈́̕g̷̨̛̹̟̬̦̯̎͛̈́̏̕ȯ̶̢̺͖̝̟͇͊̈́̋̈́̕",
  'https://example.org/"onmouseover=window.hit=1',
  "[a](https://example.org/x'onclick='window.hit=1)",
];

test("nothing in a message, a name, a title or a file name runs; nothing is refused by the policy", async ({
  browser,
}) => {
  const evil = "<img src=x onerror=hit=1>";
  const ada = await newPerson(browser, `Ada ${evil}`);
  const grace = await newPerson(browser, "Grace Hopper");
  const reports: string[] = [];
  for (const { page } of [ada, grace]) {
    await page.exposeFunction("tellViolation", (what: string) => void reports.push(what));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const { tellViolation } = window as unknown as { tellViolation: (what: string) => void };
        tellViolation(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    await page.reload();
  }
  await startDirect(ada, grace);
  for (const text of corpus) {
    await composer(ada).fill(text);
    await submit(ada);
  }
  await ada.page.locator("input[type=file]").setInputFiles({
    name: `${evil}.html`,
    mimeType: "text/html",
    buffer: Buffer.from("<script>top.hit=1</script>"),
  });
  await composer(ada).fill("and a file");
  await submit(ada);
  await expect(message(ada, "and a file").locator("[data-progress=delivered]")).toBeVisible({ timeout: 30_000 });

  await openFromList(grace, "Ada");
  await expect(message(grace, "and a file")).toBeVisible();
  await expect(grace.page.getByRole("heading", { level: 1 })).toContainText(evil);
  for (const { page } of [ada, grace]) {
    expect(await page.evaluate(() => (window as unknown as { hit?: number }).hit)).toBeUndefined();
    const addresses = await page
      .locator("article a")
      .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol));
    expect(addresses.filter((protocol) => !["http:", "https:", "mailto:"].includes(protocol))).toEqual([]);
    expect(
      await page.locator("article img[src*='example.org'], article script, article iframe, article style").count(),
    ).toBe(0);
  }
  expect(reports).toEqual([]);
  expectNoComplaints(ada, grace);
});

test("texts that are made to be slow are drawn at once", async ({ browser }) => {
  const ada = await newPerson(browser, "Ada Lovelace");
  const grace = await newPerson(browser, "Grace Hopper");
  await startDirect(ada, grace);
  const limit = 16_384;
  const texts = [
    "[".repeat(limit),
    ">".repeat(10_000),
    "*".repeat(10_000),
    "*a ".repeat(limit / 3 - 1),
    "[](".repeat(limit / 3 - 1),
    "a\n".repeat(limit / 2 - 2) + "end",
    "- x\n".repeat(limit / 4 - 2) + "end",
    "w".repeat(limit),
  ];
  // Written by REST: typing thousands of lines into a text field is slow in the browser itself.
  const id = /\/c\/([0-9a-f-]+)/.exec(ada.page.url())?.[1] ?? "";
  const answers = await ada.page.evaluate(
    async ([conversation, all]) => {
      const statuses: number[] = [];
      for (const [index, text] of all.entries()) {
        const answer = await fetch(`/api/v1/conversations/${conversation}/messages`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ client_id: `hostile-${String(index)}`, text }),
        });
        statuses.push(answer.status);
      }
      return statuses;
    },
    [id, texts] as const,
  );
  expect(answers).toEqual(texts.map(() => 201));
  await send(ada, "after all of them");
  await expect(message(ada, "after all of them").locator("[data-progress=delivered]")).toBeVisible({ timeout: 30_000 });
  await openFromList(grace, "Ada Lovelace");
  const latest = grace.page.getByRole("button", { name: /Jump to the latest/ });
  await latest.click();
  await expect(message(grace, "after all of them")).toBeInViewport();
  // Nothing is wider than its place.
  const overflow = await grace.page
    .getByRole("log", { name: "Messages" })
    .evaluate((feed) => feed.scrollWidth - feed.clientWidth);
  expect(overflow).toBe(0);

  // One byte over the limit cannot be sent, and is said before.
  await composer(ada).fill("x".repeat(limit + 1));
  await expect(ada.page.getByText("1 byte too long")).toBeVisible();
  await expect(ada.page.getByRole("button", { name: "Send" })).toBeDisabled();
});
