import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { highlight, type Tone } from "./highlight.ts";
import { languages } from "./languages.ts";

const textsOf = (code: string, language: string, tone: Tone): string[] =>
  (highlight(code, language) ?? []).filter((piece) => piece.tone === tone).map((piece) => piece.text);

describe("highlight", () => {
  test("tells words, texts, numbers and remarks apart", () => {
    const code = 'func key(name string, rev int) string { // the key\n\treturn fmt.Sprintf("%s@%d", name, 0x2A)\n}';
    expect(textsOf(code, "go", "keyword")).toEqual(["func", "string", "int", "string", "return"]);
    expect(textsOf(code, "go", "comment")).toEqual(["// the key"]);
    expect(textsOf(code, "go", "string")).toEqual(['"%s@%d"']);
    expect(textsOf(code, "go", "number")).toEqual(["0x2A"]);
    expect(textsOf(code, "go", "name")).toEqual(["key", "Sprintf"]);
  });

  test("knows what is not code within code", () => {
    expect(textsOf('x = "# no remark" # one', "python", "comment")).toEqual(["# one"]);
    expect(textsOf('echo $# "$HOME" # end', "bash", "comment")).toEqual(["# end"]);
    expect(textsOf("SELECT 'it''s' FROM t", "sql", "string")).toEqual(["'it''s'"]);
    expect(textsOf("SELECT 1 from t", "SQL", "keyword")).toEqual(["SELECT", "from"]);
    expect(textsOf('<a href="x">if</a>', "html", "keyword")).toEqual(["a", "a"]);
    expect(textsOf("+new\n-old\n same", "diff", "removed")).toEqual(["-old\n"]);
  });

  test("leaves languages that it does not know, and very long code, alone", () => {
    expect(highlight("x", "klingon")).toBeNull();
    expect(highlight("x", "constructor")).toBeNull();
    expect(highlight("x".repeat(20_001), "go")).toBeNull();
  });

  test("loses nothing of any text, in any language", () => {
    const name = fc.constantFrom(...Object.keys(languages));
    const code = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(...Array.from("\"'`/*#-<!>\\\n a1")) }),
    );
    fc.assert(
      fc.property(code, name, (text, language) => {
        expect((highlight(text, language) ?? []).map((piece) => piece.text).join("")).toBe(text);
      }),
    );
  }, 60_000);

  test("hostile code ends", () => {
    for (const evil of ['"\\', "/*", "'''", "`\\", "<!--", "#", "0x", "a-"]) {
      const text = evil.repeat(20_000 / evil.length);
      for (const language of ["ts", "python", "html", "sql", "bash"]) {
        expect(highlight(text, language)?.length, `${evil} in ${language}`).toBeGreaterThan(0);
      }
    }
  }, 60_000);
});
