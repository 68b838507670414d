import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef, useState } from "react";
import { useT } from "../lib/i18n/i18n.ts";
import { Dialog } from "./dialog.tsx";

/** The part of a picture that is kept: how large it is drawn, and how far its middle is moved, in shares of the frame. */
interface Crop {
  zoom: number;
  x: number;
  y: number;
}

const outSize = 512;
const frameSize = 256;
const maxZoom = 4;
const step = 0.05;

/** Keeps the frame filled: the picture covers it wherever it is moved. */
export function fitted(crop: Crop, width: number, height: number): Crop {
  const zoom = Math.min(maxZoom, Math.max(1, crop.zoom));
  const short = Math.min(width, height);
  const roomX = ((width / short) * zoom - 1) / 2;
  const roomY = ((height / short) * zoom - 1) / 2;
  const within = (value: number, room: number): number => Math.min(room, Math.max(-room, value));
  return { zoom, x: within(crop.x, roomX), y: within(crop.y, roomY) };
}

function draw(canvas: HTMLCanvasElement, picture: ImageBitmap, crop: Crop): void {
  const { width: size } = canvas;
  const scale = (size / Math.min(picture.width, picture.height)) * crop.zoom;
  const [width, height] = [picture.width * scale, picture.height * scale];
  const context = canvas.getContext("2d");
  context?.clearRect(0, 0, size, size);
  context?.drawImage(picture, (size - width) / 2 + crop.x * size, (size - height) / 2 + crop.y * size, width, height);
}

interface CropDialogProps {
  file: File;
  busy: boolean;
  error?: string | undefined;
  onDone: (picture: Blob) => void;
  onClose: () => void;
}

/** Chooses the square of a picture that becomes somebody's face: drag to move, the slider or + and - to enlarge. */
export function CropDialog({ file, busy, error, onDone, onClose }: CropDialogProps) {
  const t = useT();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [picture, setPicture] = useState<ImageBitmap>();
  const [broken, setBroken] = useState(false);
  const [crop, setCrop] = useState<Crop>({ zoom: 1, x: 0, y: 0 });

  useEffect(() => {
    let dropped = false;
    createImageBitmap(file).then(
      (bitmap) => {
        if (dropped) bitmap.close();
        else setPicture(bitmap);
      },
      () => {
        setBroken(true);
      },
    );
    return () => {
      dropped = true;
    };
  }, [file]);
  useEffect(() => {
    if (canvas.current && picture) draw(canvas.current, picture, crop);
  }, [picture, crop]);

  const change = useCallback(
    (by: (before: Crop) => Crop) => {
      if (picture) setCrop((before) => fitted(by(before), picture.width, picture.height));
    },
    [picture],
  );
  const move = (x: number, y: number): void => {
    change((before) => ({ ...before, x: before.x + x, y: before.y + y }));
  };
  const drag = (event: PointerEvent<HTMLCanvasElement>): void => {
    if (event.currentTarget.hasPointerCapture(event.pointerId))
      move(event.movementX / frameSize, event.movementY / frameSize);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const by = moves[event.key];
    if (!by) return;
    event.preventDefault();
    move(...by);
  };
  const done = (): void => {
    if (!picture) return;
    const out = document.createElement("canvas");
    out.width = outSize;
    out.height = outSize;
    draw(out, picture, crop);
    out.toBlob((blob) => {
      if (blob) onDone(blob);
    }, "image/png");
  };
  return (
    <Dialog title={t("crop.title")} onClose={onClose} className="max-w-sm">
      {broken ? (
        <p role="alert" className="py-6 text-danger">
          {t("crop.broken")}
        </p>
      ) : (
        <>
          <canvas
            ref={canvas}
            width={outSize}
            height={outSize}
            // Moved with the arrow keys, too.
            tabIndex={0}
            aria-label={t("crop.move")}
            style={{ width: frameSize, height: frameSize }}
            className="mx-auto cursor-move touch-none rounded-full bg-base-200"
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
            }}
            onPointerMove={drag}
            onKeyDown={onKeyDown}
          />
          <label className="mt-4 flex items-center gap-3 text-sm">
            {t("crop.zoom")}
            <input
              type="range"
              className="range range-primary range-sm flex-1"
              min={1}
              max={maxZoom}
              step={0.01}
              value={crop.zoom}
              onChange={(event) => {
                const zoom = Number(event.target.value);
                change((before) => ({ ...before, zoom }));
              }}
            />
          </label>
        </>
      )}
      {error !== undefined && (
        <p role="alert" className="mt-2 text-sm text-danger">
          {error}
        </p>
      )}
      <div className="modal-action">
        <button type="button" className="btn btn-ghost" onClick={onClose}>
          {t("app.cancel")}
        </button>
        <button type="button" className="btn btn-primary" disabled={!picture || busy} onClick={done}>
          {t("crop.use")}
        </button>
      </div>
    </Dialog>
  );
}
