import { encodePng } from '../../base/png.js';
import type { OverlayBlock } from '../../protocol/blocks.js';
import { paintHeat } from '../../protocol/heatScale.js';

/** Returns a heat map as a PNG data URI, one pixel a value; values that are missing are 0. */
export function heatMapUri(
  item: Pick<OverlayBlock['items'][number], 'width' | 'height' | 'values'>,
  limit: number,
): string {
  const { width, height } = item;
  const values = Array.from({ length: width * height }, (_, index) => item.values[index] ?? 0);
  const rgba = new Uint8Array(paintHeat(values, limit).buffer);
  return `data:image/png;base64,${encodePng(width, height, rgba).toString('base64')}`;
}
