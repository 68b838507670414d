/** Less than this is rounding, or a bar of the browser. */
const least = 60;

/**
 * Where a keyboard on the screen covers the page instead of making it smaller (Safari on iOS), `--app-height` is
 * what is left to be seen and `--app-top` how far the browser has pushed the page up: the page fits itself between.
 */
export function followKeyboard(): void {
  const view = window.visualViewport;
  if (!view) return;
  const { style } = document.documentElement;
  const fit = (): void => {
    // A page that is enlarged with two fingers is not covered.
    const covered = Math.abs(view.scale - 1) < 0.01 && window.innerHeight - view.height > least;
    if (covered) {
      style.setProperty("--app-height", `${String(Math.round(view.height))}px`);
      style.setProperty("--app-top", `${String(Math.round(view.offsetTop))}px`);
    } else {
      style.removeProperty("--app-height");
      style.removeProperty("--app-top");
    }
  };
  view.addEventListener("resize", fit);
  view.addEventListener("scroll", fit);
  fit();
}
