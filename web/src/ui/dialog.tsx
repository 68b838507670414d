import { type ReactNode, useEffect, useId, useRef } from "react";
import { cx } from "../lib/cx.ts";

interface DialogProps {
  title: string;
  /** Hidden titles are still read out. */
  hideTitle?: boolean;
  className?: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog. The browser keeps the focus in it and closes it on Escape. */
export function Dialog({ title, hideTitle = false, className, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      // The browser gives the focus back on closing, but not when the dialog is taken away; nothing that took it meanwhile loses it.
      const lost = document.activeElement === null || document.activeElement === document.body;
      if (lost && before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    // A click beside the box closes it; by keyboard it is Escape, which the browser does.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      className="modal"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className={cx("modal-box", className)}>
        <h2 id={titleId} className={hideTitle ? "sr-only" : "mb-2 text-lg font-semibold"}>
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  action: string;
  cancel: string;
  busy?: boolean;
  error?: string | undefined;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, text, action, cancel, busy, error, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose} className="max-w-sm">
      <p className="text-base-content/80">{text}</p>
      {error !== undefined && (
        <p role="alert" className="mt-2 text-danger">
          {error}
        </p>
      )}
      <div className="modal-action">
        <button type="button" className="btn btn-ghost" onClick={onClose}>
          {cancel}
        </button>
        <button type="button" className="btn btn-error" disabled={busy} onClick={onConfirm}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
