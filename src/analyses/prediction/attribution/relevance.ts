import { maxAbs, sumOf } from '../../../engine/numeric/vectors.js';
import type { LayerRules } from '../../../engine/relevance/lrp/layerRule.js';
import { relevancePass } from '../../../engine/relevance/lrp/relevancePass.js';
import { elementCountOf, float32Tensor } from '../../../onnx/tensorValue.js';
import type { Finding } from '../../../protocol/report.js';
import { passesPerGradient } from './passes.js';
import { emptyScores, rowPoints } from './points.js';
import type { AttributionMethod, Attributions, Problem, Scores } from './problem.js';

/** Returns the settings that the methods of layer-wise relevance propagation share. */
export const relevanceFacts = {
  usesBaseline: false,
  // Rules with signs run every layer some times more.
  passesPerRow: () => 2 * passesPerGradient,
} as const satisfies Partial<AttributionMethod>;

/** Keeps sums from 0 in rules without an ε of their own, as Captum does. */
export const smallestSum = 1e-9;

/** Returns the relevance of the inputs, or of the layer if one is set, with what was lost on the way. */
export async function relevances(problem: Problem, rules: LayerRules): Promise<Attributions> {
  const { inputs, layer, rows } = problem;
  const sites = layer === undefined ? inputs : [layer];
  const scores = sites.map((site) => emptyScores(site, rows.count));
  const lost = new Float64Array(rows.count);
  const field = problem.open({ coordinates: inputs, sites, backward: relevancePass(rules) });
  problem.expect(2 * rows.count);
  await field.gradients(rowPoints(inputs, rows.count), ({ point, site, gradient, terms }) => {
    scores[site]?.row(point).set(gradient);
    lost[point] = terms[0] ?? 0;
  });
  const output = await field.values(rowPoints(inputs, rows.count));
  const totals = totalsPerRow(scores, rows.count);
  const error = totals.map((total, row) => total - (output[row] ?? NaN));
  const withoutRule = field.operatorsWithoutRule();
  const array = (
    values: Float64Array,
  ): { value: ReturnType<typeof float32Tensor>; evidence: { kind: 'measured'; n: number } } => ({
    value: float32Tensor(Float32Array.from(values), [values.length]),
    evidence: { kind: 'measured', n: values.length },
  });
  return {
    scores,
    isComplete: false,
    metrics: { conservationError: sumOf(error) / error.length, maxConservationError: maxAbs(error) },
    arrays: { conservationError: array(error), biasRelevance: array(lost) },
    withoutRule,
    findings: withoutRuleFindings(withoutRule),
    notes: [conservationNote({ output, error, lost })],
  };
}

function totalsPerRow(scores: readonly Scores[], rowCount: number): Float64Array {
  return Float64Array.from({ length: rowCount }, (_, row) =>
    scores.reduce((sum, { data, dims }) => {
      const size = elementCountOf(dims.slice(1));
      return sum + sumOf(data.subarray(row * size, (row + 1) * size));
    }, 0),
  );
}

/** Where the explained value went, in shares of what there was to hand out. */
function conservationNote(found: Readonly<Record<'output' | 'error' | 'lost', Float64Array>>): string {
  const { output, error, lost } = found;
  const size = output.reduce((sum, value) => sum + Math.abs(value), 0);
  const share = (values: Float64Array): string =>
    `${((100 * values.reduce((sum, value) => sum + Math.abs(value), 0)) / size).toFixed(1)} %`;
  const elsewhere = error.map((value, row) => -value - (lost[row] ?? 0));
  return `Relevance is conserved but for what biases and ε take: ${share(lost)} of the explained value stayed with them, and ${share(elsewhere)} with operators that do not conserve it.`;
}

function withoutRuleFindings(operators: readonly string[]): Finding[] {
  if (operators.length === 0) return [];
  return [
    {
      severity: 'warning',
      message: `There is no relevance rule for ${operators.join(', ')} as used here: the gradient went through in its place, which does not conserve relevance.`,
      advice: 'Look at the conservation error, or use method=integrated-gradients.',
    },
  ];
}
