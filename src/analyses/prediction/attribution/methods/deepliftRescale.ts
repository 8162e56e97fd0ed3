import { multipliedDifferences, multiplierFacts } from '../multiplied.js';
import type { AttributionMethod } from '../problem.js';

/**
 * DeepLIFT with the Rescale rule: m · (xᵢ − bᵢ), where the multiplier m of a nonlinearity is Δy/Δx between the row and
 * the baseline, and multipliers chain like derivatives.
 *
 * Assumes that the baseline is a neutral input. Needs one pass and does not vanish where units are saturated. The scores
 * of a row add up to f(x) − f(b) wherever every nonlinearity has a rule: elementwise ones, max pooling and other extremes,
 * products and quotients (shared out evenly), softmax and normalisations. The report names operators without one. High:
 * the element lifted the prediction above the baseline's. Caveat: inputs that cancel each other inside a unit both score
 * low; compare deeplift-revealcancel.
 *
 * Source: Shrikumar, Greenside & Kundaje (2017), "Learning Important Features Through Propagating Activation
 * Differences", https://arxiv.org/abs/1704.02685. Differs: Captum and shap send the plain gradient through products,
 * LayerNorm and GELU and so do not add up on transformers; Captum's softmax rule depends on the batch; max-pool and
 * softmax rules here are complete, and equal differences get the slope between both values.
 */
export const deepliftRescale: AttributionMethod = {
  ...multiplierFacts,
  title: 'DeepLIFT (Rescale)',
  scoresAre: 'shares',
  reading:
    'Each score is the element’s share of f(x) − f(baseline): its difference from the baseline times a multiplier that stands for everything behind it.',
  paperIds: ['shrikumar2017', 'shrikumar2016'],
  attribute: (problem) => multipliedDifferences(problem, 'rescale'),
};
