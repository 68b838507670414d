import { LoaderCircle, Pause, Play } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useEffect, useState, useSyncExternalStore } from "react";
import { duration } from "../../lib/audio/peaks.ts";
import { player, type Sound } from "../../lib/audio/player.ts";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";

const bars = 44;
const stepSeconds = 5;
const flat: readonly number[] = Array.from({ length: bars }, () => 0);

function useSound(url: string | undefined): { sound: Sound | undefined; failed: boolean } {
  const [state, setState] = useState<{ url: string; sound?: Sound }>();
  useEffect(() => {
    if (url === undefined) return;
    let dropped = false;
    const take = (sound?: Sound): void => {
      if (!dropped) setState(sound ? { url, sound } : { url });
    };
    player.load(url).then(take, () => {
      take();
    });
    return () => {
      dropped = true;
    };
  }, [url]);
  const current = state && state.url === url ? state : undefined;
  return { sound: current?.sound, failed: current !== undefined && !current.sound };
}

interface VoiceProps {
  /** Undefined while the recording is on its way. */
  url: string | undefined;
}

/** A voice message: its shape, how long it is, and how far it was played. */
export function Voice({ url }: VoiceProps) {
  const t = useT();
  const playing = useSyncExternalStore(player.subscribe, player.getSnapshot);
  const { sound, failed } = useSound(url);
  const mine = playing?.key === url ? playing : null;
  const runs = mine !== null && !mine.isPaused;
  const length = sound?.duration ?? 0;
  const position = mine?.position ?? 0;
  const share = length > 0 ? position / length : 0;
  const seek = (seconds: number): void => {
    if (url !== undefined) void player.play(url, Math.min(length, Math.max(0, seconds)));
  };
  const toggle = (): void => {
    if (runs) player.pause();
    else if (url !== undefined) void player.play(url);
  };
  const onPointer = (event: PointerEvent): void => {
    // Held and moved, too.
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    if ((event.buttons & 1) === 0 || !sound) return;
    const box = event.currentTarget.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    const rtl = document.documentElement.dir === "rtl";
    seek((rtl ? 1 - part : part) * length);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowRight") seek(position + stepSeconds);
    else if (event.key === "ArrowLeft") seek(position - stepSeconds);
    else if (event.key === "Home") seek(0);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const label = runs ? t("voice.pause") : t("voice.play");
  return (
    <span className="flex w-72 max-w-full items-center gap-3 py-1">
      <button
        type="button"
        aria-label={label}
        title={label}
        disabled={!sound}
        className="btn btn-circle size-10 min-h-0 shrink-0 btn-primary"
        onClick={toggle}
      >
        {url === undefined ? (
          <LoaderCircle size={18} className="animate-spin" />
        ) : runs ? (
          <Pause size={18} />
        ) : (
          <Play size={18} className="rtl:rotate-180" />
        )}
      </button>
      <span className="min-w-0 flex-1">
        <span
          role="slider"
          tabIndex={sound ? 0 : -1}
          aria-label={t("voice.position")}
          aria-valuemin={0}
          aria-valuemax={Math.round(length)}
          aria-valuenow={Math.round(position)}
          aria-valuetext={`${duration(position)} / ${duration(length)}`}
          className="flex h-8 cursor-pointer touch-none items-center gap-px rounded"
          onPointerDown={onPointer}
          onPointerMove={onPointer}
          onKeyDown={onKeyDown}
        >
          {(sound?.peaks ?? flat).map((peak, index) => (
            <span
              key={index}
              className={cx("min-w-0 flex-1 rounded-full", index / bars < share ? "bg-primary" : "bg-base-content/35")}
              style={{ height: `${String(12 + peak * 88)}%` }}
            />
          ))}
        </span>
        <span className="block text-xs text-base-content/70 tabular-nums">
          {failed ? t("voice.broken") : `${mine ? `${duration(position)} / ` : ""}${duration(length)}`}
        </span>
      </span>
      {mine && (
        <button
          type="button"
          aria-label={t("voice.speed", { rate: mine.rate })}
          title={t("voice.speed", { rate: mine.rate })}
          className="btn btn-ghost btn-xs min-w-10 px-1 tabular-nums"
          onClick={() => {
            player.faster();
          }}
        >
          {t("voice.rate", { rate: mine.rate })}
        </button>
      )}
    </span>
  );
}
