import { SendHorizontal, Trash2 } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { duration } from "../../lib/audio/peaks.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import type { Recording } from "./use-recorder.ts";

interface VoiceBarProps {
  recording: Recording;
  onSend: () => void;
  onCancel: () => void;
}

/** In the place of the field while a voice message is recorded. */
export function VoiceBar({ recording, onSend, onCancel }: VoiceBarProps) {
  const t = useT();
  const send = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    send.current?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onCancel();
  };
  return (
    // Escape gives the recording up from either button.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className="flex items-center gap-2 p-2" onKeyDown={onKeyDown}>
      <IconButton label={t("voice.cancel")} icon={<Trash2 size={20} />} onClick={onCancel} />
      <span role="status" className="flex items-center gap-2 text-sm">
        <span aria-hidden="true" className="size-2.5 animate-pulse rounded-full bg-error" />
        <span className="sr-only">{t("voice.recording")}</span>
      </span>
      <span role="timer" className="w-12 text-sm tabular-nums">
        {duration(recording.seconds)}
      </span>
      <span className="flex h-8 min-w-0 flex-1 items-center justify-end gap-0.5 overflow-hidden" aria-hidden="true">
        {recording.levels.map((level, index) => (
          <span
            key={index}
            className="w-1 shrink-0 rounded-full bg-primary"
            style={{ height: `${String(10 + level * 90)}%` }}
          />
        ))}
      </span>
      <button
        ref={send}
        type="button"
        aria-label={t("voice.send")}
        title={t("voice.send")}
        className="btn btn-circle size-10 min-h-0 btn-primary"
        onClick={onSend}
      >
        <SendHorizontal size={18} className="rtl:rotate-180" />
      </button>
    </div>
  );
}
