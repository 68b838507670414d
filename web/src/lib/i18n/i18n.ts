import { create } from "zustand";
import { type Catalogue, en, type MessageKey } from "./en.ts";

/** `ar-XB` is English written from right to left: it is not offered, it is there to be tested with (as elsewhere, CLDR's pseudo locale). */
export type Locale = "en" | "de" | "ar-XB";
/** The languages that are offered. */
export const locales: readonly { id: Locale; name: string }[] = [
  { id: "en", name: "English" },
  { id: "de", name: "Deutsch" },
];

type Parameters = Readonly<Record<string, string | number>>;
/** Gives a text in the chosen language; `count` chooses the plural form. */
export type Translate = (key: MessageKey, parameters?: Parameters) => string;

interface State {
  /** What the person chose; undefined follows the browser. */
  chosen: Locale | undefined;
  /** How dates and numbers are written: the browser's region where its language is the chosen one. */
  region: string;
  t: Translate;
}

const storageKey = "parley.locale";

/** Makes the function that gives the texts of one catalogue. */
export function translator(locale: string, catalogue: Catalogue): Translate {
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const shown = (value: string | number): string => (typeof value === "number" ? numbers.format(value) : value);
  return (key, parameters = {}) => {
    const text = catalogue[key];
    const form =
      typeof text === "string"
        ? text
        : text[plurals.select(Number(parameters["count"] ?? 0)) === "one" ? "one" : "other"];
    return form.replace(/\{(\w+)\}/g, (whole, name: string) => shown(parameters[name] ?? whole));
  };
}

const useI18n = create<State>(() => ({ chosen: undefined, region: "en", t: translator("en", en) }));

export function useT(): Translate {
  return useI18n((state) => state.t);
}
/** The language tag that dates and numbers are written by. */
export function useLocale(): string {
  return useI18n((state) => state.region);
}
export function useChosenLocale(): Locale | undefined {
  return useI18n((state) => state.chosen);
}

function isLocale(value: string | null | undefined): value is Locale {
  return value === "ar-XB" || locales.some((locale) => locale.id === value);
}

const rightToLeft: readonly Locale[] = ["ar-XB"];

/** Chooses a language, undefined for the browser's, and keeps the choice. Resolves when its texts are there. */
export async function chooseLocale(chosen: Locale | undefined): Promise<void> {
  const browser = navigator.languages.map((tag) => tag.slice(0, 2)).find(isLocale);
  const locale = chosen ?? browser ?? "en";
  const catalogue = locale === "de" ? (await import("./de.ts")).de : en;
  document.documentElement.lang = locale;
  document.documentElement.dir = rightToLeft.includes(locale) ? "rtl" : "ltr";
  if (chosen) localStorage.setItem(storageKey, chosen);
  else localStorage.removeItem(storageKey);
  const language = locale === "ar-XB" ? "en" : locale;
  const region = navigator.languages.find((tag) => tag.startsWith(language)) ?? language;
  useI18n.setState({ chosen, region, t: translator(region, catalogue) });
}

/** Loads the language of the last visit. */
export function restoreLocale(): Promise<void> {
  const kept = localStorage.getItem(storageKey);
  return chooseLocale(isLocale(kept) ? kept : undefined);
}

/** The texts of the chosen language, outside of components. */
export function currentT(): Translate {
  return useI18n.getState().t;
}

/** Calls back whenever another language is chosen. */
export function onLocale(changed: () => void): void {
  useI18n.subscribe(changed);
}
