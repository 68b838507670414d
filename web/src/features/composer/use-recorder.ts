import { useCallback, useEffect, useRef, useState } from "react";
import { useT } from "../../lib/i18n/i18n.ts";
import type { MessageKey } from "../../lib/i18n/en.ts";
import { toast } from "../../ui/toasts.tsx";

/** What is being recorded. */
export interface Recording {
  seconds: number;
  /** How loud it was lately, 0 to 1, the newest last. */
  levels: readonly number[];
}

export interface RecorderState {
  /** Whether this browser and this page may record at all. */
  canRecord: boolean;
  recording: Recording | null;
  start: () => Promise<void>;
  /** Ends the recording and gives it; null if there is nothing in it. */
  finish: () => Promise<File | null>;
  cancel: () => void;
}

interface Session {
  recorder: MediaRecorder;
  stream: MediaStream;
  context: AudioContext;
  chunks: Blob[];
  timer: ReturnType<typeof setInterval>;
}

const types = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const tickMs = 100;
const shownLevels = 60;
/** A recording ends by itself after this many seconds and waits to be sent. */
export const maxSeconds = 600;
const bitsPerSecond = 32_000;

const extensions: Readonly<Record<string, string>> = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };

/** By its name a file is known to be a voice message: servers and browsers disagree about the type of such files. */
export function voiceName(mime: string, at: Date): string {
  const stamp = at.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  return `voice-${stamp}.${extensions[mime.split(";")[0] ?? ""] ?? "webm"}`;
}

function reason(error: unknown): MessageKey {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "voice.denied";
  return name === "NotFoundError" ? "voice.noDevice" : "voice.failed";
}

function levelOf(analyser: AnalyserNode, buffer: Float32Array<ArrayBuffer>): number {
  analyser.getFloatTimeDomainData(buffer);
  const sum = buffer.reduce((total, value) => total + value * value, 0);
  return Math.min(1, Math.sqrt(sum / buffer.length) * 4);
}

function release({ stream, context, timer }: Session): void {
  clearInterval(timer);
  for (const track of stream.getTracks()) track.stop();
  void context.close();
}

/** Records a voice message from the microphone. */
export function useRecorder(): RecorderState {
  const t = useT();
  const [recording, setRecording] = useState<Recording | null>(null);
  const session = useRef<Session>(undefined);
  // Missing on pages that are not secure, whatever the types say.
  const devices = (navigator as Partial<Navigator>).mediaDevices;
  const canRecord = devices !== undefined && typeof MediaRecorder !== "undefined";

  const stop = useCallback((): Session | undefined => {
    const current = session.current;
    session.current = undefined;
    setRecording(null);
    if (current) release(current);
    return current;
  }, []);
  useEffect(() => () => void stop(), [stop]);

  const start = async (): Promise<void> => {
    if (!devices || session.current) return;
    try {
      const stream = await devices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
      const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
      const recorder = new MediaRecorder(stream, {
        ...(mimeType ? { mimeType } : {}),
        audioBitsPerSecond: bitsPerSecond,
      });
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(stream).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      const chunks: Blob[] = [];
      const begun = performance.now();
      const timer = setInterval(() => {
        const seconds = (performance.now() - begun) / 1_000;
        if (seconds >= maxSeconds && recorder.state === "recording") recorder.pause();
        if (recorder.state !== "recording") return;
        const level = levelOf(analyser, samples);
        setRecording((before) => ({ seconds, levels: [...(before?.levels ?? []), level].slice(-shownLevels) }));
      }, tickMs);
      recorder.ondataavailable = (event) => void chunks.push(event.data);
      session.current = { recorder, stream, context, chunks, timer };
      recorder.start();
      setRecording({ seconds: 0, levels: [] });
    } catch (error) {
      stop();
      toast(t(reason(error)), "error");
    }
  };

  const finish = (): Promise<File | null> =>
    new Promise((resolve) => {
      const current = session.current;
      if (!current) {
        resolve(null);
        return;
      }
      const { recorder, chunks } = current;
      recorder.onstop = () => {
        const blob = new Blob(chunks, { type: recorder.mimeType });
        stop();
        resolve(blob.size > 0 ? new File([blob], voiceName(recorder.mimeType, new Date()), { type: blob.type }) : null);
      };
      recorder.stop();
    });

  const cancel = (): void => {
    const current = stop();
    if (current && current.recorder.state !== "inactive") current.recorder.stop();
  };
  return { canRecord, recording, start, finish, cancel };
}
