import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { cx } from "../../lib/cx.ts";

interface PictureProps {
  stream: MediaStream;
  mirrored?: boolean;
  /** The whole picture is seen (a screen), not only its middle. */
  whole?: boolean;
  className?: string;
  ref?: Ref<HTMLVideoElement> | undefined;
}

/** A moving picture without its sound. It is described by what stands beside it. */
export function Picture({ stream, mirrored = false, whole = false, className, ref }: PictureProps) {
  const own = useRef<HTMLVideoElement>(null);
  useImperativeHandle<HTMLVideoElement | null, HTMLVideoElement | null>(ref, () => own.current);
  useEffect(() => {
    const video = own.current;
    if (!video || video.srcObject === stream) return;
    video.srcObject = stream;
    // Muted pictures play by themselves; where not, the next touch of the page begins them.
    video.play().catch(() => undefined);
  }, [stream]);
  return (
    <video
      ref={own}
      muted
      autoPlay
      playsInline
      aria-hidden="true"
      tabIndex={-1}
      className={cx("size-full", whole ? "object-contain" : "object-cover", mirrored && "-scale-x-100", className)}
    />
  );
}
