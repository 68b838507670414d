/** Sounds of a call: made here, so that nothing has to be loaded when it rings. */
export type Sound = "ring" | "ringback";

/** Tones of one round, and how long a round takes, in seconds. */
const rounds: Record<Sound, { tones: readonly { at: number; for: number; hz: readonly number[] }[]; every: number }> = {
  ring: {
    tones: [
      { at: 0, for: 0.18, hz: [659] },
      { at: 0.2, for: 0.18, hz: [784] },
      { at: 0.4, for: 0.36, hz: [988] },
      { at: 0.9, for: 0.18, hz: [659] },
      { at: 1.1, for: 0.18, hz: [784] },
      { at: 1.3, for: 0.36, hz: [988] },
    ],
    every: 3,
  },
  ringback: { tones: [{ at: 0, for: 1, hz: [425] }], every: 4 },
};
const loudness: Record<Sound, number> = { ring: 0.16, ringback: 0.05 };
const softMs = 0.02;

function playRound(context: AudioContext, sound: Sound): void {
  for (const tone of rounds[sound].tones) {
    const begin = context.currentTime + tone.at;
    const gain = context.createGain();
    gain.connect(context.destination);
    // A tone that begins at once clicks.
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(loudness[sound], begin + softMs);
    gain.gain.setValueAtTime(loudness[sound], begin + tone.for - softMs);
    gain.gain.linearRampToValueAtTime(0, begin + tone.for);
    for (const hz of tone.hz) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = hz;
      oscillator.connect(gain);
      oscillator.start(begin);
      oscillator.stop(begin + tone.for);
    }
  }
}

/** Plays a sound over and over. Returns the way to stop. A page that nobody has touched yet may not make a sound; then it is silent. */
export function startSound(sound: Sound): () => void {
  const context = new AudioContext();
  const round = (): void => {
    if (context.state === "running") playRound(context, sound);
  };
  const timer = setInterval(round, rounds[sound].every * 1_000);
  void context.resume().then(round, () => undefined);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

/** Has one tab of the browser do something until the signal: the others wait for their turn. */
export async function inOneTab(name: string, signal: AbortSignal, begin: () => () => void): Promise<void> {
  const run = (): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const end = begin();
      signal.addEventListener("abort", () => {
        end();
        resolve();
      });
    });
  // Missing on pages that are not secure, whatever the type says.
  const locks = (navigator as Partial<Navigator>).locks;
  if (locks) await locks.request(name, { signal }, run).catch(() => undefined);
  else await run();
}

const pulse = [400, 200, 400, 2_000];

/** Rings: with sound, and on phones by vibration. */
export function startRinging(): () => void {
  const stopSound = startSound("ring");
  // Computers have none.
  const phone = navigator as Partial<Navigator>;
  const shake = (): void => void phone.vibrate?.(pulse);
  shake();
  const timer = setInterval(shake, 3_000);
  return () => {
    stopSound();
    clearInterval(timer);
    phone.vibrate?.([]);
  };
}
