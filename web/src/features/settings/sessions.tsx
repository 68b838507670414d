import { Monitor, Smartphone } from "lucide-react";
import { useLocale, useT } from "../../lib/i18n/i18n.ts";
import { ago } from "../../lib/time.ts";
import { errorKey } from "../../sync/error-text.ts";
import { useRevokeSession } from "../../sync/mutations.ts";
import { useSessions } from "../../sync/queries.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { toast } from "../../ui/toasts.tsx";
import type { Session } from "../../wire/types.ts";
import { deviceName, isPhone } from "./device.ts";

function SessionRow({ session, onRevoke }: { session: Session; onRevoke: () => void }) {
  const t = useT();
  const locale = useLocale();
  const device = deviceName(session.user_agent) ?? t("settings.sessions.unknown");
  const Icon = isPhone(session.user_agent) ? Smartphone : Monitor;
  return (
    <li className="flex items-center gap-3 py-2">
      <span className="flex size-10 shrink-0 items-center justify-center rounded-full bg-base-200">
        <Icon size={20} aria-hidden="true" />
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">
          {device}
          {session.current && (
            <span className="ms-2 badge badge-sm badge-primary">{t("settings.sessions.current")}</span>
          )}
        </span>
        <span className="block truncate text-sm text-base-content/70">
          {t("settings.sessions.seen", { when: ago(session.seen_at, locale, { justNow: t("time.justNow") }) })}
          {session.address !== "" && ` · ${session.address}`}
        </span>
      </span>
      {!session.current && (
        <button
          type="button"
          className="btn btn-sm"
          aria-label={t("settings.sessions.revokeOf", { device })}
          onClick={onRevoke}
        >
          {t("settings.sessions.revoke")}
        </button>
      )}
    </li>
  );
}

/** Where this person is logged in. */
export function Sessions() {
  const t = useT();
  const sessions = useSessions();
  const revoke = useRevokeSession();
  return (
    <section>
      <h2 className="text-lg font-semibold">{t("settings.sessions")}</h2>
      {sessions.isPending && <SkeletonRows count={1} label={t("app.loading")} />}
      {sessions.isError && (
        <p role="alert" className="text-sm text-danger">
          {t(errorKey(sessions.error))}
        </p>
      )}
      <ul className="divide-y divide-base-200">
        {sessions.data?.map((session) => (
          <SessionRow
            key={session.id}
            session={session}
            onRevoke={() => {
              revoke.mutate(session.id, {
                onError: (error) => {
                  toast(t(errorKey(error)), "error");
                },
              });
            }}
          />
        ))}
      </ul>
    </section>
  );
}
