import { useId } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { type Point } from "../../ui/menu.tsx";
import { Popover } from "../../ui/popover.tsx";
import type { DeviceKind, LocalMedia, LocalView } from "./local-media.ts";

interface DeviceSelectProps {
  kind: DeviceKind;
  local: LocalView;
  media: LocalMedia;
}

function DeviceSelect({ kind, local, media }: DeviceSelectProps) {
  const t = useT();
  const id = useId();
  const devices = local.devices[kind];
  const current = kind === "mic" ? media.tracks.audio : kind === "camera" && local.camera ? media.tracks.video : null;
  const value = current?.getSettings().deviceId ?? local.chosen[kind] ?? "";
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {t(`call.device.${kind}`)}
      </label>
      <select
        id={id}
        className="select w-full"
        disabled={devices.length === 0}
        value={devices.some((device) => device.id === value) ? value : ""}
        onChange={(event) => void media.choose(kind, event.target.value)}
      >
        {!devices.some((device) => device.id === value) && <option value="">{t("call.device.default")}</option>}
        {devices.map((device) => (
          <option key={device.id} value={device.id}>
            {device.name}
          </option>
        ))}
      </select>
    </div>
  );
}

interface DeviceChoiceProps {
  at: Point;
  local: LocalView;
  media: LocalMedia;
  onClose: () => void;
}

/** Which microphone, camera and loudspeaker the call uses. */
export function DeviceChoice({ at, local, media, onClose }: DeviceChoiceProps) {
  const t = useT();
  return (
    <Popover label={t("call.devices")} at={at} onClose={onClose}>
      <div className="max-h-[calc(100dvh-1rem)] w-72 max-w-[calc(100vw-1rem)] space-y-3 overflow-y-auto p-4">
        <h2 className="font-semibold">{t("call.devices")}</h2>
        <DeviceSelect kind="mic" local={local} media={media} />
        <DeviceSelect kind="camera" local={local} media={media} />
        {"setSinkId" in HTMLMediaElement.prototype && <DeviceSelect kind="speaker" local={local} media={media} />}
      </div>
    </Popover>
  );
}
