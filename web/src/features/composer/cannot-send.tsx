import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSetBlocked } from "../../sync/group-queries.ts";
import { personName } from "../../sync/naming.ts";
import { toast } from "../../ui/toasts.tsx";
import type { Conversation } from "../../wire/types.ts";

/** In the place of the composer where nothing can be written. */
export function CannotSend({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const setBlocked = useSetBlocked();
  const peer = conversation.peer;
  const name = personName(peer ?? undefined);
  return (
    <div className="safe-bottom flex min-h-14 flex-wrap items-center justify-center gap-3 border-t border-base-300 bg-base-100 p-3 text-sm">
      <p>{conversation.blocking ? t("block.youBlock", { name }) : t("block.theyBlock", { name })}</p>
      {conversation.blocking && peer && (
        <button
          type="button"
          className="btn btn-sm"
          onClick={() => {
            setBlocked.mutate(
              { userId: peer.id, on: false },
              {
                onError: (error) => {
                  toast(t(errorKey(error)), "error");
                },
              },
            );
          }}
        >
          {t("block.undo")}
        </button>
      )}
    </div>
  );
}
