import { Camera, Trash2 } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { useT } from "../lib/i18n/i18n.ts";
import { CropDialog } from "./crop-dialog.tsx";

interface AvatarButtonProps {
  /** The face as it is. */
  children: ReactNode;
  has: boolean;
  busy: boolean;
  error?: string | undefined;
  /** Sets the picture; null takes it away. Calls `done` when the server has it. */
  onChange: (picture: Blob | null, done: () => void) => void;
}

/** A face that can be given a picture. */
export function AvatarButton({ children, has, busy, error, onChange }: AvatarButtonProps) {
  const t = useT();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  return (
    <div className="relative w-fit">
      {children}
      <button
        type="button"
        aria-label={t("avatar.change")}
        title={t("avatar.change")}
        className="btn btn-circle absolute -end-1 -bottom-1 size-9 min-h-0 btn-primary shadow"
        onClick={() => input.current?.click()}
      >
        <Camera size={16} />
      </button>
      {has && (
        <button
          type="button"
          aria-label={t("avatar.remove")}
          title={t("avatar.remove")}
          disabled={busy}
          className="btn btn-circle absolute -start-1 -bottom-1 size-9 min-h-0 bg-base-100 shadow"
          onClick={() => {
            onChange(null, () => undefined);
          }}
        >
          <Trash2 size={16} />
        </button>
      )}
      <input
        ref={input}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/webp,image/gif"
        aria-label={t("avatar.change")}
        onChange={(event) => {
          setFile(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      {file && (
        <CropDialog
          file={file}
          busy={busy}
          error={error}
          onClose={() => {
            setFile(undefined);
          }}
          onDone={(picture) => {
            onChange(picture, () => {
              setFile(undefined);
            });
          }}
        />
      )}
    </div>
  );
}
