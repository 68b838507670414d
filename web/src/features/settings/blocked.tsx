import { useT } from "../../lib/i18n/i18n.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useBlocks, useSetBlocked } from "../../sync/group-queries.ts";
import { personName } from "../../sync/naming.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { toast } from "../../ui/toasts.tsx";

/** The people this person does not want to hear from. */
export function BlockedPeople() {
  const t = useT();
  const blocks = useBlocks();
  const setBlocked = useSetBlocked();
  return (
    <section>
      <h2 className="text-lg font-semibold">{t("block.title")}</h2>
      <p className="mb-2 text-sm text-base-content/70">{t("block.text")}</p>
      {blocks.isPending && <SkeletonRows count={1} label={t("app.loading")} />}
      {blocks.isError && (
        <p role="alert" className="text-sm text-danger">
          {t(errorKey(blocks.error))}
        </p>
      )}
      {blocks.data?.length === 0 && <p className="py-2 text-sm">{t("block.none")}</p>}
      <ul className="divide-y divide-base-200">
        {blocks.data?.map(({ user }) => (
          <li key={user.id} className="flex items-center gap-3 py-2">
            <Avatar name={personName(user)} seed={user.id} src={user.avatar_url} />
            <span className="min-w-0 flex-1">
              <bdi className="block truncate font-medium">{personName(user)}</bdi>
              <bdi className="block truncate text-sm text-base-content/70">@{user.username}</bdi>
            </span>
            <button
              type="button"
              className="btn btn-sm"
              aria-label={t("block.undoOf", { name: personName(user) })}
              onClick={() => {
                setBlocked.mutate(
                  { userId: user.id, on: false },
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
          </li>
        ))}
      </ul>
    </section>
  );
}
