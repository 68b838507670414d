import { type Language, languages, markup, patch } from "./languages.ts";

/** What a piece of code is, as far as its colour goes. */
export type Tone = "plain" | "comment" | "string" | "number" | "keyword" | "name" | "added" | "removed";

export interface Piece {
  tone: Tone;
  text: string;
}

/** Longer code stays without colours: nobody reads it here, and hostile texts cost nothing. */
const maxLength = 20_000;

const number = "\\b(?:0[xX][\\da-fA-F_]+|0[bB][01_]+|\\d[\\d_]*(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)\\b";
const word = "[\\p{L}_$@][\\p{L}\\p{N}_$-]*";

const compiled = new Map<Language, RegExp>();

function patternOf(language: Language): RegExp {
  const known = compiled.get(language);
  if (known) return known;
  const never = "(?!)";
  const pattern = new RegExp(
    `(?<comment>${language.comment ?? never})|(?<string>${language.string ?? never})|(?<number>${number})|(?<word>${word})`,
    "gu",
  );
  compiled.set(language, pattern);
  return pattern;
}

function toneOfWord(text: string, language: Language, after: string): Tone {
  if (language.keywords.has(language.anyCase ? text.toLowerCase() : text)) return "keyword";
  return after === "(" ? "name" : "plain";
}

/** Lines that were added and removed. */
function pieces(text: string): Piece[] {
  return text.split(/(?<=\n)/).map((line) => ({
    text: line,
    tone: line.startsWith("+")
      ? "added"
      : line.startsWith("-")
        ? "removed"
        : line.startsWith("@@")
          ? "keyword"
          : "plain",
  }));
}

function joined(all: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  for (const piece of all) {
    const last = result.at(-1);
    if (last?.tone === piece.tone) last.text += piece.text;
    else if (piece.text !== "") result.push({ ...piece });
  }
  return result;
}

/** Cuts code into coloured pieces whose texts put together are the code again; null if the language is not known. */
export function highlight(text: string, language: string): Piece[] | null {
  const known = Object.hasOwn(languages, language.toLowerCase()) ? languages[language.toLowerCase()] : undefined;
  if (!known || text.length > maxLength) return null;
  if (known === patch) return joined(pieces(text));
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(patternOf(known))) {
    const { comment, string, number: digits } = match.groups ?? {};
    const [whole] = match;
    found.push({ tone: "plain", text: text.slice(end, match.index) });
    end = match.index + whole.length;
    const isTag = known === markup && /<\/?$/.test(text.slice(Math.max(0, match.index - 2), match.index));
    const tone: Tone =
      comment !== undefined
        ? "comment"
        : string !== undefined
          ? "string"
          : digits !== undefined
            ? "number"
            : isTag
              ? "keyword"
              : toneOfWord(whole, known, text.charAt(end));
    found.push({ tone, text: whole });
  }
  found.push({ tone: "plain", text: text.slice(end) });
  return joined(found);
}
