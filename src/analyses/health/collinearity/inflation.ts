import type { CrossMoments } from '../../../engine/numeric/crossMoments.js';
import { combinationsOf, inverseDiagonal, pivotedCholesky } from '../../../engine/numeric/pivotedCholesky.js';

/** What can be said of a unit; codes of the array `LAYER.collinearity` are places in this list. */
export const unitKinds = ['finite', 'exact', 'constant', 'not-finite', 'not-drawn'] as const;

/** One of them. */
export type UnitKind = (typeof unitKinds)[number];

/** A unit that is a combination of others. */
export interface Relation {
  readonly unit: number;
  /** Unit = Σ factor · other + a constant; largest share first. */
  readonly terms: readonly { readonly unit: number; readonly factor: number }[];
}

/** How far each of several units is explained by the others. */
export interface Inflation {
  readonly kinds: readonly UnitKind[];
  /** 1 / (1 − R²); ∞ where the others give the unit exactly, NaN of one that is constant or not finite. */
  readonly factors: Float64Array;
  readonly relations: readonly Relation[];
  /** Independent units among those that vary. */
  readonly rank: number;
}

/**
 * A unit of which the others leave less of its variance is exactly theirs: float32 rounds the values by 6e-8 of their size, so
 * that some 1e-14 of a variance is left even of a copy, and more where large terms cancel.
 */
const exactShare = 1e-10;

/** Deviations below this share of the root mean square are rounding: the unit is constant. */
const constantShare = 1e-6;

/** Shares of a unit's deviation below this are what rounding leaves of 0. */
const smallestTerm = 1e-4;

/**
 * Returns variance inflation factors from the moments of units: the diagonal of the inverse correlation matrix.
 *
 * Where units depend on each other exactly it has no inverse: a set of independent ones is taken by pivots, the rest are
 * combinations of them, and every unit that has a part in one is ∞. For the others the independent ones say all there is.
 */
export function inflationOf({ count, mean, products }: CrossMoments): Inflation {
  const size = mean.length;
  const variances = mean.map((_, unit) => (products[unit * (size + 1)] ?? NaN) / count);
  const kinds = Array.from(variances, (variance, unit) => kindOf(variance, mean[unit] ?? NaN));
  const varying = [...kinds.keys()].filter((unit) => kinds[unit] === 'finite');
  const deviations = Float64Array.from(varying, (unit) => Math.sqrt(variances[unit] ?? NaN));
  const correlations = Float64Array.from({ length: varying.length ** 2 }, (_, at) => {
    const [a, b] = [Math.floor(at / varying.length), at % varying.length];
    const covariance = (products[(varying[a] ?? 0) * size + (varying[b] ?? 0)] ?? NaN) / count;
    return covariance / ((deviations[a] ?? NaN) * (deviations[b] ?? NaN));
  });
  const factored = pivotedCholesky(correlations, varying.length, exactShare);
  const factors = new Float64Array(size).fill(NaN);
  for (const [place, factor] of inverseDiagonal(factored).entries()) {
    factors[varying[factored.order[place] ?? 0] ?? 0] = factor;
  }
  const relations = combinationsOf(factored, varying.length).map(({ row, shares }): Relation => ({
    unit: varying[row] ?? 0,
    terms: [...shares]
      .map((share, place) => ({ share, other: factored.order[place] ?? 0 }))
      .filter(({ share }) => Math.abs(share) > smallestTerm)
      .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
      .map(({ share, other }) => ({
        unit: varying[other] ?? 0,
        factor: (share * (deviations[row] ?? NaN)) / (deviations[other] ?? NaN),
      })),
  }));
  for (const { unit, terms } of relations) {
    for (const exact of [unit, ...terms.map((term) => term.unit)]) {
      kinds[exact] = 'exact';
      factors[exact] = Infinity;
    }
  }
  return { kinds, factors, relations, rank: factored.rank };
}

function kindOf(variance: number, mean: number): UnitKind {
  if (!Number.isFinite(variance)) return 'not-finite';
  return variance <= constantShare ** 2 * (variance + mean ** 2) ? 'constant' : 'finite';
}
