/** How loud each of `count` equal parts of a sound is, 0 to 1; the loudest part is 1, silence stays 0. */
export function peaksOf(samples: Float32Array, count: number): number[] {
  const part = samples.length / count;
  const loud = Array.from({ length: count }, (_, index) => {
    const from = Math.floor(index * part);
    const to = Math.max(from + 1, Math.floor((index + 1) * part));
    let sum = 0;
    for (let at = from; at < to; at += 1) sum += (samples[at] ?? 0) ** 2;
    return Math.sqrt(sum / (to - from));
  });
  const most = Math.max(...loud);
  // What is only noise is not blown up to look like speech.
  return most < 0.001 ? loud.map(() => 0) : loud.map((value) => value / most);
}

/** "1:05" */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${String(Math.floor(whole / 60))}:${String(whole % 60).padStart(2, "0")}`;
}
