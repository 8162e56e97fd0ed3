import { pearson, ranksOf } from '../../../engine/numeric/rankCorrelation.js';
import type { Standing } from './results.js';

/** Correlations above this, beyond chance, mean that the scores hardly depend on the weights. */
const failingCorrelation = 0.5;

/** Correlations of random orders of few positions are large by chance: shuffles are then repeated. */
const fewPositions = 64;
const repeatsOfFew = 4;

/** Returns how many times all weights are shuffled for maps of so many positions. */
export function shuffleCountFor(positionCount: number): number {
  return positionCount < fewPositions ? repeatsOfFew : 1;
}

/**
 * Returns the rank correlation of every row's scores in two maps; 0 where the second is the same everywhere, NaN where
 * the first is.
 */
export function rankCorrelations(
  before: Float64Array,
  after: Float64Array,
  positionCount: number,
): Float64Array {
  return Float64Array.from({ length: after.length / positionCount }, (_, row) => {
    const own = (map: Float64Array): Float64Array =>
      map.subarray(row * positionCount, (row + 1) * positionCount);
    const ranks = ranksOf(own(before));
    if (ranks.every((rank) => rank === ranks[0])) return NaN;
    const correlation = pearson(ranks, ranksOf(own(after)));
    return Number.isNaN(correlation) ? 0 : correlation;
  });
}

/**
 * Tells whether scores stay much the same when nothing is left of what was learned: the mean correlation, less twice its
 * standard error, is above one half, and above three times the deviation 1 / √((positions − 1) · shuffles) that it has for
 * unrelated orders.
 */
export function failsSanityCheck(
  { mean, standardError }: Pick<Standing, 'mean' | 'standardError'>,
  positionCount: number,
): boolean {
  const chance = 1 / Math.sqrt(Math.max(1, positionCount - 1) * shuffleCountFor(positionCount));
  const error = Number.isNaN(standardError) ? 0 : standardError;
  return mean - 2 * error > failingCorrelation && mean > 3 * chance;
}
