import { File as FileIcon, X } from "lucide-react";
import { fileSize } from "../../lib/bytes.ts";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import type { OutboxFile } from "../../sync/outbox-item.ts";
import { useObjectUrl } from "../../ui/use-object-url.ts";

function Thumbnail({ file }: { file: OutboxFile }) {
  const url = useObjectUrl(file.width ? file.blob : undefined);
  if (url === undefined) {
    return (
      <span className="flex size-12 items-center justify-center rounded-field bg-base-300">
        <FileIcon size={20} />
      </span>
    );
  }
  return <img src={url} alt="" className="size-12 rounded-field object-cover" />;
}

interface FileTrayProps {
  files: readonly OutboxFile[];
  onRemove: (key: string) => void;
}

/** What goes along with the next message. */
export function FileTray({ files, onRemove }: FileTrayProps) {
  const t = useT();
  const locale = useLocale();
  if (files.length === 0) return null;
  return (
    <ul className="flex gap-2 overflow-x-auto px-3 pt-2">
      {files.map((file) => (
        <li key={file.key} className="flex w-52 shrink-0 items-center gap-2 rounded-box border border-base-300 p-1.5">
          <Thumbnail file={file} />
          <span className="min-w-0 flex-1">
            <bdi className="block truncate text-sm">{file.name}</bdi>
            <span className="text-xs text-base-content/70">{fileSize(file.size, locale)}</span>
          </span>
          <button
            type="button"
            aria-label={t("composer.removeFile", { name: file.name })}
            className="btn btn-circle btn-ghost btn-xs"
            onClick={() => {
              onRemove(file.key);
            }}
          >
            <X size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}
