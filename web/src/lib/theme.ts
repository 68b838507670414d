import { create } from "zustand";

/** The themes of daisyUI that are offered, light ones first. Aqua is not: nothing is readable on its middle blue. */
export const themes = [
  ..."light cupcake bumblebee emerald corporate retro valentine garden lofi pastel fantasy wireframe cmyk autumn acid lemonade winter nord caramellatte silk".split(
    " ",
  ),
  ..."dark synthwave halloween forest black luxury dracula business night coffee dim sunset abyss".split(" "),
] as const;

const storageKey = "parley.theme";

interface State {
  /** A theme's name; undefined follows the system's light or dark. */
  theme: string | undefined;
}

export const useTheme = create<State>(() => ({ theme: undefined }));

/** Shows a theme and keeps the choice; undefined follows the system. */
export function chooseTheme(theme: string | undefined): void {
  if (theme === undefined) {
    delete document.documentElement.dataset["theme"];
    localStorage.removeItem(storageKey);
  } else {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(storageKey, theme);
  }
  useTheme.setState({ theme });
}

/** Shows the theme of the last visit. */
export function restoreTheme(): void {
  const kept = localStorage.getItem(storageKey);
  if (kept !== null && themes.includes(kept)) chooseTheme(kept);
}
