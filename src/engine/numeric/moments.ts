/** Count, mean and sum of squared deviations of a stream, in float64. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly squaredDeviations: number;
}

/** Returns the moments of some numbers, in one pass without cancellation. NaN and infinities carry through. */
export function momentsOf(values: ArrayLike<number>): Moments {
  let mean = 0;
  let squaredDeviations = 0;
  for (let i = 0; i < values.length; i++) {
    const delta = values[i]! - mean;
    mean += delta / (i + 1);
    squaredDeviations += delta * (values[i]! - mean);
  }
  return { count: values.length, mean, squaredDeviations };
}

/**
 * Returns the moments of two streams together.
 *
 * Source: Chan, Golub & LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances".
 */
export function mergeMoments(a: Moments, b: Moments): Moments {
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const delta = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (delta * b.count) / count,
    squaredDeviations:
      a.squaredDeviations + b.squaredDeviations + (delta * delta * a.count * b.count) / count,
  };
}

/** Returns the population variance; NaN of nothing. */
export function varianceOf(moments: Moments): number {
  return moments.squaredDeviations / moments.count;
}

/** Returns the standard error of the mean, √(s²/n) with the unbiased s²; NaN of fewer than two numbers. */
export function meanErrorOf({ count, squaredDeviations }: Moments): number {
  return count < 2 ? NaN : Math.sqrt(squaredDeviations / (count - 1) / count);
}
