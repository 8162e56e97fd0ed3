import { defaultHeatColors, type HeatColors, type Rgb } from '../../src/protocol/heatScale.js';
import { themeValue } from '../theme.js';

/** Hues, in degrees, that people with any kind of colour vision tell apart: an orange and a blue. */
const orange = { from: 12, to: 50 };
const blue = { from: 190, to: 255 };

/** Below this saturation a colour is a grey, whatever its hue. */
const minSaturation = 0.35;

/**
 * Returns the colours of heat maps: the theme's orange and blue where they are an orange and a blue, ours otherwise. A scale
 * that nobody misreads goes before the theme.
 */
export function heatColors(): HeatColors {
  const positive = parseColor(themeValue('--vscode-charts-orange'));
  const negative = parseColor(themeValue('--vscode-charts-blue'));
  const isTellable =
    positive !== undefined &&
    negative !== undefined &&
    isWithin(positive, orange) &&
    isWithin(negative, blue);
  return isTellable ? { ...defaultHeatColors, positive, negative } : defaultHeatColors;
}

/** Returns a colour as CSS shows it. */
export function cssColor([red, green, blue]: Rgb): string {
  return `rgb(${String(red)} ${String(green)} ${String(blue)})`;
}

/** Browsers normalise colours that a canvas is given to `#rrggbb`, or to `rgba(…)` when they are translucent. */
function parseColor(text: string): Rgb | undefined {
  const context = document.createElement('canvas').getContext('2d');
  if (context === null || text === '') return undefined;
  context.fillStyle = text;
  const normal = context.fillStyle;
  if (!normal.startsWith('#')) return parseRgba(normal);
  const value = Number.parseInt(normal.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function parseRgba(text: string): Rgb | undefined {
  const [red, green, blue] = (/\(([^)]*)\)/.exec(text)?.[1] ?? '').split(',').map(Number);
  return red === undefined || green === undefined || blue === undefined ? undefined : [red, green, blue];
}

function isWithin([red, green, blue]: Rgb, hues: { readonly from: number; readonly to: number }): boolean {
  const most = Math.max(red, green, blue);
  const spread = most - Math.min(red, green, blue);
  if (most === 0 || spread / most < minSaturation) return false;
  const sixth =
    most === red
      ? (green - blue) / spread
      : most === green
        ? 2 + (blue - red) / spread
        : 4 + (red - green) / spread;
  const hue = (sixth * 60 + 360) % 360;
  return hue >= hues.from && hue <= hues.to;
}
