import { X } from "lucide-react";
import { create } from "zustand";
import { useT } from "../lib/i18n/i18n.ts";
import { IconButton } from "./icon-button.tsx";

interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
}

const useToasts = create<{ toasts: readonly Toast[] }>(() => ({ toasts: [] }));
const shownMs = 6_000;
const maxToasts = 3;
let lastId = 0;

function dismiss(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
}

/** Says something that needs attention, for a few seconds. */
export function toast(text: string, kind: Toast["kind"] = "info"): void {
  const id = (lastId += 1);
  useToasts.setState(({ toasts }) => ({
    toasts: [...toasts.filter((shown) => shown.text !== text), { id, text, kind }].slice(-maxToasts),
  }));
  setTimeout(() => {
    dismiss(id);
  }, shownMs);
}

/** The place where toasts appear. */
export function Toasts() {
  const t = useT();
  const toasts = useToasts((state) => state.toasts);
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-20 z-50 flex flex-col items-center gap-2 p-4"
    >
      {toasts.map(({ id, text, kind }) => (
        <div
          key={id}
          className={`alert pointer-events-auto max-w-sm py-1 pe-1 shadow-lg ${kind === "error" ? "alert-error" : "bg-neutral text-neutral-content"}`}
        >
          <span>{text}</span>
          <IconButton
            label={t("app.close")}
            icon={<X size={16} />}
            onClick={() => {
              dismiss(id);
            }}
          />
        </div>
      ))}
    </div>
  );
}
