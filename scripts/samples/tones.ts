import type { Random } from '../../src/base/random.js';

/** Frames a second. */
export const sampleRate = 8000;

/** Frames of a sound: a quarter of a second. */
export const frameCount = 2000;

/** Frames of the tone in it. */
export const burstFrames = 400;

const frequencies = [400, 800, 1600, 3200] as const;

/** The classes by index. */
export const toneNames: readonly string[] = frequencies.map((frequency) => `${frequency}-hz`);

/** A sound: a tone somewhere in noise. */
export interface Tone {
  readonly label: number;
  /** First frame of the tone. */
  readonly start: number;
  readonly frames: Float32Array;
}

/** Draws a sound: the frequency 3 % up or down at most, the phase, the level and the place at random, in white noise. */
export function toneOf(random: Random, label: number): Tone {
  const frequency = (frequencies[label] ?? 0) * (1 + 0.03 * (2 * random.next() - 1));
  const phase = 2 * Math.PI * random.next();
  const level = 0.3 + 0.3 * random.next();
  const start = Math.floor(random.next() * (frameCount - burstFrames));
  const frames = Float32Array.from({ length: frameCount }, (_, frame) => {
    const inside = frame - start;
    const isTone = inside >= 0 && inside < burstFrames;
    // A Hann window, so that the ends do not click.
    const envelope = isTone ? Math.sin((Math.PI * inside) / burstFrames) ** 2 : 0;
    const tone = level * envelope * Math.sin((2 * Math.PI * frequency * frame) / sampleRate + phase);
    return Math.max(-1, Math.min(1, tone + 0.05 * random.normal()));
  });
  return { label, start, frames };
}

/** Returns frames of −1 … 1 as a WAV file of 16 bits and one channel. */
export function wavOf(frames: Float32Array): Buffer {
  const header = Buffer.alloc(44);
  const sizeBytes = 2 * frames.length;
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + sizeBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(2 * sampleRate, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(sizeBytes, 40);
  const samples = Buffer.alloc(sizeBytes);
  for (const [frame, level] of frames.entries()) {
    samples.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(level * 32768))), 2 * frame);
  }
  return Buffer.concat([header, samples]);
}
