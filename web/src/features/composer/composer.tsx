import { Check, Mic, Paperclip, SendHorizontal, Smile } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import type { Point } from "../../ui/menu.tsx";
import { Popover } from "../../ui/popover.tsx";
import { useMedia } from "../../ui/use-media.ts";
import { ComposerField } from "./composer-field.tsx";
import { ContextBar } from "./context-bar.tsx";
import { FileTray } from "./file-tray.tsx";
import { useComposer } from "./use-composer.ts";
import { useDrop } from "./use-drop.ts";
import { useRecorder } from "./use-recorder.ts";
import { VoiceBar } from "./voice-bar.tsx";

const EmojiPicker = lazy(async () => ({ default: (await import("../../ui/emoji-picker.tsx")).EmojiPicker }));

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
  const recorder = useRecorder();
  const offersVoice = recorder.canRecord && !editing && text === "" && chosen.files.length === 0;

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
  const sendVoice = async (): Promise<void> => {
    const file = await recorder.finish();
    if (file) state.sendFile(file);
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
      <div className="relative mx-auto max-w-4xl">
        <ContextBar
          conversationId={conversationId}
          replyTo={replyTo}
          editing={editing?.seq}
          onClose={state.leaveMode}
        />
        {!editing && <FileTray files={chosen.files} onRemove={chosen.remove} />}
        {recorder.recording ? (
          <VoiceBar recording={recorder.recording} onSend={() => void sendVoice()} onCancel={recorder.cancel} />
        ) : (
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
            <ComposerField conversationId={conversationId} state={state} areaRef={area} touch={touch} />
            <IconButton
              label={t("composer.emoji")}
              icon={<Smile size={20} />}
              className="max-sm:hidden"
              onClick={(event) => {
                const box = event.currentTarget.getBoundingClientRect();
                setEmojiAt({ x: box.left + box.width / 2, y: box.top });
              }}
            />
            {offersVoice ? (
              <IconButton label={t("voice.record")} icon={<Mic size={20} />} onClick={() => void recorder.start()} />
            ) : (
              <button
                type="submit"
                disabled={!canSend}
                aria-label={editing ? t("composer.save") : t("composer.send")}
                title={editing ? t("composer.save") : t("composer.send")}
                className="btn btn-circle size-10 min-h-0 btn-primary"
              >
                {editing ? <Check size={20} /> : <SendHorizontal size={18} className="rtl:rotate-180" />}
              </button>
            )}
          </div>
        )}
        {bytesLeft < tellBelow && (
          <p
            role="status"
            className={cx("px-4 pb-2 text-end text-xs", bytesLeft < 0 ? "text-danger" : "text-base-content/70")}
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
