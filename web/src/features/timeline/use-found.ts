import { type RefObject, useEffect } from "react";

const name = "found";
const maxMarks = 100;

const folded = (text: string): string => text.toLowerCase();

/** The places of some words in the texts below an element. */
function placesIn(element: Element, words: readonly string[]): Range[] {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const ranges: Range[] = [];
  for (let node = walker.nextNode(); node && ranges.length < maxMarks; node = walker.nextNode()) {
    const text = folded(node.nodeValue ?? "");
    // Some letters change their length in lower case: then the places would be wrong.
    if (text.length !== node.nodeValue?.length) continue;
    for (const word of words) {
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        ranges.push(range);
      }
    }
  }
  return ranges;
}

/**
 * Marks the words that were searched for in the message that was jumped to, and
 * nothing in the document changes for it (CSS Custom Highlight API). Browsers
 * without it show the message all the same.
 */
export function useFound(
  feed: RefObject<HTMLElement | null>,
  find: string | undefined,
  seq: number | undefined,
  isThere: boolean,
): void {
  useEffect(() => {
    if (find === undefined || seq === undefined || !isThere || !("highlights" in CSS)) return;
    const words = [...find.matchAll(/"([^"]+)"|(\S+)/g)].map(([, phrase, word]) => folded(phrase ?? word ?? ""));
    let marked: Element | undefined;
    const mark = (): void => {
      const article = feed.current?.querySelector(`article[data-seq="${String(seq)}"]`);
      if (!article || article === marked) return;
      marked = article;
      CSS.highlights.set(name, new Highlight(...placesIn(article, words.filter(Boolean))));
    };
    // The rows are drawn some time after they are known, and anew where one scrolls away and comes back.
    const observer = new MutationObserver(mark);
    if (feed.current) observer.observe(feed.current, { childList: true, subtree: true });
    mark();
    return () => {
      observer.disconnect();
      CSS.highlights.delete(name);
    };
  }, [feed, find, seq, isThere]);
}
