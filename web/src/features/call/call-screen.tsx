import { Maximize, Minimize, Minimize2, PictureInPicture2, UserRound, X } from "lucide-react";
import { type RefObject, useEffect, useRef, useState } from "react";
import { cx } from "../../lib/cx.ts";
import { useT } from "../../lib/i18n/i18n.ts";
import { Avatar } from "../../ui/avatar.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import type { CallMachine } from "./call-machine.ts";
import { CallStatus } from "./call-status.tsx";
import type { CallView } from "./call-view.ts";
import { Controls, useCallKeys, useToggles } from "./controls.tsx";
import { PersonTile } from "./person-tile.tsx";
import { Picture } from "./picture.tsx";
import { useWith } from "./use-who.ts";

function useFullScreen(ref: RefObject<HTMLElement | null>): { can: boolean; on: boolean; toggle: () => void } {
  const [on, setOn] = useState(false);
  useEffect(() => {
    const look = (): void => {
      setOn(document.fullscreenElement !== null);
    };
    document.addEventListener("fullscreenchange", look);
    return () => {
      document.removeEventListener("fullscreenchange", look);
      if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
    };
  }, []);
  const toggle = (): void => {
    // Refused by the browser: it stays as large as it is.
    const done = document.fullscreenElement ? document.exitFullscreen() : ref.current?.requestFullscreen();
    done?.catch(() => undefined);
  };
  return { can: (document as Partial<Document>).fullscreenEnabled === true, on, toggle };
}

function columns(count: number): string {
  if (count <= 1) return "grid-cols-1";
  if (count === 2) return "grid-cols-1 md:grid-cols-2";
  return count <= 4 ? "grid-cols-2" : "grid-cols-2 md:grid-cols-3";
}

function Own({ view }: { view: CallView }) {
  const t = useT();
  const { picture, screen } = view.local;
  if (!picture) return null;
  return (
    <figure className="absolute end-3 top-3 z-10 aspect-4/3 w-28 overflow-hidden rounded-box border-2 border-base-100 bg-black shadow-lg md:w-48">
      <Picture stream={picture} mirrored={!screen} whole={screen} />
      <figcaption className="sr-only">{screen ? t("call.yourScreen") : t("call.yourCamera")}</figcaption>
    </figure>
  );
}

interface CallScreenProps {
  view: CallView;
  machine: CallMachine;
  /** The picture of the others that can be put into a window of its own. */
  pip: RefObject<HTMLVideoElement | null>;
  onMinimise: () => void;
}

/** A call before everything else: the others large, oneself small, the controls below. */
export function CallScreen({ view, machine, pip, onMinimise }: CallScreenProps) {
  const t = useT();
  const root = useRef<HTMLDivElement>(null);
  const { group, face } = useWith(view.conversationId);
  const full = useFullScreen(root);
  const toggles = useToggles(view, machine);
  useCallKeys(toggles, onMinimise);
  useEffect(() => {
    const before = document.activeElement;
    root.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const pictured = view.people.some((person) => (person.camera || person.screen) && person.video);
  const canPip = (document as Partial<Document>).pictureInPictureEnabled === true && pictured;
  return (
    <div
      ref={root}
      role="dialog"
      aria-label={t("call.with", { name: face.name })}
      tabIndex={-1}
      className="fixed inset-0 z-30 flex flex-col bg-base-100 text-base-content focus:outline-none"
    >
      <header className="flex h-14 shrink-0 items-center gap-2 border-b border-base-300 px-3">
        <div className="min-w-0 flex-1">
          <h2 className="truncate leading-tight font-semibold">
            <bdi>{face.name}</bdi>
          </h2>
          <p className="text-xs text-base-content/70">
            <CallStatus view={view} />
          </p>
        </div>
        {group && view.people.length > 0 && (
          <span className="inline-flex items-center gap-1 text-sm">
            <UserRound size={16} aria-hidden="true" />
            {t("call.people", { count: view.people.length + 1 })}
          </span>
        )}
        {canPip && (
          <IconButton
            label={t("call.pip")}
            icon={<PictureInPicture2 size={20} />}
            onClick={() => void pip.current?.requestPictureInPicture().then(onMinimise, () => undefined)}
          />
        )}
        {full.can && (
          <IconButton
            label={full.on ? t("call.leaveFull") : t("call.full")}
            className="max-md:hidden"
            icon={full.on ? <Minimize size={20} /> : <Maximize size={20} />}
            onClick={full.toggle}
          />
        )}
        <IconButton label={t("call.minimise")} icon={<Minimize2 size={20} />} onClick={onMinimise} />
      </header>
      <div className="relative min-h-0 flex-1">
        {view.people.length === 0 ? (
          <div className="flex h-full flex-col items-center justify-center gap-4 bg-base-200">
            <span className={cx("rounded-full", view.phase === "outgoing" && "ring-pulse")}>
              <Avatar name={face.name} seed={face.seed} src={face.src} size="xl" />
            </span>
            <p className="text-lg">
              <CallStatus view={view} />
            </p>
          </div>
        ) : (
          <div
            className={cx(
              "grid h-full auto-rows-fr",
              columns(view.people.length),
              view.people.length > 1 && "gap-2 p-2",
            )}
          >
            {view.people.map((person) => (
              <PersonTile key={person.deviceId} person={person} alone={view.people.length === 1} />
            ))}
          </div>
        )}
        <Own view={view} />
      </div>
      <div className="safe-bottom shrink-0 border-t border-base-300 bg-base-100">
        {view.trouble && (
          <div className="flex items-center justify-center gap-2 px-4 pt-2">
            <p role="alert" className="text-center text-sm text-danger">
              {t(`call.trouble.${view.trouble}`)}
            </p>
            <IconButton
              label={t("app.close")}
              icon={<X size={16} />}
              className="btn-xs"
              onClick={() => {
                machine.dismiss();
              }}
            />
          </div>
        )}
        <Controls view={view} machine={machine} {...toggles} />
      </div>
    </div>
  );
}
