import type { ReactNode } from "react";
import { cx } from "../../lib/cx.ts";

const tones = {
  plain: "bg-base-300 border-base-300 text-base-content",
  /** Switched off by the person: seen at a glance. */
  off: "btn-neutral",
  on: "btn-primary",
  go: "btn-success",
  stop: "btn-error",
};

interface RoundButtonProps {
  /** What it does; below the button, or only for those who hear it. */
  label: string;
  hideLabel?: boolean;
  icon: ReactNode;
  tone: keyof typeof tones;
  pressed?: boolean | undefined;
  disabled?: boolean;
  /** The key that does the same. */
  shortcut?: string;
  onClick: () => void;
}

/** A large round button of a call. */
export function RoundButton(props: RoundButtonProps) {
  const { label, hideLabel = false, icon, tone, pressed, disabled, shortcut, onClick } = props;
  return (
    <button
      type="button"
      aria-label={label}
      title={shortcut === undefined ? label : `${label} (${shortcut})`}
      aria-keyshortcuts={shortcut}
      aria-pressed={pressed}
      disabled={disabled}
      className={
        hideLabel
          ? "rounded-full disabled:opacity-50"
          : "flex w-20 flex-col items-center gap-2 rounded-box text-xs disabled:opacity-50"
      }
      onClick={onClick}
    >
      <span className={cx("btn pointer-events-none btn-circle size-13", tones[tone])}>{icon}</span>
      {!hideLabel && <span aria-hidden="true">{label}</span>}
    </button>
  );
}
