import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "../lib/cx.ts";

interface FieldProps extends ComponentProps<"input"> {
  label: string;
  note?: string | undefined;
  hint?: string | undefined;
  error?: string | undefined;
  /** Stands within the field, at its end. */
  end?: ReactNode;
}

/** A line of text with its label, hint and error. */
export function Field({ label, note, hint, error, end, className, ...input }: FieldProps) {
  const id = useId();
  const below = error ?? hint;
  return (
    <div className={cx("w-full", className)}>
      <label htmlFor={id} className="mb-1 flex justify-between text-sm font-medium">
        <span>{label}</span>
        {note !== undefined && <span className="font-normal text-base-content/70">{note}</span>}
      </label>
      <div className={cx("input w-full", error !== undefined && "input-error")}>
        <input
          {...input}
          id={id}
          aria-invalid={error !== undefined}
          aria-describedby={below === undefined ? undefined : `${id}-below`}
        />
        {end}
      </div>
      {below !== undefined && (
        <p
          id={`${id}-below`}
          className={cx("mt-1 text-xs", error === undefined ? "text-base-content/70" : "text-danger")}
        >
          {below}
        </p>
      )}
    </div>
  );
}
