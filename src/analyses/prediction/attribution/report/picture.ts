import { encodePng } from '../../../../base/png.js';
import type { Picture } from '../../../../protocol/blocks.js';

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
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = high > low ? 255 / (high - low) : 0;
  const bytes = Uint8Array.from(values, (value) => Math.round((value - low) * scale));
  const png = encodePng(width, height, bytes, channelCount);
  return { source: `data:image/png;base64,${png.toString('base64')}`, width, height, alt };
}
