import { peaksOf } from "./peaks.ts";
import { mixed, waveFile } from "./wave.ts";

/** A sound that is ready to be played and drawn. */
export interface Sound {
  /** Seconds. */
  duration: number;
  peaks: readonly number[];
  /** Where it is on this page. */
  address: string;
}

/** What plays now. Only one thing does. */
export interface Playing {
  key: string;
  /** Seconds. */
  position: number;
  isPaused: boolean;
  rate: number;
}

const bars = 44;
const maxSounds = 20;
/** A player's clock: how often the position is told while something plays. */
const tickMs = 100;
/** Speech has nothing above half of this, in Hertz. */
const sampleRate = 24_000;
/** How fast speech may be played; each is the next one of the one before. */
const rates: readonly number[] = [1, 1.5, 2];
const rateKey = "parley.voice.rate";

function keptRate(): number {
  const kept = Number(localStorage.getItem(rateKey));
  return rates.includes(kept) ? kept : 1;
}

/** Plays one sound at a time. A plain state machine: subscribe, and read the snapshot. */
export class Player {
  readonly #sounds = new Map<string, Promise<Sound>>();
  readonly #listeners = new Set<() => void>();
  #state: Playing | null = null;
  #audio: HTMLAudioElement | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };
  readonly getSnapshot = (): Playing | null => this.#state;

  /** Gets a sound ready. What was ready before is kept, up to a bound. */
  load(url: string): Promise<Sound> {
    const known = this.#sounds.get(url);
    if (known) return known;
    const loading = decode(url);
    loading.catch(() => this.#sounds.delete(url));
    this.#sounds.set(url, loading);
    for (const [key, old] of this.#sounds) {
      if (this.#sounds.size <= maxSounds) break;
      if (key === this.#state?.key) continue;
      this.#sounds.delete(key);
      void old.then(({ address }) => {
        URL.revokeObjectURL(address);
      });
    }
    return loading;
  }

  /** Plays from a place, in seconds; without one from where it was paused, else from the beginning. */
  async play(url: string, from?: number): Promise<void> {
    const { address, duration } = await this.load(url);
    const before = this.#state;
    const position = from ?? (before?.key === url ? before.position : 0);
    const audio = (this.#audio ??= new Audio());
    if (before?.key !== url) {
      audio.pause();
      audio.src = address;
    }
    audio.onended = () => {
      this.#end();
    };
    audio.currentTime = Math.min(position, duration);
    // The pitch stays: speech that is fast is no mouse.
    audio.defaultPlaybackRate = audio.playbackRate = before?.rate ?? keptRate();
    this.#set({ key: url, position, isPaused: false, rate: audio.playbackRate });
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (this.#state) this.#set({ ...this.#state, position: audio.currentTime });
    }, tickMs);
    try {
      await audio.play();
    } catch (error) {
      // Another sound, or a pause, came before this one began.
      if (!(error instanceof DOMException && error.name === "AbortError")) this.#end();
    }
  }

  pause(): void {
    if (!this.#state) return;
    clearInterval(this.#timer);
    this.#audio?.pause();
    this.#set({ ...this.#state, isPaused: true });
  }

  /** Plays at the next speed, now and from now on. */
  faster(): void {
    if (!this.#state || !this.#audio) return;
    const rate = rates[(rates.indexOf(this.#state.rate) + 1) % rates.length] ?? 1;
    localStorage.setItem(rateKey, String(rate));
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = rate;
    this.#set({ ...this.#state, rate });
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#set(null);
  }

  #set(state: Playing | null): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

async function decode(url: string): Promise<Sound> {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`status ${String(answer.status)}`);
  // An offline context decodes without anybody having clicked. Recordings of browsers do not say how long
  // they are and cannot be sought in: what was decoded can.
  const buffer = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(await answer.arrayBuffer());
  const samples = mixed(Array.from({ length: buffer.numberOfChannels }, (_, n) => buffer.getChannelData(n)));
  return {
    duration: buffer.duration,
    peaks: peaksOf(samples, bars),
    address: URL.createObjectURL(new Blob([waveFile(samples, buffer.sampleRate)], { type: "audio/wav" })),
  };
}

/** The player of this page. */
export const player = new Player();
