const headerBytes = 44;
const sampleBytes = 2;

/** Samples of one channel, -1 to 1, as a WAV file: every browser plays it, and goes to any place in it at once. */
export function waveFile(samples: Float32Array, rate: number): ArrayBuffer {
  const size = samples.length * sampleBytes;
  const view = new DataView(new ArrayBuffer(headerBytes + size));
  const write = (at: number, text: string): void => {
    for (let index = 0; index < text.length; index += 1) view.setUint8(at + index, text.charCodeAt(index));
  };
  write(0, "RIFF");
  view.setUint32(4, headerBytes - 8 + size, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * sampleBytes, true);
  view.setUint16(32, sampleBytes, true);
  view.setUint16(34, 8 * sampleBytes, true);
  write(36, "data");
  view.setUint32(40, size, true);
  samples.forEach((sample, index) => {
    view.setInt16(headerBytes + index * sampleBytes, Math.round(Math.max(-1, Math.min(1, sample)) * 0x7fff), true);
  });
  return view.buffer;
}

/** All channels of a sound as one. */
export function mixed(channels: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array()] = channels;
  if (channels.length < 2) return first;
  return first.map((_, at) => channels.reduce((sum, channel) => sum + (channel[at] ?? 0), 0) / channels.length);
}
