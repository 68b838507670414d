import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Block, Inline } from "./ast.ts";
import { countEmojiOnly, parseMarkdown, plainText } from "./parse.ts";

const text = (value: string): Inline => ({ kind: "text", text: value });

function inline(source: string): Inline[] {
  const [block] = parseMarkdown(source);
  return block?.kind === "paragraph" ? block.children : [];
}

function hrefs(blocks: Block[]): string[] {
  const of = (nodes: Inline[]): string[] =>
    nodes.flatMap((node) => [
      ...(node.kind === "link" ? [node.href] : []),
      ...("children" in node ? of(node.children) : []),
    ]);
  return blocks.flatMap((block) => {
    if (block.kind === "paragraph") return of(block.children);
    if (block.kind === "quote") return hrefs(block.blocks);
    return block.kind === "list" ? block.items.flatMap(of) : [];
  });
}

/** All that a reader sees. */
function textOf(blocks: Block[]): string {
  const of = (nodes: Inline[]): string =>
    nodes.map((node) => ("children" in node ? of(node.children) : node.text)).join("");
  return blocks
    .map((block) => {
      switch (block.kind) {
        case "paragraph":
          return of(block.children);
        case "code":
          return block.language + block.text;
        case "quote":
          return textOf(block.blocks);
        case "list":
          return block.items.map(of).join("");
      }
    })
    .join("");
}

describe("marks", () => {
  test.each<[string, Inline[]]>([
    ["plain", [text("plain")]],
    ["**bold**", [{ kind: "strong", children: [text("bold")] }]],
    ["*it* _it_", [{ kind: "em", children: [text("it")] }, text(" "), { kind: "em", children: [text("it")] }]],
    ["~~gone~~", [{ kind: "strike", children: [text("gone")] }]],
    ["`a*b*`", [{ kind: "code", text: "a*b*" }]],
    ["``a`b``", [{ kind: "code", text: "a`b" }]],
    ["***both***", [{ kind: "strong", children: [{ kind: "em", children: [text("both")] }] }]],
    ["**a *b* c**", [{ kind: "strong", children: [text("a "), { kind: "em", children: [text("b")] }, text(" c")] }]],
    ["snake_case_name", [text("snake_case_name")]],
    ["2 * 3 * 4", [text("2 * 3 * 4")]],
    ["**open", [text("**open")]],
    ["a * b*", [text("a * b*")]],
    ["\\*not\\*", [text("*not*")]],
    ["~one~", [text("~one~")]],
    ["****", [text("****")]],
    ["[text](https://example.org/)", [{ kind: "link", href: "https://example.org/", children: [text("text")] }]],
    ["[text](javascript:alert(1))", [text("[text](javascript:alert(1))")]],
    ["[a [b](https://x.org/)", [text("[a "), { kind: "link", href: "https://x.org/", children: [text("b")] }]],
    ["<b>no</b>", [text("<b>no</b>")]],
  ])("%s", (source, want) => {
    expect(inline(source)).toEqual(want);
  });
});

describe("links", () => {
  test.each([
    ["see https://example.org/a_b_c.", ["https://example.org/a_b_c"]],
    ["(https://en.wikipedia.org/wiki/Go_(game))", ["https://en.wikipedia.org/wiki/Go_(game)"]],
    ["mailto:a@example.org", ["mailto:a@example.org"]],
    ["xhttps://example.org", []],
    ["see www.example.org/a, please", ["https://www.example.org/a"]],
    ["www. www.a awww.example.org www.1.2", []],
    ["javascript:alert(1) data:text/html,x file:///etc", []],
    ["[x](JAVASCRIPT:alert(1)) [y]( vbscript:x) [z](data:text/html;base64,xx)", []],
    ["https://example.org/\u202etxt.exe", ["https://example.org/"]],
  ])("%s", (source, want) => {
    expect(hrefs(parseMarkdown(source))).toEqual(want);
  });
});

describe("blocks", () => {
  test("code, quote and lists stand beside paragraphs", () => {
    const source = "one\ntwo\n```go\nx := 1\n\n```\n> said\n> > deeper\n- a\n- b\n1. c\n2. d\nend";
    expect(parseMarkdown(source)).toEqual([
      { kind: "paragraph", children: [text("one\ntwo")] },
      { kind: "code", language: "go", text: "x := 1\n" },
      {
        kind: "quote",
        blocks: [
          { kind: "paragraph", children: [text("said")] },
          { kind: "quote", blocks: [{ kind: "paragraph", children: [text("deeper")] }] },
        ],
      },
      { kind: "list", ordered: false, start: 1, items: [[text("a")], [text("b")]] },
      { kind: "list", ordered: true, start: 1, items: [[text("c")], [text("d")]] },
      { kind: "paragraph", children: [text("end")] },
    ]);
  });

  test("a fence that is never closed is text", () => {
    expect(parseMarkdown("```\ncode")).toEqual([{ kind: "paragraph", children: [text("```\ncode")] }]);
  });
});

test("plain text has no marks and one line", () => {
  expect(plainText("**Hi** there\n\n- `x`\n> q")).toBe("Hi there x q");
});

test.each([
  ["👍", 1],
  ["👩‍👩‍👧 🇩🇪", 2],
  ["ok 👍", 0],
  ["1", 0],
])("emoji only: %s", (source, want) => {
  expect(countEmojiOnly(source)).toBe(want);
});

describe("hostile input", () => {
  const size = 16_384;
  const hostile: Record<string, string> = {
    brackets: "[".repeat(50_000),
    "closed brackets": "[](".repeat(size / 3),
    quotes: ">".repeat(10_000),
    "quote lines": "> > > > x\n".repeat(size / 10),
    stars: "*".repeat(10_000),
    "spaced stars": "*a ".repeat(size / 3),
    "mixed marks": "*_~~`[".repeat(size / 6),
    ticks: Array.from({ length: 170 }, (_, i) => "`".repeat(i + 1)).join(" "),
    fences: "```\n".repeat(size / 4),
    lines: "\n".repeat(100_000),
    items: "- x\n".repeat(size / 4),
    schemes: "https://".repeat(size / 8),
    "one long word": "a".repeat(size * 4),
    combining: "e\u0301\u0302\u0303".repeat(size / 4),
  };

  test.each(Object.entries(hostile))("%s is read in linear time", (_name, source) => {
    // Work is counted, not timed: the tree must not be larger than the text, nor deep.
    const blocks = parseMarkdown(source);
    expect(JSON.stringify(blocks).length).toBeLessThan(40 * source.length + 1_000);
  });

  test("any text is read, and no letter of it is lost", () => {
    const unit = fc.constantFrom("a", "*", "_", "~", "`", "[", "]", "(", ")", ">", "\n", " ", "\\", "-");
    const letters = (text: string): number => text.split("a").length - 1;
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (source) => {
        expect(letters(textOf(parseMarkdown(source)))).toBe(letters(source));
      }),
      { numRuns: 500 },
    );
  });
});
