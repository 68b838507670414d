import type { ReactNode } from "react";
import { Illustration } from "./illustration.tsx";

interface EmptyStateProps {
  /** The sign of what it is about, about 28 pixels wide. */
  icon: ReactNode;
  title: string;
  text?: string | undefined;
  action?: ReactNode;
}

/** What stands where nothing is yet: what this is, and the one thing to do. */
export function EmptyState({ icon, title, text, action }: EmptyStateProps) {
  return (
    <div className="flex h-full flex-col items-center justify-center p-8 text-center">
      <Illustration>{icon}</Illustration>
      <p className="mt-4 text-lg font-semibold text-balance">{title}</p>
      {text !== undefined && <p className="mt-1 max-w-xs text-sm text-balance text-base-content/70">{text}</p>}
      {Boolean(action) && <div className="mt-6">{action}</div>}
    </div>
  );
}
