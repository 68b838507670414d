import type { ReactNode } from "react";

/** Two bubbles in the theme's own colours, with a sign of what it is about before them. */
export function Illustration({ children }: { children: ReactNode }) {
  return (
    <div className="relative h-28 w-40" aria-hidden="true">
      <svg viewBox="0 0 160 112" className="absolute inset-0 rtl:-scale-x-100" fill="none" strokeLinecap="round">
        <path
          className="fill-base-300"
          d="M62 8h72a16 16 0 0 1 16 16v32a16 16 0 0 1-16 16H90L72 86V72h-10a16 16 0 0 1-16-16V24A16 16 0 0 1 62 8Z"
        />
        <path className="stroke-base-content/25" strokeWidth="6" d="M98 28h32M106 44h24" />
        <path
          className="fill-base-100 stroke-primary/45"
          strokeWidth="2.5"
          d="M22 34h58a14 14 0 0 1 14 14v28a14 14 0 0 1-14 14H54l-16 14V90H22A14 14 0 0 1 8 76V48a14 14 0 0 1 14-14Z"
        />
      </svg>
      <span className="absolute start-2 top-[34px] flex h-14 w-[86px] items-center justify-center text-brand">
        {children}
      </span>
    </div>
  );
}
