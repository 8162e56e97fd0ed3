import { addScaled } from '../../../../engine/numeric/vectors.js';
import { featureCountOf } from '../featureCount.js';
import { type Coalitions, playGame } from '../game.js';
import { featuresOf, spreadShares } from '../shares.js';
import type { AttributionMethod } from '../problem.js';

/**
 * Feature ablation: f(x) − f(x without the feature), the feature's elements taken from the baseline.
 *
 * Assumes that a feature can be judged by its absence alone. High: without it the explained value drops. Near zero: it is
 * not used, or another feature stands in for it: of two copies neither is missed. Scores add up to the prediction only
 * where features do not act together. With a background the mean over its rows is taken.
 *
 * Source: Zeiler & Fergus (2013), "Visualizing and Understanding Convolutional Networks",
 * https://arxiv.org/abs/1311.2901, whose grey square is one kind of absent feature.
 */
export const featureAblation: AttributionMethod = {
  title: 'Feature ablation',
  scoresAre: 'shares',
  reading:
    'Each score is how much the explained value drops when the feature of this element is replaced by the baseline, all others as they are.',
  paperIds: ['zeiler2013'],
  usesBaseline: true,
  passesPerRow: (settings, workload) => 1 + featureCountOf(settings, workload),
  async attribute(problem) {
    const features = await featuresOf(problem);
    const plays = problem.rows.ids.map((_, row) => leaveOneOut(row, features.countOf(row)));
    const values = await playGame(problem, features, plays);
    const shares = values.map((value) => {
      // The first coalition is the whole row.
      const drops = new Float64Array(value.length - 1).fill(value[0] ?? NaN);
      addScaled(drops, value.subarray(1), -1);
      return drops;
    });
    return spreadShares(problem, features, { shares, isComplete: false });
  },
};

/** All features, then all but one in turn. */
function leaveOneOut(row: number, count: number): Coalitions {
  return {
    row,
    count: count + 1,
    members: (coalition, present) => {
      present.fill(1);
      if (coalition > 0) present[coalition - 1] = 0;
    },
  };
}
