import { useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import { fileUrl } from "../../wire/api.ts";
import type { Attachment } from "../../wire/types.ts";
import { FileLine } from "./file-line.tsx";

/** Whether browsers play a file, if they know what is in it. */
export function isPlayable(file: Attachment): boolean {
  return /^(?:video\/(?:mp4|webm|ogg)|audio\/)/.test(file.mime);
}

/** A film or a sound to be played where it stands; what this browser cannot play is a file like any other. */
export function Playable({ file }: { file: Attachment }) {
  const t = useT();
  const [broken, setBroken] = useState(false);
  const film = file.mime.startsWith("video/");
  if (broken) return <FileLine file={file} pending={undefined} />;
  const fail = (): void => {
    setBroken(true);
  };
  // What people record has no captions to offer.
  /* eslint-disable jsx-a11y/media-has-caption */
  return film ? (
    <video
      controls
      playsInline
      preload="metadata"
      src={fileUrl(file.id)}
      aria-label={t("message.video", { name: file.name })}
      // Its shape is not known before it is loaded: in a frame of its own it moves nothing.
      className="aspect-video w-84 max-w-full rounded-xl bg-black object-contain"
      onError={fail}
    />
  ) : (
    <>
      <FileLine file={file} pending={undefined} />
      <audio
        controls
        preload="metadata"
        src={fileUrl(file.id)}
        aria-label={t("message.audio", { name: file.name })}
        className="h-10 w-72 max-w-full"
        onError={fail}
      />
    </>
  );
  /* eslint-enable jsx-a11y/media-has-caption */
}
