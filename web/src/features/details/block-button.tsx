import { Ban } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useSetBlocked } from "../../sync/group-queries.ts";
import { personName } from "../../sync/naming.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { User } from "../../wire/types.ts";

/** Blocks a person, after a question; lets them again without one. */
export function BlockButton({ user, blocking }: { user: User; blocking: boolean }) {
  const t = useT();
  const setBlocked = useSetBlocked();
  const [asking, setAsking] = useState(false);
  const name = personName(user);
  return (
    <>
      <button
        type="button"
        className="flex w-full items-center gap-3 rounded-box px-3 py-2 font-medium text-danger hover:bg-base-200"
        onClick={() => {
          if (!blocking) setAsking(true);
          else {
            setBlocked.mutate(
              { userId: user.id, on: false },
              {
                onError: (error) => {
                  toast(t(errorKey(error)), "error");
                },
              },
            );
          }
        }}
      >
        <span className="flex size-10 items-center justify-center rounded-full bg-error/15">
          <Ban size={20} />
        </span>
        {blocking ? t("block.undoOf", { name }) : t("block.do", { name })}
      </button>
      {asking && (
        <Confirm
          title={t("block.ask", { name })}
          text={t("block.text")}
          action={t("block.confirm")}
          cancel={t("app.cancel")}
          busy={setBlocked.isPending}
          error={setBlocked.error ? t(errorKey(setBlocked.error)) : undefined}
          onClose={() => {
            setBlocked.reset();
            setAsking(false);
          }}
          onConfirm={() => {
            setBlocked.mutate(
              { userId: user.id, on: true },
              {
                onSuccess: () => {
                  setAsking(false);
                },
              },
            );
          }}
        />
      )}
    </>
  );
}
