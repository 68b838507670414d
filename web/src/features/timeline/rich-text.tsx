import { Check, Copy } from "lucide-react";
import { createContext, lazy, type ReactNode, Suspense, use, useMemo, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import type { Block, Inline } from "../../lib/markdown/ast.ts";
import { parseMarkdown } from "../../lib/markdown/parse.ts";
import { cutMentions } from "../../lib/mentions.ts";
import { IconButton } from "../../ui/icon-button.tsx";

type People = ReadonlyMap<string, string>;
const nobody: People = new Map();

/** Who is named stands out; oneself most. */
function withMentions(text: string, people: People, me: string | undefined): ReactNode {
  if (people.size === 0) return text;
  return cutMentions(text, people).map((piece, index) =>
    piece.userId === undefined ? (
      piece.text
    ) : (
      <span
        key={index}
        data-mention={piece.userId === me ? "me" : "other"}
        className={
          piece.userId === me ? "rounded bg-primary px-0.5 font-medium text-primary-content" : "font-medium text-brand"
        }
      >
        {piece.text}
      </span>
    ),
  );
}

/** Whom a message names, and who reads it. */
interface Named {
  people: People;
  me: string | undefined;
}
const NamedContext = createContext<Named>({ people: nobody, me: undefined });

function TextNode({ text }: { text: string }) {
  const { people, me } = use(NamedContext);
  return withMentions(text, people, me);
}

function inline(nodes: readonly Inline[]): ReactNode[] {
  return nodes.map((node, index) => {
    switch (node.kind) {
      case "text":
        return <TextNode key={index} text={node.text} />;
      case "strong":
        return <strong key={index}>{inline(node.children)}</strong>;
      case "em":
        return <em key={index}>{inline(node.children)}</em>;
      case "strike":
        return <s key={index}>{inline(node.children)}</s>;
      case "code":
        return (
          <code key={index} className="rounded bg-base-content/10 px-1 py-0.5 font-mono text-[0.9em]">
            {node.text}
          </code>
        );
      case "link":
        return (
          <a
            key={index}
            href={node.href}
            target="_blank"
            rel="noopener noreferrer"
            className="text-brand underline decoration-primary/40 underline-offset-2 hover:decoration-primary"
          >
            {inline(node.children)}
          </a>
        );
    }
  });
}

const ColouredCode = lazy(async () => ({ default: (await import("./coloured-code.tsx")).ColouredCode }));

function CodeBlock({ text, language }: { text: string; language: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => {
      setCopied(false);
    }, 1_500);
  };
  return (
    <div dir="ltr" className="group/code relative my-1 overflow-hidden rounded-field bg-base-content/8">
      {language !== "" && <p className="px-3 pt-1 text-xs text-base-content/70">{language}</p>}
      {/* Long lines scroll: the region has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} className="overflow-x-auto px-3 py-2 font-mono text-[0.85em] leading-snug">
        <code>
          {language === "" ? (
            text
          ) : (
            <Suspense fallback={text}>
              <ColouredCode text={text} language={language} />
            </Suspense>
          )}
        </code>
      </pre>
      <IconButton
        label={copied ? t("app.copied") : t("message.code.copy")}
        icon={copied ? <Check size={14} /> : <Copy size={14} />}
        className="absolute end-1 top-1 size-7 opacity-0 group-hover/code:opacity-100 focus-visible:opacity-100"
        onClick={() => void copy()}
      />
    </div>
  );
}

function block(node: Block, index: number, tail?: ReactNode): ReactNode {
  switch (node.kind) {
    case "paragraph":
      // Each paragraph finds its own direction; line breaks are kept as they are.
      return (
        <p key={index} dir="auto" className="flow-root whitespace-pre-wrap [unicode-bidi:isolate]">
          {inline(node.children)}
          {tail}
        </p>
      );
    case "code":
      return <CodeBlock key={index} text={node.text} language={node.language} />;
    case "quote":
      return (
        <blockquote key={index} dir="auto" className="my-1 border-s-3 border-primary/50 ps-2 text-base-content/80">
          {node.blocks.map((inner, at) => block(inner, at))}
        </blockquote>
      );
    case "list": {
      const items = node.items.map((item, at) => (
        <li key={at} dir="auto">
          {inline(item)}
        </li>
      ));
      return node.ordered ? (
        <ol key={index} start={node.start} className="list-decimal ps-6">
          {items}
        </ol>
      ) : (
        <ul key={index} className="list-disc ps-5">
          {items}
        </ul>
      );
    }
  }
}

interface RichTextProps {
  text: string;
  /** Stands at the end of the last line if there is room, else below it. */
  tail?: ReactNode;
  /** The people it names, by username in lower case. */
  people?: People;
  me?: string;
}

/** A message's text with its marks, as React nodes: nothing of it is ever read as HTML. */
export function RichText({ text, tail, people = nobody, me }: RichTextProps) {
  const named = useMemo(() => ({ people, me }), [people, me]);
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  const last = blocks.length - 1;
  const joins = blocks[last]?.kind === "paragraph";
  return (
    <NamedContext value={named}>
      {blocks.map((node, index) => block(node, index, joins && index === last ? tail : undefined))}
      {!joins && tail}
    </NamedContext>
  );
}
