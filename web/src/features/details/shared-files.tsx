import { Link } from "@tanstack/react-router";
import { Download, Film } from "lucide-react";
import { useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { fileSize } from "../../lib/bytes.ts";
import { cx } from "../../lib/cx.ts";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import type { MessageKey } from "../../lib/i18n/en.ts";
import { listTime } from "../../lib/time.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSharedFiles } from "../../sync/group-queries.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { type FileKind, fileUrl } from "../../wire/api.ts";
import type { SharedFile } from "../../wire/types.ts";

const kinds: readonly { kind: FileKind; label: MessageKey }[] = [
  { kind: "media", label: "files.media" },
  { kind: "audio", label: "files.audio" },
  { kind: "other", label: "files.other" },
];

/** A picture; a click goes to where it was sent. */
function Tile({ file, beside }: { file: SharedFile; beside: boolean }) {
  const { attachment } = file;
  const isImage = attachment.mime.startsWith("image/");
  return (
    <Link
      to="."
      // A picture is shown above all there is; a message needs its conversation.
      search={(before) => ({
        ...(isImage || beside ? before : {}),
        at: file.seq,
        photo: isImage ? attachment.id : undefined,
      })}
      resetScroll={false}
      title={attachment.name}
      className="relative block aspect-square overflow-hidden rounded bg-base-300"
    >
      {isImage ? (
        <img
          src={fileUrl(attachment.id, { thumb: attachment.thumb ?? false })}
          alt={attachment.name}
          loading="lazy"
          className="size-full object-cover"
        />
      ) : (
        <span className="flex size-full items-center justify-center">
          <Film size={24} aria-label={attachment.name} />
        </span>
      )}
    </Link>
  );
}

function FileRow({ file, beside }: { file: SharedFile; beside: boolean }) {
  const t = useT();
  const locale = useLocale();
  const { attachment } = file;
  return (
    <div role="listitem" className="flex items-center gap-3 rounded-box px-3 py-1.5 hover:bg-base-200">
      <Link
        to="."
        search={(before) => (beside ? { ...before, at: file.seq } : { at: file.seq })}
        resetScroll={false}
        className="min-w-0 flex-1"
      >
        <bdi className="block truncate text-sm font-medium">{attachment.name}</bdi>
        <span className="block text-xs text-base-content/70">
          {fileSize(attachment.size, locale)} ·{" "}
          {listTime(file.at, locale, { today: t("time.today"), yesterday: t("time.yesterday") })}
        </span>
      </Link>
      <a
        href={fileUrl(attachment.id)}
        download={attachment.name}
        aria-label={t("message.download", { name: attachment.name })}
        title={t("message.download", { name: attachment.name })}
        className="btn btn-circle btn-ghost btn-sm"
      >
        <Download size={18} />
      </a>
    </div>
  );
}

const columns = 3;
/** So many pixels before the end the next page is asked for. */
const near = 800;
/** The height of a row in pixels, before any was measured. */
const rowHeights = { tiles: 112, files: 48 };

function inRows(files: readonly SharedFile[], perRow: number): SharedFile[][] {
  return Array.from({ length: Math.ceil(files.length / perRow) }, (_, row) =>
    files.slice(row * perRow, (row + 1) * perRow),
  );
}

const keyOf = (file: SharedFile): string => `${String(file.seq)}-${file.attachment.id}`;

interface SharedFilesProps {
  conversationId: string;
  /** The messages are seen beside it; otherwise the one that is gone to takes its place. */
  beside: boolean;
}

/** What was sent into a conversation: pictures, recordings, files. */
export function SharedFiles({ conversationId, beside }: SharedFilesProps) {
  const t = useT();
  const [kind, setKind] = useState<FileKind>("media");
  const files = useSharedFiles(conversationId, kind);
  const all = files.data?.pages.flatMap((page) => page.items) ?? [];
  const tiles = kind === "media";
  const rows = inRows(all, tiles ? columns : 1);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const look = (offset: number): void => {
    const view = list.current;
    if (!view || offset + view.viewportSize + near < view.scrollSize) return;
    if (files.hasNextPage && !files.isFetching) void files.fetchNextPage();
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div role="tablist" aria-label={t("files.title")} className="tabs-border tabs px-3">
        {kinds.map((one) => (
          <button
            key={one.kind}
            type="button"
            role="tab"
            aria-selected={kind === one.kind}
            className={cx(
              "tab min-h-10 flex-1 px-1 text-balance text-base-content/80",
              kind === one.kind && "tab-active text-base-content",
            )}
            onClick={() => {
              setKind(one.kind);
            }}
          >
            {t(one.label)}
          </button>
        ))}
      </div>
      <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto p-2">
        {files.isPending && <SkeletonRows count={3} label={t("app.loading")} />}
        {files.isError && (
          <p role="alert" className="p-4 text-center text-sm text-danger">
            {t(errorKey(files.error))}
          </p>
        )}
        <div role={tiles ? undefined : "list"} aria-label={tiles ? undefined : t("files.other")}>
          <Virtualizer
            key={kind}
            ref={list}
            scrollRef={scroller}
            itemSize={tiles ? rowHeights.tiles : rowHeights.files}
            onScroll={look}
          >
            {rows.map((row) => (
              <div key={row[0] && keyOf(row[0])} className={tiles ? "grid grid-cols-3 gap-1 pb-1" : undefined}>
                {row.map((file) =>
                  tiles ? (
                    <Tile key={keyOf(file)} file={file} beside={beside} />
                  ) : (
                    <FileRow key={keyOf(file)} file={file} beside={beside} />
                  ),
                )}
              </div>
            ))}
          </Virtualizer>
        </div>
        {files.isSuccess && all.length === 0 && !files.hasNextPage && (
          <p role="status" className="p-6 text-center text-sm text-base-content/70">
            {t("files.none")}
          </p>
        )}
        {files.hasNextPage && (
          <button
            type="button"
            className="btn btn-block btn-ghost btn-sm"
            disabled={files.isFetchingNextPage}
            onClick={() => void files.fetchNextPage()}
          >
            {t("list.more")}
          </button>
        )}
      </div>
    </div>
  );
}
