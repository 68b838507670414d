import { useT } from "../lib/i18n/i18n.ts";

/** A conversation as it will look, in the theme's own colours. */
function Scene() {
  return (
    <svg viewBox="0 0 480 320" className="w-full max-w-lg" fill="none" strokeLinecap="round" aria-hidden="true">
      <g className="stroke-base-300" strokeWidth="2">
        <rect className="fill-base-100" x="40" y="12" width="400" height="296" rx="20" />
        <path d="M40 68h400" />
      </g>
      <circle className="fill-primary/25" cx="76" cy="40" r="16" />
      <path className="stroke-base-content/45" strokeWidth="8" d="M108 34h84" />
      <path className="stroke-base-content/20" strokeWidth="6" d="M108 49h44" />
      <path className="fill-base-200" d="M80 88h176a16 16 0 0 1 16 16v28a16 16 0 0 1-16 16H64v-44a16 16 0 0 1 16-16Z" />
      <path className="stroke-base-content/30" strokeWidth="7" d="M84 108h160M84 128h108" />
      <path
        className="fill-primary"
        d="M224 164h176a16 16 0 0 1 16 16v44H224a16 16 0 0 1-16-16v-28a16 16 0 0 1 16-16Z"
      />
      <path className="stroke-primary-content/80" strokeWidth="7" d="M228 184h156M228 204h92" />
      <path
        className="stroke-primary-content"
        strokeWidth="3"
        strokeLinejoin="round"
        d="m376 207 5 5 10-11m-2 8 3 3 10-11"
      />
      <path className="fill-base-200" d="M80 240h84a16 16 0 0 1 16 16v28H64v-28a16 16 0 0 1 16-16Z" />
      <g className="fill-base-content/45">
        <circle cx="98" cy="262" r="6" />
        <circle cx="120" cy="262" r="6" />
        <circle cx="142" cy="262" r="6" />
      </g>
      <g className="fill-base-100 stroke-base-300" strokeWidth="2">
        <rect x="388" y="112" width="72" height="36" rx="18" />
        <rect x="12" y="184" width="72" height="36" rx="18" />
      </g>
      <path
        className="fill-error"
        d="M412 136s-9-5.500-9-11a4.800 4.800 0 0 1 9-2.400 4.800 4.800 0 0 1 9 2.400c0 5.500-9 11-9 11Z"
      />
      <path className="stroke-base-content/45" strokeWidth="6" d="M434 130h8M58 202h8" />
      <path className="stroke-success" strokeWidth="4" strokeLinejoin="round" d="m29 202 6 6 10-12" />
    </svg>
  );
}

/** Beside the door, where there is room: what is behind it. */
export function Landing() {
  const t = useT();
  return (
    <div className="hidden flex-1 flex-col items-center justify-center gap-10 border-e border-base-300 bg-base-200 p-12 lg:flex">
      <Scene />
      <p className="max-w-md text-center text-2xl font-semibold tracking-tight text-balance">{t("app.tagline")}</p>
    </div>
  );
}

/** The name of the house above the door. */
export function Sign() {
  const t = useT();
  return (
    <div className="mb-6 flex items-center gap-3 lg:mb-8">
      <img src="/icon.svg" alt="" width={48} height={48} />
      <div>
        <p className="text-2xl font-bold tracking-tight">{t("app.name")}</p>
        <p className="text-sm text-balance text-base-content/70 lg:hidden">{t("app.tagline")}</p>
      </div>
    </div>
  );
}
