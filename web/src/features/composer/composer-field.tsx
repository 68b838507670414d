import {
  type ClipboardEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { useT } from "../../lib/i18n/i18n.ts";
import { Suggestions } from "./suggestions.tsx";
import { closedEmoji, completed, type Token, tokenAt } from "./token.ts";
import type { ComposerState } from "./use-composer.ts";
import { emojiNamed, type Suggestion, useCompletion } from "./use-completion.ts";

const maxHeight = 200;

interface ComposerFieldProps {
  conversationId: string;
  state: ComposerState;
  areaRef: RefObject<HTMLTextAreaElement | null>;
  /** Enter breaks the line instead of sending. */
  touch: boolean;
}

/** The text of a message while it is written, with completion of emoji and people. */
export function ComposerField({ conversationId, state, areaRef, touch }: ComposerFieldProps) {
  const t = useT();
  const listId = useId();
  const { text, replyTo, editing, heard } = state.composing;
  const [token, setToken] = useState<Token | null>(null);
  const [selected, setSelected] = useState(0);
  const suggestions = useCompletion(conversationId, token);
  const listed = token !== null && suggestions.length > 0;

  useLayoutEffect(() => {
    const element = areaRef.current;
    if (!element) return;
    let width = -1;
    const fit = (): void => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      element.style.height = "auto";
      element.style.height = `${String(Math.min(maxHeight, element.scrollHeight))}px`;
    };
    fit();
    // Another width breaks the lines elsewhere.
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [areaRef, text]);

  const caret = useRef({ start: 0, end: 0 });
  useLayoutEffect(() => {
    const element = areaRef.current;
    // Another tab wrote it: the browser has put the caret at its end.
    if (heard && element === document.activeElement) element?.setSelectionRange(caret.current.start, caret.current.end);
  }, [areaRef, heard, text]);

  useEffect(() => {
    // On a phone the keyboard would cover the conversation that was just opened.
    if (!touch || replyTo !== undefined || editing) areaRef.current?.focus();
  }, [areaRef, conversationId, touch, replyTo, editing]);

  const look = (): void => {
    const element = areaRef.current;
    if (element) caret.current = { start: element.selectionStart, end: element.selectionEnd };
    const found =
      element?.selectionStart === element?.selectionEnd
        ? tokenAt(element?.value ?? "", element?.selectionStart ?? 0)
        : null;
    if (found?.from !== token?.from || found?.query !== token?.query) setSelected(0);
    setToken(found);
  };
  const put = (next: { text: string; caret: number }): void => {
    // At once: what is typed before the next frame would stand before it.
    flushSync(() => {
      state.write(next.text);
      setToken(null);
    });
    areaRef.current?.focus();
    areaRef.current?.setSelectionRange(next.caret, next.caret);
  };
  const choose = (suggestion: Suggestion | undefined): void => {
    const caret = areaRef.current?.selectionStart ?? text.length;
    if (suggestion && token) put(completed(text, token, caret, suggestion.insert));
  };
  const write = (value: string, caret: number): void => {
    state.write(value);
    const closed = closedEmoji(value, caret);
    if (!closed) return;
    void emojiNamed(closed.name).then((emoji) => {
      // Only if nothing was typed meanwhile.
      if (emoji === undefined || areaRef.current?.value !== value) return;
      put({ text: value.slice(0, closed.from) + emoji + value.slice(caret), caret: closed.from + emoji.length });
    });
  };

  /** Returns whether the list took the key. */
  const inList = (event: KeyboardEvent): boolean => {
    if (!listed) return false;
    const count = suggestions.length;
    if (event.key === "ArrowDown") setSelected((selected + 1) % count);
    else if (event.key === "ArrowUp") setSelected((selected + count - 1) % count);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") choose(suggestions[selected]);
    else if (event.key === "Escape") setToken(null);
    else return false;
    return true;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (inList(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey && !touch) {
      event.preventDefault();
      state.send();
      setToken(null);
    } else if (event.key === "ArrowUp" && text === "" && !editing) {
      if (state.editLast()) event.preventDefault();
    } else if (event.key === "Escape" && (editing || replyTo !== undefined)) {
      event.stopPropagation();
      state.leaveMode();
    }
  };
  const onPaste = (event: ClipboardEvent): void => {
    const files = [...event.clipboardData.files];
    if (files.length === 0 || editing) return;
    event.preventDefault();
    void state.chosen.add(files);
  };

  return (
    <>
      {listed && <Suggestions id={listId} suggestions={suggestions} selected={selected} onChoose={choose} />}
      <textarea
        ref={areaRef}
        rows={1}
        dir="auto"
        value={text}
        aria-label={t("composer.placeholder")}
        placeholder={t("composer.placeholder")}
        enterKeyHint={touch ? "enter" : "send"}
        aria-invalid={state.bytesLeft < 0}
        aria-autocomplete="list"
        aria-controls={listed ? listId : undefined}
        aria-activedescendant={listed ? `${listId}-${String(selected)}` : undefined}
        className="min-h-10 min-w-0 flex-1 resize-none rounded-2xl bg-base-200 px-4 py-2 leading-6 placeholder:text-base-content/70 focus-visible:outline-1 focus-visible:-outline-offset-1 focus-visible:outline-primary/60"
        onChange={(event) => {
          write(event.target.value, event.target.selectionStart);
        }}
        onSelect={look}
        onBlur={() => {
          setToken(null);
        }}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
    </>
  );
}
