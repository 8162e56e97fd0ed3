import type { Gaussian } from './gaussians.js';

/** What a layer's channels were like on one data set, in float64. */
export interface ChannelMoments {
  /** Numbers that the Gaussian of every channel rests on: samples, or elements. */
  count: number;
  /** Elements of a channel, whatever the Gaussian is of. */
  elementCount: number;
  readonly mean: Float64Array;
  readonly squaredDeviations: Float64Array;
  readonly sumOfSquares: Float64Array;
}

/** Returns moments of nothing. */
export function noMoments(unitCount: number): ChannelMoments {
  return {
    count: 0,
    elementCount: 0,
    mean: new Float64Array(unitCount),
    squaredDeviations: new Float64Array(unitCount),
    sumOfSquares: new Float64Array(unitCount),
  };
}

/** Sums of a sample over its positions, by channel. */
export interface SampleSums {
  readonly positionCount: number;
  readonly sum: Float64Array;
  readonly squares: Float64Array;
}

/** Adds a sample: its channel means as one number each, or all its elements. A sample that is masked altogether adds nothing. */
export function addSample(moments: ChannelMoments, sums: SampleSums, of: 'means' | 'elements'): void {
  const { positionCount, sum, squares } = sums;
  if (positionCount === 0) return;
  const before = moments.count;
  const added = of === 'means' ? 1 : positionCount;
  moments.count += added;
  moments.elementCount += positionCount;
  for (const [unit, total] of sum.entries()) {
    const square = squares[unit] ?? NaN;
    const own = total / positionCount;
    const within = of === 'means' ? 0 : Math.max(0, square - own * total);
    const shift = own - (moments.mean[unit] ?? NaN);
    increase(moments.mean, unit, (shift * added) / moments.count);
    increase(moments.squaredDeviations, unit, within + (shift * shift * before * added) / moments.count);
    increase(moments.sumOfSquares, unit, square);
  }
}

function increase(values: Float64Array, at: number, by: number): void {
  values[at] = (values[at] ?? NaN) + by;
}

/** Returns the Gaussian of a channel. */
export function gaussianOf({ count, mean, squaredDeviations }: ChannelMoments, unit: number): Gaussian {
  return { mean: mean[unit] ?? NaN, variance: (squaredDeviations[unit] ?? NaN) / count };
}

/** Returns the root mean square of a channel over two data sets, each counting alike. */
export function scaleOf(a: ChannelMoments, b: ChannelMoments, unit: number): number {
  const squareOf = ({ sumOfSquares, elementCount }: ChannelMoments): number =>
    (sumOfSquares[unit] ?? NaN) / elementCount;
  return Math.sqrt((squareOf(a) + squareOf(b)) / 2);
}
