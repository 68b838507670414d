import { type ReactNode, useState } from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { countEmojiOnly } from "../../lib/markdown/parse.ts";
import { usePeopleNamed } from "../../sync/queries.ts";
import { RichText } from "./rich-text.tsx";

/** Longer texts are folded until somebody wants to read them. */
const maxCharacters = 2_400;
const maxLines = 30;

const emojiSizes = ["", "text-5xl", "text-4xl", "text-3xl"];

function isLong(text: string): boolean {
  if (text.length > maxCharacters) return true;
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && lines <= maxLines; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines > maxLines;
}

interface MessageTextProps {
  text: string;
  mentions: readonly string[] | undefined;
  me: string;
  tail?: ReactNode;
}

function NamedText({ text, mentions, me, tail }: MessageTextProps) {
  const people = usePeopleNamed(mentions);
  return <RichText text={text} tail={tail} people={people} me={me} />;
}

/** Most messages name nobody: they look after nobody's name. */
function Text(props: MessageTextProps) {
  return props.mentions?.length ? <NamedText {...props} /> : <RichText text={props.text} tail={props.tail} />;
}

function FoldedText({ text, mentions, me, tail }: MessageTextProps) {
  const t = useT();
  const [open, setOpen] = useState(false);
  // What is folded is not drawn at all: a hostile text costs only its first part.
  const cut = text.split("\n", maxLines).join("\n").slice(0, maxCharacters);
  return (
    <>
      <Text text={open ? text : `${cut}…`} mentions={mentions} me={me} />
      <button
        type="button"
        aria-expanded={open}
        className="link text-sm text-brand"
        onClick={() => {
          setOpen(!open);
        }}
      >
        {open ? t("message.less") : t("message.more")}
      </button>
      {tail}
    </>
  );
}

/** The text of a message: emoji alone are large, long texts are folded. */
export function MessageText(props: MessageTextProps) {
  const { text, tail } = props;
  const emoji = countEmojiOnly(text);
  if (emoji > 0 && emoji <= 3) {
    return (
      <>
        <p className={cx("leading-tight", emojiSizes[emoji])}>{text.trim()}</p>
        {tail}
      </>
    );
  }
  return isLong(text) ? <FoldedText {...props} /> : <Text {...props} />;
}
