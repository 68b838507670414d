import { useT } from "../lib/i18n/i18n.ts";
import { takeNewVersion, useUpdate } from "./worker.ts";

/** Says that a new version is there; it is used when the person says so, never in the middle of a sentence. */
export function UpdateNote() {
  const t = useT();
  const waiting = useUpdate((state) => state.waiting);
  if (!waiting) return null;
  return (
    <div
      role="status"
      className="fixed inset-x-4 bottom-24 z-40 mx-auto flex max-w-md items-center gap-3 rounded-box border border-base-300 bg-base-100 p-3 text-sm text-base-content shadow-lg"
    >
      <p className="flex-1">{t("app.update")}</p>
      <button
        type="button"
        className="btn btn-ghost btn-sm"
        onClick={() => {
          useUpdate.setState({ waiting: null });
        }}
      >
        {t("app.update.later")}
      </button>
      <button
        type="button"
        className="btn btn-primary btn-sm"
        onClick={() => {
          takeNewVersion(waiting);
        }}
      >
        {t("app.update.now")}
      </button>
    </div>
  );
}
