import { Check, Copy } from "lucide-react";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import type { Block, Inline } from "../../lib/markdown/ast.ts";
import { parseMarkdown } from "../../lib/markdown/parse.ts";
import { IconButton } from "../../ui/icon-button.tsx";

function inline(nodes: readonly Inline[]): ReactNode[] {
  return nodes.map((node, index) => {
    switch (node.kind) {
      case "text":
        return node.text;
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
}

/** A message's text with its marks, as React nodes: nothing of it is ever read as HTML. */
export function RichText({ text, tail }: RichTextProps) {
  const blocks = useMemo(() => parseMarkdown(text), [text]);
  const last = blocks.length - 1;
  const joins = blocks[last]?.kind === "paragraph";
  return (
    <>
      {blocks.map((node, index) => block(node, index, joins && index === last ? tail : undefined))}
      {!joins && tail}
    </>
  );
}
