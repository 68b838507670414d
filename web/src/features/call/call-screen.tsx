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
import type { PersonView } from "./mesh.ts";
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

/** Fills the stage whatever number of people is there; where the columns are two, the last one of an odd number has both. */
const oddLast = "max-md:tall:[&>:last-child:nth-child(odd)]:col-span-2";

/** How those in the call share the stage: a screen that is shown has most of it. */
function stageOf(people: readonly PersonView[]): string {
  if (people.length <= 1) return "grid-cols-1";
  const shown = people.some(({ screen, video }) => screen && video);
  if (people.length === 2) {
    if (!shown) return "grid-cols-1 md:grid-cols-2 short:grid-cols-2";
    return "grid-cols-1 md:grid-cols-[3fr_1fr] short:grid-cols-[3fr_1fr] [&>[data-screen]]:order-first max-md:tall:[&>[data-screen]]:row-span-2";
  }
  if (shown) {
    return cx(
      "grid-cols-2 md:grid-cols-3 short:grid-cols-3",
      "[&>[data-screen]]:order-first [&>[data-screen]]:col-span-2 [&>[data-screen]]:row-span-2",
      people.length % 2 === 0 && "max-md:tall:[&>:last-child]:col-span-2",
    );
  }
  if (people.length === 3) return "grid-cols-2 short:grid-cols-3 tall:[&>:last-child]:col-span-2";
  if (people.length === 4) return "grid-cols-2";
  return cx("grid-cols-2 md:grid-cols-3 short:grid-cols-4", oddLast);
}

function Own({ view }: { view: CallView }) {
  const t = useT();
  const { picture, screen } = view.local;
  if (!picture) return null;
  return (
    <figure className="absolute end-3 top-3 z-10 aspect-4/3 w-28 overflow-hidden rounded-box border-2 border-base-100 bg-black shadow-lg md:w-48 short:w-28">
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
      className="safe-top fixed inset-0 z-30 grid grid-cols-1 grid-rows-[auto_minmax(0,1fr)] bg-base-100 text-base-content focus:outline-none short:grid-cols-[minmax(0,1fr)_auto]"
    >
      <header className="flex h-14 items-center gap-2 border-b border-base-300 px-3 short:h-12">
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
            className="pointer-coarse:size-11"
            icon={<PictureInPicture2 size={20} />}
            onClick={() => void pip.current?.requestPictureInPicture().then(onMinimise, () => undefined)}
          />
        )}
        {full.can && (
          <IconButton
            label={full.on ? t("call.leaveFull") : t("call.full")}
            className="max-md:hidden pointer-coarse:size-11"
            icon={full.on ? <Minimize size={20} /> : <Maximize size={20} />}
            onClick={full.toggle}
          />
        )}
        <IconButton
          label={t("call.minimise")}
          className="pointer-coarse:size-11"
          icon={<Minimize2 size={20} />}
          onClick={onMinimise}
        />
      </header>
      <div className="relative min-h-0 short:row-start-2">
        {view.people.length === 0 ? (
          <div className="flex h-full flex-col items-center justify-center gap-4 bg-base-200 short:gap-2">
            <span className={cx("rounded-full", view.phase === "outgoing" && "ring-pulse")}>
              <Avatar name={face.name} seed={face.seed} src={face.src} size="xl" />
            </span>
            <p className="text-lg">
              <CallStatus view={view} />
            </p>
          </div>
        ) : (
          <div className={cx("grid h-full auto-rows-fr", stageOf(view.people), view.people.length > 1 && "gap-2 p-2")}>
            {view.people.map((person) => (
              <PersonTile key={person.deviceId} person={person} alone={view.people.length === 1} />
            ))}
          </div>
        )}
        <Own view={view} />
      </div>
      {view.trouble && (
        <div className="flex items-center justify-center gap-2 border-t border-base-300 px-4 py-1">
          <p role="alert" className="text-center text-sm text-danger">
            {t(`call.trouble.${view.trouble}`)}
          </p>
          <IconButton
            label={t("app.close")}
            icon={<X size={16} />}
            className="pointer-coarse:size-11"
            onClick={() => {
              machine.dismiss();
            }}
          />
        </div>
      )}
      {/* On a phone on its side there is more room at the end than below. */}
      <div className="safe-bottom border-base-300 bg-base-100 max-h-dvh overflow-y-auto tall:border-t short:col-start-2 short:row-span-3 short:row-start-1 short:border-s">
        <Controls view={view} machine={machine} {...toggles} />
      </div>
    </div>
  );
}
