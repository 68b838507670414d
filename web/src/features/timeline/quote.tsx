import { useT } from "../../lib/i18n/i18n.ts";
import { personName } from "../../sync/naming.ts";
import { previewOf } from "../../sync/preview.ts";
import { useMessageAt, useUser } from "../../sync/queries.ts";

interface QuoteProps {
  conversationId: string;
  seq: number;
  onJump: (seq: number) => void;
}

/** The message that another one replies to, in short; a click goes there. */
export function Quote({ conversationId, seq, onJump }: QuoteProps) {
  const t = useT();
  const message = useMessageAt(conversationId, seq);
  const sender = useUser(message?.sender_id);
  return (
    <button
      type="button"
      title={t("message.quote")}
      className="mb-1 block w-full max-w-full min-w-32 cursor-pointer rounded-md border-s-3 border-primary bg-primary/10 px-2 py-1 text-start text-sm"
      onClick={() => {
        onJump(seq);
      }}
    >
      {message === null ? (
        <span className="text-base-content/70">{t("message.quote.gone")}</span>
      ) : (
        <>
          <bdi className="block truncate text-xs font-semibold text-brand">{personName(sender)}</bdi>
          <bdi className="block truncate text-base-content/80">{message ? previewOf(message, t) : "…"}</bdi>
        </>
      )}
    </button>
  );
}
