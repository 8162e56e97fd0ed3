import { type DifferenceRule, multiplierPass } from '../../../engine/relevance/deeplift/multiplierPass.js';
import { addScaled } from '../../../engine/numeric/vectors.js';
import type { Finding } from '../../../protocol/report.js';
import type { PointSource } from './field.js';
import { passesPerGradient } from './passes.js';
import { emptyScores, rowOf } from './points.js';
import type { AttributionMethod, Attributions, Problem } from './problem.js';

/** Returns the settings that the methods of DeepLIFT share. */
export const multiplierFacts = {
  usesBaseline: true,
  // A second forward pass on the reference, and more to compute at every nonlinearity.
  passesPerRow: () => 2 * passesPerGradient,
  whyIncomplete: () => ({
    severity: 'warning',
    reason: 'operators without a rule are on the way, or the differences are lost in rounding',
    advice: 'Use method=integrated-gradients, which needs no rule for each operator.',
  }),
} as const satisfies Partial<AttributionMethod>;

/** Returns the contributions m · (x − b) of the inputs, or of the layer if one is set, averaged over the baselines. */
export async function multipliedDifferences(problem: Problem, kind: DifferenceRule): Promise<Attributions> {
  const { inputs, layer, rows, baselines } = problem;
  const sites = layer === undefined ? inputs : [layer];
  const scores = sites.map((site) => emptyScores(site, rows.count));
  const field = problem.open({ coordinates: inputs, sites, backward: multiplierPass(kind) });
  const points = pairs(problem);
  problem.expect(points.count);
  await field.gradients(points, ({ point, site, gradient }) => {
    addScaled(scores[site]?.row(points.rowOf(point)) ?? new Float64Array(), gradient, 1 / baselines.count);
  });
  const withoutRule = field.operatorsWithoutRule();
  return { scores, isComplete: true, withoutRule, findings: withoutRuleFindings(withoutRule) };
}

/** Every row with every baseline: coordinates beyond the last are those of the baseline. */
function pairs({ inputs, rows, baselines }: Problem): PointSource {
  return {
    count: baselines.count * rows.count,
    rowOf: (point) => point % rows.count,
    write(point, coordinate, target) {
      const row = point % rows.count;
      const input = inputs[coordinate];
      if (input !== undefined) target.set(rowOf(input, row));
      else {
        target.set(baselines.read(Math.floor(point / rows.count), row, coordinate - inputs.length));
      }
    },
  };
}

function withoutRuleFindings(operators: readonly string[]): Finding[] {
  if (operators.length === 0) return [];
  return [
    {
      severity: 'warning',
      message: `There is no multiplier rule for ${operators.join(', ')} as used here: the gradient went through in its place, and the scores may not add up.`,
      advice: 'Look at the completeness error, or use method=integrated-gradients.',
    },
  ];
}
