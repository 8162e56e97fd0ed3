import { pearson, ranksOf } from '../../../engine/numeric/rankCorrelation.js';

/** Returns 1 − |Spearman’s ρ| of every two features `[features, features]`; a feature that does not vary is 1 from all others. */
export function dissimilaritiesOf(featureValues: readonly Float64Array[]): Float64Array {
  const n = featureValues.length;
  const ranks = featureValues.map((values) => ranksOf(values));
  const distances = new Float64Array(n * n);
  for (const [i, a] of ranks.entries()) {
    for (const [j, b] of ranks.slice(0, i).entries()) {
      const correlation = Math.abs(pearson(a, b));
      const distance = 1 - (Number.isNaN(correlation) ? 0 : correlation);
      distances[i * n + j] = distance;
      distances[j * n + i] = distance;
    }
  }
  return distances;
}
