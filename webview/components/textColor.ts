import type { HeatColors } from '../../src/protocol/heatScale.js';
import { cssColor } from './heatColors.js';

/** Colour at the end of the scale, in percent: text on it can still be read in every theme. */
const strongest = 50;

/** Returns the colour behind a piece of text for its value, on a scale that ends at ±`limit`. */
export function textColor(value: number, limit: number, colors: HeatColors): string {
  if (!Number.isFinite(value)) return mixed(cssColor(colors.notFinite), strongest);
  const share = limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0;
  return mixed(cssColor(value < 0 ? colors.negative : colors.positive), share * strongest);
}

function mixed(color: string, percent: number): string {
  return `color-mix(in srgb, ${color} ${percent.toFixed(0)}%, transparent)`;
}
