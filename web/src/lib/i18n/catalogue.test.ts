import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { translator } from "./i18n.ts";

type Text = string | { one: string; other: string };
const forms = (text: Text): string[] => (typeof text === "string" ? [text] : [text.one, text.other]);
const holes = (text: Text): string[] =>
  [...new Set(forms(text).flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name)))].sort();

test("both languages say the same: the same keys, the same places for what is put in, no text empty", () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  for (const [key, text] of Object.entries<Text>(en)) {
    const other = (de as Record<string, Text>)[key] ?? "";
    expect(holes(other), key).toEqual(holes(text));
    for (const form of [...forms(text), ...forms(other)]) expect(form.trim(), key).not.toBe("");
    if (typeof text !== "string") expect(holes(text), key).toContain("count");
  }
});

test("one and several have forms of their own", () => {
  const t = translator("de", de);
  expect(t("list.unread", { count: 1 })).not.toBe(t("list.unread", { count: 2 }).replace("2", "1"));
  expect(translator("en", en)("chat.members", { count: 10_000 })).toBe("10,000 members");
});

/** Attributes that people see or hear. */
const heard =
  /^(?:title|label|hint|text|alt|placeholder|action|cancel|aria-(?:label|valuetext|description|roledescription))$/;
const isWords = (text: string): boolean => /\p{L}{2}/u.test(text);

function wordsIn(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const note = (node: ts.Node, text: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    if (isWords(text)) found.push(`${file}:${String(line + 1)}: ${text.trim()}`);
  };
  const literals = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) note(node, node.text);
    else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(literals);
    else if (ts.isJsxExpression(node) && node.expression) literals(node.expression);
    else if (ts.isBinaryExpression(node)) literals(node.right);
    else if (ts.isTemplateExpression(node))
      [node.head, ...node.templateSpans.map((span) => span.literal)].forEach((piece) => {
        note(piece, piece.text);
      });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node, node.text);
    else if (ts.isJsxAttribute(node) && heard.test(node.name.getText()) && node.initializer) literals(node.initializer);
    else if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent)) literals(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test("no words stand in the code: every text that people see or hear is in the catalogue", () => {
  const root = join(import.meta.dirname, "../..");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".tsx"));
  expect(files.length).toBeGreaterThan(60);
  // The name of the product and the keys of a keyboard are the same everywhere.
  const names = /: (?:Parley|Ctrl|Cmd|Alt|Shift|Esc|Enter|Tab|Home|End|⌘|:tada:)$/;
  expect(files.flatMap((file) => wordsIn(join(root, file))).filter((found) => !names.test(found))).toEqual([]);
});
