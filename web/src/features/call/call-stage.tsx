import { useEffect, useRef } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { isTold } from "../../sync/mute.ts";
import { announce } from "../../ui/announcer.tsx";
import { setPageNote } from "../../ui/page-note.ts";
import type { Call } from "../../wire/types.ts";
import { CallScreen } from "./call-screen.tsx";
import { CallTile } from "./call-tile.tsx";
import type { CallView } from "./call-view.ts";
import { EndedCard } from "./ended-card.tsx";
import { RingCard } from "./ring-card.tsx";
import { Picture } from "./picture.tsx";
import { inOneTab, startRinging, startSound } from "./ringer.ts";
import { useMachine } from "./use-machine.ts";
import { usePerson, useWith } from "./use-who.ts";
import { Voices } from "./voices.tsx";

/** What is shown outside of the page. */
export interface CallNotices {
  /** Says that it rings, where nobody looks at the page; gives the way to stop. */
  notifyRing: (ring: { callId: string; conversationId: string; name: string; video: boolean }) => () => void;
  notifyMissed: (call: Call) => void;
}

/** It rings: heard in one tab, seen in the title of each, told outside of the page. */
function useRing(view: CallView, notifyRing: CallNotices["notifyRing"]): void {
  const t = useT();
  const { callId, conversationId, video } = view;
  const { conversation, group, face } = useWith(conversationId);
  const caller = usePerson(view.callerId);
  const incoming = view.phase === "incoming";
  const loud = incoming && conversation !== undefined && isTold(conversation, false);
  const name = group ? face.name : caller.name;
  useEffect(() => {
    if (!loud) return;
    const stop = new AbortController();
    void inOneTab(`parley-ring-${callId}`, stop.signal, startRinging);
    return () => {
      stop.abort();
    };
  }, [loud, callId]);
  useEffect(() => {
    if (!loud || name === "…") return;
    return notifyRing({ callId, conversationId, name, video });
  }, [loud, callId, conversationId, name, video, notifyRing]);
  useEffect(() => {
    if (!incoming) return;
    setPageNote(t("call.title", { name }));
    return () => {
      setPageNote(undefined);
    };
  }, [incoming, name, t]);
  useEffect(() => {
    if (incoming && name !== "…") announce(t("call.title", { name }));
  }, [incoming, name, t]);
}

/** The one who calls hears that it rings elsewhere. */
function useRingback(on: boolean): void {
  useEffect(() => (on ? startSound("ringback") : undefined), [on]);
}

function useAnnounced({ phase }: CallView): void {
  const t = useT();
  useEffect(() => {
    if (phase === "live") announce(t("call.connected"));
    if (phase === "reconnecting") announce(t("call.reconnecting"));
    if (phase === "outgoing") announce(t("call.calling"));
  }, [phase, t]);
}

/** The picture's own window closes with the picture: some browsers leave the last one standing in it. */
function useOwnWindow(pictured: boolean): void {
  useEffect(() => {
    if (!pictured) return;
    return () => {
      if (document.pictureInPictureElement) void document.exitPictureInPicture().catch(() => undefined);
    };
  }, [pictured]);
}

/** Everything of a call that is on the page, wherever in the page one is. */
export function CallStage({ notifyRing, notifyMissed }: CallNotices) {
  const { machine, view } = useMachine();
  const pip = useRef<HTMLVideoElement>(null);
  const { phase, callId, people, minimised } = view;
  const shown = people.find((person) => (person.camera || person.screen) && person.video)?.video;
  useRing(view, notifyRing);
  const { missed } = view;
  useEffect(() => {
    if (missed) notifyMissed(missed);
  }, [missed, notifyMissed]);
  useRingback(phase === "outgoing" && view.ringing.length > 0);
  useAnnounced(view);
  useOwnWindow(shown !== undefined);
  if (phase === "idle") return null;
  if (phase === "incoming") return <RingCard key={callId} view={view} machine={machine} />;
  if (phase === "ended") return <EndedCard view={view} machine={machine} />;
  return (
    <>
      {/* Another one than the picture on the page: it goes on when that is small. */}
      {shown && (
        <Picture stream={shown} ref={pip} className="pointer-events-none fixed top-0 max-h-px max-w-px opacity-0" />
      )}
      <Voices people={people} speaker={view.local.chosen.speaker} />
      {minimised ? (
        <CallTile
          view={view}
          machine={machine}
          onOpen={() => {
            machine.setMinimised(false);
          }}
        />
      ) : (
        <CallScreen
          view={view}
          machine={machine}
          pip={pip}
          onMinimise={() => {
            machine.setMinimised(true);
          }}
        />
      )}
    </>
  );
}
