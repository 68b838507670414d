/** Resolves after the pause, or as soon as it is called off. */
export function pause(
  ms: number,
  signal: AbortSignal,
  later: (ms: number, task: () => void) => () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const cancel = later(ms, resolve);
    signal.addEventListener("abort", () => {
      cancel();
      resolve();
    });
  });
}
