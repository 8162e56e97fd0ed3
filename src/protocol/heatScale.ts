// The colour scale of heat maps, in one place: a page and its export show the same picture.

/** Red, green, blue, 0…255. */
export type Rgb = readonly [number, number, number];

/** Colours of a diverging scale's ends and of values that are no number. */
export interface HeatColors {
  readonly positive: Rgb;
  readonly negative: Rgb;
  readonly notFinite: Rgb;
}

/** Orange and blue: far apart for every kind of colour vision. NaN and infinities are magenta. */
export const defaultHeatColors: HeatColors = {
  positive: [224, 92, 20],
  negative: [30, 110, 216],
  notFinite: [214, 0, 196],
};

/** At the end of the scale the input below still shines through. */
const maxAlpha = 235;

/**
 * Returns a heat map as RGBA, one pixel a value: hue is the sign, opacity the size, so that it reads on light and dark
 * ground and over a picture. `limit` is the size at the end of the scale.
 */
export function paintHeat(
  values: ArrayLike<number | string>,
  limit: number,
  colors: HeatColors = defaultHeatColors,
): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(values.length * 4);
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    rgba.set(hueOf(value, colors), i * 4);
    rgba[i * 4 + 3] = alphaOf(value, limit);
  }
  return rgba;
}

function hueOf(value: number, colors: HeatColors): Rgb {
  if (!Number.isFinite(value)) return colors.notFinite;
  return value < 0 ? colors.negative : colors.positive;
}

function alphaOf(value: number, limit: number): number {
  if (!Number.isFinite(value)) return 255;
  return limit > 0 ? Math.round(Math.min(1, Math.abs(value) / limit) * maxAlpha) : 0;
}
