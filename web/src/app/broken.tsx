import { Unplug } from "lucide-react";
import type { ReactNode } from "react";
import { useT } from "../lib/i18n/i18n.ts";
import { EmptyState } from "../ui/empty-state.tsx";
import { ErrorBoundary } from "../ui/error-boundary.tsx";

/** Around each part of the page: if it breaks, the rest goes on. */
export function Broken({ resetKey, children }: { resetKey: string; children: ReactNode }) {
  const t = useT();
  return (
    <ErrorBoundary
      resetKey={resetKey}
      fallback={(reset) => (
        <EmptyState
          icon={<Unplug size={28} />}
          title={t("app.broken.title")}
          text={t("app.broken.text")}
          action={
            <div className="flex gap-2">
              <button type="button" className="btn btn-primary" onClick={reset}>
                {t("app.tryAgain")}
              </button>
              <button
                type="button"
                className="btn"
                onClick={() => {
                  location.reload();
                }}
              >
                {t("app.reload")}
              </button>
            </div>
          }
        />
      )}
    >
      {children}
    </ErrorBoundary>
  );
}
