import type { ComponentProps, ReactNode } from "react";
import { cx } from "../lib/cx.ts";

interface IconButtonProps extends Omit<ComponentProps<"button">, "children"> {
  /** What it does, in words: for screen readers and as the tooltip. */
  label: string;
  icon: ReactNode;
}

/** A round button with only an icon on it. */
export function IconButton({ label, icon, className, type = "button", ...rest }: IconButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-label={label}
      title={label}
      className={cx("btn btn-circle btn-ghost btn-sm size-10 min-h-0 shrink-0", className)}
    >
      {icon}
    </button>
  );
}
