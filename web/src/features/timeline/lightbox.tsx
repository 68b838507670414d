import { ChevronLeft, ChevronRight, Download, X } from "lucide-react";
import { useCallback, useEffect } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { useTimeline } from "../../sync/queries.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { fileUrl } from "../../wire/api.ts";
import type { Attachment } from "../../wire/types.ts";
import { isPicture } from "./attachments.tsx";
import { ZoomArea } from "./zoom-area.tsx";

interface LightboxProps {
  conversationId: string;
  fileId: string;
  onShow: (fileId: string) => void;
  onClose: () => void;
}

function usePictures(conversationId: string): Attachment[] {
  const timeline = useTimeline(conversationId).data;
  return (timeline?.ranges ?? []).flatMap((range) =>
    range.items.flatMap((item) => (item.kind === "message" ? item.attachments.filter(isPicture) : [])),
  );
}

const button = "btn btn-circle btn-ghost text-white hover:bg-white/20 focus-visible:bg-white/20";

/** A picture as large as the screen allows; the arrows go through the pictures of the conversation. */
export function Lightbox({ conversationId, fileId, onShow, onClose }: LightboxProps) {
  const t = useT();
  const pictures = usePictures(conversationId);
  const index = pictures.findIndex((picture) => picture.id === fileId);
  const picture = pictures[index];
  const before = pictures[index - 1];
  const after = index < 0 ? undefined : pictures[index + 1];

  // What is after stands where one reads on to: on the left where that is from right to left.
  const go = useCallback(
    (way: "left" | "right"): void => {
      const onwards = document.documentElement.dir === "rtl" ? "right" : "left";
      const next = way === onwards ? after : before;
      if (next) onShow(next.id);
    },
    [before, after, onShow],
  );
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.key === "ArrowLeft") go("right");
      if (event.key === "ArrowRight") go("left");
    };
    window.addEventListener("keydown", listen);
    return () => {
      window.removeEventListener("keydown", listen);
    };
  }, [go]);

  const name = picture?.name ?? "";
  return (
    <Dialog
      title={t("message.photo", { name })}
      hideTitle
      onClose={onClose}
      className="flex h-dvh max-h-none w-dvw max-w-none flex-col rounded-none bg-black p-0 text-white"
    >
      <div className="safe-top flex items-center gap-2 p-2">
        <bdi className="min-w-0 flex-1 truncate ps-2 text-sm">{name}</bdi>
        <a
          href={fileUrl(fileId)}
          download={name}
          aria-label={t("photo.download")}
          title={t("photo.download")}
          className={button}
        >
          <Download size={20} />
        </a>
        <button type="button" aria-label={t("app.close")} title={t("app.close")} className={button} onClick={onClose}>
          <X size={22} />
        </button>
      </div>
      <div className="relative flex min-h-0 flex-1 items-center justify-center p-2">
        <ZoomArea
          key={fileId}
          onSwipe={(way) => {
            if (way === "down") onClose();
            else go(way);
          }}
        >
          <img
            src={fileUrl(fileId)}
            alt={t("message.photo", { name })}
            width={picture?.width}
            height={picture?.height}
            className="h-auto max-h-full w-auto max-w-full object-contain"
            draggable={false}
          />
        </ZoomArea>
        {before && (
          <button
            type="button"
            aria-label={t("photo.previous")}
            className={`${button} absolute start-2`}
            onClick={() => {
              onShow(before.id);
            }}
          >
            <ChevronLeft size={28} className="rtl:rotate-180" />
          </button>
        )}
        {after && (
          <button
            type="button"
            aria-label={t("photo.next")}
            className={`${button} absolute end-2`}
            onClick={() => {
              onShow(after.id);
            }}
          >
            <ChevronRight size={28} className="rtl:rotate-180" />
          </button>
        )}
      </div>
    </Dialog>
  );
}
