import { peaksOf } from "./peaks.ts";

/** A sound that is ready to be played and drawn. */
export interface Sound {
  buffer: AudioBuffer;
  peaks: readonly number[];
}

/** What plays now. Only one thing does. */
export interface Playing {
  key: string;
  /** Seconds. */
  position: number;
  isPaused: boolean;
}

const bars = 44;
const maxSounds = 20;
/** A player's clock: how often the position is told while something plays. */
const tickMs = 100;

/** Plays one sound at a time. A plain state machine: subscribe, and read the snapshot. */
export class Player {
  readonly #sounds = new Map<string, Promise<Sound>>();
  readonly #listeners = new Set<() => void>();
  #state: Playing | null = null;
  #context: AudioContext | undefined;
  #source: AudioBufferSourceNode | undefined;
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
    const [oldest] = this.#sounds.keys();
    if (this.#sounds.size > maxSounds && oldest !== undefined) this.#sounds.delete(oldest);
    return loading;
  }

  /** Plays from a place, in seconds; without one from where it was paused, else from the beginning. */
  async play(url: string, from?: number): Promise<void> {
    const { buffer } = await this.load(url);
    const paused = this.#state?.key === url ? this.#state.position : 0;
    this.#silence();
    this.#context ??= new AudioContext();
    await this.#context.resume();
    const begin = Math.min(from ?? paused, buffer.duration);
    const source = this.#context.createBufferSource();
    const startedAt = this.#context.currentTime - begin;
    source.buffer = buffer;
    source.connect(this.#context.destination);
    source.onended = () => {
      if (this.#source === source) this.#end();
    };
    source.start(0, begin);
    this.#source = source;
    const tick = (): void => {
      const position = Math.min(buffer.duration, (this.#context?.currentTime ?? startedAt) - startedAt);
      this.#set({ key: url, position, isPaused: false });
    };
    tick();
    this.#timer = setInterval(tick, tickMs);
  }

  pause(): void {
    if (!this.#state) return;
    this.#silence();
    this.#set({ ...this.#state, isPaused: true });
  }

  #end(): void {
    this.#silence();
    this.#set(null);
  }

  #silence(): void {
    clearInterval(this.#timer);
    const source = this.#source;
    this.#source = undefined;
    source?.stop();
    source?.disconnect();
  }

  #set(state: Playing | null): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

async function decode(url: string): Promise<Sound> {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`status ${String(answer.status)}`);
  // An offline context decodes without anybody having clicked.
  const buffer = await new OfflineAudioContext(1, 1, 48_000).decodeAudioData(await answer.arrayBuffer());
  return { buffer, peaks: peaksOf(buffer.getChannelData(0), bars) };
}

/** The player of this page. */
export const player = new Player();
