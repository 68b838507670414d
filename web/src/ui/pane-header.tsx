import type { LinkProps } from "@tanstack/react-router";
import { ArrowLeft, X } from "lucide-react";
import { cx } from "../lib/cx.ts";
import { UpLink } from "./way-up.tsx";

interface PaneHeaderProps {
  title: string;
  /** What the way back is called. */
  backLabel: string;
  back: LinkProps;
  /** The way back is out: a cross at the end instead of an arrow at the start. */
  closes?: boolean;
}

/** The head of a page that is not a conversation. */
export function PaneHeader({ title, backLabel, back, closes = false }: PaneHeaderProps) {
  return (
    <header className="flex h-14 shrink-0 items-center gap-2 border-b border-base-300 bg-base-100 px-2">
      <UpLink
        {...back}
        aria-label={backLabel}
        title={backLabel}
        className={cx("btn btn-circle btn-ghost btn-sm size-10", closes && "order-last")}
      >
        {closes ? <X size={20} /> : <ArrowLeft size={22} className="rtl:rotate-180" />}
      </UpLink>
      <h1 className="min-w-0 flex-1 truncate ps-1 text-lg font-semibold">{title}</h1>
    </header>
  );
}
