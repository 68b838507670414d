import type { Translate } from "../lib/i18n/i18n.ts";
import { plainText } from "../lib/markdown/parse.ts";
import { isVoice } from "../lib/voice.ts";
import type { Attachment, Message } from "../wire/types.ts";

/** One line that tells what a message holds. */
export function previewOf(
  message: Pick<Message, "text" | "deleted_at"> & { attachments: readonly Pick<Attachment, "mime" | "name">[] },
  t: Translate,
): string {
  if (message.deleted_at) return t("list.deleted");
  const text = plainText(message.text, 140);
  if (text !== "" || message.attachments.length === 0) return text;
  const count = message.attachments.length;
  if (message.attachments.every((file) => file.mime.startsWith("image/"))) return t("preview.photo", { count });
  if (message.attachments.every((file) => isVoice({ ...file, size: 0 }))) return t("preview.voice");
  return count === 1 ? (message.attachments[0]?.name ?? "") : t("preview.file", { count });
}
