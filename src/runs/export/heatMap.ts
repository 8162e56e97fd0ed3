import type { OverlayBlock } from '../../protocol/blocks.js';
import { encodePng } from '../../base/png.js';

/** Colours of the two ends of a diverging scale, far apart for colour-blind readers too; zero is transparent. */
export const heatColors = {
  positive: [224, 92, 20],
  negative: [30, 110, 216],
  notFinite: [214, 0, 196],
} as const;

/** At the end of the scale the input below still shines through. */
const maxAlpha = 235;

/**
 * Returns a heat map as a PNG data URI, one pixel a value: hue is the sign, opacity the size, so that it reads on light
 * and dark ground and over a picture. NaN and infinities are magenta.
 */
export function heatMapUri(
  item: Pick<OverlayBlock['items'][number], 'width' | 'height' | 'values'>,
  limit: number,
): string {
  const { width, height, values } = item;
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) rgba.set(heatColor(Number(values[i] ?? 0), limit), i * 4);
  return `data:image/png;base64,${encodePng(width, height, rgba).toString('base64')}`;
}

function heatColor(value: number, limit: number): readonly number[] {
  if (!Number.isFinite(value)) return [...heatColors.notFinite, 255];
  const share = limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0;
  const hue = value < 0 ? heatColors.negative : heatColors.positive;
  return [...hue, Math.round(share * maxAlpha)];
}
