import { Mic, MicOff, PhoneOff, ScreenShare, ScreenShareOff, Settings2, Video, VideoOff } from "lucide-react";
import { useRef, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { announce } from "../../ui/announcer.tsx";
import type { Point } from "../../ui/menu.tsx";
import { useKeydown } from "../../ui/use-keydown.ts";
import type { CallMachine } from "./call-machine.ts";
import type { CallView } from "./call-view.ts";
import { DeviceChoice } from "./device-choice.tsx";
import { RoundButton } from "./round-button.tsx";

/** Phones cannot show their screen from a page. */
const canShare = (): boolean =>
  "getDisplayMedia" in ((navigator as Partial<Navigator>).mediaDevices ?? ({} as Partial<MediaDevices>));

interface Toggles {
  toggleMic: () => void;
  toggleCamera: () => void;
}

/** What the microphone's and the camera's buttons and keys do. */
export function useToggles(view: CallView, machine: CallMachine): Toggles {
  const t = useT();
  const { muted, camera } = view.local;
  return {
    toggleMic: () => {
      machine.media.setMuted(!muted);
      announce(muted ? t("call.micIsOn") : t("call.micIsOff"));
    },
    toggleCamera: () => void machine.media.setCamera(!camera),
  };
}

/** The keys of a call that is before one: M and V, while nothing is written or chosen. */
export function useCallKeys({ toggleMic, toggleCamera }: Toggles, onMinimise: () => void): void {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]")) return;
    if (document.querySelector("dialog[open], [role=menu]")) return;
    const key = event.key.toLowerCase();
    if (key === "m") toggleMic();
    else if (key === "v") toggleCamera();
    else if (key === "escape") onMinimise();
    else return;
    event.preventDefault();
  };
  useKeydown(onKeyDown);
}

interface ControlsProps extends Toggles {
  view: CallView;
  machine: CallMachine;
}

/** The row of buttons of a call. */
export function Controls({ view, machine, toggleMic, toggleCamera }: ControlsProps) {
  const t = useT();
  const settings = useRef<HTMLSpanElement>(null);
  const [choosing, setChoosing] = useState<Point>();
  const { muted, camera, screen } = view.local;
  return (
    <div
      role="group"
      aria-label={t("call.controls")}
      className="flex items-center justify-center gap-3 p-3 md:gap-4 short:min-h-full short:flex-col short:gap-2 short:p-2"
    >
      <RoundButton
        hideLabel
        label={muted ? t("call.unmute") : t("call.mute")}
        shortcut="M"
        tone={muted ? "off" : "plain"}
        icon={muted ? <MicOff size={22} /> : <Mic size={22} />}
        onClick={toggleMic}
      />
      <RoundButton
        hideLabel
        label={camera ? t("call.cameraOff") : t("call.cameraOn")}
        shortcut="V"
        tone={camera ? "plain" : "off"}
        icon={camera ? <Video size={22} /> : <VideoOff size={22} />}
        onClick={toggleCamera}
      />
      {canShare() && (
        <RoundButton
          hideLabel
          label={screen ? t("call.screenOff") : t("call.screenOn")}
          tone={screen ? "on" : "plain"}
          icon={screen ? <ScreenShareOff size={22} /> : <ScreenShare size={22} />}
          onClick={() => void machine.media.setScreen(!screen)}
        />
      )}
      <span ref={settings} className="contents">
        <RoundButton
          hideLabel
          label={t("call.devices")}
          tone="plain"
          icon={<Settings2 size={22} />}
          onClick={() => {
            const box = settings.current?.firstElementChild?.getBoundingClientRect();
            if (box) setChoosing({ x: box.left + box.width / 2, y: box.top });
          }}
        />
      </span>
      <RoundButton
        hideLabel
        label={t("call.hangUp")}
        tone="stop"
        icon={<PhoneOff size={22} />}
        onClick={() => {
          machine.hangUp();
        }}
      />
      {choosing && (
        <DeviceChoice
          at={choosing}
          local={view.local}
          media={machine.media}
          onClose={() => {
            setChoosing(undefined);
          }}
        />
      )}
    </div>
  );
}
