import { useEffect, useRef, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import type { PersonView } from "./mesh.ts";

interface VoiceProps {
  stream: MediaStream;
  speaker: string | undefined;
  onSilent: (play: () => void) => void;
}

function Voice({ stream, speaker, onSilent }: VoiceProps) {
  const ref = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = ref.current;
    if (!audio) return;
    audio.srcObject = stream;
    audio.play().catch(() => {
      // A page that nobody has touched may not make a sound: the person is asked to.
      onSilent(() => void audio.play().catch(() => undefined));
    });
  }, [stream, onSilent]);
  useEffect(() => {
    // Not every browser lets one choose.
    const audio = ref.current as Partial<Pick<HTMLAudioElement, "setSinkId">> | null;
    if (speaker !== undefined) audio?.setSinkId?.(speaker).catch(() => undefined);
  }, [speaker]);
  // What people say has no subtitles.
  // eslint-disable-next-line jsx-a11y/media-has-caption
  return <audio ref={ref} autoPlay />;
}

/** What the others say, wherever in the page one is. */
export function Voices({ people, speaker }: { people: readonly PersonView[]; speaker: string | undefined }) {
  const t = useT();
  const [play, setPlay] = useState<() => void>();
  const [onSilent] = useState(() => (again: () => void) => {
    setPlay(() => again);
  });
  return (
    <>
      {people.map(
        ({ deviceId, audio }) => audio && <Voice key={deviceId} stream={audio} speaker={speaker} onSilent={onSilent} />,
      )}
      {play && (
        <button
          type="button"
          className="btn fixed inset-x-0 top-20 z-50 mx-auto w-fit btn-primary"
          onClick={() => {
            play();
            setPlay(undefined);
          }}
        >
          {t("call.hear")}
        </button>
      )}
    </>
  );
}
