import { UserError } from '../../../../base/errors.js';
import type { Features } from '../../features/features.js';
import { featureCountOf } from '../featureCount.js';
import { type Coalitions, playGame } from '../game.js';
import type { AttributionMethod, Problem } from '../problem.js';
import { featuresOf, spreadShares } from '../shares.js';

/** Features that can be enumerated: 2¹⁶ coalitions a row. */
const maxFeatureCount = 16;

/**
 * Exact Shapley values: φᵢ = Σ_{S ∌ i} |S|! (n − |S| − 1)! / n! · (v(S ∪ i) − v(S)) over all coalitions of n ≤ 16 features,
 * v(S) = f with the features outside S taken from the baseline, or the mean of it over a background.
 *
 * Assumes that absent features taken from the baseline make rows that mean something to the model; correlated features
 * often do not. High: averaged over all orders in which features appear, this one raises the explained value. The shares
 * of a row add up to f(x) − f(baseline) to rounding. Costs 2ⁿ runs for each row and row of the background.
 *
 * Source: Lundberg & Lee (2017), "A Unified Approach to Interpreting Model Predictions",
 * https://arxiv.org/abs/1705.07874, where these are the only shares that are complete and consistent.
 */
export const shapleyExact: AttributionMethod = {
  title: 'Exact Shapley',
  scoresAre: 'shares',
  reading:
    'Each score is the Shapley value of the feature of this element: what it adds to the explained value, averaged over all orders in which the features can appear.',
  paperIds: ['lundberg2017', 'alzheimerWorkflow'],
  usesBaseline: true,
  passesPerRow: (settings, workload) =>
    2 ** Math.min(maxFeatureCount, featureCountOf(settings, workload, maxFeatureCount)),
  async attribute(problem) {
    const features = await featuresOf(problem, maxFeatureCount);
    refuseTooMany(problem, features);
    const plays = problem.rows.ids.map((_, row) => allCoalitions(row, features.countOf(row)));
    const values = await playGame(problem, features, plays);
    const shares = values.map((value, row) => shapleyValues(value, features.countOf(row)));
    return spreadShares(problem, features, { shares, isComplete: true });
  },
};

function refuseTooMany({ settings }: Problem, { maxCount }: Features): void {
  if (maxCount <= maxFeatureCount) return;
  throw new UserError(
    'too-many-features',
    `${String(maxCount)} features have ${(2 ** maxCount).toExponential(1)} coalitions, more than can be run; method=shapley-exact takes ${String(maxFeatureCount)} features at most. Put features together with groups, patch or featureMask, or use method=shapley-sampling or method=kernel-shap.`,
    { detail: { features: settings.features, count: maxCount } },
  );
}

/** Every coalition; bit i of its number says whether feature i is present. */
export function allCoalitions(row: number, count: number): Coalitions {
  return {
    row,
    count: 2 ** count,
    members: (coalition, present) => {
      for (let feature = 0; feature < count; feature++) present[feature] = (coalition >> feature) & 1;
    },
  };
}

/** Returns the Shapley values of a game whose coalitions are numbered by the bits of their members. */
export function shapleyValues(values: Float64Array, count: number): Float64Array {
  const shares = new Float64Array(count);
  // |S|! (n − |S| − 1)! / n! = 1 / (n · C(n − 1, |S|)), by size of S.
  const weights = new Float64Array(count);
  let binomial = 1;
  for (let size = 0; size < count; size++) {
    weights[size] = 1 / (count * binomial);
    binomial *= (count - 1 - size) / (size + 1);
  }
  for (let coalition = 0; coalition < values.length; coalition++) {
    const weight = weights[bitCount(coalition)] ?? 0;
    for (let feature = 0; feature < count; feature++) {
      if (((coalition >> feature) & 1) === 1) continue;
      const gain = (values[coalition | (1 << feature)] ?? NaN) - (values[coalition] ?? NaN);
      shares[feature] = (shares[feature] ?? 0) + weight * gain;
    }
  }
  return shares;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
