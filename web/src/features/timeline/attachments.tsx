import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { isVoice } from "../../lib/voice.ts";
import { useLineState } from "../../sync/line-state.ts";
import type { OutboxItem } from "../../sync/outbox-item.ts";
import { useEngine } from "../../sync/session-context.ts";
import { useObjectUrl } from "../../ui/use-object-url.ts";
import { fileUrl } from "../../wire/api.ts";
import type { Attachment } from "../../wire/types.ts";
import { FileLine } from "./file-line.tsx";
import { isPlayable, Playable } from "./playable.tsx";

const Voice = lazy(async () => ({ default: (await import("./voice.tsx")).Voice }));

const maxWidth = 336;
const maxHeight = 360;
const minSide = 96;

/** The size an image is drawn at: known before it is loaded, so nothing moves when it is. */
export function drawnSize(file: { width?: number; height?: number }): { width: number; height: number } {
  const width = file.width ?? 320;
  const height = file.height ?? 240;
  const scale = Math.min(1, maxWidth / width, maxHeight / height);
  return { width: Math.max(minSide, Math.round(width * scale)), height: Math.max(minSide, Math.round(height * scale)) };
}

export function isPicture(file: Attachment): boolean {
  return /^image\/(png|jpe?g|gif|webp|avif)$/.test(file.mime);
}

function UploadCover({ fileKey, clientId }: { fileKey: string; clientId: string }) {
  const t = useT();
  const engine = useEngine();
  const share = useLineState((state) => state.uploads[fileKey]);
  const percent = Math.round((share ?? 0) * 100);
  return (
    <span className="absolute inset-0 flex items-center justify-center bg-black/30">
      <button
        type="button"
        aria-label={t("message.cancel")}
        title={t("message.cancel")}
        className="relative flex size-12 items-center justify-center rounded-full bg-black/60 text-white"
        onClick={() => {
          engine.outbox.cancel(clientId);
        }}
      >
        <svg viewBox="0 0 48 48" className="absolute inset-0 -rotate-90" aria-hidden="true">
          <circle
            cx="24"
            cy="24"
            r="20"
            fill="none"
            stroke="currentColor"
            strokeWidth="3"
            strokeDasharray={`${String(percent * 1.257)} 126`}
          />
        </svg>
        <X size={20} />
      </button>
      <progress className="sr-only" value={percent} max={100}>
        {percent}%
      </progress>
    </span>
  );
}

interface PictureProps {
  file: Attachment;
  pending: OutboxItem | undefined;
  grid: boolean;
}

function Picture({ file, pending, grid }: PictureProps) {
  const t = useT();
  const local =
    pending?.action.kind === "message" ? pending.action.files.find((one) => one.key === file.id) : undefined;
  const localUrl = useObjectUrl(local?.blob);
  // What is forwarded is at the server already.
  const waitingUrl =
    localUrl ?? (local?.attachment && fileUrl(local.attachment.id, { thumb: local.attachment.thumb ?? false }));
  const size = drawnSize(file);
  const frame = cx(
    "relative block overflow-hidden bg-base-content/10",
    grid ? "aspect-square rounded-lg" : "max-w-full rounded-xl",
  );
  const [broken, setBroken] = useState(false);
  if (broken) return <FileLine file={file} pending={pending} />;
  const image = (
    <img
      onError={() => {
        setBroken(true);
      }}
      src={pending ? waitingUrl : fileUrl(file.id, { thumb: file.thumb ?? false })}
      alt={t("message.photo", { name: file.name })}
      width={size.width}
      height={size.height}
      loading="lazy"
      decoding="async"
      draggable={false}
      className={grid ? "size-full object-cover" : "h-auto max-w-full object-cover"}
      style={grid ? undefined : { aspectRatio: `${String(size.width)} / ${String(size.height)}` }}
    />
  );
  if (pending) {
    return (
      <span className={frame}>
        {waitingUrl === undefined ? <span style={size} className="block" /> : image}
        {!pending.failed && pending.acked === undefined && (
          <UploadCover fileKey={file.id} clientId={pending.client_id} />
        )}
      </span>
    );
  }
  return (
    <Link to="." search={(before) => ({ ...before, photo: file.id })} className={frame} resetScroll={false}>
      {image}
    </Link>
  );
}

/** The pictures and files of a message. */
export function Attachments({ files, pending }: { files: readonly Attachment[]; pending: OutboxItem | undefined }) {
  const pictures = files.filter(isPicture);
  const voices = files.filter(isVoice);
  const others = files.filter((file) => !isPicture(file) && !isVoice(file));
  return (
    <>
      {pictures.length > 0 && (
        <span className={pictures.length > 1 ? "grid w-84 max-w-full grid-cols-2 gap-1" : "block"}>
          {pictures.map((file) => (
            <Picture key={file.id} file={file} pending={pending} grid={pictures.length > 1} />
          ))}
        </span>
      )}
      {voices.map((file) => (
        <Suspense key={file.id} fallback={<span className="block h-14 w-72 max-w-full" />}>
          <Voice url={pending ? undefined : fileUrl(file.id)} />
        </Suspense>
      ))}
      {others.map((file) =>
        isPlayable(file) && !pending ? (
          <Playable key={file.id} file={file} />
        ) : (
          <FileLine key={file.id} file={file} pending={pending} />
        ),
      )}
    </>
  );
}
