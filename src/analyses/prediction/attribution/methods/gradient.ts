import { emptyScores, rowPoints } from '../points.js';
import type { AttributionMethod, Attributions, Problem } from '../problem.js';

/**
 * The gradient: ∂f/∂x at the input, or ∂f/∂L at a layer.
 *
 * Assumes that f is close to linear around x. High absolute values: a small change there changes the prediction most.
 * Low: f is flat there, which also happens where a unit is saturated and the feature matters all the same. Scores do not
 * add up to anything.
 *
 * Source: Simonyan, Vedaldi & Zisserman (2013), "Deep Inside Convolutional Networks: Visualising Image Classification
 * Models and Saliency Maps", https://arxiv.org/abs/1312.6034. Differs: signed, per channel; the paper shows the largest
 * absolute value over channels.
 */
export const gradient: AttributionMethod = {
  title: 'Gradient',
  reading:
    'Each score is the slope of the explained value: how much it would rise if this element grew by one.',
  paperIds: ['simonyan2013'],
  takes: ['layer', 'neuron', 'position', 'output'],
  needsGradients: true,
  attribute: (problem) => localGradient(problem, (slope) => slope),
};

/** Returns scores made from the gradient and the value at every element of the inputs, or of the layer if one is set. */
export async function localGradient(
  problem: Problem,
  score: (slope: number, value: number) => number,
): Promise<Attributions> {
  const { inputs, layer, rows } = problem;
  const sites = layer === undefined ? inputs : [layer];
  const scores = sites.map((site) => emptyScores(site, rows.count));
  const field = problem.open({ coordinates: inputs, sites });
  problem.expect(rows.count);
  await field.gradientsAndValues(rowPoints(inputs, rows.count), (result) => {
    const target = scores[result.site]?.row(result.point) ?? [];
    for (let i = 0; i < target.length; i++) target[i] = score(result.gradient[i] ?? 0, result.value[i] ?? 0);
  });
  return { scores, isComplete: false };
}
