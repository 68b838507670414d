import { useCallback } from "react";
import { fileSize } from "../../lib/bytes.ts";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { changeChosen, useChosen } from "../../sync/chosen-files.ts";
import type { OutboxFile } from "../../sync/outbox-item.ts";
import { useMe } from "../../sync/queries.ts";
import { toast } from "../../ui/toasts.tsx";

/** The size of a picture, so that its place is right before it is drawn anywhere. */
async function pictureSize(file: File): Promise<{ width: number; height: number } | undefined> {
  if (!file.type.startsWith("image/") || file.type === "image/svg+xml") return undefined;
  try {
    const bitmap = await createImageBitmap(file);
    const size = { width: bitmap.width, height: bitmap.height };
    bitmap.close();
    return size;
  } catch {
    return undefined; // Not a picture after all: it goes as a file.
  }
}

let lastKey = 0;

/** A name for a file that is not at the server yet; new each time. */
export function newFileKey(name: string): string {
  return `${String(Date.now())}-${String((lastKey += 1))}-${name}`;
}

export interface ChosenFiles {
  files: readonly OutboxFile[];
  add: (chosen: Iterable<File>) => Promise<void>;
  remove: (key: string) => void;
  clear: () => void;
}

/** The files that go with a conversation's next message; what is too much or too large is refused in words. */
export function useFiles(conversationId: string): ChosenFiles {
  const t = useT();
  const locale = useLocale();
  const { limits } = useMe();
  const files = useChosen(conversationId);
  const maxFiles = limits.attachments;
  const maxBytes = limits.attachment_bytes;

  const add = useCallback(
    async (chosen: Iterable<File>): Promise<void> => {
      const fitting: OutboxFile[] = [];
      for (const file of chosen) {
        if (file.size > maxBytes) {
          toast(t("composer.tooBig", { name: file.name, size: fileSize(maxBytes, locale) }), "error");
        } else if (file.size === 0) {
          toast(t("composer.emptyFile", { name: file.name }), "error");
        } else {
          const size = await pictureSize(file);
          const mime = file.type || "application/octet-stream";
          fitting.push({
            key: newFileKey(file.name),
            name: file.name || "image.png",
            size: file.size,
            mime,
            blob: file,
            ...size,
          });
        }
      }
      changeChosen(conversationId, (before) => {
        const all = [...before, ...fitting];
        if (all.length > maxFiles) toast(t("composer.tooMany", { count: maxFiles }), "error");
        return all.slice(0, maxFiles);
      });
    },
    [t, locale, conversationId, maxFiles, maxBytes],
  );
  const remove = useCallback(
    (key: string) => {
      changeChosen(conversationId, (before) => before.filter((file) => file.key !== key));
    },
    [conversationId],
  );
  const clear = useCallback(() => {
    changeChosen(conversationId, () => []);
  }, [conversationId]);
  return { files, add, remove, clear };
}
