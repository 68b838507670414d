import { Download, File as FileIcon, X } from "lucide-react";
import { fileSize } from "../../lib/bytes.ts";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { useLineState } from "../../sync/line-state.ts";
import type { OutboxItem } from "../../sync/outbox-item.ts";
import { useEngine } from "../../sync/session-context.ts";
import { fileUrl } from "../../wire/api.ts";
import type { Attachment } from "../../wire/types.ts";

interface FileLineProps {
  file: Attachment;
  pending: OutboxItem | undefined;
}

/** A file: its name and size, how far it has been uploaded, the way to get it. */
export function FileLine({ file, pending }: FileLineProps) {
  const t = useT();
  const locale = useLocale();
  const engine = useEngine();
  const share = useLineState((state) => state.uploads[file.id]);
  const body = (
    <>
      <span className="flex size-10 shrink-0 items-center justify-center rounded-full bg-primary text-primary-content">
        {pending ? <FileIcon size={18} /> : <Download size={18} />}
      </span>
      <span className="min-w-0 flex-1">
        <bdi className="block truncate text-sm font-medium">{file.name}</bdi>
        <span className="block text-xs text-base-content/70">
          {share === undefined
            ? fileSize(file.size, locale)
            : `${fileSize(file.size * share, locale)} / ${fileSize(file.size, locale)}`}
        </span>
        {share !== undefined && <progress className="progress h-1 progress-primary" value={share} max={1} />}
      </span>
    </>
  );
  const className = "flex w-72 max-w-full items-center gap-3 rounded-field py-1";
  if (!pending) {
    return (
      <a
        href={fileUrl(file.id)}
        download={file.name}
        title={t("message.download", { name: file.name })}
        className={className}
      >
        {body}
      </a>
    );
  }
  return (
    <span className={className}>
      {body}
      {!pending.failed && pending.acked === undefined && (
        <button
          type="button"
          aria-label={t("message.cancel")}
          className="btn btn-circle btn-ghost btn-sm"
          onClick={() => {
            engine.outbox.cancel(pending.client_id);
          }}
        >
          <X size={16} />
        </button>
      )}
    </span>
  );
}
