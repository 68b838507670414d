import { MicOff, SignalHigh, SignalLow, SignalMedium } from "lucide-react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { Avatar } from "../../ui/avatar.tsx";
import type { PersonView } from "./mesh.ts";
import { Picture } from "./picture.tsx";
import type { Quality } from "./quality.ts";
import { usePerson } from "./use-who.ts";

const qualityIcons = { good: SignalHigh, fair: SignalMedium, poor: SignalLow };

/** How good a connection is, as a sign and in words. */
export function QualitySign({ quality }: { quality: Quality }) {
  const t = useT();
  const Icon = qualityIcons[quality];
  return (
    <span className="inline-flex items-center gap-1">
      <Icon size={16} aria-hidden="true" />
      {t(`call.quality.${quality}`)}
    </span>
  );
}

interface PersonTileProps {
  person: PersonView;
  /** Where there is nobody else, the name stands above already. */
  alone: boolean;
}

/** Somebody in the call: their picture or their face, and whether they can be heard. */
export function PersonTile({ person, alone }: PersonTileProps) {
  const t = useT();
  const { name, seed, src } = usePerson(person.userId);
  const { state, camera, screen, video, muted, quality } = person;
  const picture = (camera || screen) && video;
  return (
    <figure
      data-person={state}
      data-screen={screen && video ? "" : undefined}
      className={cx(
        "relative flex min-h-0 min-w-0 items-center justify-center overflow-hidden",
        picture ? "bg-black text-white" : "bg-base-200",
        !alone && "rounded-box",
      )}
    >
      {picture ? (
        <Picture stream={video} whole={screen} className="absolute inset-0" />
      ) : (
        <span className={alone ? "" : "short:scale-75"}>
          <Avatar name={name} seed={seed} src={src} size="xl" />
        </span>
      )}
      <figcaption
        className={cx(
          "absolute start-2 bottom-2 flex max-w-[calc(100%-1rem)] items-center gap-2 rounded-field bg-neutral px-2 py-1 text-sm text-neutral-content",
          alone && !muted && state !== "reconnecting" && state !== "failed" && "sr-only",
        )}
      >
        <bdi className="truncate">{name}</bdi>
        {muted && (
          <span className="inline-flex items-center gap-1">
            <MicOff size={14} aria-hidden="true" />
            <span className={alone ? "" : "sr-only"}>{t("call.muted")}</span>
          </span>
        )}
        {state === "reconnecting" && <span>{t("call.reconnecting")}</span>}
        {state === "connecting" && <span>{t("call.connecting")}</span>}
        {state === "failed" && <span>{t("call.noWayShort")}</span>}
        {!alone && quality !== undefined && quality !== "good" && <QualitySign quality={quality} />}
      </figcaption>
    </figure>
  );
}
