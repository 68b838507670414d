import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Member } from "../../wire/types.ts";

/** So many rows before the end the next page is asked for. */
const ahead = 20;
/** The height of one row in pixels, before any was measured. */
const rowHeight = 52;

function scrollerOf(element: HTMLElement): HTMLElement {
  let at = element.parentElement;
  while (at && !/auto|scroll/.test(getComputedStyle(at).overflowY)) at = at.parentElement;
  return at ?? document.documentElement;
}

interface MemberRowsProps {
  label: string;
  members: readonly Member[];
  /** Asks for more; undefined when all are there, or on their way. */
  onEnd: (() => void) | undefined;
  children: (member: Member) => ReactNode;
}

/** Members as far as they are in sight: a group may have a hundred thousand. It scrolls with what is around it. */
export function MemberRows({ label, members, onEnd, children }: MemberRowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const scroller = useRef<HTMLElement>(null);
  const [margin, setMargin] = useState<number>();
  useLayoutEffect(() => {
    if (!box.current) return;
    scroller.current = scrollerOf(box.current);
    const top = box.current.getBoundingClientRect().top - scroller.current.getBoundingClientRect().top;
    setMargin(top + scroller.current.scrollTop);
  }, []);
  const look = (): void => {
    const { current } = list;
    if (current && current.findItemIndex(current.scrollOffset + current.viewportSize) >= members.length - ahead)
      onEnd?.();
  };
  return (
    <div ref={box} role="list" aria-label={label}>
      {margin !== undefined && (
        <Virtualizer ref={list} scrollRef={scroller} startMargin={margin} itemSize={rowHeight} onScroll={look}>
          {members.map((member, index) => (
            <div key={member.user.id} role="listitem" aria-setsize={members.length} aria-posinset={index + 1}>
              {children(member)}
            </div>
          ))}
        </Virtualizer>
      )}
    </div>
  );
}
