/** How perturbations are measured. */
export type Norm = 'linf' | 'l2';

/** Least and greatest allowed value of every element of a row. */
export interface ValidRange {
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** A ball around a row, cut by the valid range. */
export interface Ball {
  readonly norm: Norm;
  readonly epsilon: number;
  /** The row that it is around. */
  readonly centre: Float32Array;
  readonly range: ValidRange;
}

/** Returns the size of a perturbation, in float64. */
export function distance(norm: Norm, a: Float32Array, b: Float32Array): number {
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    const step = (a[i] ?? NaN) - (b[i] ?? NaN);
    size = norm === 'linf' ? Math.max(size, Math.abs(step)) : size + step * step;
  }
  return norm === 'linf' ? size : Math.sqrt(size);
}

/** Share of a perturbation that is given up when rounding to float32 has carried it outside. */
const shrink = 1 - 2 ** -20;

/**
 * Moves a point to the nearest one of the ball and, coordinate by coordinate, into the valid range; what is left is within
 * epsilon of the centre as float64 measures it, float32 rounding included.
 *
 * The centre is always allowed, so clipping to the range brings every coordinate nearer to it and never leaves the ball.
 */
export function project(point: Float32Array, ball: Ball): void {
  if (ball.norm === 'linf') {
    for (let i = 0; i < point.length; i++) point[i] = nearestCoordinate(point[i] ?? NaN, i, ball);
    return;
  }
  const { centre, epsilon } = ball;
  clip(point, ball);
  let size = distance('l2', point, centre);
  if (size <= epsilon) return;
  const wanted = Float64Array.from(point, (value, i) => value - (centre[i] ?? NaN));
  for (let scale = epsilon / size; size > epsilon; scale *= shrink) {
    for (let i = 0; i < point.length; i++) point[i] = (centre[i] ?? NaN) + scale * (wanted[i] ?? NaN);
    clip(point, ball);
    size = distance('l2', point, centre);
  }
}

function nearestCoordinate(value: number, i: number, { centre, epsilon, range }: Ball): number {
  const from = centre[i] ?? NaN;
  const inBall = Math.min(Math.max(value, from - epsilon), from + epsilon);
  let step = within(inBall, i, { range, from }) - from;
  let rounded = Math.fround(from + step);
  while (Math.abs(rounded - from) > epsilon) {
    step *= shrink;
    rounded = Math.fround(from + step);
    // Steps below float32's own are none.
    if (Math.abs(step) < Number.MIN_VALUE / shrink) return from;
  }
  return rounded;
}

function clip(point: Float32Array, { centre, range }: Ball): void {
  for (let i = 0; i < point.length; i++) {
    point[i] = within(point[i] ?? NaN, i, { range, from: centre[i] ?? NaN });
  }
}

/** A row that itself lies outside the range may stay there, but go no further. */
function within(
  value: number,
  i: number,
  { range, from }: { readonly range: ValidRange; readonly from: number },
): number {
  const low = Math.min(range.low[i] ?? -Infinity, from);
  const high = Math.max(range.high[i] ?? Infinity, from);
  return Math.min(Math.max(value, low), high);
}
