import { useMemo } from "react";
import { highlight, type Tone } from "../../lib/highlight/highlight.ts";

const classes: Record<Tone, string> = {
  plain: "",
  comment: "text-base-content/70 italic",
  string: "text-good",
  number: "text-number",
  keyword: "text-brand font-medium",
  name: "text-name",
  added: "text-good",
  removed: "text-danger",
};

interface ColouredCodeProps {
  text: string;
  language: string;
}

/** Code with colours. Loaded with the first block of code that names its language. */
export function ColouredCode({ text, language }: ColouredCodeProps) {
  const pieces = useMemo(() => highlight(text, language), [text, language]);
  if (!pieces) return text;
  return pieces.map((piece, index) =>
    piece.tone === "plain" ? (
      piece.text
    ) : (
      <span key={index} className={classes[piece.tone]} data-tone={piece.tone}>
        {piece.text}
      </span>
    ),
  );
}
