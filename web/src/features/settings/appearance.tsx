import { Check, SunMoon } from "lucide-react";
import { cx } from "../../lib/cx.ts";
import { chooseLocale, locales, useChosenLocale, useT } from "../../lib/i18n/i18n.ts";
import { chooseTheme, themes, useTheme } from "../../lib/theme.ts";

interface SwatchProps {
  /** Undefined follows the system. */
  theme: string | undefined;
  label: string;
  chosen: boolean;
}

/** A theme as it looks; a click shows the whole page in it. */
function Swatch({ theme, label, chosen }: SwatchProps) {
  return (
    <button
      type="button"
      role="radio"
      aria-checked={chosen}
      data-theme={theme}
      className={cx(
        "overflow-hidden rounded-box border-2 bg-base-100 text-start text-base-content",
        chosen ? "border-primary" : "border-base-300 hover:border-base-content/40",
      )}
      onClick={() => {
        chooseTheme(theme);
      }}
    >
      <span className="flex h-14 flex-col gap-1 bg-base-200 p-2" aria-hidden="true">
        <span className="h-3 w-2/3 rounded-full bg-base-100" />
        <span className="h-3 w-1/2 self-end rounded-full bg-primary" />
        <span className="h-3 w-3/5 rounded-full bg-base-100" />
      </span>
      <span className="flex items-center gap-1 px-2 py-1 text-sm">
        {theme === undefined && <SunMoon size={14} aria-hidden="true" />}
        <span className="flex-1 truncate">{label}</span>
        {chosen && <Check size={14} aria-hidden="true" />}
      </span>
    </button>
  );
}

/** Colours and language; both change at once. */
export function Appearance() {
  const t = useT();
  const theme = useTheme((state) => state.theme);
  const locale = useChosenLocale();
  const names: Readonly<Record<string, string>> = { light: t("settings.theme.light"), dark: t("settings.theme.dark") };
  return (
    <div className="space-y-8">
      <section>
        <h2 className="mb-2 text-lg font-semibold">{t("settings.language")}</h2>
        <select
          className="select w-full max-w-xs"
          aria-label={t("settings.language")}
          value={locale ?? ""}
          onChange={(event) => {
            const chosen = locales.find((one) => one.id === event.target.value);
            void chooseLocale(chosen?.id);
          }}
        >
          <option value="">{t("settings.language.system")}</option>
          {locales.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </select>
      </section>
      <section>
        <h2 className="mb-2 text-lg font-semibold">{t("settings.theme")}</h2>
        <div
          role="radiogroup"
          aria-label={t("settings.theme")}
          className="grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-4"
        >
          <Swatch theme={undefined} label={t("settings.theme.system")} chosen={theme === undefined} />
          {themes.map((name) => (
            <Swatch
              key={name}
              theme={name}
              label={names[name] ?? name.charAt(0).toUpperCase() + name.slice(1)}
              chosen={theme === name}
            />
          ))}
        </div>
      </section>
    </div>
  );
}
