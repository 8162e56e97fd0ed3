import { encodePng } from '../../../base/png.js';
import { levelsOf, pngPicture } from '../../../data/picture.js';
import type { Picture } from '../../../protocol/blocks.js';
import { rowPixels } from '../rowPixels.js';
import type { MovableInput } from './movableInput.js';

/**
 * Returns a row of z, `[N, …]`, as a picture; undefined unless it has two position axes and one or three channels.
 *
 * All pictures have one scale, −1 … 1, so that they compare.
 */
export function zPicture(
  { dims, channelAxis }: Pick<MovableInput, 'dims' | 'channelAxis'>,
  z: Float64Array,
  { row, caption }: { readonly row: number; readonly caption: string },
): Picture | undefined {
  const pixels = rowPixels({ dims: dims.slice(1), channelAxis, elements: z }, row);
  if (pixels === undefined) return undefined;
  const { width, height, channelCount, values } = pixels;
  const levels = levelsOf(values, [-1, 1]);
  return pngPicture(encodePng(width, height, levels, channelCount), { width, height, alt: caption, caption });
}
