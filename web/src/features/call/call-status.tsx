import { useT } from "../../lib/i18n/i18n.ts";
import type { CallView } from "./call-view.ts";
import { QualitySign } from "./person-tile.tsx";
import type { Quality } from "./quality.ts";
import { useTimer } from "./use-timer.ts";

const worst: readonly Quality[] = ["poor", "fair", "good"];

/** Where the call stands: it rings, it connects, or how long it goes on and how well. */
export function CallStatus({ view, short = false }: { view: CallView; short?: boolean }) {
  const t = useT();
  const time = useTimer(view.since);
  const qualities = view.people.map((person) => person.quality);
  const quality = worst.find((one) => qualities.includes(one));
  switch (view.phase) {
    case "outgoing":
      return <>{view.ringing.length > 0 ? t("call.ringing") : t("call.calling")}</>;
    case "connecting":
      return <>{t("call.connecting")}</>;
    case "reconnecting":
      return <>{t("call.reconnecting")}</>;
    case "live":
      return (
        <span className="inline-flex items-center gap-3">
          <span role="timer" className="tabular-nums">
            {time}
          </span>
          {quality && !short && <QualitySign quality={quality} />}
        </span>
      );
    default:
      return null;
  }
}
