/** How long one frame lasts on most screens. */
const frameMs = 16;

/**
 * Makes a scheduler for what the query cache tells components. The first change
 * after a pause is told at once, those that follow within a frame together: in
 * a burst of entries each costs its own work, not a drawing of the page.
 */
export function inFrames(now: () => number, later: (ms: number, task: () => void) => void): (task: () => void) => void {
  let waiting: (() => void)[] = [];
  let told = -frameMs;
  const tell = (): void => {
    const tasks = waiting;
    waiting = [];
    told = now();
    for (const task of tasks) task();
  };
  return (task) => {
    waiting.push(task);
    if (waiting.length === 1) later(Math.max(0, told + frameMs - now()), tell);
  };
}
