import { Check, Paperclip, SendHorizontal, Smile } from "lucide-react";
import {
  type ClipboardEvent,
  type KeyboardEvent,
  lazy,
  Suspense,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import type { Point } from "../../ui/menu.tsx";
import { Popover } from "../../ui/popover.tsx";
import { useMedia } from "../../ui/use-media.ts";
import { ContextBar } from "./context-bar.tsx";
import { FileTray } from "./file-tray.tsx";
import { useComposer } from "./use-composer.ts";
import { useDrop } from "./use-drop.ts";

const EmojiPicker = lazy(async () => ({ default: (await import("../../ui/emoji-picker.tsx")).EmojiPicker }));

const maxHeight = 200;
/** From here on the composer says how much room is left, in bytes. */
const tellBelow = 1_000;

interface ComposerProps {
  conversationId: string;
}

/** Where messages are written. Enter sends and Shift+Enter breaks the line; on a phone Enter breaks the line. */
export function Composer({ conversationId }: ComposerProps) {
  const t = useT();
  const state = useComposer(conversationId);
  const { composing, chosen, bytesLeft, canSend } = state;
  const { text, replyTo, editing } = composing;
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [emojiAt, setEmojiAt] = useState<Point>();
  const touch = useMedia("(pointer: coarse)");
  const dropping = useDrop((files) => void chosen.add(files));

  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${String(Math.min(maxHeight, element.scrollHeight))}px`;
  }, [text]);

  useEffect(() => {
    // On a phone the keyboard would cover the conversation that was just opened.
    if (!touch || replyTo !== undefined || editing) area.current?.focus();
  }, [conversationId, touch, replyTo, editing]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !touch) {
      event.preventDefault();
      state.send();
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
    void chosen.add(files);
  };
  const insert = (emoji: string): void => {
    const element = area.current;
    const start = element?.selectionStart ?? text.length;
    const end = element?.selectionEnd ?? text.length;
    state.write(text.slice(0, start) + emoji + text.slice(end));
    setEmojiAt(undefined);
    requestAnimationFrame(() => {
      element?.focus();
      element?.setSelectionRange(start + emoji.length, start + emoji.length);
    });
  };

  return (
    <form
      className="safe-bottom shrink-0 border-t border-base-300 bg-base-100"
      onSubmit={(event) => {
        event.preventDefault();
        state.send();
      }}
    >
      {dropping && (
        <div className="pointer-events-none absolute inset-2 z-30 flex items-center justify-center rounded-box border-2 border-dashed border-primary bg-base-100/90 text-lg font-semibold">
          {t("composer.drop")}
        </div>
      )}
      <div className="mx-auto max-w-4xl">
        <ContextBar
          conversationId={conversationId}
          replyTo={replyTo}
          editing={editing?.seq}
          onClose={state.leaveMode}
        />
        {!editing && <FileTray files={chosen.files} onRemove={chosen.remove} />}
        <div className="flex items-end gap-1 p-2">
          {!editing && (
            <IconButton
              label={t("composer.attach")}
              icon={<Paperclip size={20} />}
              onClick={() => picker.current?.click()}
            />
          )}
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label={t("composer.attach")}
            onChange={(event) => {
              void chosen.add([...(event.target.files ?? [])]);
              event.target.value = "";
            }}
          />
          <textarea
            ref={area}
            rows={1}
            dir="auto"
            value={text}
            aria-label={t("composer.placeholder")}
            placeholder={t("composer.placeholder")}
            enterKeyHint={touch ? "enter" : "send"}
            aria-invalid={bytesLeft < 0}
            className="min-h-10 flex-1 resize-none rounded-2xl bg-base-200 px-4 py-2 leading-6 placeholder:text-base-content/70 focus-visible:outline-1 focus-visible:-outline-offset-1 focus-visible:outline-primary/60"
            onChange={(event) => {
              state.write(event.target.value);
            }}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
          />
          <IconButton
            label={t("composer.emoji")}
            icon={<Smile size={20} />}
            className="max-sm:hidden"
            onClick={(event) => {
              const box = event.currentTarget.getBoundingClientRect();
              setEmojiAt({ x: box.left + box.width / 2, y: box.top });
            }}
          />
          <button
            type="submit"
            disabled={!canSend}
            aria-label={editing ? t("composer.save") : t("composer.send")}
            title={editing ? t("composer.save") : t("composer.send")}
            className="btn btn-circle size-10 min-h-0 btn-primary"
          >
            {editing ? <Check size={20} /> : <SendHorizontal size={18} className="rtl:rotate-180" />}
          </button>
        </div>
        {bytesLeft < tellBelow && (
          <p
            role="status"
            className={cx("px-4 pb-2 text-end text-xs", bytesLeft < 0 ? "text-error" : "text-base-content/70")}
          >
            {bytesLeft < 0 ? t("composer.over", { count: -bytesLeft }) : t("composer.left", { count: bytesLeft })}
          </p>
        )}
      </div>
      {emojiAt && (
        <Popover
          label={t("emoji.title")}
          at={emojiAt}
          onClose={() => {
            setEmojiAt(undefined);
          }}
        >
          <Suspense fallback={<div className="h-80 w-80 skeleton" />}>
            <EmojiPicker onPick={insert} />
          </Suspense>
        </Popover>
      )}
    </form>
  );
}
