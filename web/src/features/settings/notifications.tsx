import { Bell, BellOff } from "lucide-react";
import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { chooseNotify, notifyPermission, useNotify } from "../../sync/notify.ts";
import { Switch } from "../../ui/switch.tsx";

/** Whether this device tells of new messages, and what the browser says to that. */
export function Notifications() {
  const t = useT();
  const { on, content } = useNotify();
  const [permission, setPermission] = useState(notifyPermission);
  const turn = async (next: boolean): Promise<void> => {
    if (!next) {
      chooseNotify({ on: false, content });
      return;
    }
    const answer = permission === "unsupported" ? permission : await Notification.requestPermission();
    setPermission(answer);
    chooseNotify({ on: answer === "granted", content });
  };
  const works = on && permission === "granted";
  const Icon = works ? Bell : BellOff;
  const state =
    permission === "unsupported"
      ? t("notify.unsupported")
      : permission === "denied"
        ? t("notify.denied")
        : works
          ? t("notify.on")
          : t("notify.off");
  return (
    <section className="space-y-4">
      <div className="flex items-start gap-3 rounded-box bg-base-200 p-4">
        <Icon size={22} className={works ? "text-good" : "text-base-content/70"} aria-hidden="true" />
        <p role="status" className="flex-1 text-sm">
          {state}
        </p>
      </div>
      <Switch
        label={t("notify.device")}
        hint={t("notify.device.hint")}
        on={works}
        disabled={permission === "unsupported" || (permission === "denied" && !on)}
        onChange={(next) => void turn(next)}
      />
      <Switch
        label={t("notify.content")}
        hint={t("notify.content.hint")}
        on={content}
        disabled={!works}
        onChange={(next) => {
          chooseNotify({ on, content: next });
        }}
      />
    </section>
  );
}
