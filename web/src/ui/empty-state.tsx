import type { ReactNode } from "react";

interface EmptyStateProps {
  icon: ReactNode;
  title: string;
  text?: string | undefined;
  action?: ReactNode;
}

/** What stands where nothing is yet: what this is, and the one thing to do. */
export function EmptyState({ icon, title, text, action }: EmptyStateProps) {
  return (
    <div className="flex h-full flex-col items-center justify-center gap-3 p-8 text-center">
      <div
        className="flex size-16 items-center justify-center rounded-full bg-primary/10 text-brand"
        aria-hidden="true"
      >
        {icon}
      </div>
      <p className="text-lg font-semibold">{title}</p>
      {text !== undefined && <p className="max-w-xs text-sm text-base-content/70">{text}</p>}
      {action}
    </div>
  );
}
