import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";

/** Where the messages would be: why they are not, and another try. */
export function LoadFailed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const t = useT();
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-3 text-sm">
      <p>
        {t("chat.failed")} {t(errorKey(error))}
      </p>
      <button type="button" className="btn btn-sm" onClick={onRetry}>
        {t("app.tryAgain")}
      </button>
    </div>
  );
}
