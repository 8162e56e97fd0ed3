import { featureCountOf } from '../featureCount.js';
import { type Coalitions, playGame } from '../game.js';
import type { AttributionMethod } from '../problem.js';
import { featuresOf, spreadShares } from '../shares.js';

/** Permutations drawn for each row unless said otherwise. */
const defaultSampleCount = 100;

/**
 * Shapley values by sampling: the mean of v(before ∪ i) − v(before) over random orders, `before` being the features that
 * come before i, v(S) = f with the features outside S taken from the baseline.
 *
 * Assumes what exact Shapley values do. The estimate has no bias, and every order adds up to f(x) − f(baseline), so the
 * shares do too, however few there are. Its standard error is that of the mean over orders, and falls like 1/√samples:
 * a share smaller than twice its error may have either sign.
 *
 * Source: Castro, Gómez & Tejada (2009), "Polynomial calculation of the Shapley value based on sampling", Computers &
 * Operations Research 36(5), 1726–1730.
 */
export const shapleySampling: AttributionMethod = {
  title: 'Shapley sampling',
  scoresAre: 'shares',
  reading:
    'Each score estimates the Shapley value of the feature of this element: what it adds to the explained value, averaged over random orders in which the features appear.',
  paperIds: ['castro2009', 'lundberg2017', 'alzheimerWorkflow'],
  usesBaseline: true,
  passesPerRow: (settings, workload) =>
    (settings.samples ?? defaultSampleCount) * featureCountOf(settings, workload),
  async attribute(problem) {
    const { rows, settings, random } = problem;
    const sampleCount = settings.samples ?? defaultSampleCount;
    const features = await featuresOf(problem);
    const orders = rows.ids.map((_, row) =>
      Array.from({ length: sampleCount }, () => random.permutation(features.countOf(row))),
    );
    const plays = orders.map((ofRow, row) => prefixes(row, ofRow));
    const values = await playGame(problem, features, plays);
    const estimates = values.map((value, row) => meanGains(value, orders[row] ?? []));
    return spreadShares(problem, features, {
      shares: estimates.map(({ mean }) => mean),
      standardErrors: estimates.map(({ standardError }) => standardError),
      evidence: {
        kind: 'estimated',
        n: rows.count,
        how: `${sampleCount.toLocaleString('en-US')} permutations for each row`,
      },
      isComplete: true,
    });
  },
};

/** No feature, all features, then for each order its first, its first two … all but its last feature. */
function prefixes(row: number, orders: readonly Uint32Array[]): Coalitions {
  const count = orders[0]?.length ?? 0;
  const between = Math.max(0, count - 1);
  return {
    row,
    count: 2 + orders.length * between,
    members: (coalition, present) => {
      if (coalition < 2) {
        present.fill(coalition);
        return;
      }
      const order = orders[Math.floor((coalition - 2) / between)] ?? [];
      const size = ((coalition - 2) % between) + 1;
      present.fill(0);
      for (let place = 0; place < size; place++) present[order[place] ?? 0] = 1;
    },
  };
}

function meanGains(
  values: Float64Array,
  orders: readonly Uint32Array[],
): { readonly mean: Float64Array; readonly standardError: Float64Array } {
  const count = orders[0]?.length ?? 0;
  const between = Math.max(0, count - 1);
  const mean = new Float64Array(count);
  const squares = new Float64Array(count);
  for (const [index, order] of orders.entries()) {
    let before = values[0] ?? NaN;
    for (const [place, feature] of order.entries()) {
      const isLast = place === count - 1;
      const after = values[isLast ? 1 : 2 + index * between + place] ?? NaN;
      // Welford: the mean so far, and the sum of squared deviations from it.
      const deviation = after - before - (mean[feature] ?? 0);
      mean[feature] = (mean[feature] ?? 0) + deviation / (index + 1);
      squares[feature] = (squares[feature] ?? 0) + deviation * (after - before - (mean[feature] ?? 0));
      before = after;
    }
  }
  const sampleCount = orders.length;
  return { mean, standardError: squares.map((sum) => Math.sqrt(sum / (sampleCount - 1) / sampleCount)) };
}
