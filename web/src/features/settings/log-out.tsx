import { LogOut } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { useOutbox } from "../../sync/queries.ts";
import { useSessionKeeper } from "../../sync/session-context.ts";
import { Confirm } from "../../ui/dialog.tsx";
import { toast } from "../../ui/toasts.tsx";

/** Ends the session; asks first if something was not sent yet. */
export function LogOutButton() {
  const t = useT();
  const session = useSessionKeeper();
  const unsent = useOutbox().filter((item) => item.acked === undefined && item.action.kind === "message").length;
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const leave = async (): Promise<void> => {
    setBusy(true);
    try {
      await session.signOut();
    } catch {
      setBusy(false);
      setAsking(false);
      toast(t("auth.logOut.failed"), "error");
    }
  };
  return (
    <>
      <button
        type="button"
        className="flex w-full items-center gap-3 rounded-box px-3 py-2.5 font-medium text-danger hover:bg-base-200"
        disabled={busy}
        onClick={() => {
          if (unsent > 0) setAsking(true);
          else void leave();
        }}
      >
        <LogOut size={20} />
        {t("auth.logOut")}
      </button>
      {asking && (
        <Confirm
          title={t("auth.logOut")}
          text={t("auth.logOut.unsent", { count: unsent })}
          action={t("auth.logOut.anyway")}
          cancel={t("app.cancel")}
          busy={busy}
          onConfirm={() => void leave()}
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </>
  );
}
