import { encodePng } from '../base/png.js';
import type { Picture } from '../protocol/blocks.js';

/** Channels-last pixels in any unit; one channel is grey, three are red, green, blue. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channelCount: 1 | 3;
  readonly values: Float64Array;
}

/** Returns pixels as a PNG data URI, the values' own range stretched to 0 … 255. */
export function pictureOf(pixels: Pixels, alt: string): Picture {
  const { width, height, channelCount, values } = pixels;
  return pngPicture(encodePng(width, height, stretchedLevels(values), channelCount), { width, height, alt });
}

/** Returns a PNG file as a picture. */
export function pngPicture(png: Buffer, facts: Omit<Picture, 'source'>): Picture {
  return { source: `data:image/png;base64,${png.toString('base64')}`, ...facts };
}

/** Returns numbers with a range stretched to the levels 0 … 255; those outside are cut, and a range without width is grey. */
export function levelsOf(values: ArrayLike<number>, [low, high]: readonly [number, number]): Uint8Array {
  const width = high - low;
  return Uint8Array.from(values, (value) =>
    Math.round(255 * Math.min(1, Math.max(0, width > 0 ? (value - low) / width : 0.5))),
  );
}

/** Returns numbers with the range of the finite ones stretched to the levels 0 … 255; NaN becomes 0. */
export function stretchedLevels(values: Float64Array): Uint8Array {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = high > low ? 255 / (high - low) : 0;
  return Uint8Array.from(values, (value) => Math.round((Math.min(Math.max(value, low), high) - low) * scale));
}
