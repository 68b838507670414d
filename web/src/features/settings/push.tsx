import { BellRing, CircleAlert, CircleCheck, CircleDashed } from "lucide-react";
import { type Translate, useLocale, useT } from "../../lib/i18n/i18n.ts";
import { ago } from "../../lib/time.ts";
import { errorKey } from "../../sync/error-text.ts";
import { canPush, usePush, useSetPushContent, useStartPush, useStopPush, useTestPush } from "../../sync/push.ts";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { Switch } from "../../ui/switch.tsx";
import { toast } from "../../ui/toasts.tsx";
import { ApiError } from "../../wire/errors.ts";
import type { PushSubscriptionInfo } from "../../wire/types.ts";
import { deviceName } from "./device.ts";

/** What the server says of a failure, in the words of this person. */
function failureText(failure: string, t: Translate): string {
  const status = /answered (\d+)/.exec(failure)?.[1];
  if (status === "401" || status === "403") return t("push.failure.refused", { status });
  if (status !== undefined) return t("push.failure.answered", { status });
  if (failure.includes("not be reached")) return t("push.failure.unreachable");
  return failure.includes("too many") ? t("push.failure.full") : t("push.failure.address");
}

/** How the last delivery went. */
function Delivery({ device }: { device: PushSubscriptionInfo }) {
  const t = useT();
  const locale = useLocale();
  const { last_success_at: success, last_failure_at: failure } = device;
  const when = (at: string): string => ago(at, locale, { justNow: t("time.justNow") });
  if (failure && (!success || failure > success)) {
    return (
      <span className="flex items-center gap-1 text-danger">
        <CircleAlert size={14} aria-hidden="true" />
        {t("push.failed", { when: when(failure), reason: failureText(device.failure, t) })}
      </span>
    );
  }
  return (
    <span className="flex items-center gap-1 text-base-content/70">
      {success ? (
        <CircleCheck size={14} className="text-good" aria-hidden="true" />
      ) : (
        <CircleDashed size={14} aria-hidden="true" />
      )}
      {success ? t("push.delivered", { when: when(success) }) : t("push.never")}
    </span>
  );
}

interface DeviceProps {
  device: PushSubscriptionInfo;
  onError: (error: Error) => void;
}

function Device({ device, onError }: DeviceProps) {
  const t = useT();
  const stop = useStopPush();
  const test = useTestPush();
  const setContent = useSetPushContent();
  const name = deviceName(device.user_agent) ?? t("settings.sessions.unknown");
  return (
    <li className="space-y-2 py-3">
      <div className="flex items-center gap-3">
        <BellRing size={20} className="text-base-content/70" aria-hidden="true" />
        <span className="min-w-0 flex-1 text-sm">
          <span className="block truncate font-medium">
            {name}
            {device.current && (
              <span className="ms-2 badge badge-sm badge-primary">{t("settings.sessions.current")}</span>
            )}
          </span>
          <Delivery device={device} />
        </span>
        <button
          type="button"
          className="btn btn-sm"
          disabled={test.isPending}
          onClick={() => {
            test.mutate(device.id, { onError });
          }}
        >
          {t("push.test")}
        </button>
        <button
          type="button"
          className="btn btn-ghost btn-sm"
          aria-label={t("push.stopOf", { device: name })}
          disabled={stop.isPending}
          onClick={() => {
            stop.mutate(device, { onError });
          }}
        >
          {t("push.stop")}
        </button>
      </div>
      <Switch
        label={t("notify.content")}
        hint={t("push.content.hint", { host: device.host })}
        on={device.content}
        onChange={(content) => {
          setContent.mutate({ id: device.id, content }, { onError });
        }}
      />
    </li>
  );
}

/** The devices that are told of messages while no page is open, and whether that works. */
export function Push() {
  const t = useT();
  const push = usePush();
  const start = useStartPush();
  const onError = (error: Error): void => {
    toast(t(error instanceof ApiError ? errorKey(error) : "push.refused"), "error");
  };
  const devices = push.data?.devices ?? [];
  const here = devices.some((device) => device.current);
  const publicKey = canPush() && push.data?.enabled && !here ? push.data.publicKey : undefined;
  return (
    <section>
      <h2 className="text-lg font-semibold">{t("push.title")}</h2>
      <p className="text-sm text-base-content/70">{t("push.text")}</p>
      {push.isPending && <SkeletonRows count={1} label={t("app.loading")} />}
      {push.isError && (
        <p role="alert" className="text-sm text-danger">
          {t(errorKey(push.error))}
        </p>
      )}
      {push.data && !canPush() && <p className="py-2 text-sm">{t("push.unsupported")}</p>}
      {push.data?.enabled === false && <p className="py-2 text-sm">{t("push.disabled")}</p>}
      <ul className="divide-y divide-base-200">
        {devices.map((device) => (
          <Device key={device.id} device={device} onError={onError} />
        ))}
      </ul>
      {publicKey !== undefined && (
        <button
          type="button"
          className="btn mt-3 btn-primary"
          disabled={start.isPending}
          onClick={() => {
            start.mutate({ publicKey, content: true }, { onError });
          }}
        >
          {t("push.start")}
        </button>
      )}
    </section>
  );
}
