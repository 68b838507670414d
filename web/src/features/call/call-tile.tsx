import { Maximize2, Mic, MicOff, PhoneOff } from "lucide-react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import type { CallMachine } from "./call-machine.ts";
import { CallStatus } from "./call-status.tsx";
import type { CallView } from "./call-view.ts";
import { useToggles } from "./controls.tsx";
import { Picture } from "./picture.tsx";
import { useWith } from "./use-who.ts";

interface CallTileProps {
  view: CallView;
  machine: CallMachine;
  onOpen: () => void;
}

/** The call while one reads elsewhere: small, and out of the way of the composer. */
export function CallTile({ view, machine, onOpen }: CallTileProps) {
  const t = useT();
  const { face } = useWith(view.conversationId);
  const { toggleMic } = useToggles(view, machine);
  const first = view.people.find((person) => (person.camera || person.screen) && person.video);
  const { muted } = view.local;
  return (
    <section
      aria-label={t("call.with", { name: face.name })}
      className="safe-aside fixed z-30 w-72 overflow-hidden short:flex short:w-84 rounded-box border border-base-300 bg-base-100 text-base-content shadow-xl"
    >
      {first?.video && (
        <div className="relative aspect-video w-full bg-black short:aspect-auto short:w-24 short:shrink-0">
          <Picture stream={first.video} whole={first.screen} className="absolute inset-0" />
        </div>
      )}
      <div className="flex min-w-0 flex-1 items-center gap-1 p-2">
        <button
          type="button"
          className="flex min-w-0 flex-1 items-center gap-2 rounded-field p-1 text-start"
          title={t("call.open")}
          onClick={onOpen}
        >
          {!first && <Avatar name={face.name} seed={face.seed} src={face.src} size="sm" />}
          <span className="min-w-0 flex-1">
            <bdi className="block truncate text-sm font-semibold">{face.name}</bdi>
            <span className="block truncate text-xs text-base-content/70">
              <CallStatus view={view} short />
            </span>
          </span>
          <Maximize2 size={14} aria-hidden="true" className="shrink-0" />
          <span className="sr-only">{t("call.open")}</span>
        </button>
        <IconButton
          label={muted ? t("call.unmute") : t("call.mute")}
          icon={muted ? <MicOff size={18} /> : <Mic size={18} />}
          className={cx("pointer-coarse:size-11", muted && "btn-neutral")}
          onClick={toggleMic}
        />
        <IconButton
          label={t("call.hangUp")}
          icon={<PhoneOff size={18} />}
          className="btn-error pointer-coarse:size-11"
          onClick={() => {
            machine.hangUp();
          }}
        />
      </div>
    </section>
  );
}
